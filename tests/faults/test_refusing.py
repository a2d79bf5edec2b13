"""What policy adds to failover, over every wire and for every dialect: filters, and prompts that are too long.

An answer that a filter stops after its first content is that answer: nothing may be put in its place.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.dialects import DIALECTS, call
from tests.faults.provider import Provider
from tests.faults.refusing import Refusing
from tests.journeys.processes import Gateway
from tests.journeys.wire import Answer, ask

WIRES = ("openai", "openai-own", "azure", "anthropic", "google", "bedrock")
WAYS = ("filtered", "cut", "long")


def config_for(bad: Provider, good: Provider) -> str:
    origin = f"http://127.0.0.1:{bad.port}"
    models = "\n".join(
        f"  {wire}-{way}: {{ chain: [ {{ target: {wire}/{way} }}, {{ target: good/ok, priority: 2 }} ], "
        "failover: { context_length: large, content_filter: next } }"
        for wire, way in itertools.product(WIRES, WAYS)
    )
    return f"""
providers:
  openai: {{ wire: openai, base_url: "{origin}/v1", api_keys: [ x ] }}
  openai-own: {{ wire: openai, vendor: openai, base_url: "{origin}/v1", api_keys: [ x ] }}
  azure: {{ wire: azure, base_url: "{origin}", version: 2024-10-21, api_keys: [ x ] }}
  anthropic: {{ wire: anthropic, base_url: "{origin}", api_keys: [ x ] }}
  google: {{ wire: google, base_url: "{origin}/v1beta", api_keys: [ x ] }}
  bedrock: {{ wire: bedrock, base_url: "{origin}", location: us-east-1, api_keys: [ x ] }}
  good: {{ wire: openai, base_url: "http://127.0.0.1:{good.port}/v1", api_keys: [ x ] }}
models:
{models}
  large: good/ok
"""


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with Refusing("primary") as bad, Provider("secondary") as good:
        gateway = await asyncio.to_thread(Gateway, tmp_path, config_for(bad, good))
        try:
            yield gateway
        finally:
            code = await asyncio.to_thread(gateway.stop)
            log = gateway.log.read_text(errors="replace")
            assert (code, "Traceback" in log) == (0, False), log[-3000:]


@pytest.mark.timeout(60)
async def test_what_one_will_not_answer_another_does_and_an_answer_that_has_begun_is_never_replaced(gateway: Gateway) -> None:
    wrong = []
    for wire, way, dialect, stream in itertools.product(WIRES, WAYS, DIALECTS, (False, True)):
        answer = await ask(gateway, call(dialect, f"{wire}-{way}", stream=stream))
        if way == "cut" and stream:
            right = _told(answer, f"{wire}/cut", 1) and b"I ca" in answer.body and b"secondary" not in answer.body
        else:
            right = _told(answer, "good/ok", 2) and b"secondary" in answer.body and b"I ca" not in answer.body
        if not right:
            wrong.append((wire, way, dialect, stream, answer.status, dict(answer.headers), answer.body[:300]))
    assert not wrong, (len(wrong), wrong[:4])


def _told(answer: Answer, model: str, attempts: int) -> bool:
    headers = answer.headers
    return (answer.status, headers["x-fleetgate-model"], headers["x-fleetgate-attempts"]) == (200, model, str(attempts))
