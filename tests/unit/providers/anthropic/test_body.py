"""Each parameter of a chat is said in the Messages API's words, or named among what was left out."""

import base64
from typing import Any

import pytest

from gateway.core.errors import InvalidValue
from tests.unit.providers.anthropic.writing import Json, body, calling, fields, result, text, user

SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]}
FORM: Json = {"type": "json_schema", "json_schema": {"name": "p", "strict": True, "schema": SCHEMA}}
LOOK: Json = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": SCHEMA}}
CURRENT, OLD = "claude-opus-5", "claude-3-7-sonnet-20250219"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nx\xfb\xef\xbe\xff\xff\xff\xff").decode()  # with `+`, `/` and padding


def blocks(*parts: Any) -> list[Json]:
    written: list[Json] = fields(user(list(parts)))["messages"][0]["content"]
    return written


# ---------------------------------------------------------------- limits and sampling


@pytest.mark.parametrize(
    ("model", "limit"),
    [(CURRENT, 128_000), ("claude-sonnet-4-5-20250929", 64_000), (OLD, 32_000), ("claude-3-haiku-20240307", 4096)],
)
def test_an_answer_has_the_models_limit_where_the_caller_sets_none(model: str, limit: int) -> None:
    assert fields(user(), model=model)["max_tokens"] == limit
    assert fields(user(), model=model, max_tokens=7)["max_tokens"] == 7
    assert fields(user(), model=model, max_tokens=7, max_completion_tokens=9)["max_tokens"] == 9


@pytest.mark.parametrize("limit", [0, -1, 1.5, "7", True])
def test_a_limit_that_is_none_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        body(user(), max_tokens=limit)
    assert caught.value.param == "max_tokens"


def test_temperature_is_clamped() -> None:
    assert fields(user(), temperature=1.7)["temperature"] == 1
    assert fields(user(), temperature=0.3)["temperature"] == 0.3
    assert fields(user(), top_p=0.5)["top_p"] == 0.5
    assert fields(user(), top_k=3)["top_k"] == 3


def test_of_temperature_and_top_p_only_one_is_sent() -> None:
    written = body(user(), temperature=0.5, top_p=0.5)
    assert "top_p" not in written.fields
    assert written.dropped == ("top_p",)
    assert body(user(), temperature=0.5, top_p=1).dropped == ()


@pytest.mark.parametrize("how", [{"model": CURRENT}, {"version": "2026-10-21"}, {"reasoning_effort": "high"}])
def test_sampling_is_dropped_where_there_is_none(how: Json) -> None:
    written = body(user(), temperature=0.5, top_k=3, **how)
    assert written.fields.keys().isdisjoint({"temperature", "top_k"})
    assert written.dropped == ("temperature", "top_k")
    assert body(user(), temperature=1, top_p=1.0, **how).dropped == ()  # nothing that would make a difference


@pytest.mark.parametrize(("stop", "sent"), [("x", ["x"]), (["a", "b"], ["a", "b"]), ([], None), (None, None)])
def test_stops_are_a_list(stop: Any, sent: Any) -> None:
    assert fields(user(), stop=stop).get("stop_sequences") == sent


def test_stops_of_white_space_are_left_out() -> None:
    written = body(user(), stop=["\n\n", "x"])
    assert written.fields["stop_sequences"] == ["x"]
    assert written.dropped[0].split(" ")[0] == "stop"


@pytest.mark.parametrize(
    "wrong", [{"temperature": "hot"}, {"top_p": True}, {"stop": 3}, {"stop": [3]}, {"tools": 3}, {"response_format": "json"}]
)
def test_nonsense_is_named(wrong: Json) -> None:
    with pytest.raises(InvalidValue) as caught:
        body(user(), **wrong)
    assert caught.value.param == next(iter(wrong))


def test_what_the_api_does_not_have_is_named() -> None:
    written = body(user(), seed=1, n=2, logit_bias={"1": 1}, logprobs=True, frequency_penalty=0.1, guided_regex="x")
    assert written.dropped == ("frequency_penalty", "guided_regex", "logit_bias", "logprobs", "n", "seed")
    assert body(user(), n=1, logprobs=False, seed=None, presence_penalty=0.0, store=False, metadata={"a": "b"}).dropped == ()


# ---------------------------------------------------------------- content


def test_pictures_are_sources() -> None:
    assert blocks({"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "high"}})[0]["source"] == {
        "type": "url",
        "url": "https://x/y.png",
    }
    assert blocks({"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{PNG}"}})[0]["source"] == {
        "type": "base64",
        "media_type": "image/png",  # what it is, not what is said of it
        "data": PNG,
    }


@pytest.mark.parametrize(
    "url",
    [
        f"DATA:IMAGE/PNG;BASE64,{PNG}",
        f"data:image/jpg;charset=x;base64,{PNG}",
        f"data:;base64,{PNG[:8]}\r\n{PNG[8:]}\n",
        f"data:image/png;base64,{PNG.replace('=', '%3D').replace('/', '%2F')}",
        f"data:image/png;base64,{PNG.rstrip('=')}",
        f"data:image/png;base64,{PNG.replace('+', '-').replace('/', '_')}",
    ],
)
def test_pictures_in_odd_urls_are_the_same_pictures(url: str) -> None:
    (block,) = blocks({"type": "image_url", "image_url": {"url": url}})
    assert block["source"] == {"type": "base64", "media_type": "image/png", "data": PNG}


