"""A chat completion as a message: every field that SDKs need, blocks in Anthropic's order."""

from typing import Any

import pytest

from gateway.core.errors import UpstreamBroken
from gateway.dialects.arguments import UNPARSED
from gateway.dialects.messages.answer import answer
from tests.unit.dialects.speech import Json, messages, parsed, plain_completion, user

ASKED = messages(user("hi"))
THINKING = messages(user("hi"), thinking={"type": "enabled", "budget_tokens": 2000})
SIGNED = {"type": "thinking", "thinking": "hm", "signature": "s=="}
HIDDEN = {"type": "redacted_thinking", "data": "enc"}


def message(said: Json, finish: str = "stop", request: Any = ASKED, **choice: Any) -> Json:
    return parsed(answer(request, plain_completion(said, finish, **choice)))


def call(arguments: Any, call_id: str | None = "call_1", name: str = "get") -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_a_message_is_whole() -> None:
    assert message({"content": "Hi"}) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "p",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 12,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 5,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 1},
            "output_tokens": 9,
            "output_tokens_details": {"thinking_tokens": 4},
            "service_tier": "standard",
        },
    }


def test_an_answer_without_id_model_or_usage_has_some_all_the_same() -> None:
    told = parsed(answer(ASKED, {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}))
    assert told["id"].startswith("msg_")
    assert len(told["id"]) > 10
    assert told["model"] == "m"
    assert (told["usage"]["input_tokens"], told["usage"]["output_tokens"]) == (0, 0)


def test_blocks_stand_in_anthropics_order() -> None:
    said = {
        "thinking_blocks": [SIGNED, HIDDEN],
        "reasoning_content": "hm",
        "content": "Let me.",
        "tool_calls": [call('{"a":1}')],
    }
    told = message(said, "tool_calls")
    use = {"type": "tool_use", "id": "call_1", "name": "get", "input": {"a": 1}}
    assert told["content"] == [SIGNED, HIDDEN, {"type": "text", "text": "Let me."}, use]
    assert told["stop_reason"] == "tool_use"


def test_reasoning_without_a_signature_is_for_those_who_asked() -> None:
    said = {"reasoning_content": "hm", "content": "Hi"}
    assert [block["type"] for block in message(said)["content"]] == ["text"]
    first = message(said, request=THINKING)["content"][0]
    assert first == {"type": "thinking", "thinking": "hm", "signature": ""}
    omitted = messages(user("hi"), thinking={"type": "adaptive", "display": "omitted"})
    assert [block["type"] for block in message(said, request=omitted)["content"]] == ["text"]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ('{"a":{"b":[1]}}', {"a": {"b": [1]}}),
        ("", {}),
        (None, {}),
        ({"a": 1}, {"a": 1}),
        ('{"a":', {UNPARSED: '{"a":'}),
        ("[1]", {UNPARSED: "[1]"}),
        (r'{"a":"\ud83d"}', {"a": "\ud83d"}),
    ],
)
def test_input_is_an_object_whatever_the_arguments_are(arguments: Any, given: Json) -> None:
    assert message({"tool_calls": [call(arguments)]}, "tool_calls")["content"][0]["input"] == given


def test_ids_of_calls_stay_as_they_are_and_are_made_where_there_are_none() -> None:
    told = message({"tool_calls": [call("{}", "toolu_1__fgs1_eJyr"), call("{}", None)]}, "tool_calls")["content"]
    assert told[0]["id"] == "toolu_1__fgs1_eJyr"
    assert told[1]["id"].startswith("toolu_")


@pytest.mark.parametrize(
    ("finish", "choice", "reason", "sequence"),
    [
        ("stop", {}, "end_turn", None),
        ("stop", {"stop_sequence": "END"}, "stop_sequence", "END"),
        ("length", {}, "max_tokens", None),
        ("content_filter", {}, "refusal", None),
        ("tool_calls", {}, "end_turn", None),
        ("eos", {}, "end_turn", None),
        ("stop", {"native_finish_reason": "pause_turn"}, "pause_turn", None),
        ("length", {"native_finish_reason": "model_context_window_exceeded"}, "model_context_window_exceeded", None),
        ("stop", {"native_finish_reason": "STOP"}, "end_turn", None),
        (None, {"native_finish_reason": 3, "stop_sequence": 4}, "end_turn", None),
    ],
)
def test_why_it_ended(finish: Any, choice: Json, reason: str, sequence: str | None) -> None:
    told = message({"content": "Hi"}, finish, **choice)
    assert (told["stop_reason"], told["stop_sequence"]) == (reason, sequence)


def test_calls_end_in_tool_use_whatever_the_provider_says() -> None:
    assert message({"tool_calls": [call("{}")]}, "stop")["stop_reason"] == "tool_use"
    assert message({"tool_calls": [call("{")]}, "length")["stop_reason"] == "max_tokens"


def test_a_refusal_is_text_with_its_reason() -> None:
    told = message({"refusal": "I cannot."})
    assert told["content"] == [{"type": "text", "text": "I cannot."}]
    assert told["stop_reason"] == "refusal"
    assert told["stop_details"] == {"type": "refusal", "category": None, "explanation": None}


@pytest.mark.parametrize("odd", [3, "x", [], {}, [3], [{"type": "thinking"}], {"a": 1}, None])
def test_odd_types_in_an_answer_say_nothing(odd: Any) -> None:
    said = {"content": "Hi", "reasoning_content": odd, "refusal": odd if odd != "x" else None}
    told = message({**said, "thinking_blocks": odd, "tool_calls": odd}, request=ASKED)
    assert told["content"] == [{"type": "text", "text": "Hi"}]


@pytest.mark.parametrize(
    "completion", [{}, {"choices": None}, {"choices": []}, {"choices": [3]}, {"choices": [{"message": 3}]}]
)
def test_what_is_no_answer_is_a_fault(completion: Json) -> None:
    with pytest.raises(UpstreamBroken):
        answer(ASKED, completion)


def test_only_the_first_choice_is_told() -> None:
    completion = plain_completion({"content": "first"})
    completion["choices"].insert(0, {"index": 1, "message": {"content": "second"}, "finish_reason": "stop"})
    assert parsed(answer(ASKED, completion))["content"] == [{"type": "text", "text": "first"}]


@pytest.mark.parametrize("usage", [None, 3, {"prompt_tokens": "3", "prompt_tokens_details": 4}, {"prompt_tokens": -1}])
def test_odd_usage_is_none(usage: Any) -> None:
    told = parsed(answer(ASKED, {**plain_completion({"content": "Hi"}), "usage": usage}))
    assert (told["usage"]["input_tokens"], told["usage"]["output_tokens"]) == (0, 0)
