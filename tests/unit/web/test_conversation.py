"""What the client sees of a call, through the one endpoint."""

import asyncio
import gc
from typing import Any

import orjson
import pytest

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamRefused, UpstreamTruncated
from gateway.core.exchange import Exchange
from gateway.core.snapshot import Bounds
from gateway.web.conversation import joined
from tests.house import PAUSE, Client, Gateway, ScriptedUpstream, chat


def error_of(body: bytes) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(body)["error"]
    assert set(told) == {"message", "type", "param", "code"}
    return told


async def test_a_plain_answer_is_one_write_with_its_length() -> None:
    client = await Gateway(ScriptedUpstream([b'{"a":1}'])).ask(Client(chat()))
    assert [event["type"] for event in client.events] == ["http.response.start", "http.response.body"]
    assert client.head[b"content-length"] == b"7"
    assert client.head[b"x-fleetgate-model"] == b"p/m"
    assert client.head[b"x-fleetgate-attempts"] == b"1"
    assert b"total;dur=" in client.head[b"server-timing"]
    assert client.head[b"x-request-id"].startswith(b"req_")
    assert client.received == b'{"a":1}'


async def test_a_stream_leaves_chunk_by_chunk_and_forbids_buffering() -> None:
    client = await Gateway(ScriptedUpstream([b"data: 1\n\n", b"data: [DONE]\n\n"])).ask(Client(chat(stream=True)))
    assert [event["body"] for event in client.events if event.get("body")] == [b"data: 1\n\n", b"data: [DONE]\n\n"]
    assert client.head[b"content-type"].startswith(b"text/event-stream")
    assert client.head[b"cache-control"] == b"no-cache"
    assert client.head[b"x-accel-buffering"] == b"no"
    assert b"content-length" not in client.head
    assert client.ended


async def test_a_stream_that_breaks_off_ends_in_an_error_event_without_done() -> None:
    client = await Gateway(ScriptedUpstream([b"data: 1\n\n", UpstreamTruncated("cut")])).ask(Client(chat(stream=True)))
    assert client.status == 200
    assert b"[DONE]" not in client.received
    last = client.received.split(b"\n\n")[-2]
    assert last.startswith(b"data: ")
    assert error_of(last[6:])["code"] == "upstream_truncated"
    assert client.ended


async def test_an_error_before_the_first_chunk_is_a_status() -> None:
    fault = UpstreamRefused(429, "slow down", error_type="requests", error_code="rate_limit_exceeded", retry_after_s=1.5)
    client = await Gateway(ScriptedUpstream(head=fault)).ask(Client(chat(stream=True)))
    assert client.status == 429
    assert client.head[b"retry-after"] == b"2"
    assert client.head[b"retry-after-ms"] == b"1500"
    assert error_of(client.received) == {
        "message": "slow down",
        "type": "requests",
        "param": None,
        "code": "rate_limit_exceeded",
    }


async def test_a_silent_stream_gets_comments_before_its_first_token() -> None:
    gateway = Gateway(ScriptedUpstream(head=PAUSE), bounds=Bounds(heartbeat_s=0.0))
    client = Client(chat(stream=True))
    task = gateway.start(client)
    await gateway.upstream.waiting.wait()
    gateway.inflight.pulse(gateway.house.clock.now_s() + 1)
    await client.wrote.wait()
    while not client.received:
        await asyncio.sleep(0)
    assert client.status == 200
    assert client.received == b": keep-alive\n\n"
    gateway.inflight.stop_all()
    await task
    assert error_of(client.received.split(b"data: ")[1])["code"] == "shutting_down"


