"""What arrives at the application of what a client sends."""

import asyncio
import json
from typing import Any

import pytest
import uvicorn

from gateway.web.server import ServerLimits, protocol_factory
from tests.unit.web.server.running import Running, answer, get, mirror, post, refuse, serving, whole_body


async def test_a_request_arrives_whole_and_its_reply_is_one_with_length_and_date() -> None:
    async with serving(mirror) as server:
        client = await server.client()
        reply = await client.ask(post(b'{"a":1}', b"/v1/x%20y?q=1&r=%20", b"X-Mixed-Case: Value \t", b"Empty:"))
        seen = reply.seen
        assert reply.status == 200
        assert reply.headers == {"date": "today", "content-length": str(len(reply.body))}
        assert (seen["method"], seen["path"], seen["raw_path"]) == ("POST", "/v1/x y", "/v1/x%20y")
        assert (seen["query_string"], seen["body"], seen["http_version"]) == ("q=1&r=%20", '{"a":1}', "1.1")
        assert ["x-mixed-case", "Value"] in seen["headers"]
        assert ["empty", ""] in seen["headers"]
        assert seen["state"] == {"of": "lifespan"}
        assert server.state.total_requests == 1


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with serving(mirror) as server:
        client = await server.client()
        for number in range(5):
            assert (await client.ask(post(b"%d" % number))).seen["body"] == str(number)
        assert len(server.state.connections) == 1


async def test_an_absolute_target_is_its_path() -> None:
    async with serving(mirror, root_path="/root") as server:
        seen = (await (await server.client()).ask(get(b"http://elsewhere/a/b?c=d"))).seen
        assert (seen["path"], seen["raw_path"], seen["query_string"]) == ("/root/a/b", "/root/a/b", "c=d")


async def test_a_chunked_body_arrives_without_its_framing_and_trailers() -> None:
    async with serving(mirror) as server:
        client = await server.client()
        request = (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
            b"3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n"
        )
        seen = (await client.ask(request)).seen
        assert seen["body"] == "abc0123456789"
        after = (await client.ask(get())).seen
        assert [name for name, _ in seen["headers"] + after["headers"]] == ["host", "transfer-encoding", "host"]


async def test_pipelined_requests_are_answered_in_order_one_at_a_time() -> None:
    running = 0

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.01 if scope["path"] == "/slow" else 0)
        body = await whole_body(receive)
        running -= 1
        await answer(send, scope["path"].encode() + body)

    async with serving(app) as server:
        client = await server.client()
        await client.say(post(b"1", b"/slow") + post(b"2", b"/b") + get(b"/c") + post(b"4", b"/slow"))
        replies = [(await client.reply()).body for _ in range(4)]
        assert replies == [b"/slow1", b"/b2", b"/c", b"/slow4"]
        assert (await client.ask(get(b"/e"))).body == b"/e"


async def test_too_many_pipelined_requests_are_answered_in_part_and_the_last_reply_says_so() -> None:
    async with serving(mirror) as server:
        client = await server.client()
        client.writer.write(get() * 500_000)
        replies = [await client.reply()]
        while replies[-1].headers.get("connection") != "close":
            replies.append(await client.reply())
        assert 2 <= len(replies) < 100
        assert await client.reader.read() == b""  # an end, not a reset that could overtake a reply


async def test_a_client_that_expects_100_gets_it_when_the_body_is_wanted() -> None:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == "/refused":
            await answer(send, b"no", 403)
        else:
            await answer(send, await whole_body(receive))

    expecting = b"POST %b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    async with serving(app) as server:
        client = await server.client()
        await client.say(expecting % b"/wanted")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await client.ask(b"body")).body == b"body"
        eager = await client.ask(expecting % b"/wanted" + b"body")
        assert (eager.status, eager.body) == (200, b"body")
        await client.say(expecting % b"/wanted" + b"bo")
        await server.reach(lambda: bool(server.state.tasks))
        assert (await client.ask(b"dy")).status == 200
        refused = await client.ask(expecting % b"/refused")
        assert (refused.status, refused.headers["connection"]) == (403, "close")


@pytest.mark.parametrize("asked", [b"websocket", b"h2c"])
async def test_an_upgrade_is_ignored_and_its_body_is_a_body(asked: bytes) -> None:
    async with serving(mirror) as server:
        client = await server.client()
        wish = (b"Connection: Upgrade", b"Upgrade: " + asked)
        chunked = get(b"/third", *wish, b"Transfer-Encoding: chunked") + b"4\r\nbody\r\n0\r\n\r\n"
        await client.say(get(b"/first", *wish) + post(get(b"/smuggled"), b"/second", *wish) + chunked + get(b"/fourth"))
        seen = [(await client.reply()).seen for _ in range(4)]
        assert [one["path"] for one in seen] == ["/first", "/second", "/third", "/fourth"]
        assert [one["body"] for one in seen] == ["", get(b"/smuggled").decode(), "body", ""]
        assert seen[1]["headers"][-1] == ["upgrade", asked.decode()]


async def test_the_body_of_an_upgrade_may_come_later_and_end_the_connection() -> None:
    async with serving(mirror) as server:
        client = await server.client()
        head, body = post(b"later", b"/a", b"Connection: Upgrade, close", b"Upgrade: h2c").split(b"later")[0], b"later"
        await client.say(head)
        await server.reach(lambda: bool(server.state.tasks))
        reply = await client.ask(body + get(b"/smuggled"))
        assert (reply.seen["body"], reply.headers["connection"]) == ("later", "close")
        assert await client.ended()


async def test_what_follows_a_connect_is_not_read_as_a_request() -> None:
    async with serving(mirror) as server:
        client = await server.client()
        reply = await client.ask(b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n" + get(b"/smuggled"))
        assert (reply.seen["path"], reply.headers["connection"]) == ("a:443", "close")
        assert await client.ended()


async def test_http_1_0_closes_unless_it_asks_not_to() -> None:
    async with serving(mirror) as server:
        client = await server.client()
        kept = await client.ask(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (kept.seen["http_version"], kept.headers["connection"]) == ("1.0", "keep-alive")
        closed = await client.ask(b"GET /b HTTP/1.0\r\n\r\n")
        assert (closed.seen["path"], closed.headers["connection"]) == ("/b", "close")
        assert await client.ended()


async def test_connection_close_is_honoured() -> None:
    async with serving(mirror) as server:
        client = await server.client()
        reply = await client.ask(get(b"/a", b"Connection: close"))
        assert reply.headers["connection"] == "close"
        assert await client.ended()


async def test_uvicorn_runs_it_and_stops_it() -> None:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await answer(send, json.dumps(scope["client"]).encode())

    protocol: Any = protocol_factory(ServerLimits(), refuse)
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=protocol, lifespan="off", log_config=None, ws="none"))
    served = asyncio.get_running_loop().create_task(server.serve())
    state: Any = server.server_state
    running = Running(0, state)
    await running.reach(lambda: server.started)
    running.port = server.servers[0].sockets[0].getsockname()[1]
    client = await running.client()
    reply = await client.ask(get())
    assert json.loads(reply.body)[0] == "127.0.0.1"
    assert "date" in reply.headers
    server.should_exit = True
    assert await client.ended()
    await served
    await running.close()
