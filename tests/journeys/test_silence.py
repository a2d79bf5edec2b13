"""Keep-alive comments before and between tokens, and what an error looks like once they have begun."""

import asyncio
import json

from tests.journeys.answers import PARTS, TEXT
from tests.journeys.configs import ACME, Starter, config_for
from tests.journeys.processes import Gateway, Upstream
from tests.journeys.wire import ask, chat, data_of

COMMENT = b": keep-alive\n\n"


def text_of(body: bytes) -> str:
    return "".join(json.loads(one)["choices"][0]["delta"].get("content") or "" for one in data_of(body)[:-1])


async def test_a_provider_that_thinks_for_long_is_bridged_by_comments(gateway: Gateway) -> None:
    answer = await ask(gateway, chat("slow-first", ACME, stream=True))
    before, _, _ = answer.body.partition(b"data: ")
    assert answer.status == 200
    assert before == COMMENT * before.count(COMMENT)
    assert before.count(COMMENT) >= 2
    assert text_of(answer.body) == TEXT


async def test_a_pause_between_tokens_is_bridged_by_comments(gateway: Gateway) -> None:
    answer = await ask(gateway, chat("quiet", ACME, stream=True))
    place = answer.body.index(PARTS[1].encode())
    assert answer.body[:place].count(COMMENT) >= 2
    assert text_of(answer.body) == TEXT


async def test_a_brisk_stream_has_no_comments_however_long_it_is(start: Starter, upstream: Upstream) -> None:
    patient = start(config_for(upstream, "heartbeat: 1s"))
    assert COMMENT not in (await ask(patient, chat("slow-chunks", ACME, stream=True))).body


async def test_a_plain_call_is_not_bridged(gateway: Gateway) -> None:
    answer = await ask(gateway, chat("slow-first", ACME))
    assert answer.json()["choices"][0]["message"]["content"] == TEXT


async def test_an_error_that_comes_late_is_told_inside_the_stream(gateway: Gateway) -> None:
    stream, plain = await asyncio.gather(
        ask(gateway, chat("late-error-429", ACME, stream=True)), ask(gateway, chat("late-error-429", ACME))
    )
    assert (plain.status, plain.error()["code"]) == (429, "rate_limit_exceeded")
    assert stream.status == 200  # the comments had to begin
    events = [json.loads(one) for one in data_of(stream.body)]
    assert [event["error"]["code"] for event in events] == ["rate_limit_exceeded"]


async def test_a_provider_that_falls_silent_for_good_ends_in_an_error(gateway: Gateway) -> None:
    hung, stream, stalled = await asyncio.gather(
        ask(gateway, chat("hang", ACME)),
        ask(gateway, chat("hang", ACME, stream=True)),
        ask(gateway, chat("stall", ACME, stream=True)),
    )
    assert (hung.status, hung.error()["code"]) == (504, "upstream_timeout")
    assert [json.loads(one)["error"]["code"] for one in data_of(stream.body)] == ["upstream_timeout"]
    *begun, last = [json.loads(one) for one in data_of(stalled.body)]
    assert "".join(one["choices"][0]["delta"]["content"] for one in begun) == "".join(PARTS[:2])
    assert last["error"]["code"] == "upstream_timeout"
