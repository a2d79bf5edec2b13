"""A chat as each vendor takes it: what changes, what is left out, and that all else stays to the byte."""

import copy
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.dialects.thinking import seal
from gateway.providers.openai import by_operation
from gateway.providers.openai.request import write
from gateway.providers.transport.contract import Outgoing
from gateway.providers.vendors import VENDORS

Json = dict[str, Any]
BLOCKS = [{"type": "thinking", "thinking": "Let me look.", "signature": "c2ln"}]
SEALED = seal("call_1", BLOCKS, "Z2VtaW5p")
PIXEL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}


def request(fields: Json, *, foreign: bool = False, operation: Operation = Operation.CHAT) -> ModelRequest:
    body = b"" if foreign else orjson.dumps(fields)
    stream = fields.get("stream") is True
    usage = (fields.get("stream_options") or {}).get("include_usage") is True
    return ModelRequest(operation, body, fields, True, "m", stream, usage, foreign=foreign)


def outgoing(fields: Json, vendor: str = "", model: str = "*", **more: Any) -> Outgoing:
    asked = request(fields, **more)
    before = copy.deepcopy(asked.fields)
    found = write(asked, Target("p", model, "p/x"), ProviderSpec("p", "openai", "http://up/v1", vendor=vendor), "k", {})
    assert asked.fields == before  # a chain asks others with it
    return found


def sent(fields: Json, vendor: str = "", model: str = "*", **more: Any) -> Json:
    return dict(json.loads(outgoing(fields, vendor, model, **more).body))


def chat(*messages: Json, **more: Any) -> Json:
    return {"model": "m", "messages": list(messages), **more}


def user(content: Any = "hi") -> Json:
    return {"role": "user", "content": content}


def call(call_id: str = "call_1", **more: Any) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": "look", "arguments": "{}"}, **more}


def calling(*calls: Json, **more: Any) -> Json:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **more}


def result(content: Any = "found", call_id: str = "call_1", **more: Any) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


# ---------------------------------------------------------------- the caller's own words


@pytest.mark.parametrize("vendor", ["", *VENDORS])
def test_a_plain_chat_goes_on_to_the_byte_everywhere(vendor: str) -> None:
    body = b'{ "model":"m","messages":[ {"role":"user","content":"h\\u00e9"} ],"temperature":1.0}'
    asked = ModelRequest(Operation.CHAT, body, orjson.loads(body), False, "m", False, False)
    spec = ProviderSpec("p", "openai", "http://up/v1", vendor=vendor)
    assert write(asked, Target("p", "*", "p/*"), spec, "k", {}).body == body


@pytest.mark.parametrize("vendor", ["", "openai", "vllm", "openrouter"])
def test_what_the_gateway_does_not_know_is_the_caller_s_business(vendor: str) -> None:
    fields = chat(
        {"role": "developer", "content": "d", "name": "n"},
        calling(call(extra_content={"x": 1}), reasoning_content="r"),
        result([{"type": "text", "text": "t", "cache_control": {}}], is_error=False),
        tools=[{"type": "web_search"}],
        top_k=3,
        thinking={"type": "enabled"},
        max_tokens=5,
        logit_bias={},
    )
    found = outgoing(fields, vendor)
    assert (found.body, list(found.dropped)) == (orjson.dumps(fields), [])


@pytest.mark.parametrize(("vendor", "header"), [("", b"authorization"), ("groq", b"authorization"), ("azure", b"api-key")])
def test_the_key_goes_where_the_vendor_looks(vendor: str, header: bytes) -> None:
    assert header in dict(outgoing(chat(user()), vendor).headers)


@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.RESPONSES])
def test_a_token_of_entra_s_is_a_bearer_s_behind_the_vendor_too(operation: Operation) -> None:
    fields = {"model": "m", "input": "hi", "messages": [user()]}
    spec = ProviderSpec("p", "openai", "https://r.openai.azure.com/openai/v1")
    asked = request(fields, operation=operation)
    head = dict(by_operation.write(asked, Target("p", "*", "p/x"), spec, "eyJ0.eyJh.c2ln", {}).headers)
    assert (head.get(b"authorization"), b"api-key" in head) == (b"Bearer eyJ0.eyJh.c2ln", False)


