"""What goes back: framing, early replies, back-pressure, and what the application may not do."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from gateway.web.server import DEPARTURE, ServerLimits
from gateway.web.server.response import open_response, render_lines
from tests.unit.web.server.running import Client, Departures, answer, get, post, serving, whole_body

START = {"type": "http.response.start", "status": 200, "headers": []}
OPEN_END = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def sending(*messages: dict[str, Any]) -> Callable[..., Any]:
    """An application that sends exactly this."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await whole_body(receive)
        for message in messages:
            await send(message)

    return app


async def test_a_stream_goes_out_in_chunks_and_the_connection_stays() -> None:
    async with serving(sending(OPEN_END, part(b"one"), part(b""), part(b"two"), part(b"", more=False))) as server:
        client = await server.client()
        for _ in range(2):
            await client.say(get())
            raw = await client.reader.readuntil(b"0\r\n\r\n")
            assert raw.endswith(b"transfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


async def test_the_last_part_and_the_end_are_one_write() -> None:
    async with serving(sending(OPEN_END, part(b"one"), part(b"two", more=False))) as server:
        assert (await (await server.client()).ask(get())).body == b"onetwo"


async def test_a_stream_to_http_1_0_ends_with_the_connection() -> None:
    async with serving(sending(OPEN_END, part(b"one"), part(b"two", more=False))) as server:
        client = await server.client()
        reply = await client.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (reply.headers["connection"], reply.body) == ("close", b"onetwo")


async def test_an_empty_part_sends_the_head_ahead() -> None:
    app = Departures()

    async def ahead(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send(OPEN_END)
        await send(part(b""))
        await app.go_on.wait()
        await send(part(b"body", more=False))

    async with serving(ahead) as server:
        client = await server.client()
        await client.say(get())
        assert b"200 OK" in await client.reader.readuntil(b"\r\n\r\n")
        app.go_on.set()
        assert await client.reader.readuntil(b"0\r\n\r\n") == b"4\r\nbody\r\n0\r\n\r\n"


async def test_head_is_answered_without_a_body() -> None:
    length = (b"content-length", b"5")
    async with serving(sending({**START, "headers": [length]}, part(b"12345", more=False))) as server:
        client = await server.client()
        await client.say(get().replace(b"GET", b"HEAD") + get())
        assert (await client.reply(bodiless=True)).headers["content-length"] == "5"
        assert (await client.reply()).body == b"12345"


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_body_has_none(status: int) -> None:
    async with serving(sending({**START, "status": status}, part(b"ignored", more=False))) as server:
        client = await server.client()
        await client.say(get() * 2)
        for _ in range(2):
            reply = await client.reply(bodiless=True)
            assert (reply.status, reply.headers) == (status, {"date": "today"})


async def test_the_applications_wish_to_close_is_honoured_and_its_framing_is_ours() -> None:
    headers = [(b"connection", b"close"), (b"transfer-encoding", b"chunked")]
    async with serving(sending({**START, "headers": headers}, part(b"body", more=False))) as server:
        client = await server.client()
        reply = await client.ask(get())
        assert reply.headers == {"date": "today", "content-length": "4", "connection": "close"}
        assert await client.ended()


async def test_an_early_refusal_of_a_large_body_reaches_a_client_that_sends_on() -> None:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        await answer(send, b"too large", 413)

    size = 8_000_000
    async with serving(app) as server:
        client = await server.client()
        await client.say(post(b"x" * size))
        reply = await client.reply()
        assert (reply.status, reply.body, reply.headers["connection"]) == (413, b"too large", "close")
        assert await client.reader.read() == b""  # an end, not a reset that could overtake the reply


async def _say_for_ever(client: Client) -> None:
    async with asyncio.timeout(10):
        while True:
            await client.say(b"x" * 10_000)
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("limits", [ServerLimits(linger_s=0.2), ServerLimits(linger_bytes=300_000)])
async def test_lingering_has_an_end(limits: ServerLimits) -> None:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await answer(send, b"too large", 413)

    async with serving(app, limits) as server:
        client = await server.client()
        await client.say(post(b"x" * 50_000_000)[:1000])
        assert (await client.reply()).status == 413
        with pytest.raises(ConnectionError):
            await _say_for_ever(client)


async def test_an_unread_body_stops_the_sender_and_goes_on_when_it_is_read() -> None:
    go_on = asyncio.Event()
    largest = 0

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        nonlocal largest
        await go_on.wait()
        size, more = 0, True
        while more:
            message = await receive()
            largest = max(largest, len(message["body"]))
            size, more = size + len(message["body"]), message["more_body"]
        await answer(send, b"%d" % size)

    size = 30_000_000
    async with serving(app) as server:
        client = await server.client()
        client.writer.write(post(b"x" * size))
        await server.reach(lambda: bool(server.state.tasks))
        await asyncio.sleep(0.5)  # far longer than the loopback takes for all of it
        assert client.writer.transport.get_write_buffer_size() > size / 2
        go_on.set()
        assert (await client.reply()).body == b"%d" % size
        assert largest < 1_000_000


class Flood:
    """An application that sends without end, and notes how far it got."""

    def __init__(self) -> None:
        self.sent = 0
        self.left = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        scope["extensions"][DEPARTURE](self.left.set)
        await send(OPEN_END)
        while not self.left.is_set():
            await send(part(b"x" * 10_000))
            self.sent += 10_000
            await asyncio.sleep(0)


async def test_a_client_that_does_not_read_stops_the_application_and_is_let_go() -> None:
    app = Flood()
    async with serving(app, ServerLimits(stall_s=0.5)) as server:
        client = await server.client(receive_buffer=4096)
        await client.say(get())
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(10):
            await app.left.wait()
        assert app.sent < 30_000_000
        await server.reach(lambda: not server.state.connections)


async def test_a_client_that_reads_slowly_is_served_to_the_end() -> None:
    size = 16_000_000
    limits = ServerLimits(stall_s=0.4, keep_alive_s=0.4)
    async with serving(sending(START, part(b"x" * size, more=False)), limits) as server:
        client = await server.client(receive_buffer=4096)
        await client.say(get())
        await client.reader.readuntil(b"\r\n\r\n")
        got = 0
        while got < size:
            got += len(await client.reader.readexactly(min(100_000, size - got)))
            await asyncio.sleep(0.01)
        assert got == size


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([START, START], "'http.response.start' was sent twice."),
        ([part(b"")], "'http.response.body' was sent before 'http.response.start'."),
        ([{"type": "http.nonsense"}], "Expected 'http.response.start' or 'http.response.body', not 'http.nonsense'."),
        ([{**START, "status": 101}, part(b"")], "The status of a response is 200 to 599, not 101."),
        ([{**START, "headers": [(b"x", b"a\ny: b")]}, part(b"")], "A header of the response contains a line break."),
        ([{**START, "headers": [(b"x", b"a\ry: b")]}, part(b"")], "A header of the response contains a line break."),
        ([{**START, "headers": [(b"content-length", b"3")]}, part(b"12", more=False)], "1 bytes shorter"),
        ([{**START, "headers": [(b"content-length", b"3")]}, part(b"1234", more=False)], "1 bytes longer"),
        ([], "returned without completing"),
        ([START], "returned without completing"),
    ],
)
async def test_misuse_is_logged_and_answered_with_500(
    messages: list[dict[str, Any]], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(sending(*messages)) as server:
        client = await server.client()
        reply = await client.ask(post(b"body"))
        assert (reply.status, reply.code, reply.headers["connection"]) == (500, "internal_error", "close")
        assert json.loads(reply.body)["path"] == "/v1/x"
        assert await client.ended()
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert reason in str(record.exc_info[1] if record.exc_info else record.getMessage())


@pytest.mark.parametrize(
    "messages",
    [[OPEN_END, part(b"one")], [{**START, "headers": [(b"content-length", b"9")]}, part(b"one"), part(b"two", more=False)]],
)
async def test_a_response_that_breaks_off_ends_the_connection_unfinished(messages: list[dict[str, Any]]) -> None:
    async with serving(sending(*messages)) as server:
        client = await server.client()
        with pytest.raises(asyncio.IncompleteReadError):
            await client.ask(get())


async def test_a_response_that_its_application_leaves_unfinished_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fleetgate.server")
    async with serving(sending(OPEN_END, part(b"one"))) as server:
        client = await server.client()
        with pytest.raises(asyncio.IncompleteReadError):
            await client.ask(get())
        assert await client.ended()
    assert [(one.getMessage(), one.levelno) for one in caplog.records] == [("response_cut", logging.INFO)]


async def test_where_the_connection_is_the_framing_a_response_that_breaks_off_breaks_it() -> None:
    """nginx speaks HTTP/1.0 to those behind it; a farewell would tell it that it has all."""
    async with serving(sending(OPEN_END, part(b"one"))) as server:
        client = await server.client()
        with pytest.raises(ConnectionResetError):
            await client.ask(b"GET / HTTP/1.0\r\n\r\n")


async def test_sending_after_the_end_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(sending(START, part(b"ok", more=False), part(b"again"))) as server:
        client = await server.client()
        assert (await client.ask(get())).body == b"ok"
        await server.reach(lambda: not server.state.tasks)
        assert (await client.ask(get())).body == b"ok"
    assert "after the response was complete" in caplog.text


async def test_shutdown_ends_idle_connections_and_lets_busy_ones_finish() -> None:
    app = Departures()
    async with serving(app) as server:
        idle, half, busy = await server.client(), await server.client(), await server.client()
        await half.say(get()[:10])
        await busy.say(get() * 3)
        await app.called.wait()
        await server.reach(lambda: len(server.state.connections) == 3)
        for connection in list(server.state.connections):
            connection.shutdown()
        assert await idle.ended()
        assert await half.ended()
        app.go_on.set()
        reply = await busy.reply()
        assert (reply.body, reply.headers["connection"]) == (b"last", "close")
        assert await busy.ended()


async def test_shutdown_within_a_stream_ends_the_connection_behind_it() -> None:
    app = Departures(begin=True)
    async with serving(app) as server:
        client = await server.client()
        await client.say(post(b"body")[:-1])
        await client.reader.readuntil(b"first\r\n")
        for connection in list(server.state.connections):
            connection.shutdown()
        await client.say(b"y")
        app.go_on.set()
        assert await client.reader.readuntil(b"0\r\n\r\n") == b"4\r\nlast\r\n0\r\n\r\n"
        assert await client.ended()


def test_a_head_is_written_in_one_piece_in_the_order_given() -> None:
    defaults = render_lines([(b"date", b"d")])
    head, framing = open_response(429, [(b"a", b"1"), (b"b", b"2")], defaults, 2, modern=True, head_only=False, keep_alive=True)
    assert head == b"HTTP/1.1 429 Too Many Requests\r\ndate: d\r\na: 1\r\nb: 2\r\ncontent-length: 2\r\n\r\n"
    assert framing.frame(b"xy", more=False) == b"xy"
