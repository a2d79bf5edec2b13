"""What an answer cost: counted where the provider has counted it, estimated where it has not, and never nothing."""

from typing import Any

import pytest

from gateway.core.chat import ModelRequest, Operation
from gateway.core.record import Usage
from gateway.core.transcript import Transcript
from gateway.metering.usage import usage_of
from tests.wires.anthropic.driven import NATIVE, asked, read, streamed
from tests.wires.anthropic.exchanges import ENDED, MESSAGE, STOP, STREAMS, USAGE, end, event, start, text
from tests.wires.driving import Left

REQUESTS = pytest.mark.parametrize("request_", [NATIVE, asked(), asked(usage=False)], ids=["native", "chat", "no usage asked"])
ASKED_BYTES = 4000
WORDS = "x" * 400
WHOLE = Usage(142, 40, 100, 7, cache_write_tokens=30, cache_write_1h_tokens=20)


def counted(left: Left) -> Usage:
    return usage_of(left.transcript, ASKED_BYTES)


def ended(reason: str | None, usage: Any) -> bytes:
    return event({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage})


@REQUESTS
def test_a_whole_stream_costs_what_it_says(request_: ModelRequest) -> None:
    assert counted(streamed([STREAMS["text"]], request_)) == WHOLE


@REQUESTS
@pytest.mark.parametrize(
    "cut",
    [
        start() + text(0, WORDS),
        start() + text(0, WORDS) + end(usage=None),
        start() + text(0, WORDS) + end(usage={"input_tokens": 12}),
        start(None) + text(0, WORDS) + end(),
        start({"input_tokens": 0, "output_tokens": 0}) + text(0, WORDS) + end(),
        start({"input_tokens": "12", "output_tokens": 1}) + text(0, WORDS) + end(),
        start() + text(0, WORDS) + ended(None, None),
        start() + text(0, WORDS) + ended(None, {"output_tokens": None}),
    ],
)
def test_what_is_not_counted_to_the_end_is_estimated(cut: bytes, request_: ModelRequest) -> None:
    found = counted(streamed([cut], request_))
    assert (found.input_tokens, found.output_tokens, found.exact) == (ASKED_BYTES // 4, len(WORDS) // 4, False)


@REQUESTS
def test_a_cut_stream_that_counted_as_it_went_costs_that(request_: ModelRequest) -> None:
    left = streamed([start() + text(0, WORDS) + ended(None, {"output_tokens": 99})], request_)
    assert left.fault is not None
    assert counted(left) == WHOLE._replace(output_tokens=99, reasoning_tokens=0)


@REQUESTS
def test_a_count_behind_the_end_counts(request_: ModelRequest) -> None:
    body = (
        start() + text(0, "a") + ended("end_turn", None) + event({"type": "message_delta", "delta": {}, "usage": ENDED}) + STOP
    )
    left = streamed([body], request_)
    assert left.fault is None
    assert counted(left) == WHOLE


@REQUESTS
def test_counts_are_never_added_up(request_: ModelRequest) -> None:
    said = {**USAGE, **ENDED}
    body = start() + text(0, "a") + ended(None, said) + ended(None, said) + end(usage=said)
    assert counted(streamed([body], request_)) == WHOLE


@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.MESSAGES])
@pytest.mark.parametrize(
    "usage", [None, {}, 7, {"output_tokens": 3}, {"input_tokens": 0, "output_tokens": 0}, {"input_tokens": -1}]
)
def test_a_plain_answer_without_a_count_is_estimated(usage: Any, operation: Operation) -> None:
    transcript = Transcript()
    transcript.fold(read({**MESSAGE, "usage": usage}, asked(operation)))
    found = usage_of(transcript, ASKED_BYTES)
    assert found.input_tokens == ASKED_BYTES // 4
    assert found.output_tokens > 0
    assert not found.exact


@REQUESTS
def test_a_count_that_is_null_is_none(request_: ModelRequest) -> None:
    said = {**ENDED, "input_tokens": None, "cache_read_input_tokens": None, "cache_creation_input_tokens": None}
    assert counted(streamed([start() + text(0, "a") + end(usage=said)], request_)) == WHOLE


def test_an_answer_all_from_the_cache_has_an_input() -> None:
    left = streamed([start({"input_tokens": 0, "cache_read_input_tokens": 90, "output_tokens": 1}) + text(0, "a") + end()])
    assert counted(left) == Usage(90, 40, 90, 7)


def test_whoever_asks_for_usage_gets_none_with_every_chunk_but_the_last() -> None:
    events = streamed([STREAMS["parallel tools"]]).events
    assert all(one["usage"] is None for one in events[:-1])
    assert events[-1]["usage"]["prompt_tokens"] == 142
    assert not any("usage" in one for one in streamed([STREAMS["parallel tools"]], asked(usage=False)).events)