def test_configured_headers_go_with_every_call_and_win() -> None:
    spec = ProviderSpec("p", "openai", "http://up", headers=(("X-Team", "search"), ("User-Agent", "ours")))
    head = write(request(chat(user())), Target("p", "*", "p/*"), spec, "k", {b"user-agent": b"theirs"}).headers
    assert [value for name, value in head if name == b"user-agent"] == [b"ours"]
    assert dict(head)[b"x-team"] == b"search"


# ---------------------------------------------------------------- what vendors do not take


@pytest.mark.parametrize(
    ("vendor", "more", "dropped"),
    [
        ("groq", {"logprobs": True, "logit_bias": {"1": 2}, "top_logprobs": 3}, ["logit_bias", "logprobs", "top_logprobs"]),
        ("mistral", {"user": "u", "logit_bias": {"1": 2}, "store": True}, ["logit_bias", "store", "user"]),
        ("gemini-openai", {"seed": 1, "logit_bias": {"1": 2}}, ["logit_bias", "seed"]),
    ],
)
def test_refused_fields_are_left_out_and_named(vendor: str, more: Json, dropped: list[str]) -> None:
    found = outgoing(chat(user(), temperature=0.5, **more), vendor)
    assert json.loads(found.body) == chat(user(), temperature=0.5)
    assert list(found.dropped) == dropped


@pytest.mark.parametrize("more", [{"user": None}, {"store": False}, {"logit_bias": {}}])
def test_a_refused_field_that_says_nothing_is_not_worth_a_word(more: Json) -> None:
    found = outgoing(chat(user(), **more), "mistral")
    assert (json.loads(found.body), list(found.dropped)) == (chat(user()), [])


@pytest.mark.parametrize("foreign", [False, True])
def test_a_schema_is_a_wish_to_who_knows_only_json(foreign: bool) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "title": "T"}}}
    found = outgoing(chat(user(), response_format=form), "deepseek", foreign=foreign)
    told = json.loads(found.body)
    assert told["response_format"] == {"type": "json_object"}
    first, *others = told["messages"]
    assert (first["role"], others) == ("system", [user()])
    assert '{"type":"object","title":"T"}' in first["content"]
    assert list(found.dropped) == ["response_format (json_schema)"]
    other = chat(user(), response_format={"type": "json_object"})
    assert sent(other, "deepseek", foreign=foreign) == other


@pytest.mark.parametrize("vendor", ["mistral", "deepseek", "ollama", "llama.cpp", "tgi"])
def test_the_limit_has_the_name_that_the_vendor_knows(vendor: str) -> None:
    found = outgoing(chat(user(), max_completion_tokens=9), vendor)
    assert (json.loads(found.body), list(found.dropped)) == (chat(user(), max_tokens=9), [])
    assert sent(chat(user(), max_completion_tokens=9, max_tokens=5), vendor) == chat(user(), max_tokens=5)


@pytest.mark.parametrize("vendor", ["mistral", "deepseek"])
def test_a_developer_is_a_system_where_nobody_knows_it(vendor: str) -> None:
    assert sent(chat({"role": "developer", "content": "d"}, user()), vendor)["messages"][0] == {
        "role": "system",
        "content": "d",
    }


def test_a_schema_without_end_is_refused() -> None:
    deep: Json = {}
    for _ in range(300):
        deep = {"a": deep}
    form = {"type": "json_schema", "json_schema": {"schema": deep}}
    asked = request({"model": "m"})._replace(fields=chat(user(), response_format=form))
    with pytest.raises(InvalidValue, match="nested too deeply"):
        write(asked, Target("p", "*", "p/x"), ProviderSpec("p", "openai", "http://up/v1", vendor="deepseek"), "k", {})


def test_names_are_left_out_where_they_are_errors() -> None:
    fields = chat({**user(), "name": "ann"}, calling(call(), name="bot"), result(name="look"))
    found = outgoing(fields, "groq")
    assert [message.get("name") for message in json.loads(found.body)["messages"]] == [None, None, "look"]
    assert list(found.dropped) == ["messages[].name"]


