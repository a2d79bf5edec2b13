"""Bodies that come bit by bit: framing, back-pressure, an answer that overtakes them, and those that break off."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from gateway.core.catalog import PoolLimits, Timeouts
from gateway.core.errors import UpstreamBroken, UpstreamTimeout
from gateway.providers.transport.contract import Outgoing, Upload
from tests.contracts.transport.conftest import Client
from tests.contracts.transport.servers import Peer, answer, serving

LONG_S = 10.0
BLOCK = b"x" * 16_384


class Body:
    """Blocks to upload, and how far they have been taken. `hold`: waits there until told."""

    def __init__(self, *blocks: bytes, hold_at: int | None = None, fault: BaseException | None = None) -> None:
        self.blocks = blocks
        self.hold_at = hold_at
        self.fault = fault
        self.taken = 0
        self.holding = asyncio.Event()
        self.go = asyncio.Event()
        self.closed = False

    async def _all(self) -> AsyncIterator[bytes]:
        try:
            for place, block in enumerate(self.blocks):
                if place == self.hold_at:
                    self.holding.set()
                    await self.go.wait()
                self.taken = place + 1
                yield block
            if self.fault is not None:
                raise self.fault
        finally:
            self.closed = True

    def outgoing(self, length: int | None = None) -> Outgoing:
        return Outgoing(b"POST", b"/v1/files", [(b"content-type", b"x/y")], b"", upload=Upload(self._all(), length))


async def chunks(peer: Peer) -> bytes:
    """The body of a chunked request."""
    body = b""
    while size := int(await peer.reader.readline(), 16):
        body += (await peer.reader.readexactly(size + 2))[:-2]
    await peer.reader.readline()
    return body


async def test_a_body_of_known_length_goes_by_length(client: Client) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            seen.append(request)
            await peer.send(answer(b"taken"))

    async with serving(script) as server:
        transport = await client.open(server, pool=PoolLimits(total=1))
        for _ in range(2):
            incoming = await transport.send(Body(b"one", b"", b"two").outgoing(6), Timeouts())
            assert await incoming.whole(100) == b"taken"
        assert len(server.peers) == 1, "a finished upload leaves its connection fit for the next"
    for request in seen:
        head, _, body = request.lower().partition(b"\r\n\r\n")
        assert b"\r\ncontent-length: 6" in head
        assert b"transfer-encoding" not in head
        assert body == b"onetwo"


async def test_a_body_of_unknown_length_goes_in_chunks(client: Client) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        while head := await peer.head():
            seen.append(head.lower())
            seen.append(await chunks(peer))
            await peer.send(answer(b"taken"))

    async with serving(script) as server:
        transport = await client.open(server, pool=PoolLimits(total=1))
        for _ in range(2):
            assert await (await transport.send(Body(b"one", b"", b"two").outgoing(), Timeouts())).whole(100) == b"taken"
    assert b"\r\ntransfer-encoding: chunked" in seen[0]
    assert b"content-length" not in seen[0]
    assert seen[1::2] == [b"onetwo", b"onetwo"]


@pytest.mark.parametrize("length", [0, None])
async def test_an_empty_body(client: Client, length: int | None) -> None:
    async def script(peer: Peer) -> None:
        head = await peer.head()
        if b"chunked" in head.lower():
            assert await chunks(peer) == b""
        await peer.send(answer(b"taken"))

    async with serving(script) as server:
        transport = await client.open(server)
        assert await (await transport.send(Body().outgoing(length), Timeouts())).whole(100) == b"taken"


async def test_every_block_leaves_as_it_comes(client: Client) -> None:
    came = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        assert await peer.reader.readexactly(3) == b"one"
        came.set()
        assert await peer.reader.readexactly(3) == b"two"
        await peer.send(answer())

    body = Body(b"one", b"two", hold_at=1)
    async with serving(script) as server:
        transport = await client.open(server)
        sending = asyncio.create_task(transport.send(body.outgoing(6), Timeouts()))
        async with asyncio.timeout(LONG_S):
            await came.wait()
            body.go.set()
            (await sending).close()


async def test_a_provider_that_does_not_read_stops_the_upload(client: Client) -> None:
    read_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await read_on.wait()
        await peer.reader.readexactly(2000 * len(BLOCK))
        await peer.send(answer(b"taken"))

    body = Body(*[BLOCK] * 2000)  # 32 MB; what sockets hold by themselves is a few
    async with serving(script) as server:
        transport = await client.open(server)
        tracemalloc.start()
        try:
            sending = asyncio.create_task(transport.send(body.outgoing(2000 * len(BLOCK)), Timeouts()))
            taken = -1
            while taken != body.taken:
                taken = body.taken
                await asyncio.sleep(0.1)
            assert 0 < taken < 1900
            read_on.set()
            async with asyncio.timeout(LONG_S):
                assert await (await sending).whole(100) == b"taken"
        finally:
            tracemalloc.stop()
        assert body.taken == 2000


async def test_an_answer_that_overtakes_the_upload_is_there_at_once_and_the_rest_is_not_sent(native: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.reader.readexactly(3)
        await peer.send(answer(b"too large", status=b"413 Content Too Large"))
        await peer.left()

    body = Body(b"one", b"two", hold_at=1)
    async with serving(script) as server:
        transport = await native.open(server)
        async with asyncio.timeout(LONG_S):
            incoming = await transport.send(body.outgoing(6), Timeouts())
            assert incoming.status == 413
            assert await incoming.whole(100) == b"too large"
            await server.ended()  # half of a request is on that connection: it is of no more use
    assert body.taken == 1
    assert body.closed


async def test_an_answer_that_overtakes_the_upload_is_not_lost(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(answer(b"too large", status=b"413 Content Too Large"))
        await peer.left()

    async with serving(script) as server:
        transport = await client.open(server)
        async with asyncio.timeout(LONG_S):
            incoming = await transport.send(Body(*[BLOCK] * 200).outgoing(200 * len(BLOCK)), Timeouts())
            assert (incoming.status, await incoming.whole(100)) == (413, b"too large")


async def test_leaving_in_the_middle_of_an_upload_closes_the_connection(client: Client) -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.left()
        gone.set()

    body = Body(b"one", b"two", hold_at=1)
    async with serving(script) as server:
        transport = await client.open(server)
        sending = asyncio.create_task(transport.send(body.outgoing(6), Timeouts()))
        async with asyncio.timeout(LONG_S):
            await body.holding.wait()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await gone.wait()
    assert body.closed


@pytest.mark.parametrize("length", [6, None])
async def test_a_source_that_breaks_off_breaks_the_request(client: Client, length: int | None) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.left()

    async with serving(script) as server:
        transport = await client.open(server)
        async with asyncio.timeout(LONG_S):
            with pytest.raises(UpstreamBroken, match="the source"):
                await transport.send(Body(b"one", fault=UpstreamBroken("the source")).outgoing(length), Timeouts())
            await server.ended()


@pytest.mark.parametrize("length", [2, 4])
async def test_a_body_that_breaks_its_promise_is_not_passed_off_as_whole(client: Client, length: int) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.left()

    async with serving(script) as server:
        transport = await client.open(server)
        async with asyncio.timeout(LONG_S):
            with pytest.raises(UpstreamBroken, match="than its length"):
                await transport.send(Body(b"one").outgoing(length), Timeouts())
            await server.ended()


async def test_a_slow_source_does_not_use_up_the_providers_time(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"taken"))

    body = Body(b"one", b"two", hold_at=1)
    async with serving(script) as server:
        transport = await client.open(server)
        sending = asyncio.create_task(transport.send(body.outgoing(6), Timeouts(first_byte_s=0.2)))
        await asyncio.sleep(0.6)
        body.go.set()
        async with asyncio.timeout(LONG_S):
            assert await (await sending).whole(100) == b"taken"


async def test_after_the_upload_the_first_byte_has_its_time(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.left()

    async with serving(script) as server:
        transport = await client.open(server)
        async with asyncio.timeout(LONG_S):
            with pytest.raises(UpstreamTimeout) as caught:
                await transport.send(Body(b"one").outgoing(3), Timeouts(first_byte_s=0.2))
            assert caught.value.phase == "first_byte"
            await server.ended()


async def test_an_upload_that_is_never_taken_meets_the_first_bytes_limit(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(LONG_S)

    async with serving(script) as server:
        transport = await client.open(server)
        async with asyncio.timeout(LONG_S / 2):
            with pytest.raises(UpstreamTimeout) as caught:
                await transport.send(Body(*[BLOCK] * 2000).outgoing(2000 * len(BLOCK)), Timeouts(first_byte_s=0.3))
        assert caught.value.phase == "first_byte"


async def test_the_whole_exchange_has_a_limit_that_a_slow_source_cannot_extend(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.left()

    async with serving(script) as server:
        transport = await client.open(server)
        async with asyncio.timeout(LONG_S):
            with pytest.raises(UpstreamTimeout) as caught:
                await transport.send(Body(b"one", b"two", hold_at=1).outgoing(6), Timeouts(first_byte_s=0.2, total_s=0.4))
        assert caught.value.phase == "total"
