"""The guards of `tests/conftest.py` do guard."""

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from blockbuster import BlockingError

import gateway


def as_gateway_code(source: str) -> Callable[..., Any]:
    """The function `run` of `source`, compiled as if it stood in a file of the gateway."""
    names: dict[str, Any] = {"time": time, "socket": socket, "Path": Path}
    exec(compile(source, str(Path(gateway.__file__).with_name("sample.py")), "exec"), names)
    found: Callable[..., Any] = names["run"]
    return found


async def test_async_tests_run_on_uvloop() -> None:
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)


@pytest.mark.parametrize("call", ["time.sleep(0.01)", "Path('/').stat()", "socket.getaddrinfo('127.0.0.1', 80)"])
async def test_gateway_code_that_blocks_the_loop_is_caught(call: str, blocking_calls: list[str]) -> None:
    with pytest.raises(BlockingError):
        as_gateway_code(f"def run():\n    {call}")()
    assert len(blocking_calls) == 1
    blocking_calls.clear()


async def test_a_blocking_call_is_remembered_when_the_gateway_swallows_it(blocking_calls: list[str]) -> None:
    as_gateway_code("def run():\n    try:\n        time.sleep(0.01)\n    except Exception:\n        pass")()
    assert "time.sleep" in blocking_calls[0]
    blocking_calls.clear()


async def test_gateway_code_may_block_in_a_thread() -> None:
    await asyncio.to_thread(as_gateway_code("def run():\n    time.sleep(0.001)"))


async def test_a_test_itself_may_block() -> None:
    time.sleep(0.001)  # noqa: ASYNC251  # that it may is the point
    assert Path(__file__).exists()  # noqa: ASYNC240


def test_gateway_code_may_block_outside_a_loop() -> None:
    as_gateway_code("def run():\n    time.sleep(0.001)")()
