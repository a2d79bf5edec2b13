"""A request for a response becomes a chat: every field has its place, is refused, or is named as left out."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.chat import Operation
from gateway.core.errors import InvalidValue, PreviousResponseNotFound, Refusal, UnsupportedParameter
from gateway.dialects.responses.asking import chat_of_input
from gateway.dialects.responses.record import RESPONSES
from tests.unit.dialects.responses.talk import chat, dropped, request

FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def test_a_string_is_a_user_message_behind_the_instructions() -> None:
    assert chat("hi", instructions="be kind")["messages"] == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hi"},
    ]


def test_fields_get_their_names_in_a_chat() -> None:
    asked = chat(
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True}, "verbosity": "low"},
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        service_tier="flex",
        top_logprobs=3,
        presence_penalty=None,
    )
    assert asked == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "max_completion_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1}, "strict": True}},
        "verbosity": "low",
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "service_tier": "flex",
        "logprobs": True,
        "top_logprobs": 3,
    }


def test_the_chat_is_foreign_and_its_body_says_its_fields() -> None:
    asked = RESPONSES.into_chat(request(stream=True)).request
    assert (asked.operation, asked.foreign, asked.stream, asked.wants_usage) == (Operation.CHAT, True, True, True)
    assert asked.fields["stream_options"] == {"include_usage": True}
    assert orjson.loads(asked.body) == asked.fields
    assert orjson.dumps(asked.fields) == asked.body


def test_json_objects_and_plain_text_as_format() -> None:
    assert chat(text={"format": {"type": "json_object"}})["response_format"] == {"type": "json_object"}
    assert "response_format" not in chat(text={"format": {"type": "text"}})


def test_logprobs_are_asked_for_by_include() -> None:
    assert chat(include=["message.output_text.logprobs"])["logprobs"] is True
    assert "logprobs" not in chat(include=["reasoning.encrypted_content"])


def test_choices_about_tools_are_not_sent_without_any() -> None:
    asked = chat(tool_choice="auto", parallel_tool_calls=True, tools=[])
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & asked.keys()
    asked = chat(tool_choice="auto", parallel_tool_calls=False, tools=[FUNCTION])
    assert (asked["tool_choice"], asked["parallel_tool_calls"]) == ("auto", False)


@pytest.mark.parametrize("name", ["previous_response_id", "conversation"])
@pytest.mark.parametrize("value", ["resp_1", {"id": "conv_1"}, 5, ""])
def test_a_response_that_is_not_kept_cannot_be_continued(name: str, value: object) -> None:
    with pytest.raises(PreviousResponseNotFound) as refused:
        chat(**{name: value})
    assert refused.value.param == name
    assert refused.value.status == 400
    assert refused.value.code == "previous_response_not_found"


@pytest.mark.parametrize("more", [{"background": True}, {"prompt": {"id": "pmpt_1"}}])
def test_what_only_a_provider_of_responses_can_do_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedParameter) as refused:
        chat(**more)
    assert refused.value.param == next(iter(more))


def test_what_asks_for_nothing_is_not_named() -> None:
    assert (
        dropped(
            **dict.fromkeys(("previous_response_id", "conversation", "prompt", "background", "moderation", "store")),
            metadata={"a": "b"},
            client_metadata={"x": "y"},
            truncation="disabled",
            max_tool_calls=4,
            include=["reasoning.encrypted_content"],
            stream_options={"include_obfuscation": False},
        )
        == ()
    )
    assert dropped(store=False, background=False) == ()


def test_what_would_have_changed_the_answer_is_named() -> None:
    assert dropped(store=True, truncation="auto", moderation={"model": "x"}, novelty=1) == (
        "moderation",
        "novelty",
        "store",
        "truncation",
    )


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"instructions": ["x"]}, "instructions"),
        ({"reasoning": "high"}, "reasoning"),
        ({"reasoning": {"effort": 3}}, "reasoning.effort"),
        ({"text": []}, "text"),
        ({"text": {"format": "json"}}, "text.format"),
        ({"tools": {}}, "tools"),
        ({"tools": [1]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}]}, "tools[0].tools[0].name"),
        ({"tool_choice": 4}, "tool_choice"),
        ({"include": "x"}, "include"),
    ],
)
def test_nonsense_is_refused_by_its_place(more: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        chat(**more)
    assert refused.value.param == param


@pytest.mark.parametrize("kind", [[], {}, 5, None, True])
def test_a_part_of_no_kind_is_refused(kind: object) -> None:
    for role in ("user", "assistant"):
        with pytest.raises(InvalidValue) as refused:
            chat([{"role": role, "content": [{"type": kind, "text": "x"}]}])
        assert refused.value.param == "input[0].content[0].type"
    call = {"type": "function_call", "name": "f", "call_id": "c", "arguments": ""}
    for output in ({"type": kind}, [{"type": kind}]):
        told = chat([call, {"type": "function_call_output", "call_id": "c", "output": output}])["messages"]
        assert told[1]["content"] == orjson.dumps(output).decode()


@pytest.mark.parametrize("said", [None, 5, {}, True])
def test_an_input_that_is_none_is_refused(said: object) -> None:
    with pytest.raises(InvalidValue) as refused:
        chat(said)
    assert refused.value.param == "input"


def test_a_body_in_this_form_at_the_chats_door_becomes_a_chat() -> None:
    fields = {
        "model": "m",
        "input": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [FUNCTION, {"type": "function", "function": {"name": "g", "parameters": {}}}],
        "max_output_tokens": 5,
        "max_tokens": 6,
        "n": 2,
        "truncation": "auto",
        "store": True,
        "metadata": {"a": "b"},
        "include": [],
    }
    asked = chat_of_input(fields)
    assert asked["messages"] == [{"role": "user", "content": "hi"}]
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["f", "g"]
    assert asked["max_completion_tokens"] == 5
    kept = ("model", "stream", "stream_options", "max_tokens", "n", "store", "metadata")
    assert {name: asked[name] for name in kept} == {name: fields[name] for name in kept}
    assert not {"input", "truncation", "include", "max_output_tokens"} & asked.keys()


@pytest.mark.parametrize("name", ["metadata", "text", "reasoning", "tool_choice", "tools", "max_tool_calls"])
def test_what_nests_too_deeply_to_be_repeated_is_refused_before_anybody_is_asked(name: str) -> None:
    deep: Any = []
    for _ in range(600):
        deep = [deep]
    fields = {"model": "m", "input": "hi", name: {"x": deep}}
    with pytest.raises(InvalidValue) as refused:
        RESPONSES.into_chat(request()._replace(fields=fields))
    assert refused.value.param == name


def test_a_body_in_this_form_at_the_chats_door_continues_nothing() -> None:
    with pytest.raises(PreviousResponseNotFound):
        chat_of_input({"model": "m", "input": "hi", "previous_response_id": "resp_1"})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "auto", "function", "user", "message"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "role", "name", "content", "tools", "call_id", "text", "output", "id", "format", "mode"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
NAMES = ["input", "instructions", "tools", "tool_choice", "text", "reasoning", "include", "metadata", "stream_options", "store"]


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING))
def test_whatever_comes_is_a_chat_or_a_refusal(fields: dict[str, Any]) -> None:
    asked = request(**{"said": fields.pop("input", "hi"), **fields})
    try:
        found = RESPONSES.into_chat(asked)
    except Refusal:
        return
    assert isinstance(found.request.fields["messages"], list)
    RESPONSES.answer(asked, {})
    RESPONSES.stream(asked).end()
