"""The limits of every phase, who may be slow without breaking them, and what leaving does."""

import asyncio
import socket

import pytest

from gateway.core.catalog import Timeouts
from gateway.core.errors import UpstreamBroken, UpstreamTimeout
from tests.contracts.transport.conftest import Client, post
from tests.contracts.transport.servers import OK, Peer, Script, Server, answer, replying, serving, wait

LIMIT = 1 << 20
STREAM = OK + b"transfer-encoding: chunked\r\n\r\n"


def dripping(start: bytes, drop: bytes, every_s: float = 0.02) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(start)
        while True:
            await asyncio.sleep(every_s)
            await peer.send(drop)

    return script


async def phase_of(client: Client, server: Server, timeouts: Timeouts) -> tuple[str, float]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(UpstreamTimeout) as caught:
        await (await client.ask(server, timeouts)).whole(LIMIT)
    assert loop.time() - began < 5
    return caught.value.phase, caught.value.limit_s


async def test_a_connection_that_does_not_come_about_in_time(client: Client) -> None:
    with socket.socket() as full:  # nobody accepts, so that its queue is soon full and nobody answers any more
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        full.setblocking(False)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        server = Server(wait)
        server.port = full.getsockname()[1]
        assert await phase_of(client, server, Timeouts(connect_s=0.1)) == ("connect", 0.1)
        for filler in fillers:
            filler.close()


async def test_no_first_byte_in_time(client: Client) -> None:
    async with serving(wait) as server:
        assert await phase_of(client, server, Timeouts(first_byte_s=0.1)) == ("first_byte", 0.1)
        await server.ended()


async def test_a_head_that_drips_does_not_extend_the_first_byte(client: Client) -> None:
    async with serving(dripping(OK + b"x-slow: ", b"v")) as server:
        assert await phase_of(client, server, Timeouts(first_byte_s=0.3)) == ("first_byte", 0.3)
        await server.ended()


async def test_interim_answers_do_not_extend_the_first_byte(client: Client) -> None:
    async with serving(dripping(b"", b"HTTP/1.1 102 Processing\r\n\r\n")) as server:
        assert await phase_of(client, server, Timeouts(first_byte_s=0.3)) == ("first_byte", 0.3)


async def test_silence_between_bytes(client: Client) -> None:
    async with serving(replying(STREAM + b"5\r\nhello\r\n", then=wait)) as server:
        assert await phase_of(client, server, Timeouts(between_bytes_s=0.1)) == ("between_bytes", 0.1)
        await server.ended()


async def test_a_stream_that_never_falls_silent_goes_on(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM)
        for _ in range(20):
            await asyncio.sleep(0.05)
            await peer.send(b"1\r\nx\r\n")
        await peer.send(b"0\r\n\r\n")
        await peer.left()

    async with serving(script) as server:
        incoming = await client.ask(server, Timeouts(first_byte_s=0.5, between_bytes_s=0.5))
        assert await incoming.whole(LIMIT) == b"x" * 20


async def test_the_whole_exchange_has_a_limit(client: Client) -> None:
    async with serving(dripping(STREAM, b"1\r\nx\r\n")) as server:
        assert await phase_of(client, server, Timeouts(total_s=0.3)) == ("total", 0.3)
        await server.ended()


async def test_the_whole_exchange_has_a_limit_before_its_first_byte_too(client: Client) -> None:
    async with serving(wait) as server:
        assert await phase_of(client, server, Timeouts(total_s=0.1)) == ("total", 0.1)


async def test_a_shorter_limit_on_a_reused_connection_counts(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"hello"))
        await peer.left()

    async with serving(script) as server:
        transport = await client.open(server)
        assert await (await transport.send(post(), Timeouts())).whole(LIMIT) == b"hello"
        with pytest.raises(UpstreamTimeout):
            await asyncio.wait_for(transport.send(post(), Timeouts(first_byte_s=0.1)), 5)


# ---------------------------------------------------------------- flow control


async def test_a_slow_reader_stalls_the_server(client: Client) -> None:
    sent = 0
    stalled = asyncio.Event()

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(OK + b"content-length: %d\r\n\r\n" % (64 << 20))
        for _ in range(1024):
            peer.writer.write(bytes(1 << 16))
            try:
                async with asyncio.timeout(0.5):
                    await peer.writer.drain()
            except TimeoutError:
                stalled.set()
                await peer.writer.drain()
            sent += 1 << 16
        await peer.left()

    async with serving(script) as server:
        incoming = await client.ask(server)
        await asyncio.wait_for(stalled.wait(), 10)
        assert sent < 32 << 20
        size = 0
        while block := await incoming.read():
            size += len(block)
        assert size == 64 << 20