def test_usage_is_not_asked_of_who_tells_it_anyway_and_refuses_the_question() -> None:
    for more in ({}, {"stream_options": {"include_usage": True}}):
        assert "stream_options" not in sent(chat(user(), stream=True, **more), "mistral")
    assert sent(chat(user(), stream=True), "groq")["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(("vendor", "key"), [("groq", None), ("mistral", None), ("cerebras", "reasoning")])
def test_reasoning_in_the_history_is_not_sent_where_it_is_an_error(vendor: str, key: str | None) -> None:
    message = {"role": "assistant", "content": "a", "reasoning_content": "r", "reasoning": "r"}
    found = sent(chat(user(), message, user()), vendor)["messages"][1]
    assert found == {"role": "assistant", "content": "a"} | ({key: "r"} if key else {})


@pytest.mark.parametrize(
    ("model", "gone"),
    [
        ("grok-4", {"stop", "presence_penalty", "frequency_penalty", "reasoning_effort"}),
        ("grok-4.3", {"stop", "presence_penalty", "frequency_penalty"}),
        ("grok-4.5", {"stop", "presence_penalty", "frequency_penalty"}),
        ("grok-3-mini", {"stop", "presence_penalty", "frequency_penalty"}),
        ("grok-3", {"reasoning_effort"}),
        ("grok-4.20-0309-non-reasoning", {"reasoning_effort"}),
        ("grok-code-fast-1", {"stop", "presence_penalty", "frequency_penalty", "reasoning_effort"}),
    ],
)
def test_xai_s_models_take_what_they_take(model: str, gone: set[str]) -> None:
    more = {"stop": ["x"], "presence_penalty": 0.5, "frequency_penalty": 0.5, "reasoning_effort": "low", "temperature": 0.2}
    found = outgoing(chat(user(), **more), "xai", model)
    assert more.keys() - json.loads(found.body).keys() == gone
    assert set(found.dropped) == gone


# ---------------------------------------------------------------- what other wires gave


@pytest.mark.parametrize("vendor", ["", "openai", "groq", "openrouter"])
def test_sealed_ids_are_opened_and_thinking_is_stripped(vendor: str) -> None:
    fields = chat(
        user(),
        calling(call(SEALED, extra_content={"google": {"thought_signature": "Z2VtaW5p"}}), thinking_blocks=BLOCKS),
        result(call_id=SEALED),
    )
    assert sent(fields, vendor)["messages"] == [user(), calling(call()), result()]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "assistant", "tool_calls": [call(SEALED)]}],  # many clients leave out a content that is null
        [{"role": "tool", "content": "x", "tool_call_id": SEALED}],
        [user(), {"role": "assistant", "thinking_blocks": BLOCKS}],
        [calling(None, call(SEALED))],  # type: ignore[arg-type]
        [calling({"type": "function"}, call(SEALED))],
        [None, result(call_id=SEALED)],
        [{"role": "tool", "tool_call_id": None, "content": "x"}, result(call_id=SEALED)],
    ],
)
def test_nothing_odd_beside_it_hides_what_another_wire_gave(messages: list[Any]) -> None:
    body = outgoing(chat(*messages)).body
    assert b"__fgs1_" not in body
    assert b"thinking_blocks" not in body


def test_escapes_hide_no_seal() -> None:
    plain = orjson.dumps(chat(user(), calling(call(SEALED)), result(call_id=SEALED)))
    body = plain.replace(b"__fgs1_", b"\\u005f_fgs1\\u005f")
    assert b"__fgs1_" not in body
    asked = ModelRequest(Operation.CHAT, body, orjson.loads(body), False, "m", False, False)
    found = write(asked, Target("p", "*", "p/*"), ProviderSpec("p", "openai", "http://up/v1"), "k", {}).body
    assert json.loads(found)["messages"] == [user(), calling(call()), result()]


@given(
    st.lists(
        st.sampled_from([user(), calling(call()), result(), calling(), {"role": "tool"}, {"role": "x", "y": 1, "z": 2}, None])
    )
)
def test_a_history_of_one_s_own_is_not_even_copied(messages: list[Any]) -> None:
    fields = chat(*messages)
    assert outgoing(fields).body == orjson.dumps(fields)


def test_blocks_of_thinking_take_their_text_with_them() -> None:
    message = {"role": "assistant", "content": "a", "thinking_blocks": BLOCKS, "reasoning_content": "Let me look."}
    assert sent(chat(user(), message, user()))["messages"][1] == {"role": "assistant", "content": "a"}


