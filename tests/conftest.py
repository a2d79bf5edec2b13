"""What holds for every test: async tests run on uvloop, and gateway code that blocks the loop fails the test it blocks in."""

import asyncio
import functools
import os
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import blockbuster
import pytest
import uvloop
from blockbuster import BlockBuster, BlockBusterFunction, BlockingError
from hypothesis import HealthCheck, settings
from pytest_asyncio import is_async_test

import gateway

# A loaded CI machine must not turn a slow example into a failure; there the examples are the same in every run.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile(
    "ci", deadline=None, max_examples=100, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))

# Where gateway code may block on the loop: (blockbuster's rule, end of the file's path, functions), each with its reason.
MAY_BLOCK: tuple[tuple[str, str, frozenset[str]], ...] = (
    # The test runner's own log handler; in production records go to a queue (gateway/telemetry/logs.py).
    ("io.TextIOWrapper.write", "logging/__init__.py", frozenset({"emit"})),
    ("io.BufferedWriter.write", "logging/__init__.py", frozenset({"emit"})),
)


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], Any]]:
    """The loop that serves in production is the loop that the tests run on."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Ends an async test that hangs: the signal of pytest-timeout does not wake an idle uvloop."""
    limit_s = float(config.getini("timeout"))
    for item in items:
        if isinstance(item, pytest.Function) and is_async_test(item) and not hasattr(item.obj, "hypothesis"):
            marker = item.get_closest_marker("timeout")
            item.obj = _bounded(item.obj, float(marker.args[0]) if marker and marker.args else limit_s)


def _bounded(test: Callable[..., Any], limit_s: float) -> Callable[..., Any]:
    @functools.wraps(test)
    async def bounded(*args: Any, **kwargs: Any) -> None:
        async with asyncio.timeout(limit_s * 0.9):
            await test(*args, **kwargs)

    return bounded


@pytest.fixture(autouse=True)
def blocking_calls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fails an async test in which gateway code blocked its loop, even where the gateway swallowed the error.

    Only calls with a frame of `gateway` on their stack count: a test itself, or an SDK that it drives, may read a file.
    """
    seen: list[str] = []
    if not is_async_test(request.node):
        yield seen
        return

    class RecordedBlockingError(BlockingError):
        def __init__(self, func: str) -> None:
            super().__init__(func)
            seen.append(f"{self}\n{''.join(traceback.format_stack(limit=12)[:-2])}")

    monkeypatch.setattr(blockbuster.blockbuster, "BlockingError", RecordedBlockingError)
    guard = _guard()
    guard.activate()
    try:
        yield seen
    finally:
        guard.deactivate()
    assert not seen, "the gateway blocked the event loop:\n" + "\n".join(seen)


def _guard() -> BlockBuster:
    guard = BlockBuster(gateway)
    guard.functions["socket.getaddrinfo"] = BlockBusterFunction(socket, "getaddrinfo", scanned_modules=gateway)
    for rule, file, functions in MAY_BLOCK:
        guard.functions[rule].can_block_in(file, functions)
    return guard
