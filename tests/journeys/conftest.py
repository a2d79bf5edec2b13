"""Starts the real processes once a session, and shows the gateway's log where a test fails."""

import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.journeys.behaviours import UPSTREAM_KEY
from tests.journeys.configs import Starter, config_for
from tests.journeys.processes import Gateway, Upstream

RUNNING = pytest.StashKey[list[Gateway]]()


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """The second server."""
    server = Upstream()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def start(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Starter]:
    """Starts gateways in folders of their own; stops at the end what still runs, and looks for defects in every log."""
    running = request.config.stash.setdefault(RUNNING, [])

    def start(config: str | None, env: dict[str, str] | None = None) -> Gateway:
        folder: Path = tmp_path_factory.mktemp("gateway")
        running.append(Gateway(folder, config, {"UPSTREAM_KEY": UPSTREAM_KEY} | (env or {})))
        return running[-1]

    yield start
    codes = [one.stop() for one in running]
    assert set(codes) <= {0}, codes
    defects = [one.tail() for one in running if b"Traceback" in one.log.read_bytes()]
    assert not defects, "\n".join(defects)


@pytest.fixture(scope="session")
def gateway(start: Starter, upstream: Upstream) -> Gateway:
    """The gateway that most journeys go through; its bounds are low enough to meet them."""
    return start(config_for(upstream, "heartbeat: 200ms, receive: 1s, body: 16MiB, drain: 5s"))


@pytest.fixture
def tag() -> str:
    """Makes a model's name this test's own: `plain@tag`."""
    return f"@{uuid.uuid4().hex[:8]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the end of every gateway's log to the report of a failure."""
    report = yield
    if report.failed:
        for one in item.config.stash.get(RUNNING, []):
            report.sections.append((f"log of the gateway on port {one.port}", one.tail(3000)))
    return report