def test_gemini_s_signature_comes_out_of_the_seal_for_its_own_endpoint() -> None:
    found = sent(chat(user(), calling(call(SEALED)), result(call_id=SEALED)), "gemini-openai")["messages"]
    assert found[1]["tool_calls"] == [call(extra_content={"google": {"thought_signature": "Z2VtaW5p"}})]
    assert found[2]["tool_call_id"] == "call_1"
    kept = {"google": {"thought_signature": "own"}}
    assert sent(chat(calling(call(SEALED, extra_content=kept))), "gemini-openai")["messages"][0]["tool_calls"] == [
        call(extra_content=kept)
    ]


def test_ids_are_short_where_they_must_be_and_calls_keep_their_results() -> None:
    fields = chat(user(), calling(call("call_PTLP8xhu3uwZk4l3nlnrrJha"), call("aB3dE6gH9"), call(SEALED)))
    fields["messages"] += [result(call_id=one["id"]) for one in fields["messages"][1]["tool_calls"]]
    found = outgoing(fields, "mistral")
    ids = [one["id"] for one in json.loads(found.body)["messages"][1]["tool_calls"]]
    assert all(len(one) == 9 and one.isalnum() and one.isascii() for one in ids)
    assert (len(set(ids)), ids[1]) == (3, "aB3dE6gH9")
    assert [one["tool_call_id"] for one in json.loads(found.body)["messages"][2:]] == ids
    assert json.loads(outgoing(fields, "mistral").body) == json.loads(found.body)  # a provider caches what stays the same
    assert list(found.dropped) == []


@pytest.mark.parametrize("vendor", ["deepseek", "moonshot"])
def test_reasoning_before_calls_is_sent_back_to_who_wants_it(vendor: str) -> None:
    kept = calling(call(), reasoning_content="mine")
    assert sent(chat(user(), kept, result()), vendor)["messages"][1] == kept
    from_blocks = sent(chat(user(), calling(call(SEALED)), result(call_id=SEALED)), vendor)["messages"][1]
    assert from_blocks["reasoning_content"] == "Let me look."
    first, second = (
        sent(chat(user(), calling(call(name)), result(call_id=name)), vendor)["messages"][1]["reasoning_content"]
        for name in ("call_a", "call_b")
    )
    assert first.strip()
    assert first != second


# ---------------------------------------------------------------- translated from another dialect


def test_a_translated_chat_is_written_from_its_fields() -> None:
    found = sent(chat(user(), stream=True), model="big", foreign=True)
    assert found == {**chat(user(), stream=True), "model": "big", "stream_options": {"include_usage": True}}


def test_hints_go_without_a_word_but_to_who_takes_them() -> None:
    hint = {"cache_control": {"type": "ephemeral"}}
    tool = {"type": "function", "function": {"name": "look"}}
    fields = chat(
        {"role": "system", "content": [{"type": "text", "text": "s", **hint}]},
        user([{"type": "text", "text": "u", **hint}, PIXEL]),
        tools=[{**tool, **hint}],
        cache_control=hint,
        thinking={"type": "enabled", "budget_tokens": 9},
    )
    found = outgoing(fields, foreign=True)
    assert json.loads(found.body) == chat(
        {"role": "system", "content": "s"}, user([{"type": "text", "text": "u"}, PIXEL]), tools=[tool]
    )
    assert list(found.dropped) == []
    kept = sent(fields, "openrouter", foreign=True)
    assert (kept["messages"], kept["tools"]) == (fields["messages"], fields["tools"])


def test_lists_of_text_stay_lists_where_they_may() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert sent(chat(user(parts)), "openai", foreign=True)["messages"] == [user(parts)]
    assert sent(chat(user(parts)), "deepseek", foreign=True)["messages"] == [user("a\nb")]


def test_a_failed_tool_says_so() -> None:
    fields = chat(user(), calling(call(), call("call_2")), result("no", is_error=True), result(None, "call_2", is_error=True))
    found = sent(fields, "openai", foreign=True)["messages"]
    assert found[2:] == [result("Error: no"), result("Error:", "call_2")]
    assert sent(chat(calling(call()), result("ok", is_error=False)), foreign=True)["messages"][1] == result("ok")