def test_a_picture_that_is_not_known_is_what_is_said_of_it() -> None:
    for said, told in (("image/jpg", "image/jpeg"), ("IMAGE/BMP ", "image/bmp"), ("", "image/jpeg")):
        assert (
            blocks({"type": "image_url", "image_url": {"url": f"data:{said};base64,AAAA"}})[0]["source"]["media_type"] == told
        )
    assert blocks({"type": "image_url", "image_url": "HTTPS://x/y.png"})[0]["source"]["url"] == "HTTPS://x/y.png"


def test_documents_are_documents() -> None:
    pdf = base64.b64encode(b"%PDF-1.7 x").decode()
    assert blocks({"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{pdf}"}}) == [
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": pdf},
            "title": "a.pdf",
        }
    ]
    assert blocks({"type": "file", "file": {"file_url": "https://x/a.pdf"}})[0]["source"]["type"] == "url"
    assert blocks({"type": "file", "file": {"file_id": "file_1"}})[0]["source"] == {"type": "file", "file_id": "file_1"}
    words = base64.b64encode("gr\u00fcn".encode()).decode()
    assert (
        blocks({"type": "file", "file": {"file_data": f"data:text/plain;base64,{words}"}})[0]["source"]["data"] == "gr\u00fcn"
    )
    assert blocks({"type": "file", "file": {"file_data": "data:text/plain,a%20b"}})[0]["source"]["data"] == "a b"


def test_cache_hints_of_parts_are_kept() -> None:
    hint = {"type": "ephemeral"}
    assert blocks({**text("a"), "cache_control": hint}) == [{**text("a"), "cache_control": hint}]


def test_a_part_that_the_api_does_not_have_is_named() -> None:
    written = body(user([text("a"), {"type": "input_audio", "input_audio": {}}]))
    assert written.dropped == ("messages[0].content[1] (input_audio)",)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url"},
        {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
        {"type": "image_url", "image_url": {"url": "data:image/png"}},
        {"type": "file", "file": {}},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,\u00fc"}},
    ],
)
def test_a_part_that_is_none_is_refused(part: Json) -> None:
    with pytest.raises(InvalidValue):
        body(user([part]))


# ---------------------------------------------------------------- tools


def test_tools_have_an_input_schema() -> None:
    written = fields(user(), tools=[LOOK, {"type": "function", "function": {"name": "list"}}])
    assert written["tools"] == [
        {"name": "look", "description": "Looks.", "input_schema": SCHEMA},
        {"name": "list", "input_schema": {"type": "object", "properties": {}}},
    ]


def test_alternatives_at_the_top_of_a_schema_are_made_one() -> None:
    other = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["a", "b"]}
    tool = {"type": "function", "function": {"name": "f", "parameters": {"anyOf": [SCHEMA, other]}}}
    (written,) = fields(user(), tools=[tool])["tools"]
    assert written["input_schema"] == {
        "type": "object",
        "properties": {**other["properties"], **SCHEMA["properties"]},  # type: ignore[dict-item]
        "required": ["a"],
    }


def test_a_schema_that_refers_is_followed_and_a_circle_ends() -> None:
    referring = {"$ref": "#/$defs/p", "$defs": {"p": {**SCHEMA, "anyOf": [{"$ref": "#/$defs/p"}, {"$ref": "#"}]}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": referring}}
    (written,) = fields(user(), tools=[tool])["tools"]
    assert written["input_schema"]["properties"] == SCHEMA["properties"]
    assert written["input_schema"]["required"] == ["a"]
    assert "$ref" not in written["input_schema"]


def test_tools_of_other_kinds_are_named_and_anthropics_own_are_not() -> None:
    own = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    written = body(user(), tools=[LOOK, {"type": "web_search"}, own, LOOK])
    assert [one["name"] for one in written.fields["tools"]] == ["look", "web_search"]
    assert written.fields["tools"][1] == own
    assert written.dropped == ("tools[1] (web_search)", "tools[3] (named twice)")


def test_a_tool_that_takes_free_text_has_one_string() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}
    (written,) = fields(user(), tools=[{"type": "custom", "custom": {"name": "patch", "format": grammar}}])["tools"]
    assert written["input_schema"]["properties"] == {"input": {"type": "string"}}
    assert "start: X" in written["description"]
    called = {"id": "a", "type": "custom", "custom": {"name": "patch", "input": "*** x"}}
    messages = fields(user(), {"role": "assistant", "tool_calls": [called]}, result("a"))["messages"]
    assert messages[1]["content"][0]["input"] == {"input": "*** x"}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("none", {"type": "none"}),
        ({"type": "function", "function": {"name": "look"}}, {"type": "tool", "name": "look"}),
        (None, None),
    ],
)
def test_tool_choice(choice: Any, sent: Any) -> None:
    assert fields(user(), tools=[LOOK], tool_choice=choice).get("tool_choice") == sent
    assert "tool_choice" not in fields(user(), tool_choice=choice)


