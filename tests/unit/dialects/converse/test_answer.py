"""A finished chat as Converse's answer, and its stream: both say the same, and both can be read by AWS's own model."""

import base64
import json
from typing import Any

import pytest
from botocore.parsers import create_parser  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import UpstreamBroken
from gateway.dialects.converse.answer import answer
from gateway.dialects.converse.stream import Rendering
from gateway.dialects.translation import Delta
from tests.unit.dialects.converse.asking import Json, converse, events_of, folded, user
from tests.unit.dialects.speech import (
    FIRST,
    USAGE,
    begun,
    completion,
    more_of,
    parsed,
    plain_completion,
    rendered,
    said,
)

ASKED = converse(user("hi"))
STREAMED = converse(user("hi"), stream=True)
STOP = said({}, "stop")
CALLED = said({}, "tool_calls")
TOLD: Json = {"usage": USAGE}
SUMS = {
    "inputTokens": 12,
    "outputTokens": 9,
    "totalTokens": 29,
    "cacheReadInputTokens": 5,
    "cacheWriteInputTokens": 3,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 1}, {"ttl": "5m", "inputTokens": 2}],
}


def plain(message: Json, finish: str = "stop", request: Any = ASKED, **choice: Any) -> Json:
    return parsed(answer(request, plain_completion(message, finish, **choice)))


def streamed(*deltas: Delta, request: Any = STREAMED) -> Json:
    return folded(rendered(Rendering(request), deltas))


def content(told: Json) -> Any:
    return told["output"]["message"]["content"]


def use(call_id: str, name: str, **given: Any) -> Json:
    return {"toolUse": {"toolUseId": call_id, "name": name, "input": given}}


def call(call_id: str, name: str, words: str) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": words}}


# ---------------------------------------------------------------- plain


def test_text_and_what_it_took() -> None:
    told = plain({"content": "Grüße"})
    assert told == {
        "output": {"message": {"role": "assistant", "content": [{"text": "Grüße"}]}},
        "stopReason": "end_turn",
        "usage": SUMS,
        "metrics": {"latencyMs": 0},
    }


def test_thinking_comes_with_its_signature_before_the_calls() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "redacted_thinking", "data": "EncData"},
    ]
    message = {"content": "So.", "thinking_blocks": blocks, "tool_calls": [call("c1", "get", '{"a":1}')]}
    assert content(plain(message, "tool_calls")) == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": base64.b64encode(b"EncData").decode()}},
        {"text": "So."},
        use("c1", "get", a=1),
    ]


def test_thinking_that_nobody_signed_is_shown_too() -> None:
    assert content(plain({"content": "So.", "reasoning_content": "Hm."})) == [
        {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
        {"text": "So."},
    ]


@pytest.mark.parametrize(
    ("finish", "more", "reason"),
    [
        ("stop", {}, "end_turn"),
        ("length", {}, "max_tokens"),
        ("content_filter", {}, "content_filtered"),
        ("stop", {"stop_sequence": "END"}, "stop_sequence"),
        ("length", {"native_finish_reason": "model_context_window_exceeded"}, "model_context_window_exceeded"),
        ("content_filter", {"native_finish_reason": "guardrail_intervened"}, "guardrail_intervened"),
        ("stop", {"native_finish_reason": "pause_turn"}, "end_turn"),
        ("content_filter", {"native_finish_reason": "refusal"}, "content_filtered"),
        ("tool_calls", {}, "end_turn"),
        ("eos", {}, "end_turn"),
        ("stop", {"native_finish_reason": {"odd": []}, "stop_sequence": []}, "end_turn"),
    ],
)
def test_why_it_ended(finish: str, more: Json, reason: str) -> None:
    assert plain({"content": "x"}, finish, **more)["stopReason"] == reason
    assert streamed(FIRST, b"x", said({}, finish, **more))["stopReason"] == reason


def test_a_refusal_is_text_that_was_filtered() -> None:
    told = plain({"refusal": "No."})
    assert (content(told), told["stopReason"]) == ([{"text": "No."}], "content_filtered")


def test_which_stop_sequence_matched_is_told_to_who_asked() -> None:
    asked = converse(user("hi"), additionalModelResponseFieldPaths=["/stop_sequence"])
    told = plain({"content": "x"}, request=asked, stop_sequence="END")
    assert told["additionalModelResponseFields"] == {"stop_sequence": "END"}
    assert "additionalModelResponseFields" not in plain({"content": "x"}, stop_sequence="END")
    assert "additionalModelResponseFields" not in plain({"content": "x"}, request=asked)


@pytest.mark.parametrize("broken", [{}, {"choices": []}, {"choices": [{"index": 0}]}, {"choices": [1]}])
def test_an_answer_without_a_message_is_none(broken: Json) -> None:
    with pytest.raises(UpstreamBroken):
        answer(ASKED, broken)


# ---------------------------------------------------------------- streamed


def test_text_comes_as_it_is_said_and_has_no_beginning() -> None:
    rendering = Rendering(STREAMED)
    first = rendering.feed([FIRST, b"Hel"])
    assert events_of(first) == [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"delta": {"text": "Hel"}, "contentBlockIndex": 0}),
    ]
    second = rendering.feed([b"lo \xe2\x82\xac", said({"content": '\n"q"'})])
    assert [event["delta"]["text"] for _, event in events_of(second)] == ["lo €", '\n"q"']
    assert rendering.feed([STOP]) == b""
    assert rendering.feed([TOLD]) == b""
    told = folded(first + second + rendering.end())
    assert content(told) == [{"text": 'Hello €\n"q"'}]
    assert (told["stopReason"], told["usage"]) == ("end_turn", SUMS)