def test_images_of_tools_follow_all_results_of_the_turn() -> None:
    fields = chat(
        user(),
        calling(call(), call("call_2")),
        result([{"type": "text", "text": "seen"}, PIXEL]),
        result([PIXEL, PIXEL], "call_2"),
        {"role": "assistant", "content": "nice"},
    )
    found = sent(fields, foreign=True)["messages"]
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "tool", "user", "assistant"]
    assert [found[2]["content"], found[3]["content"]] == ["seen", "(2 images follow.)"]
    assert [part["type"] for part in found[4]["content"]] == ["text", "image_url", "image_url", "image_url"]


def test_images_of_the_last_tool_still_come() -> None:
    found = sent(chat(user(), calling(call()), result([PIXEL])), foreign=True)["messages"]
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "user"]
    assert found[2]["content"] == "(An image follows.)"


def test_images_stay_with_their_tool_where_they_may() -> None:
    fields = chat(user(), calling(call()), result([{"type": "text", "text": "seen"}, PIXEL]))
    assert sent(fields, "mistral", foreign=True)["messages"][2]["content"] == fields["messages"][2]["content"]


@pytest.mark.parametrize(
    ("vendor", "file"),
    [("ollama", {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}), ("openai", {"file_url": "https://h/a"})],
)
def test_a_document_that_cannot_be_sent_is_told_to_both_sides(vendor: str, file: Json) -> None:
    found = outgoing(chat(user([{"type": "file", "file": file}, PIXEL])), vendor, foreign=True)
    first, second = json.loads(found.body)["messages"][0]["content"]
    assert first["type"] == "text"
    assert "document" in first["text"]
    assert second == PIXEL
    assert list(found.dropped) == ["messages[].content (file)"]


def test_a_document_that_can_be_sent_is() -> None:
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}}
    assert sent(chat(user([part])), "openai", foreign=True)["messages"] == [user([part])]


@pytest.mark.parametrize(("vendor", "kept"), [("", True), ("together", True), ("openai", False), ("groq", False)])
def test_top_k_is_for_who_knows_it(vendor: str, kept: bool) -> None:
    found = outgoing(chat(user(), top_k=5), vendor, foreign=True)
    assert ("top_k" in json.loads(found.body)) is kept
    assert list(found.dropped) == ([] if kept else ["top_k"])


@pytest.mark.parametrize(
    ("given", "mode"), [("enabled", "enabled"), ("adaptive", "enabled"), ("disabled", "disabled"), (5, None)]
)
def test_thinking_is_for_who_knows_it(given: Any, mode: str | None) -> None:
    found = sent(chat(user(), thinking={"type": given, "budget_tokens": 9}), "deepseek", foreign=True)
    assert found.get("thinking") == (None if mode is None else {"type": mode})
    assert "thinking" not in sent(chat(user(), thinking={"type": given}), "openai", foreign=True)


def test_the_limit_of_a_translated_chat_has_the_name_that_each_knows() -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        assert sent(chat(user(), **{name: 9}), "openai", foreign=True) == chat(user(), max_completion_tokens=9)
        assert sent(chat(user(), **{name: 9}), "", foreign=True) == chat(user(), max_tokens=9)


@pytest.mark.parametrize(
    ("model", "gone"),
    [
        ("gpt-5.1", {"temperature", "top_p", "stop"}),
        ("o4-mini", {"temperature", "top_p", "stop"}),
        ("gpt-6.2-sol", {"temperature", "top_p", "stop"}),
        ("gpt-4o-mini", {"reasoning_effort"}),
        ("gpt-4.1", {"reasoning_effort"}),
        ("ft:gpt-4o:org::1", {"reasoning_effort"}),
    ],
)
def test_openai_s_models_take_what_they_take(model: str, gone: set[str]) -> None:
    more = {"temperature": 0.3, "top_p": 0.9, "stop": ["x"], "reasoning_effort": "low"}
    found = outgoing(chat(user(), **more), "openai", model, foreign=True)
    assert more.keys() - json.loads(found.body).keys() == gone
    assert set(found.dropped) == gone


def test_a_default_that_is_left_out_is_not_worth_a_word() -> None:
    found = outgoing(chat(user(), temperature=1, top_p=1.0), "openai", "gpt-5.1", foreign=True)
    assert list(found.dropped) == []