async def test_a_slow_reader_is_not_the_servers_silence(native: Client) -> None:
    """Ours only: httpx counts from the read, so that the question does not arise."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"content-length: %d\r\n\r\n" % (16 << 20))
        await peer.send(bytes(16 << 20))
        await peer.left()

    async with serving(script) as server:
        incoming = await native.ask(server, Timeouts(between_bytes_s=0.2))
        await asyncio.sleep(0.6)
        assert len(await incoming.whole(32 << 20)) == 16 << 20


async def test_a_server_that_takes_a_long_body_slowly_is_waited_for(native: Client) -> None:
    """Ours only: the first byte is awaited once the body has left. httpx counts from the start."""

    async def script(peer: Peer) -> None:
        await peer.head()
        left = 64 << 20
        while left:  # half of it slowly: longer than the limit, but never silent for so long
            left -= len(await peer.reader.read(1 << 20))
            await asyncio.sleep(0.01 if left > 32 << 20 else 0)
        await peer.send(answer(b"hello"))
        await peer.left()

    async with serving(script) as server:
        incoming = await (await native.open(server)).send(post(bytes(64 << 20)), Timeouts(first_byte_s=0.6))
        assert await incoming.whole(LIMIT) == b"hello"


async def test_a_server_that_does_not_take_a_long_body_times_out(client: Client) -> None:
    async def script(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(10)

    async with serving(script) as server:
        with pytest.raises(UpstreamTimeout) as caught:
            await (await client.open(server)).send(post(bytes(64 << 20)), Timeouts(first_byte_s=0.3))
        assert caught.value.phase == "first_byte"


async def test_an_answer_before_the_body_is_taken_is_the_answer(native: Client) -> None:
    """Ours only: httpx writes to the end first."""

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await peer.send(answer(b"too large", status=b"413 Content Too Large"))
        await asyncio.sleep(10)

    async with serving(script) as server:
        incoming = await (await native.open(server)).send(post(bytes(64 << 20)), Timeouts())
        assert (incoming.status, await incoming.whole(LIMIT)) == (413, b"too large")


# ---------------------------------------------------------------- leaving


async def test_cancelling_a_request_closes_the_connection_at_once(client: Client) -> None:
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.left()

    async with serving(script) as server:
        sending = asyncio.create_task((await client.open(server)).send(post(), Timeouts()))
        await asked.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.wait_for(server.ended(), 5)


async def test_cancelling_a_long_upload_closes_the_connection_at_once(client: Client) -> None:
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        asked.set()
        await asyncio.sleep(0.1)
        await peer.left()

    async with serving(script) as server:
        sending = asyncio.create_task((await client.open(server)).send(post(bytes(64 << 20)), Timeouts()))
        await asked.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.wait_for(server.ended(), 5)


async def test_cancelling_while_connecting_leaves_nothing_open(client: Client) -> None:
    async with serving(wait) as server:
        transport = await client.open(server)
        for _ in range(10):
            sending = asyncio.create_task(transport.send(post(), Timeouts()))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        await asyncio.sleep(0.05)
        await asyncio.wait_for(server.ended(len(server.peers)), 5)


async def test_closing_an_answer_before_its_end_closes_the_connection_at_once(client: Client) -> None:
    async with serving(replying(STREAM + b"5\r\nhello\r\n", then=wait)) as server:
        incoming = await client.ask(server)
        assert await incoming.read() == b"hello"
        incoming.close()
        incoming.close()
        await asyncio.wait_for(server.ended(), 5)
        with pytest.raises(UpstreamBroken):
            await incoming.read()


async def test_closing_an_answer_whose_reader_was_cancelled(client: Client) -> None:
    async with serving(replying(STREAM + b"5\r\nhello\r\n", then=wait)) as server:
        incoming = await client.ask(server)
        assert await incoming.read() == b"hello"
        reading = asyncio.create_task(incoming.read())
        await asyncio.sleep(0.02)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        incoming.close()
        await asyncio.wait_for(server.ended(), 5)


async def test_closing_a_complete_answer_keeps_the_connection(client: Client) -> None:
    async with serving(replying(answer(b"hello"))) as server:
        transport = await client.open(server)
        for _ in range(2):
            incoming = await transport.send(post(), Timeouts())
            await incoming.whole(LIMIT)
            incoming.close()
        assert len(server.peers) == 1


async def test_closing_an_old_answer_does_not_touch_the_exchange_that_follows_it(client: Client) -> None:
    turn = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"first"))
        await peer.request()
        await peer.send(STREAM)
        await turn.wait()
        await peer.send(b"6\r\nsecond\r\n0\r\n\r\n")
        await peer.left()

    async with serving(script) as server:
        transport = await client.open(server)
        first = await transport.send(post(), Timeouts())
        assert await first.whole(LIMIT) == b"first"
        second = await transport.send(post(), Timeouts())
        first.close()
        turn.set()
        assert await second.whole(LIMIT) == b"second"