@pytest.mark.parametrize("stream", [True, False])
async def test_only_streams_get_comments(stream: bool) -> None:
    gateway = Gateway(ScriptedUpstream([PAUSE]), bounds=Bounds(heartbeat_s=0.0))
    client = Client(chat(stream=stream))
    task = gateway.start(client)
    while not gateway.upstream.replies:
        await asyncio.sleep(0)
    await gateway.upstream.replies[0].paused.wait()
    gateway.inflight.pulse(gateway.house.clock.now_s() + 1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert bool(client.received) is stream
    client.leave()
    await task


async def test_embeddings_get_no_comments_even_where_a_stream_is_asked_for() -> None:
    gateway = Gateway(ScriptedUpstream(head=PAUSE), bounds=Bounds(heartbeat_s=0.0))
    client = Client(orjson.dumps({"model": "m", "input": "x", "stream": True}))
    task = gateway.start(client, Operation.EMBEDDINGS)
    await gateway.upstream.waiting.wait()
    gateway.inflight.pulse(gateway.house.clock.now_s() + 1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not client.events
    client.leave()
    await task


def living_exchanges() -> int:
    return sum(isinstance(one, Exchange) for one in gc.get_objects())


@pytest.mark.parametrize(
    ("upstream", "body"),
    [
        (ScriptedUpstream(), chat()),
        (ScriptedUpstream([b"data: 1\n\n"]), chat(stream=True)),
        (ScriptedUpstream(), b"{"),
        (ScriptedUpstream(), chat(model="nobody")),
        (ScriptedUpstream(head=UpstreamRefused(500, "no", error_type="server_error")), chat()),
        (ScriptedUpstream([b"data: 1\n\n", UpstreamTruncated("cut")]), chat(stream=True)),
    ],
    ids=["plain", "stream", "bad JSON", "unknown model", "upstream error", "truncated"],
)
async def test_a_call_that_ended_is_gone_without_the_collectors_help(upstream: ScriptedUpstream, body: bytes) -> None:
    gateway = Gateway(upstream)
    gc.collect()
    gc.disable()
    try:
        before = living_exchanges()
        await gateway.ask(Client(body))
        await asyncio.sleep(0)
        assert living_exchanges() == before
    finally:
        gc.enable()


async def test_a_call_whose_client_left_is_gone_too() -> None:
    gateway = Gateway(ScriptedUpstream([b"data: 1\n\n", PAUSE]))
    gc.collect()
    gc.disable()
    try:
        before = living_exchanges()
        client = Client(chat(stream=True))
        task = gateway.start(client)
        await client.wrote.wait()
        client.leave()
        await task
        del task
        assert living_exchanges() == before
    finally:
        gc.enable()


async def test_an_answer_that_has_begun_holds_no_body() -> None:
    gateway = Gateway(ScriptedUpstream([b"data: 1\n\n", PAUSE]))
    client = Client(chat(stream=True))
    task = gateway.start(client)
    await client.wrote.wait()
    (exchange,) = [one for one in gc.get_objects() if isinstance(one, Exchange)]
    assert (exchange.request.body, exchange.request.fields, exchange.headers) == (b"", {}, {})
    assert exchange.request.model == "m"
    client.leave()
    await task


def test_header_lines_of_one_name_are_one_list() -> None:
    assert joined([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]) == {b"a": b"1, 3", b"b": b"2"}


async def test_a_stream_that_has_just_spoken_gets_no_comment() -> None:
    gateway = Gateway(ScriptedUpstream([b"data: 1\n\n", PAUSE]), bounds=Bounds(heartbeat_s=60))
    client = Client(chat(stream=True))
    task = gateway.start(client)
    await client.wrote.wait()
    gateway.inflight.pulse(gateway.house.clock.now_s() + 1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert client.received == b"data: 1\n\n"
    client.leave()
    await task


async def test_a_plain_asgi_server_tells_of_a_departure_through_receive() -> None:
    gateway = Gateway(ScriptedUpstream([b"data: 1\n\n", PAUSE]))
    client = Client(chat(stream=True), extension=False)
    task = gateway.start(client)
    await client.wrote.wait()
    client.gone.set()
    await task
    assert gateway.endings() == {"abandoned": 1}


async def test_a_plain_asgi_server_tells_of_a_departure_within_the_body() -> None:
    gateway = Gateway()
    client = Client(hold_body=True, extension=False)
    client.gone.set()
    await gateway.ask(client)
    assert gateway.endings() == {"abandoned": 1}
    assert not client.events


async def test_a_process_at_its_limit_says_when_to_come_back() -> None:
    gateway = Gateway(ScriptedUpstream([PAUSE]), bounds=Bounds(in_flight=1))
    first = gateway.start(Client(chat()))
    while not gateway.upstream.replies:
        await asyncio.sleep(0)
    second = await gateway.ask(Client(chat()))
    assert second.status == 503
    assert second.head[b"retry-after"] == b"1"
    assert error_of(second.received)["code"] == "server_is_overloaded"
    gateway.inflight.stop_all()
    await first


async def test_a_stopping_process_takes_no_calls() -> None:
    gateway = Gateway()
    gateway.inflight.stopping = True
    client = await gateway.ask(Client(chat()))
    assert client.status == 503
    assert error_of(client.received)["code"] == "shutting_down"
    assert gateway.endings() == {"shutdown": 1}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], None),
        ([(b"authorization", b"Basic abc")], None),
        ([(b"authorization", b"Bearer ")], None),
        ([(b"authorization", b"Bearer no")], "invalid_api_key"),
        ([(b"x-api-key", b"no")], "invalid_api_key"),
        ([(b"authorization", b"Bearer \xff\xfe")], "invalid_api_key"),
    ],
)
async def test_no_key_and_a_wrong_key_are_told_apart(headers: list[tuple[bytes, bytes]], code: str | None) -> None:
    client = await Gateway().ask(Client(chat(), headers=headers))
    assert client.status == 401
    error = error_of(client.received)
    assert error["code"] == code
    assert "Authorization: Bearer" in error["message"]


