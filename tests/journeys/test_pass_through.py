"""What has to change is changed, and every other byte arrives as it was sent, both ways; over bare sockets."""

import json
import re

import pytest

from tests.journeys.answers import USAGE, dumps
from tests.journeys.behaviours import UPSTREAM_KEY, answer_with_extras
from tests.journeys.configs import ACME
from tests.journeys.processes import Gateway, Upstream
from tests.journeys.wire import ask, chat, data_of, request, wire

ODD = (
    ' {"messages" : [ {"role":"user","content":"\\u00fc\\/ \\ud83c\\udf0d \U0001f30d"} ],\r\n\t"model":"%s",'
    '"x_vendor":{"pi":3.1400,"big":123456789012345678901234567890,"e":1E+3,"n":null,"deep":[[[[]]]],"":0}, "seed":-0} \n'
)


def odd(model: str) -> bytes:
    """A body that no serialiser would write."""
    return (ODD % model).encode()


async def test_a_body_that_needs_no_change_arrives_to_the_byte(gateway: Gateway, upstream: Upstream, tag: str) -> None:
    body = odd(f"plain{tag}")
    assert (await ask(gateway, chat("", ACME, body))).status == 200
    assert upstream.requests(f"plain{tag}")[0].body == body


@pytest.mark.parametrize("compact", [True, False])
async def test_an_alias_changes_the_model_and_not_one_byte_more(
    gateway: Gateway, upstream: Upstream, tag: str, compact: bool
) -> None:
    body = odd("alias").replace(b'"seed"', f'"mark":"{tag}","seed"'.encode())
    if compact:
        body = dumps(json.loads(body) | {"x_vendor": {"z": 1, "a": [2.5]}})
    assert (await ask(gateway, chat("", ACME, body))).status == 200
    mine = [one for one in upstream.requests("plain") if tag.encode() in one.body]
    assert [one.body for one in mine] == [body.replace(b'"alias"', b'"plain"')]


@pytest.mark.parametrize("options", ["", '"stream_options": {"x_more": [1.50]},', '"stream_options":null,'])
async def test_usage_is_asked_for_upstream_and_kept_from_who_did_not_ask(
    gateway: Gateway, upstream: Upstream, tag: str, options: str
) -> None:
    model = f"plain{tag}"
    body = odd(model).replace(b'"seed"', f'"stream" : true, {options}"seed"'.encode())
    answer = await ask(gateway, chat("", ACME, body))
    events = data_of(answer.body)
    assert events[-1] == b"[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert all(chunk["choices"] for chunk in chunks)
    assert not any(chunk.get("usage") for chunk in chunks)
    sent = upstream.requests(model)[0]
    assert sent.fields["stream_options"]["include_usage"] is True
    assert sent.fields["stream_options"].get("x_more") == ([1.5] if "x_more" in options else None)
    assert b'"x_vendor":{"pi":3.1400,"big":123456789012345678901234567890,"e":1E+3,' in sent.body


async def test_usage_comes_once_and_last_to_who_asks(gateway: Gateway) -> None:
    answer = await ask(gateway, chat("plain", ACME, stream=True, stream_options={"include_usage": True}))
    chunks = [json.loads(event) for event in data_of(answer.body)[:-1]]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == USAGE
    assert not any(chunk.get("usage") for chunk in chunks[:-1])


async def test_a_plain_answer_arrives_to_the_byte(gateway: Gateway, tag: str) -> None:
    answer = await ask(gateway, chat(f"extras{tag}", ACME))
    assert answer.body == answer_with_extras(f"extras{tag}")[0]
    assert int(answer.headers["content-length"]) == len(answer.body)


async def test_the_events_of_a_stream_arrive_to_the_byte(gateway: Gateway, tag: str) -> None:
    sent = [piece[6:-2] for piece in answer_with_extras(f"extras{tag}")[1]]
    asked = await ask(gateway, chat(f"extras{tag}", ACME, stream=True, stream_options={"include_usage": True}))
    assert data_of(asked.body) == sent
    unasked = await ask(gateway, chat(f"extras{tag}", ACME, stream=True))
    assert data_of(unasked.body) == [*sent[:2], sent[3]]


async def test_the_head_of_a_stream_is_what_clients_and_proxies_need(gateway: Gateway) -> None:
    answer = await ask(gateway, chat("gzip", ACME, stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert not {"content-length", "content-encoding"} & set(answer.headers)


async def test_chunks_are_passed_on_as_they_come(gateway: Gateway, upstream: Upstream, tag: str) -> None:
    async with wire(gateway) as one:
        await one.send(chat(f"endless{tag}", ACME, stream=True))
        await one.head()
        body = b""
        async for piece in one.chunks():
            body += piece
            if body.count(b'"more "') >= 5:
                break
        assert upstream.requests(f"endless{tag}")[0].state == "running"
    assert upstream.wait(f"endless{tag}", "left") == 1


async def test_the_callers_credential_stays_here_and_the_providers_goes_out(
    gateway: Gateway, upstream: Upstream, tag: str
) -> None:
    headers = {
        "authorization": f"Bearer {ACME}",
        "x-api-key": ACME,
        "api-key": ACME,
        "cookie": "session=secret",
        "openai-organization": "org-callers",
        "x-forwarded-for": "10.0.0.1",
        "connection": "keep-alive, x-hop",
        "x-hop": "1",
    }
    body = dumps({"model": f"plain{tag}", "messages": []})
    assert (await ask(gateway, request("POST", "/v1/chat/completions", body, headers))).status == 200
    seen = upstream.requests(f"plain{tag}")[0].headers
    assert seen["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert ACME not in json.dumps(seen)
    assert not {"x-api-key", "api-key", "cookie", "x-hop"} & set(seen)
    assert seen["content-length"] == str(len(body))


async def test_every_reply_tells_its_id_who_answered_and_how_long_it_took(gateway: Gateway) -> None:
    async with wire(gateway) as one:
        plain = await one.ask(chat("alias", ACME))
        stream = await one.ask(chat("plain", ACME, stream=True))
        refused = await one.ask(chat("error-400", ACME))
    ids = {answer.headers["x-request-id"] for answer in (plain, stream, refused)}
    assert len(ids) == 3
    assert "req_upstream" not in ids
    assert plain.headers["x-fleetgate-model"] == "up/plain"
    assert refused.status == 400
    for answer in (plain, stream, refused):
        timing = dict(re.findall(r"(\w+);dur=([\d.]+)", answer.headers["server-timing"]))
        assert 0 <= float(timing["upstream"]) <= float(timing["total"])


async def test_the_providers_rate_limits_are_not_relayed_and_its_patience_is(gateway: Gateway) -> None:
    answer = await ask(gateway, chat("error-429", ACME))
    assert answer.status == 429
    assert answer.error()["code"] == "rate_limit_exceeded"
    assert answer.headers["retry-after"] == "1"
    assert "x-ratelimit-remaining-requests" not in answer.headers
    empty = await ask(gateway, chat("error-429-quota", ACME))
    assert (empty.status, empty.headers["x-should-retry"]) == (429, "false")


async def test_the_trace_of_the_caller_is_joined(gateway: Gateway, upstream: Upstream, tag: str) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"authorization": f"Bearer {ACME}", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    body = dumps({"model": f"plain{tag}", "messages": []})
    answer = await ask(gateway, request("POST", "/v1/chat/completions", body, headers))
    assert answer.headers["traceparent"].split("-")[1] == trace
    assert answer.headers["traceparent"] != headers["traceparent"]
