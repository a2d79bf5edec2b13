"""What a provider may send without end costs neither time that grows with it nor memory."""

import time
from typing import Any

import pytest

from gateway.core.errors import UpstreamBroken
from gateway.providers.openai import calls, mending
from gateway.providers.wire import OPENAI
from tests.journeys.variants import DONE, event
from tests.wires.driving import WALL_S, ask, check, drive, request
from tests.wires.streams import chunk

STOP = chunk({}, "stop")
GENEROUS_S = 2.0
"""For what takes a few milliseconds, or tens of seconds where its cost is quadratic."""


def begun_calls(first: int, count: int) -> Any:
    return chunk(
        {
            "tool_calls": [
                {"index": at, "id": f"a{at}", "type": "function", "function": {"name": "f", "arguments": ""}}
                for at in range(first, first + count)
            ]
        }
    )


def test_as_many_calls_as_are_allowed_pass() -> None:
    left = drive([event(begun_calls(0, calls.CALL_LIMIT)), event(chunk({}, "tool_calls")), DONE], request())
    check(left, usage=False)
    assert len(left.transcript.choice(0).calls) == calls.CALL_LIMIT


@pytest.mark.parametrize("each", [1, 100, 50_000])
def test_more_calls_than_any_answer_has_are_a_fault_and_are_found_in_time(each: int) -> None:
    begun = time.perf_counter()
    left = drive([event(begun_calls(at, each)) for at in range(0, calls.CALL_LIMIT + each, each)])
    assert isinstance(left.fault, UpstreamBroken)
    assert time.perf_counter() - begun < GENEROUS_S


def test_the_calls_of_all_choices_count() -> None:
    half = begun_calls(0, calls.CALL_LIMIT // 2 + 1)
    second = half | {"choices": [half["choices"][0] | {"index": 1}]}
    assert drive([event(half)]).begun
    assert isinstance(drive([event(half), event(second)]).fault, UpstreamBroken)


def test_a_name_that_does_not_end_is_a_fault() -> None:
    pieces = [chunk({"tool_calls": [{"index": 0, "function": {"name": piece}}]}) for piece in ("f" * 1024, "g")]
    assert drive(map(event, pieces[:1])).begun
    assert isinstance(drive(map(event, pieces)).fault, UpstreamBroken)


def test_more_choices_than_any_answer_has_are_a_fault() -> None:
    choices = [{"index": at, "delta": {"content": "x"}, "finish_reason": None} for at in range(mending.CHOICE_LIMIT + 1)]
    assert drive([event(STOP | {"choices": choices[:-1]})]).begun
    assert isinstance(drive([event(STOP | {"choices": choices})]).fault, UpstreamBroken)


@pytest.mark.parametrize(
    "early",
    [
        b'data: {"usage":0}\n\n',
        b'data: {"usage":{"prompt_tokens":1}}\n\n',
        b'data: {"id":""}\n\n',
        b'data: {"id":"x","usage":{"a":1}}\n\n',
    ],
)
def test_what_comes_before_the_content_costs_no_more_the_more_there_is(early: bytes) -> None:
    stream = OPENAI.stream(ask(request()), WALL_S)
    begun = time.perf_counter()
    for _ in range(10):
        chunk = stream.feed(early * 1500)
        assert not chunk.data
        assert len(chunk.deltas) <= 1
    assert time.perf_counter() - begun < GENEROUS_S


@pytest.mark.parametrize(
    "early", [b'data: {"usage":0}\n\n', b'data: {"type":"ping"}\n\n', b'data: {"id":"x","choices":[]}\n\n']
)
def test_events_without_end_and_without_content_are_a_fault(early: bytes) -> None:
    assert isinstance(drive([early * 1000] * 17).fault, UpstreamBroken)


def test_many_events_before_the_id_that_say_something_are_a_fault() -> None:
    said = event({"id": "", "choices": [], "prompt_filter_results": []})
    assert drive([said * 16, event(chunk({"content": "x"})), event(STOP), DONE]).fault is None
    assert isinstance(drive([said * 17]).fault, UpstreamBroken)


def test_of_usage_that_is_told_again_and_again_the_last_stands() -> None:
    told = [event({"id": "c", "choices": [], "usage": {"prompt_tokens": at}}) for at in range(50)]
    early = [event({"usage": {"prompt_tokens": at}}) for at in range(50)]
    for pieces in ([b"".join(told)], told, [b"".join(early)], early):
        left = drive([*pieces, event(chunk({"content": "x"})), event(STOP), DONE])
        check(left)
        assert left.transcript.usage == {"prompt_tokens": 49}
        assert left.events[-1]["usage"] == {"prompt_tokens": 49}


def test_usage_is_known_though_the_stream_breaks_off_right_behind_it() -> None:
    told = event({"id": "c", "choices": [], "usage": {"prompt_tokens": 7}})
    left = drive([event(chunk({"content": "x"})), told + event({"error": {"message": "no"}})])
    assert left.fault is not None
    assert left.transcript.usage == {"prompt_tokens": 7}