@pytest.mark.parametrize("header", [b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"])
async def test_every_header_that_sdks_use_carries_the_key(header: bytes) -> None:
    value = b"Bearer sk-fg-test" if header == b"authorization" else b"sk-fg-test"
    client = await Gateway().ask(Client(chat(), headers=[(header, value)]))
    assert client.status == 200


async def test_an_unknown_model_is_answered_with_near_names_that_the_tenant_may_use() -> None:
    gateway = Gateway()
    assert (await gateway.ask(Client(chat(model="forbidden")))).status == 404
    client = await gateway.ask(Client(chat(model="mm")))
    error = error_of(client.received)
    assert error["code"] == "model_not_found"
    assert error["param"] == "model"
    assert "'m'" in error["message"]
    assert "forbidden" not in error["message"]


async def test_a_patterns_model_goes_by_the_name_that_was_asked() -> None:
    client = await Gateway().ask(Client(chat(model="x-large")))
    assert client.head[b"x-fleetgate-model"] == b"p/x-large"


async def test_a_name_that_no_header_can_hold_is_not_repeated() -> None:
    client = await Gateway().ask(Client(chat(model="x-\r\nset-cookie: a")))
    assert client.head[b"x-fleetgate-model"] == b"p/*"


async def test_the_callers_trace_goes_on() -> None:
    trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    client = await Gateway().ask(Client(chat(), headers=[(b"api-key", b"sk-fg-test"), (b"traceparent", trace)]))
    told = client.head[b"traceparent"].split(b"-")
    assert told[1] == b"4bf92f3577b34da6a3ce929d0e0e4736"
    assert told[2] != b"00f067aa0ba902b7"
    assert told[3] == b"01"


async def test_embeddings_and_completions_are_conversations_too() -> None:
    gateway = Gateway()
    client = await gateway.ask(Client(orjson.dumps({"model": "m", "input": "x"})), Operation.EMBEDDINGS)
    assert client.status == 200
    client = await gateway.ask(Client(orjson.dumps({"model": "m", "prompt": "x"})), Operation.COMPLETIONS)
    assert client.status == 200
