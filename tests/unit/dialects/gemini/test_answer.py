"""A chat completion as Gemini's candidates."""

from typing import Any

import pytest

from gateway.core.errors import UpstreamBroken
from gateway.dialects.arguments import UNPARSED
from gateway.dialects.gemini.answer import answer
from gateway.dialects.thinking import seal
from tests.unit.dialects.speech import USAGE, Json, gemini, parsed, plain_completion

HI: Json = {"role": "user", "parts": [{"text": "hi"}]}
ASKED = gemini(HI)
THINKING = gemini(HI, fields={"generationConfig": {"thinkingConfig": {"includeThoughts": True}}})


def candidate(said: Json, finish: str | None = "stop", request: Any = ASKED, **choice: Any) -> Json:
    (only,) = parsed(answer(request, plain_completion(said, finish or "", **choice)))["candidates"]
    return dict(only)


def call(arguments: Any, call_id: str | None = "call_1", **more: Any) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": "get", "arguments": arguments}, **more}


def test_an_answer_is_whole() -> None:
    assert parsed(answer(ASKED, plain_completion({"content": "Hi"}))) == {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 20,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 4,
            "cachedContentTokenCount": 5,
            "totalTokenCount": 29,
        },
        "modelVersion": "p",
        "responseId": "chatcmpl-1",
    }


def test_an_answer_without_model_id_or_usage_stands_all_the_same() -> None:
    told = parsed(answer(ASKED, {"choices": [{"message": {"content": "Hi"}}]}))
    assert told["modelVersion"] == "m"
    assert told["usageMetadata"] == {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}
    assert told["candidates"][0]["finishReason"] == "STOP"


def test_thoughts_are_for_those_who_asked() -> None:
    said = {"reasoning_content": "hm", "content": "Hi"}
    assert candidate(said)["content"]["parts"] == [{"text": "Hi"}]
    assert candidate(said, request=THINKING)["content"]["parts"] == [{"text": "hm", "thought": True}, {"text": "Hi"}]


def test_calls_are_whole_parts_and_end_in_stop() -> None:
    told = candidate({"content": "Let me.", "tool_calls": [call('{"a":1}'), call("{", None)]}, "tool_calls")
    assert told["content"]["parts"] == [
        {"text": "Let me."},
        {"functionCall": {"id": "call_1", "name": "get", "args": {"a": 1}}},
        {"functionCall": {"name": "get", "args": {UNPARSED: "{"}}},
    ]
    assert told["finishReason"] == "STOP"


def test_a_signature_stands_on_its_part_wherever_it_was_kept() -> None:
    beside = call("{}", extra_content={"google": {"thought_signature": "c2ln"}})
    sealed = call("{}", seal("call_2", signature="c2Vh"))
    parts = candidate({"tool_calls": [beside, sealed, call("{}", "call_3")]}, "tool_calls")["content"]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["c2ln", "c2Vh", None]
    assert parts[1]["functionCall"]["id"] == sealed["id"]


@pytest.mark.parametrize(
    ("finish", "choice", "reason"),
    [
        ("stop", {}, "STOP"),
        ("length", {}, "MAX_TOKENS"),
        ("content_filter", {}, "SAFETY"),
        ("content_filter", {"native_finish_reason": "RECITATION"}, "RECITATION"),
        ("stop", {"native_finish_reason": "end_turn"}, "STOP"),
        ("stop", {"native_finish_reason": 3}, "STOP"),
    ],
)
def test_why_it_ended(finish: str, choice: Json, reason: str) -> None:
    assert candidate({"content": "Hi"}, finish, **choice)["finishReason"] == reason


def test_a_refusal_is_text_that_was_not_safe() -> None:
    told = candidate({"refusal": "I cannot."})
    assert told["content"]["parts"] == [{"text": "I cannot."}]
    assert told["finishReason"] == "SAFETY"


def test_an_empty_answer_has_a_part_all_the_same() -> None:
    assert candidate({"content": ""})["content"]["parts"] == [{"text": ""}]


def test_every_choice_is_a_candidate() -> None:
    completion = plain_completion({"content": "first"})
    completion["choices"].append({"index": 1, "message": {"content": "second"}, "finish_reason": "length"})
    told = parsed(answer(ASKED, completion))["candidates"]
    assert [(one["index"], one["content"]["parts"][0]["text"], one["finishReason"]) for one in told] == [
        (0, "first", "STOP"),
        (1, "second", "MAX_TOKENS"),
    ]


@pytest.mark.parametrize("odd", [3, [], {}, [3], [{"function": 3}], {"a": 1}, None])
def test_odd_types_in_an_answer_say_nothing(odd: Any) -> None:
    said = {"content": "Hi", "reasoning_content": odd, "tool_calls": odd}
    assert candidate(said, request=THINKING)["content"]["parts"] == [{"text": "Hi"}]
    signed = candidate({"tool_calls": [call("{}", extra_content=odd)]}, "tool_calls")["content"]["parts"]
    assert signed == [{"functionCall": {"id": "call_1", "name": "get", "args": {}}}]


@pytest.mark.parametrize("completion", [{}, {"choices": {}}, {"choices": []}, {"choices": [3]}, {"choices": [{"message": 3}]}])
def test_what_is_no_answer_is_a_fault(completion: Json) -> None:
    with pytest.raises(UpstreamBroken):
        answer(ASKED, completion)


def test_sums_never_fall_below_nothing() -> None:
    usage = {**USAGE, "completion_tokens": 2}
    told = parsed(answer(ASKED, {**plain_completion({"content": "Hi"}), "usage": usage}))["usageMetadata"]
    assert (told["candidatesTokenCount"], told["thoughtsTokenCount"], told["totalTokenCount"]) == (0, 2, 22)