def test_calls_one_at_a_time_are_asked_for_inside_the_choice() -> None:
    assert fields(user(), tools=[LOOK], parallel_tool_calls=False)["tool_choice"] == {
        "type": "auto",
        "disable_parallel_tool_use": True,
    }
    assert fields(user(), tools=[LOOK], parallel_tool_calls=False, tool_choice="required")["tool_choice"] == {
        "type": "any",
        "disable_parallel_tool_use": True,
    }
    assert "tool_choice" not in fields(user(), parallel_tool_calls=False)
    assert fields(user(), tools=[LOOK], parallel_tool_calls=False, tool_choice="none")["tool_choice"] == {"type": "none"}


def test_a_choice_among_some_leaves_only_those() -> None:
    other = {"type": "function", "function": {"name": "list"}}
    listed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "list"}}]}
    written = fields(user(), tools=[LOOK, other], tool_choice={"type": "allowed_tools", "allowed_tools": listed})
    assert [one["name"] for one in written["tools"]] == ["list"]
    assert written["tool_choice"] == {"type": "any"}


@pytest.mark.parametrize("choice", ["sometimes", ""])
def test_a_choice_that_the_api_does_not_have_is_named(choice: str) -> None:
    written = body(user(), tools=[LOOK], tool_choice=choice)
    assert "tool_choice" not in written.fields
    assert written.dropped[0].startswith("tool_choice")


def test_a_choice_of_a_tool_that_is_not_there_is_the_providers_to_refuse() -> None:
    named = {"type": "function", "function": {"name": "nowhere"}}
    assert fields(user(), tools=[LOOK], tool_choice=named)["tool_choice"] == {"type": "tool", "name": "nowhere"}


def test_that_calls_fit_for_certain_is_not_promised() -> None:
    strict = {"type": "function", "function": {**LOOK["function"], "strict": True}}
    written = body(user(), tools=[strict])
    assert written.dropped == ("tools (strict)",)
    assert "strict" not in written.fields["tools"][0]


def test_a_model_that_cannot_be_forced_is_not() -> None:
    written = body(user(), model="claude-opus-5-5", tools=[LOOK], tool_choice="required")
    assert written.fields["tool_choice"] == {"type": "auto"}
    assert written.dropped == ("tool_choice",)


def test_calls_in_the_history_want_tools() -> None:
    written = fields(user(), calling("a"), result("a"))
    assert [one["name"] for one in written["tools"]] == ["look"]
    assert written["tool_choice"] == {"type": "none"}


# ---------------------------------------------------------------- formats


def test_a_schema_for_the_answer_is_a_field_where_there_is_one() -> None:
    form = fields(user(), response_format=FORM)["output_config"]["format"]
    assert form["type"] == "json_schema"
    assert form["schema"]["additionalProperties"] is False
    assert "minimum" not in form["schema"]["properties"]["a"]
    assert '"minimum":3' in form["schema"]["properties"]["a"]["description"]


def test_a_schema_for_the_answer_is_a_forced_tool_where_there_is_none() -> None:
    written = fields(user(), model=OLD, response_format=FORM)
    assert [one["input_schema"] for one in written["tools"]] == [SCHEMA]
    assert written["tool_choice"] == {"type": "tool", "name": written["tools"][0]["name"]}
    assert "output_config" not in written


@pytest.mark.parametrize("more", [{"tools": [LOOK]}, {"reasoning_effort": "low"}])
def test_a_schema_beside_tools_or_thinking_is_an_instruction(more: Json) -> None:
    written = fields(user(), model=OLD, response_format=FORM, **more)
    assert '"minimum":3' in written["system"]
    assert written.get("tool_choice") is None


def test_json_of_any_form_is_an_instruction() -> None:
    written = fields({"role": "system", "content": "S"}, user(), response_format={"type": "json_object"})
    assert written["system"][0] == text("S")
    assert "JSON" in written["system"][1]["text"]
    assert "system" not in fields(user(), response_format={"type": "text"})
    assert body(user(), response_format={"type": "grammar"}).dropped == ("response_format (grammar)",)


# ---------------------------------------------------------------- for whom


def test_the_user_is_told_unless_it_is_personal() -> None:
    assert fields(user(), user="u-1")["metadata"] == {"user_id": "u-1"}
    assert fields(user(), safety_identifier="s-1")["metadata"] == {"user_id": "s-1"}
    for personal in ("a@b.example", "+49 170 1234567", "x" * 300):
        told = fields(user(), user=personal)["metadata"]["user_id"]
        assert len(told) == 64
        assert personal not in told


def test_the_class_of_service() -> None:
    assert fields(user(), service_tier="default")["service_tier"] == "standard_only"
    assert fields(user(), service_tier="auto")["service_tier"] == "auto"
    assert body(user(), service_tier="flex").dropped == ("service_tier (flex)",)


def test_anthropics_own_fields_go_on() -> None:
    assert fields(user(), context_management={"edits": []}, stream=True) | {} == {
        **fields(user()),
        "context_management": {"edits": []},
        "stream": True,
    }
