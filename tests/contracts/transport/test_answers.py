"""How sound answers are read, in every form that HTTP/1.1 allows."""

import asyncio

import pytest

from gateway.core.catalog import Timeouts
from tests.contracts.transport.conftest import Client, post
from tests.contracts.transport.servers import OK, Peer, answer, chunked, echoing, hang_up, replying, serving, wait

LIMIT = 1 << 20


async def test_the_request_arrives_as_it_was_given_with_host_and_length(client: Client) -> None:
    async with serving(echoing()) as server:
        incoming = await (await client.open(server)).send(post(b'{"a": 1}', b"/v1/x?y=%20z"), Timeouts())
        head, _, body = (await incoming.whole(LIMIT)).partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"post /v1/x?y=%20z http/1.1"
    assert sorted(lines[1:]) == sorted(
        [
            b"host: 127.0.0.1:%d" % server.port,
            b"accept-encoding: identity",
            b"content-type: application/json",
            b"content-length: 8",
        ]
    )
    assert body == b'{"a": 1}'


async def test_a_get_announces_no_body(client: Client) -> None:
    async with serving(echoing()) as server:
        incoming = await (await client.open(server)).send(post(b"", method=b"GET"), Timeouts())
        assert b"content-length" not in (await incoming.whole(LIMIT)).lower()


async def test_a_post_without_a_body_says_so(client: Client) -> None:
    async with serving(echoing()) as server:
        incoming = await (await client.open(server)).send(post(b""), Timeouts())
        assert b"content-length: 0" in (await incoming.whole(LIMIT)).lower()


async def test_status_and_headers_are_those_sent_in_order_with_lower_case_names(client: Client) -> None:
    raw = b"HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nSet-Cookie: a\r\nX-B:  c \r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n"
    async with serving(replying(raw)) as server:
        incoming = await client.ask(server)
        assert incoming.status == 429
        assert list(incoming.headers) == [
            (b"retry-after", b"7"),
            (b"set-cookie", b"a"),
            (b"x-b", b"c"),
            (b"set-cookie", b"b"),
            (b"content-length", b"0"),
        ]
        assert await incoming.read() == b""


@pytest.mark.parametrize(
    "raw",
    [
        answer(b"hello"),
        chunked(b"he", b"l", b"lo"),
        chunked(b"hello", trailers=b"x-sum: 1\r\ncontent-encoding: gzip\r\n"),
        OK + b"transfer-encoding: chunked\r\n\r\n2;a=b;c\r\nhe\r\n003\r\nllo\r\n0;z\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"hello"),
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\ncontent-encoding: gzip\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + answer(b"hello"),
        b"HTTP/1.1 200\r\ncontent-length: 5\r\n\r\nhello",
    ],
    ids=["length", "chunked", "trailers", "extensions", "continue", "hints", "no reason"],
)
@pytest.mark.parametrize("byte_by_byte", [False, True], ids=["at once", "byte by byte"])
async def test_every_framing_gives_the_same_body_and_keeps_the_connection(
    client: Client, raw: bytes, byte_by_byte: bool
) -> None:
    blocks = [raw[at : at + 1] for at in range(len(raw))] if byte_by_byte else [raw]
    async with serving(replying(*blocks)) as server:
        transport = await client.open(server)
        for _ in range(2):
            incoming = await transport.send(post(), Timeouts())
            assert (incoming.status, await incoming.whole(LIMIT)) == (200, b"hello")
            assert not any(name in (b"link", b"x-sum", b"content-encoding") for name, _ in incoming.headers)
            assert await incoming.read() == b""
        assert len(server.peers) == 1


@pytest.mark.parametrize("head", [OK + b"\r\n", b"HTTP/1.0 200 OK\r\n\r\n", OK + b"connection: close\r\n\r\n"])
async def test_a_body_without_length_goes_until_the_connection_closes(client: Client, head: bytes) -> None:
    async with serving(replying(head, b"hel", b"lo", then=hang_up)) as server:
        transport = await client.open(server)
        for _ in range(2):
            assert await (await transport.send(post(), Timeouts())).whole(LIMIT) == b"hello"
        assert len(server.peers) == 2


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        (b"HEAD", OK + b"content-length: 10\r\ncontent-encoding: gzip\r\n\r\n"),
        (b"POST", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n"),
    ],
)
async def test_answers_that_have_no_body_end_with_their_head(client: Client, method: bytes, raw: bytes) -> None:
    async with serving(replying(raw)) as server:
        transport = await client.open(server)
        for _ in range(2):
            incoming = await transport.send(post(b"", method=method), Timeouts())
            assert await incoming.read() == b""


async def test_a_redirect_is_an_answer_like_any_other(client: Client) -> None:
    async with serving(replying(answer(b"", b"location: /v1/elsewhere", status=b"307 Temporary Redirect"))) as server:
        incoming = await client.ask(server)
        assert incoming.status == 307
        assert (b"location", b"/v1/elsewhere") in list(incoming.headers)
        assert len(server.peers) == 1


async def test_a_cookie_is_not_sent_back(client: Client) -> None:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            await peer.send(answer(request, b"set-cookie: a=b"))

    async with serving(script) as server:
        transport = await client.open(server)
        for _ in range(2):
            assert b"cookie" not in (await (await transport.send(post(), Timeouts())).whole(LIMIT)).lower()


async def test_a_connection_that_says_close_is_not_used_again(client: Client) -> None:
    async with serving(replying(answer(b"hello", b"connection: close"))) as server:
        transport = await client.open(server)
        for _ in range(2):
            assert await (await transport.send(post(), Timeouts())).whole(LIMIT) == b"hello"
        assert len(server.peers) == 2


async def test_blocks_come_as_they_arrive(client: Client) -> None:
    turn = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"transfer-encoding: chunked\r\n\r\n", b"3\r\none\r\n")
        await turn.wait()
        await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")
        await peer.left()

    async with serving(script) as server:
        incoming = await client.ask(server)
        assert await incoming.read() == b"one"
        turn.set()
        assert await incoming.read() == b"two"
        assert await incoming.read() == b""


async def test_a_hundred_chunks_that_came_together_are_one_block(native: Client) -> None:
    """Ours only: httpx gives one block a chunk."""
    async with serving(replying(chunked(*[b"data: word\n\n"] * 100))) as server:
        incoming = await native.ask(server)
        assert await incoming.read() == b"data: word\n\n" * 100


async def test_what_is_read_late_is_still_there(client: Client) -> None:
    async with serving(replying(answer(b"hello"))) as server:
        transport = await client.open(server)
        first = await transport.send(post(), Timeouts())
        second = await transport.send(post(), Timeouts())
        assert await second.whole(LIMIT) == b"hello"
        assert await first.whole(LIMIT) == b"hello"


async def test_a_large_body_goes_and_comes_whole(client: Client) -> None:
    async with serving(echoing()) as server:
        body = bytes(range(256)) * 20_000
        incoming = await (await client.open(server)).send(post(body), Timeouts())
        assert (await incoming.whole(8 << 20)).endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize("bad", [b"/v1/x y", b"/v1/x\r\nx: y", b"/v1/\n"])
async def test_a_path_cannot_smuggle_a_header(native: Client, bad: bytes) -> None:
    """Ours only: httpx quotes such a path."""
    async with serving(wait) as server:
        with pytest.raises(ValueError, match="line breaks"):
            await (await native.open(server)).send(post(path=bad), Timeouts())
