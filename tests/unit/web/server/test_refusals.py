"""What is not HTTP/1.1, could be read in two ways, is too large or comes too slowly: refused in the caller's dialect."""

import asyncio
from typing import Any

import pytest

from gateway.web.server import ServerLimits
from tests.unit.web.server.running import Departures, answer, get, mirror, post, serving, whole_body

SMALL = ServerLimits(header_bytes=2000, header_count=20)
HASTY = ServerLimits(receive_s=0.2, body_rate=1000)
TOO_MANY = b"".join(b"X-%d: v\r\n" % number for number in range(30))


def head(*lines: bytes, first: bytes = b"POST /v1/x HTTP/1.1") -> bytes:
    return b"\r\n".join((first, *lines)) + b"\r\n\r\n"


HOST = b"Host: h"
BOTH = (HOST, b"Content-Length: 4", b"Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /\r\n\r\n",
        head(HOST, first=b"GET /a HTTP/2.0"),
        head(HOST, first=b"GET /a HTTP/0.9"),
        head(HOST, first=b"GET /a#b HTTP/1.1"),
        head(HOST, first=b"GET /a b HTTP/1.1"),
        head(first=b"GET /a HTTP/1.1"),
        head(HOST, b"Host: other"),
        head(HOST, b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head(HOST, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head(HOST, b"X: a\r\n folded"),
        head(HOST, b"X : a"),
        head(HOST, b"X: a\x00b"),
        head(HOST, b"X: a\nY: b"),
        head(HOST, b"X: a\rY: b"),
        b"GET / HTTP/1.1\nHost: h\n\n",
        head(*BOTH) + b"0\r\n\r\n",
        head(*reversed(BOTH)) + b"0\r\n\r\n",
        head(HOST, b"Content-Length: 4", b"Content-Length: 5") + b"abcde",
        head(HOST, b"Content-Length: 4", b"Content-Length: 4") + b"abcd",
        head(HOST, b"Content-Length: +4") + b"abcd",
        head(HOST, b"Content-Length: 4, 4") + b"abcd",
        head(HOST, b"Content-Length: -1"),
        head(HOST, b"Content-Length: 18446744073709551617") + b"a",
        head(HOST, b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
        head(HOST, b"Transfer-Encoding: identity"),
        head(HOST, b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
        head(HOST, b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity") + b"0\r\n\r\n",
        head(HOST, b"Transfer-Encoding:\x0bchunked") + b"0\r\n\r\n",
        head(HOST, b"Transfer-Encoding: chunked", first=b"POST /v1/x HTTP/1.0") + b"0\r\n\r\n",
        head(HOST, b"Transfer-Encoding: chunked") + b"0x4\r\nabcd\r\n0\r\n\r\n",
        head(HOST, b"Transfer-Encoding: chunked") + b"4;a\nb\r\nabcd\r\n0\r\n\r\n",
        head(HOST, b"Transfer-Encoding: chunked") + b"4\r\nabcdX0\r\n\r\n",
        head(HOST, b"Transfer-Encoding: chunked") + b"10000000000000004\r\nabcd\r\n0\r\n\r\n",
    ],
)
async def test_what_is_malformed_or_ambiguous_is_refused_and_the_connection_ends(sent: bytes) -> None:
    async with serving(mirror) as server:
        client = await server.client()
        reply = await client.ask(sent + get(b"/smuggled"))
        assert (reply.status, reply.code, reply.headers["connection"]) == (400, "invalid_value", "close")
        assert await client.ended()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/x?q HTTP/1.1\r\nHost: h\r\n" + TOO_MANY + b"\r\n",
        b"GET /v1/x?q HTTP/1.1\r\nHost: h\r\n" + TOO_MANY,
        b"GET /v1/x?q HTTP/1.1\r\nHost: h\r\nX: " + b"v" * 3000,
        b"GET /v1/x?q HTTP/1.1\r\nHost: h\r\nX: " + b"v" * 3000 + b"\r\n\r\n",
        b"GET /v1/x?q HTTP/1.1\r\nHost: h\r\n" + b"n" * 3000,
        b"GET /v1/x?" + b"q" * 3000,
        b"GET /v1/x?" + b"q" * 1000 + b" HTTP/1.1\r\nHost: h\r\nX: " + b"v" * 1000 + b"\r\n\r\n",
    ],
)
async def test_a_head_over_the_limits_is_refused(sent: bytes) -> None:
    async with serving(mirror, SMALL) as server:
        client = await server.client()
        reply = await client.ask(sent)
        assert (reply.status, reply.code, reply.headers["connection"]) == (431, "header_too_large", "close")
        assert '"/v1/x"' in reply.body.decode()
        assert await client.ended()


async def test_a_head_within_the_limits_passes_whatever_the_size_of_its_body() -> None:
    async with serving(mirror, SMALL) as server:
        client = await server.client()
        for size in (0, 1500, 500_000):
            reply = await client.ask(post(b"b" * size, b"/" + b"u" * 800, b"X: " + b"v" * 800))
            assert len(reply.seen["body"]) == size


async def test_an_endless_head_is_refused_while_it_is_still_coming() -> None:
    async with serving(mirror) as server:
        client = await server.client()
        await client.say(b"GET /v1/x HTTP/1.1\r\nHost: h\r\n")
        reply = await client.say_until_answered(lambda count: b"X-%d: " % count + b"v" * 1000 + b"\r\n")
        assert reply.code == "header_too_large"


@pytest.mark.parametrize(("start", "endless"), [(b"0\r\n", b"X: trailer\r\n"), (b"4;", b"e" * 5000)])
async def test_framing_without_end_is_refused(start: bytes, endless: bytes) -> None:
    async with serving(mirror, SMALL) as server:
        client = await server.client()
        await client.say(head(HOST, b"Transfer-Encoding: chunked") + b"1\r\na\r\n" + start)
        await server.reach(lambda: bool(server.state.tasks))
        reply = await client.say_until_answered(lambda _: endless)
        assert reply.code == "header_too_large"


async def test_a_head_that_does_not_come_in_time_is_refused() -> None:
    async with serving(mirror, HASTY) as server:
        client = await server.client()
        await client.say(b"GET /v1/x HTTP/1.1\r\nHost: h\r\n")
        reply = await client.reply()
        assert (reply.status, reply.code, reply.headers["connection"]) == (408, "request_timeout", "close")
        assert await client.ended()


async def test_a_head_that_trickles_is_refused_though_it_never_stops() -> None:
    async with serving(mirror, HASTY) as server:
        client = await server.client()
        await client.say(b"GET /v1/x HTTP/1.1\r\nX: ")
        assert (await client.say_until_answered(lambda _: b"v", 0.02)).code == "request_timeout"


async def test_a_body_that_stops_is_refused_and_the_application_told() -> None:
    app = Departures()
    async with serving(app, HASTY) as server:
        client = await server.client()
        reply = await client.ask(post(b"x" * 100)[:-10])
        assert (reply.status, reply.code) == (408, "request_timeout")
        async with asyncio.timeout(5):
            await app.left.wait()
            await app.disconnected.wait()
        assert await client.ended()


async def test_a_body_that_trickles_is_refused_though_it_never_stops() -> None:
    async with serving(mirror, HASTY) as server:
        client = await server.client()
        await client.say(post(b"x" * 100_000)[:-99_900])
        assert (await client.say_until_answered(lambda _: b"x", 0.02)).code == "request_timeout"


async def test_a_body_at_a_fair_pace_may_take_longer_than_the_limit_for_silence() -> None:
    async with serving(mirror, ServerLimits(receive_s=0.8, body_rate=1000)) as server:
        client = await server.client()
        whole = post(b"x" * 30_000)
        for start in range(0, len(whole), 1000):
            await client.say(whole[start : start + 1000])
            await asyncio.sleep(0.05)
        assert len((await client.reply()).seen["body"]) == 30_000


async def test_an_application_that_takes_its_time_is_not_the_senders_fault() -> None:
    begun = asyncio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await asyncio.sleep(1.5)
        first = await receive()
        begun.set()
        await answer(send, b"%d" % (len(first["body"]) + len(await whole_body(receive))))

    whole = post(b"x" * 80_000)
    async with serving(app, ServerLimits(receive_s=0.5, body_rate=200_000)) as server:
        client = await server.client()
        await client.say(whole[:-4])
        await begun.wait()
        await client.say(whole[-4:-2])
        await asyncio.sleep(0.01)
        reply = await client.ask(whole[-2:])
        assert (reply.status, reply.body) == (200, b"80000")


@pytest.mark.parametrize(
    "broken", [b"nonsense\r\n\r\n", head(HOST, b"Transfer-Encoding: chunked") + b"4\r\nabcd\r\nnonsense\r\n"]
)
async def test_a_request_refused_behind_one_under_way_waits_for_its_reply(broken: bytes) -> None:
    app = Departures()
    async with serving(app) as server:
        client = await server.client()
        await client.say(get(b"/first") + broken)
        await app.called.wait()
        app.go_on.set()
        first = await client.reply()
        assert (first.status, first.body) == (200, b"last")
        assert (await client.reply()).status == 400
        assert not app.left.is_set()
        assert await client.ended()


async def test_a_body_broken_after_the_reply_began_ends_the_connection_unfinished() -> None:
    app = Departures(begin=True)
    async with serving(app) as server:
        client = await server.client()
        await client.say(head(HOST, b"Transfer-Encoding: chunked") + b"4\r\nabcd\r\n")
        await client.reader.readuntil(b"first\r\n")
        await client.say(b"nonsense\r\n")
        assert await client.ended()
        assert app.left.is_set()


async def test_an_idle_connection_ends_without_a_word() -> None:
    async with serving(mirror, ServerLimits(receive_s=0.2, keep_alive_s=0.2)) as server:
        fresh, used = await server.client(), await server.client()
        await used.ask(get())
        assert await fresh.ended()
        assert await used.ended()


async def test_thousands_of_slow_senders_end_and_others_are_served_meanwhile() -> None:
    async with serving(mirror, ServerLimits(receive_s=1.0, keep_alive_s=60, linger_s=0.2)) as server:
        slow = [await server.client() for _ in range(300)]
        for client in slow:
            await client.say(b"POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n")
        assert (await (await server.client()).ask(get())).status == 200
        for client in slow:
            assert (await client.reply()).status == 408
        await server.reach(lambda: len(server.state.connections) == 1)
