"""Writes that wait for the end of a turn of the loop."""

import asyncio
import socket
import struct

from gateway.providers.transport.outbox import Outbox


class Sink:
    """Notes what is written."""

    def __init__(self, *, closing: bool = False, broken: bool = False) -> None:
        self.closing = closing
        self.broken = broken
        self.written: list[bytes | memoryview] = []

    def write(self, data: bytes | memoryview) -> None:
        if self.broken:
            raise RuntimeError("the handler is closed")
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing


async def test_writes_leave_in_order_at_the_end_of_the_turn() -> None:
    outbox, sink = Outbox(asyncio.get_running_loop()), Sink()
    outbox.put(sink, b"a")
    outbox.put(sink, b"b")
    assert sink.written == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sink.written == [b"a", b"b"]


async def test_a_flush_writes_now_and_only_once() -> None:
    outbox, sink = Outbox(asyncio.get_running_loop()), Sink()
    outbox.put(sink, b"a")
    outbox.flush()
    assert sink.written == [b"a"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sink.written == [b"a"]


async def test_a_sink_that_closed_or_broke_costs_the_others_nothing() -> None:
    outbox, last = Outbox(asyncio.get_running_loop()), Sink()
    closed, broken = Sink(closing=True), Sink(broken=True)
    for sink in (closed, broken, last):
        outbox.put(sink, b"a")
    outbox.flush()
    assert last.written == [b"a"]
    assert closed.written == []


async def test_a_peer_that_resets_costs_the_others_nothing() -> None:
    """With the loop's own transports: a reset between put and flush closes the handle under the outbox."""
    loop = asyncio.get_running_loop()
    made: list[asyncio.Transport] = []

    class Keep(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(transport)  # type: ignore[arg-type]

    server = await loop.create_server(Keep, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    while len(made) < 2:
        await asyncio.sleep(0.005)
    outbox = Outbox(loop)
    peers[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    first = next(one for one in made if one.get_extra_info("peername") == peers[0].getsockname())
    second = next(one for one in made if one is not first)
    peers[0].close()
    while not first.is_closing():
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.01)
    outbox.put(first, b"lost")
    outbox.put(second, b"kept")
    outbox.flush()
    assert await loop.run_in_executor(None, peers[1].recv, 10) == b"kept"
    peers[1].close()
    server.close()
