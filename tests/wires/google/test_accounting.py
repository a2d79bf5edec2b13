"""What an answer cost: counted where Gemini has counted it, estimated where it has not, and never nothing."""

from typing import Any

import orjson
import pytest

from gateway.core.chat import ModelRequest
from gateway.core.record import Usage
from gateway.core.transcript import Transcript
from gateway.metering.usage import usage_of
from gateway.providers.wire import GOOGLE
from tests.wires.driving import WALL_S, request
from tests.wires.google.asking import asked, native, read, told
from tests.wires.google.exchanges import BLOCKED, CUT, Json, candidate, events, response, usage

ASKED_BYTES = 4000
WORDS = {"text": "x" * 400}
ESTIMATE = Usage(1000, 100, exact=False)
UNCOUNTED: list[Any] = [7, {}, {"promptTokenCount": 0, "candidatesTokenCount": 5}, {"promptTokenCount": "13"}, usage(13, None)]
ASKING = pytest.mark.parametrize("asking", [request(usage=True), request(), native(), native("")])


def ending(counts: Any) -> Json:
    return {**response(candidate(WORDS, finish="STOP")), "usageMetadata": counts}


@ASKING
@pytest.mark.parametrize("counts", UNCOUNTED)
def test_a_stream_that_does_not_count_is_estimated(counts: Any, asking: ModelRequest) -> None:
    left = told([events(ending(counts))], asking)
    assert left.fault is None
    assert usage_of(left.transcript, ASKED_BYTES) == ESTIMATE
    assert not any(one.get("usage") for one in left.events if "choices" in one) or asking.query == ""


@pytest.mark.parametrize("counts", UNCOUNTED)
def test_a_plain_answer_that_does_not_count_is_estimated(counts: Any) -> None:
    for chunk in (read(ending(counts)), GOOGLE.read(asked(native(stream=False)), orjson.dumps(ending(counts)), WALL_S)):
        transcript = Transcript()
        transcript.fold(chunk)
        assert usage_of(transcript, ASKED_BYTES) == ESTIMATE


@ASKING
def test_a_cut_stream_costs_what_it_had_counted_and_counts_are_never_added_up(asking: ModelRequest) -> None:
    body = events(*(response(candidate(WORDS), counts=usage(13, said)) for said in (None, 7, 9)))
    for pieces in ([body], [body[at : at + 1] for at in range(len(body))]):
        left = told(pieces, asking)
        assert left.fault is not None
        assert usage_of(left.transcript, ASKED_BYTES) == Usage(13, 9)


@ASKING
def test_a_stream_cut_before_any_count_is_estimated(asking: ModelRequest) -> None:
    left = told([events(response(candidate(WORDS), counts=usage(13, None)))], asking)
    assert left.fault is not None
    assert usage_of(left.transcript, ASKED_BYTES) == ESTIMATE


@ASKING
@pytest.mark.parametrize(("answer", "cost"), [(BLOCKED, Usage(13, 0)), (CUT, Usage(13, 98, 0, 98))])
def test_an_answer_without_words_costs_what_was_counted(answer: Json, cost: Usage, asking: ModelRequest) -> None:
    assert usage_of(told([events(answer)], asking).transcript, ASKED_BYTES) == cost


def test_whoever_asks_for_usage_gets_none_with_every_chunk_but_the_last() -> None:
    sent = told([events(ending(usage()))]).events
    assert all(one["usage"] is None for one in sent[:-1])
    assert sent[-1]["usage"]["prompt_tokens"] == 13
    assert not any("usage" in one for one in told([events(ending(usage()))], request()).events)
