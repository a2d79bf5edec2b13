"""A client that leaves is noticed at once, wherever it leaves."""

import asyncio
import logging
from typing import Any

import pytest

from gateway.web.server import DEPARTURE, ServerLimits
from tests.unit.web.server.running import Departures, answer, get, post, serving


@pytest.mark.parametrize("begin", [False, True])
@pytest.mark.parametrize("way", ["leave", "reset"])
async def test_a_client_that_leaves_before_or_within_its_reply_is_noticed(begin: bool, way: str) -> None:
    app = Departures(begin=begin)
    async with serving(app) as server:
        client = await server.client()
        await client.say(post(b"body"))
        await app.called.wait()
        if begin:
            await client.reader.readuntil(b"first\r\n")
        assert not app.left.is_set()
        getattr(client, way)()
        async with asyncio.timeout(5):
            await app.left.wait()
            await app.disconnected.wait()
        await server.reach(lambda: not server.state.connections)


async def test_a_client_that_leaves_within_its_body_is_noticed() -> None:
    app = Departures()
    async with serving(app) as server:
        client = await server.client()
        await client.say(post(b"body")[:-1])
        await app.called.wait()
        client.leave()
        async with asyncio.timeout(5):
            await app.left.wait()
            await app.disconnected.wait()


@pytest.mark.parametrize("size", [60_000, 70_000, 200_000, 5_000_000])
async def test_a_client_that_leaves_behind_a_long_body_is_noticed(size: int) -> None:
    app = Departures()
    async with serving(app) as server:
        client = await server.client()
        await client.say(post(b"x" * size))
        await app.called.wait()
        client.leave()
        async with asyncio.timeout(5):
            await app.left.wait()
            await app.disconnected.wait()


async def test_a_half_closed_connection_counts_as_left() -> None:
    app = Departures()
    async with serving(app) as server:
        client = await server.client()
        await client.say(get())
        await app.called.wait()
        client.writer.write_eof()
        async with asyncio.timeout(5):
            await app.left.wait()
        assert await client.ended()


async def test_half_a_head_and_a_goodbye_reach_no_application() -> None:
    app = Departures()
    async with serving(app) as server:
        client = await server.client()
        await client.say(get()[:-4])
        await server.reach(lambda: bool(server.state.connections))
        client.leave()
        await server.reach(lambda: not server.state.connections)
        assert not app.called.is_set()


async def test_a_watch_may_come_late_and_may_be_given_up() -> None:
    told: list[str] = []
    over = asyncio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        watch = scope["extensions"][DEPARTURE]
        watch(lambda: told.append("given up"))
        watch(None)
        while (await receive())["type"] != "http.disconnect":
            pass
        watch(lambda: told.append("late"))
        watch(None)
        await answer(send)
        over.set()

    async with serving(app) as server:
        client = await server.client()
        await client.say(get())
        await server.reach(lambda: bool(server.state.tasks))
        client.leave()
        async with asyncio.timeout(5):
            await over.wait()
    assert told == ["late"]


async def test_after_the_reply_nobody_is_told() -> None:
    told: list[str] = []
    states: list[str] = []
    over = asyncio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        watch = scope["extensions"][DEPARTURE]
        watch(lambda: told.append("before"))
        await answer(send)
        watch(lambda: told.append("after"))
        while (state := (await receive())["type"]) != "http.disconnect":
            states.append(state)
        over.set()

    async with serving(app) as server:
        client = await server.client()
        await client.ask(get())
        client.leave()
        async with asyncio.timeout(5):
            await over.wait()
        await server.reach(lambda: not server.state.connections)
    assert told == []


async def test_a_departure_that_cancels_the_call_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    called = asyncio.Event()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        scope["extensions"][DEPARTURE](task.cancel)
        called.set()
        await asyncio.Event().wait()

    async with serving(app) as server:
        client = await server.client()
        await client.say(get())
        await called.wait()
        client.leave()
        await server.reach(lambda: not server.state.tasks)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_idle_connections_in_great_number_expire_together() -> None:
    app = Departures()
    async with serving(app, ServerLimits(receive_s=0.5)) as server:
        clients = [await server.client() for _ in range(200)]
        for client in clients:
            assert await client.ended()
        await server.reach(lambda: not server.state.connections)
