"""Servers that break the rules: a clear fault, in bounded memory and time, and nothing of it in the next exchange."""

import asyncio
import gzip
import zlib
from itertools import repeat

import pytest

from gateway.core.catalog import Timeouts
from gateway.core.errors import UpstreamBroken
from gateway.providers.transport.contract import Incoming
from tests.contracts.transport.conftest import Client, post
from tests.contracts.transport.servers import OK, Peer, Script, answer, chunked, hang_up, replying, reset, serving, wait

LIMIT = 1 << 20
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def flooding(start: bytes, block: bytes) -> Script:
    """Answers with `start`, then with `block` for ever."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(start)
        for one in repeat(block):
            await peer.send(one)

    return script


@pytest.mark.parametrize(
    ("start", "block"),
    [
        (OK, b"x-flood: yes\r\n" * 100),
        (b"HTTP/1.1 200 ", b"O" * 4096),
        (OK + b"x-endless: ", b"v" * 4096),
        (OK, b"n" * 4096),
        (b"", b"\r\n" * 2048),
    ],
    ids=["headers", "status line", "header value", "header name", "empty lines"],
)
async def test_an_endless_head_is_cut_off(client: Client, start: bytes, block: bytes) -> None:
    if client.driver == "httpx" and start == b"":
        pytest.skip("httpx bounds a head only once it has begun")
    async with serving(flooding(start, block)) as server:
        with pytest.raises(UpstreamBroken):
            await client.ask(server)
        await server.ended()


async def test_too_many_headers_are_refused(native: Client) -> None:
    """Ours only: httpx bounds bytes, not headers."""
    async with serving(replying(answer(b"", *[b"a: b"] * 300))) as server:
        with pytest.raises(UpstreamBroken, match="256 headers"):
            await native.ask(server)
        await server.ended()


async def test_interim_answers_without_end_are_cut_off(native: Client) -> None:
    """Ours only: httpx reads on until its timeout."""
    async with serving(flooding(b"", b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 50)) as server:
        with pytest.raises(UpstreamBroken, match="over 65536 bytes"):
            await native.ask(server)
        await server.ended()


@pytest.mark.parametrize(
    ("start", "block"),
    [
        (CHUNKED + b"5;ext=", b"x" * 4096),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", b"x-trailer: y\r\n" * 100),
        (CHUNKED, b"0" * 4096),
    ],
    ids=["chunk extension", "trailers", "chunk size"],
)
async def test_endless_framing_within_a_body_is_cut_off(client: Client, start: bytes, block: bytes) -> None:
    async with serving(flooding(start, block)) as server:
        incoming = await client.ask(server)
        with pytest.raises(UpstreamBroken):
            await incoming.whole(LIMIT)
        await server.ended()


async def test_a_body_over_the_limit_is_cut_off(client: Client) -> None:
    async with serving(flooding(OK + b"\r\n", b"x" * 4096)) as server:
        incoming = await client.ask(server)
        with pytest.raises(UpstreamBroken, match="over 100000 bytes"):
            await incoming.whole(100_000)
        await server.ended()


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.7\r\n",
        b"<html>no</html>",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        OK + b"content-length: -1\r\n\r\nhello",
        OK + b"content-length: five\r\n\r\nhello",
        OK + b"no colon\r\n\r\n",
        OK + b"x: a\0b\r\ncontent-length: 0\r\n\r\n",
        OK + b"transfer-encoding: gzip\r\n\r\nhello",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_broken_answer(client: Client, raw: bytes) -> None:
    if client.driver == "httpx" and b"101" in raw:
        pytest.skip("httpx hands an upgrade to its caller")
    async with serving(replying(raw, then=hang_up)) as server:
        with pytest.raises(UpstreamBroken):
            await (await client.ask(server)).whole(LIMIT)


async def test_two_framings_at_once_are_refused(native: Client) -> None:
    """Ours only: httpx prefers the chunks."""
    raw = OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    async with serving(replying(raw, then=wait)) as server:
        with pytest.raises(UpstreamBroken):
            await native.ask(server)


@pytest.mark.parametrize("size", [b"zz", b"-1", b"ffffffffffffffffff", b"", b"5 5", b"0x5"])
async def test_an_impossible_chunk_size_is_a_broken_answer(client: Client, size: bytes) -> None:
    if client.driver == "httpx" and size.startswith(b"ff"):
        pytest.skip("httpx would wait for all those bytes")
    async with serving(replying(CHUNKED + size + b"\r\nhello\r\n0\r\n\r\n", then=wait)) as server:
        with pytest.raises(UpstreamBroken):
            await (await client.ask(server)).whole(LIMIT)
        await server.ended()


async def test_a_chunk_longer_than_it_says_is_a_broken_answer(client: Client) -> None:
    async with serving(replying(CHUNKED + b"3\r\nhello\r\n0\r\n\r\n", then=wait)) as server:
        with pytest.raises(UpstreamBroken):
            await (await client.ask(server)).whole(LIMIT)


@pytest.mark.parametrize("ending", [hang_up, reset], ids=["closed", "reset"])
@pytest.mark.parametrize("raw", [OK + b"content-length: 10\r\n\r\nhello", CHUNKED + b"5\r\nhello\r\n", CHUNKED + b"9\r\nhello"])
async def test_a_body_shorter_than_its_promise_is_never_taken_for_whole(client: Client, raw: bytes, ending: Script) -> None:
    async with serving(replying(raw, then=ending)) as server:
        with pytest.raises(UpstreamBroken):
            await (await client.ask(server)).whole(LIMIT)


async def test_what_came_before_the_cut_is_read_before_the_fault(native: Client) -> None:
    """Ours only: httpx drops it."""
    async with serving(replying(CHUNKED + b"5\r\nhello\r\n", then=hang_up)) as server:
        incoming = await native.ask(server)
        assert await incoming.read() == b"hello"
        for _ in range(2):
            with pytest.raises(UpstreamBroken, match="in the middle"):
                await incoming.read()


async def test_a_reset_ends_a_body_without_length_as_broken(client: Client) -> None:
    async with serving(replying(OK + b"\r\n", b"hello", then=reset)) as server:
        with pytest.raises(UpstreamBroken):
            await (await client.ask(server)).whole(LIMIT)


@pytest.mark.parametrize("ending", [hang_up, reset], ids=["closed", "reset"])
async def test_no_answer_at_all_is_broken_and_the_request_is_not_sent_again(client: Client, ending: Script) -> None:
    async with serving(replying(then=ending)) as server:
        with pytest.raises(UpstreamBroken):
            await client.ask(server)
        assert len(server.peers) == 1


async def test_a_cut_in_the_head_is_broken(client: Client) -> None:
    async with serving(replying(OK + b"content-le", then=hang_up)) as server:
        with pytest.raises(UpstreamBroken):
            await client.ask(server)


@pytest.mark.parametrize(
    "surplus",
    [b"garbage", b"HTTP/1.1 500 Smuggled\r\ncontent-length: 6\r\nx: y\r\n\r\nsecond", b"HTTP/1.1 20", b"x"],
)
@pytest.mark.parametrize("first", [answer(b"hello"), chunked(b"he", b"llo")], ids=["length", "chunked"])
async def test_what_follows_a_complete_answer_is_dropped_with_its_connection(
    client: Client, surplus: bytes, first: bytes
) -> None:
    async with serving(replying(first + surplus)) as server:
        transport = await client.open(server)
        for _ in range(2):
            incoming = await transport.send(post(), Timeouts())
            assert (incoming.status, await incoming.whole(LIMIT)) == (200, b"hello")
            assert [name for name, _ in incoming.headers if name == b"x"] == []
        assert len(server.peers) == 2


async def test_what_comes_on_an_idle_connection_ends_it(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(b"hello"))
        await said.wait()
        await peer.send(answer(b"unasked"))
        await peer.left()

    said = asyncio.Event()
    async with serving(script) as server:
        transport = await client.open(server)
        assert await (await transport.send(post(), Timeouts())).whole(LIMIT) == b"hello"
        said.set()
        if client.driver == "native":
            await server.ended()  # httpx notices at the next request
        else:
            await asyncio.sleep(0.05)
        assert await (await transport.send(post(), Timeouts())).whole(LIMIT) == b"hello"
        assert len(server.peers) == 2


# ---------------------------------------------------------------- compressed, although nobody asked


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (b"gzip", gzip.compress(b"hello")),
        (b"X-GZIP", gzip.compress(b"hello")),
        (b"deflate", zlib.compress(b"hello")),
        (b"deflate", zlib.compress(b"hello", wbits=-15)),
        (b"identity", b"hello"),
    ],
)
@pytest.mark.parametrize("byte_by_byte", [False, True])
async def test_a_compressed_body_is_unpacked(client: Client, coding: bytes, packed: bytes, byte_by_byte: bool) -> None:
    raw = answer(packed, b"content-encoding: " + coding)
    async with serving(replying(*([raw[at : at + 1] for at in range(len(raw))] if byte_by_byte else [raw]))) as server:
        incoming = await client.ask(server)
        assert await incoming.whole(LIMIT) == b"hello"
        if coding != b"identity":
            assert not any(name in (b"content-encoding", b"content-length") for name, _ in incoming.headers)


async def test_a_compressed_stream_is_unpacked_as_it_comes(client: Client) -> None:
    packer = zlib.compressobj(wbits=31)

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"content-encoding: gzip\r\n\r\n" + packer.compress(b"one") + packer.flush(zlib.Z_SYNC_FLUSH))
        await peer.left()

    async with serving(script) as server:
        incoming = await client.ask(server)
        assert await incoming.read() == b"one"
        incoming.close()
        await server.ended()


async def drained(incoming: Incoming, sizes: list[int]) -> None:
    while block := await incoming.read():
        sizes.append(len(block))


async def test_a_gzip_bomb_is_defused(client: Client) -> None:
    bomb = gzip.compress(bytes(50 << 20))
    async with serving(replying(answer(bomb, b"content-encoding: gzip"))) as server:
        incoming = await client.ask(server)
        sizes: list[int] = []
        with pytest.raises(UpstreamBroken, match="100 times"):
            await drained(incoming, sizes)
        assert max(sizes) <= 256 * 1024
        assert sum(sizes) < 6 << 20


@pytest.mark.parametrize(
    "packed", [gzip.compress(b"hello")[:-3], gzip.compress(b"hello") + b"more", b"not gzip at all", gzip.compress(b"hello")[:4]]
)
async def test_a_broken_compressed_body_is_never_taken_for_whole(client: Client, packed: bytes) -> None:
    async with serving(replying(answer(packed, b"content-encoding: gzip"))) as server:
        with pytest.raises(UpstreamBroken):
            await (await client.ask(server)).whole(LIMIT)


@pytest.mark.parametrize("coding", [b"br", b"gzip, gzip", b"zstd"])
async def test_an_unknown_content_encoding_is_refused(client: Client, coding: bytes) -> None:
    async with serving(replying(answer(b"hello", b"content-encoding: " + coding))) as server:
        with pytest.raises(UpstreamBroken, match="content encoding"):
            await client.ask(server)


async def test_a_compressed_body_over_the_limit_is_cut_off(client: Client) -> None:
    async with serving(replying(answer(gzip.compress(b"x" * 5000), b"content-encoding: gzip"))) as server:
        with pytest.raises(UpstreamBroken, match="over 1000 bytes"):
            await (await client.ask(server)).whole(1000)
