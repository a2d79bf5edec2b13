"""Properties: how bytes are cut makes no difference, and no bytes break the server."""

import asyncio
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.web.server import ServerLimits, protocol_factory
from tests.unit.web.server.running import Config, State, get, mirror, post, refuse

STREAM = (
    post(b'{"a": 1}', b"/one?x=y", b"X-Key:  value  ")
    + b"POST /two HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1f;e=1\r\n"
    + b"d" * 31
    + b"\r\n0\r\nx-trailer: t\r\n\r\n"
    + post(b"upgrade", b"/three", b"Connection: Upgrade", b"Upgrade: h2c")
    + get(b"/four", b"Connection: close")
)


class Memory(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def answered(pieces: list[bytes], limits: ServerLimits) -> Memory:
    """What the server writes to a client that sends these pieces."""
    state = State()
    connection = protocol_factory(limits, refuse)(config=Config(mirror), server_state=state, app_state={})
    transport = Memory()
    connection.connection_made(transport)
    for piece in pieces:
        connection.data_received(piece)
        if len(pieces) < 50:
            await asyncio.sleep(0)
    # Until every task is gone, or waits for bytes that will not come.
    for _ in range(50):
        await asyncio.sleep(0)
    connection.eof_received()
    connection.connection_lost(None)
    if state.tasks:
        await asyncio.wait(state.tasks, timeout=5)
    assert not state.connections
    assert not state.tasks
    return transport


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=20))
async def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(set(cuts)), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(edges)]
    whole = await answered([STREAM], ServerLimits())
    assert (await answered(pieces, ServerLimits())).written == whole.written
    assert whole.written.count(b"HTTP/1.1 200 OK") == 4
    assert whole.closed


async def test_a_byte_at_a_time_makes_no_difference() -> None:
    whole = await answered([STREAM], ServerLimits())
    assert (await answered([STREAM[at : at + 1] for at in range(len(STREAM))], ServerLimits())).written == whole.written


@given(st.lists(st.binary(max_size=50) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"0\r\n\r\n", STREAM, get()[:-2]]), max_size=8))
async def test_no_bytes_break_the_server(pieces: list[bytes]) -> None:
    transport = await answered(pieces, ServerLimits(header_bytes=300))
    assert not transport.written or transport.written.startswith(b"HTTP/1.1 ")