def test_how_long_it_took_is_told() -> None:
    assert streamed(FIRST, b"Hi", STOP, {"latency_ms": 612, "usage": USAGE})["metrics"] == {"latencyMs": 612}
    timed = {**plain_completion({"content": "x"}), "latency_ms": 7}
    assert parsed(answer(ASKED, timed))["metrics"] == {"latencyMs": 7}


def test_a_stream_that_says_nothing_is_one_too() -> None:
    assert content(streamed()) == []
    assert content(streamed(FIRST, said({"content": ""}), b"", STOP)) == []


def test_parallel_calls_that_interleave_come_one_after_the_other() -> None:
    told = streamed(
        FIRST,
        said({"content": "I look."}),
        begun(0, "c1", "get"),
        begun(1, "c2", "put"),
        more_of(1, '{"b":"x"}'),
        more_of(0, '{"a"'),
        more_of(0, ":1}"),
        CALLED,
    )
    assert content(told) == [{"text": "I look."}, use("c1", "get", a=1), use("c2", "put", b="x")]
    assert told["stopReason"] == "tool_use"


def test_a_call_without_arguments_has_an_empty_input() -> None:
    assert content(streamed(FIRST, begun(0, "c1", "get"), CALLED)) == [use("c1", "get")]


def test_thinking_is_signed_before_it_closes() -> None:
    blocks = [{"type": "thinking", "thinking": "hm ok", "signature": "s=="}, {"type": "redacted_thinking", "data": "enc"}]
    told = streamed(
        FIRST,
        said({"reasoning_content": "hm "}),
        said({"reasoning_content": "ok"}),
        said({"thinking_blocks": blocks[:1]}),
        said({"thinking_blocks": blocks[1:]}),
        b"So.",
        STOP,
    )
    assert content(told) == [
        {"reasoningContent": {"reasoningText": {"text": "hm ok", "signature": "s=="}}},
        {"reasoningContent": {"redactedContent": base64.b64encode(b"enc").decode()}},
        {"text": "So."},
    ]


def test_unsigned_thinking_has_no_signature() -> None:
    told = streamed(FIRST, said({"reasoning_content": "hm"}), b"So.", STOP)
    assert content(told)[0] == {"reasoningContent": {"reasoningText": {"text": "hm"}}}


def test_half_a_surrogate_pair_is_no_reason_to_fail() -> None:
    told = streamed(FIRST, said({"content": "a\ud83d"}), said({"content": "\ude00"}), STOP)
    assert content(told)[0]["text"].encode("utf-16", "surrogatepass").decode("utf-16") == "a😀"


# ---------------------------------------------------------------- as AWS reads it

PIECES = st.one_of(
    st.text(max_size=6).map(lambda words: said({"content": words})),
    st.text(max_size=6).map(lambda words: said({"reasoning_content": words})),
    st.integers(0, 2).map(lambda index: begun(index, f"c{index}", "get")),
    st.tuples(st.integers(0, 2), st.sampled_from(['{"a":', "1}", '"}"', "{}", ""])).map(lambda one: more_of(*one)),
    st.just(said({"thinking_blocks": [{"type": "redacted_thinking", "data": "enc"}]})),
)


@given(st.lists(PIECES, max_size=12))
def test_whatever_comes_the_frames_keep_the_rules(pieces: list[Json]) -> None:
    events = events_of(rendered(Rendering(STREAMED), [FIRST, *pieces, CALLED, TOLD]))
    open_at, last = None, -1
    for kind, event in events[1:-2]:
        index = event["contentBlockIndex"]
        if open_at is None:
            assert index == last + 1
            last = open_at = index
        assert index == open_at
        open_at = None if kind == "contentBlockStop" else open_at
    assert open_at is None


def test_awss_own_parser_reads_both() -> None:
    model = Session().get_service_model("bedrock-runtime")
    deltas: list[Delta] = [FIRST, said({"reasoning_content": "hm"}), b"Hi", begun(0, "c1", "get", '{"a":1}'), CALLED, TOLD]
    finished = {**completion(deltas), "usage": USAGE}
    parser = create_parser("rest-json")
    response = {"body": answer(ASKED, finished), "headers": {}, "status_code": 200}
    read = parser.parse(response, model.operation_model("Converse").output_shape)
    assert read["output"]["message"]["content"] == content(streamed(*deltas))
    shape = model.operation_model("ConverseStream").output_shape.members["stream"]
    for kind, event in events_of(rendered(Rendering(STREAMED), deltas)):
        body = json.dumps(event).encode()
        headers = {":event-type": kind, ":message-type": "event"}
        assert parser.EVENT_STREAM_PARSER_CLS().parse({"body": body, "headers": headers, "status_code": 200}, shape) == {
            kind: event
        }
