"""A gateway with keys, in a process of its own, that the commands can be pointed at."""

from collections.abc import Iterator

import pytest

from tests.journeys.processes import Gateway

KEY = "sk-fg-of-these-tests"
CONFIG = f"""
providers: {{ echo: {{ wire: echo }}, keyless: {{ api_keys: [ "${{NO_SUCH_VARIABLE:-}}" ] }} }}
models: {{ echo: echo/echo, "echo*": echo/*, keyless: keyless/gpt }}
tenants: {{ tests: {{ keys: [ {{ name: cli, key: {KEY} }} ] }} }}
"""


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path_factory.mktemp("running"), CONFIG)
    yield gateway
    assert gateway.stop() == 0