def test_without_reasoning_a_temperature_holds() -> None:
    fields = chat(user(), temperature=0.3, reasoning_effort="none")
    assert sent(fields, "openai", "gpt-5.1", foreign=True)["temperature"] == 0.3


# ---------------------------------------------------------------- tools

CUSTOM = {"type": "custom", "custom": {"name": "patch", "description": "d", "format": {"type": "text"}}}
FUNCTION = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def test_tools_that_are_no_functions_are_left_out_and_named() -> None:
    fields = chat(user(), tools=[FUNCTION, {"type": "web_search_20250305"}, {"type": "bash_20250124", "name": "bash"}])
    found = outgoing(fields, "groq", foreign=True)
    assert json.loads(found.body)["tools"] == [FUNCTION]
    assert list(found.dropped) == ["tools (web_search_20250305)", "tools (bash_20250124)"]


def test_without_any_tool_left_nothing_of_them_is_sent() -> None:
    fields = chat(user(), tools=[{"type": "web_search"}], tool_choice="required", parallel_tool_calls=False)
    assert sent(fields, foreign=True) == chat(user())


@pytest.mark.parametrize("choice", [{"type": "web_search"}, {"type": "function", "function": {"name": "gone"}}])
def test_a_choice_of_what_is_not_there_is_left_out(choice: Json) -> None:
    found = outgoing(chat(user(), tools=[FUNCTION, {"type": "web_search"}], tool_choice=choice), foreign=True)
    assert "tool_choice" not in json.loads(found.body)
    assert any(one.startswith("tool_choice") for one in found.dropped)


def test_a_choice_of_what_is_there_stays() -> None:
    for choice in ("auto", {"type": "function", "function": {"name": "look"}}):
        assert sent(chat(user(), tools=[FUNCTION], tool_choice=choice), foreign=True)["tool_choice"] == choice


@pytest.mark.parametrize("vendor", ["openai", "azure"])
def test_free_text_tools_stay_where_they_are_known(vendor: str) -> None:
    made = {"id": "call_1", "type": "custom", "custom": {"name": "patch", "input": "***"}}
    choice = {"type": "custom", "custom": {"name": "patch"}}
    fields = chat(user(), calling(made), result(), tools=[CUSTOM], tool_choice=choice)
    assert sent(fields, vendor, foreign=True) == fields


def test_free_text_tools_are_functions_of_one_text_elsewhere() -> None:
    made = {"id": "call_1", "type": "custom", "custom": {"name": "patch", "input": 'a"b'}}
    choice = {"type": "custom", "custom": {"name": "patch"}}
    found = sent(chat(user(), calling(made), result(), tools=[CUSTOM], tool_choice=choice), foreign=True)
    function = found["tools"][0]["function"]
    assert (found["tools"][0]["type"], function["name"], function["parameters"]["required"]) == ("function", "patch", ["input"])
    assert found["tool_choice"] == {"type": "function", "function": {"name": "patch"}}
    (entry,) = found["messages"][1]["tool_calls"]
    assert (entry["type"], json.loads(entry["function"]["arguments"])) == ("function", {"input": 'a"b'})


# ---------------------------------------------------------------- nonsense

ODD: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.just(SEALED)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    *("role", "content", "tool_calls", "tool_call_id", "id", "type", "custom", "function", "name", "text"),
                    *("thinking_blocks", "extra_content", "file", "is_error", "image_url", "reasoning_content"),
                ]
            ),
            st.one_of(inner, st.sampled_from(["assistant", "tool", "custom", "file", "image_url", "text", "developer"])),
            max_size=6,
        ),
    ),
    max_leaves=12,
)


@given(ODD, ODD, ODD, st.sampled_from(["", *VENDORS]), st.booleans())
def test_nonsense_is_passed_on_and_breaks_nothing(messages: Any, tools: Any, choice: Any, vendor: str, foreign: bool) -> None:
    fields = {"model": "m", "messages": messages, "tools": tools, "tool_choice": choice, "thinking": choice, "top_k": tools}
    fields |= {"response_format": {"type": "json_schema", "json_schema": choice}, "max_tokens": tools, "stop": choice}
    orjson.loads(outgoing(fields, vendor, foreign=foreign).body)
