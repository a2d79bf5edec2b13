"""A chat's tools and settings, written for Gemini: on three generations of models, and what is dropped by name."""

import json
from typing import Any

import orjson
import pytest

from gateway.core.catalog import Target
from gateway.core.errors import InvalidValue
from gateway.providers.wire import GOOGLE
from tests.wires.driving import WALL_S, request
from tests.wires.google.asking import GEMINI_2, GEMINI_2_5, GEMINI_3, SPEC, TOOL, USER, asked, written

Json = dict[str, Any]

# ---------------------------------------------------------------- tools


def test_tools_keep_their_schema_where_the_model_takes_it() -> None:
    body, outgoing = written(tools=[TOOL])
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "Does.",
                    "parametersJsonSchema": {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}},
                }
            ]
        }
    ]
    assert outgoing.dropped == ()
    body, _ = written(GEMINI_2, tools=[TOOL])
    assert body["tools"][0]["functionDeclarations"][0]["parameters"] == {
        "type": "object",
        "properties": {"a": {"type": "integer", "nullable": True}},
    }


def test_tools_without_arguments_have_no_schema_that_is_refused() -> None:
    empty = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
    for target in (GEMINI_2, GEMINI_3):
        body, _ = written(target, tools=[empty, {"type": "function", "function": {"name": "then"}}])
        for declaration in body["tools"][0]["functionDeclarations"]:
            assert "parameters" not in declaration


def test_a_custom_tool_is_a_function_with_one_text() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: WORD"}}
    body, _ = written(tools=[{"type": "custom", "custom": {"name": "patch", "description": "Patches.", "format": grammar}}])
    (declaration,) = body["tools"][0]["functionDeclarations"]
    assert declaration["parametersJsonSchema"]["required"] == ["input"]
    assert "start: WORD" in declaration["description"]
    called = {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "patch", "input": "x"}}]}
    parts = written(messages=[USER, called])[0]["contents"][1]["parts"]
    assert parts[0]["functionCall"]["args"] == {"input": "x"}


def test_tools_that_are_no_functions_are_dropped_by_name() -> None:
    body, outgoing = written(tools=[TOOL, {"type": "web_search"}, {"type": "web_search"}], parallel_tool_calls=False)
    assert len(body["tools"][0]["functionDeclarations"]) == 1
    assert outgoing.dropped == ("parallel_tool_calls", "tools (web_search)")
    body, outgoing = written(tools=[TOOL, TOOL])
    assert len(body["tools"][0]["functionDeclarations"]) == 1
    assert outgoing.dropped == ("tools (named twice)",)
    body, _ = written(tools=[{"type": "web_search"}], tool_choice="auto")
    assert "tools" not in body
    assert "toolConfig" not in body


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("auto", {"mode": "AUTO"}),
        ("required", {"mode": "ANY"}),
        ("none", {"mode": "NONE"}),
        ({"type": "function", "function": {"name": "f"}}, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        ({"type": "custom", "custom": {"name": "p"}}, {"mode": "ANY", "allowedFunctionNames": ["p"]}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
            {"mode": "VALIDATED", "allowedFunctionNames": ["f"]},
        ),
    ],
)
def test_the_choice_of_tools(choice: Any, wanted: Json) -> None:
    body, outgoing = written(tools=[TOOL], tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": wanted}
    assert outgoing.dropped == ()


@pytest.mark.parametrize("choice", ["sometimes", 7, {"type": "web_search"}, ["f"]])
def test_a_choice_that_cannot_be_said_is_dropped_by_name(choice: Any) -> None:
    body, outgoing = written(tools=[TOOL], tool_choice=choice)
    assert "toolConfig" not in body
    assert outgoing.dropped == ("tool_choice",)


@pytest.mark.parametrize("tools", [7, [7], [{"type": "function"}], [{"type": "function", "function": {"name": 7}}]])
def test_tools_that_are_none_are_the_callers_mistake(tools: Any) -> None:
    with pytest.raises(InvalidValue):
        written(tools=tools)


# ---------------------------------------------------------------- settings


def config(target: Target = GEMINI_3, **fields: Any) -> Any:
    return written(target, **fields)[0].get("generationConfig")


def test_settings() -> None:
    assert config() is None
    assert config(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        n=2,
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        stop="END",
        max_tokens=5,
        max_completion_tokens=9,
        logprobs=True,
        top_logprobs=3,
        modalities=["text", "image"],
    ) == {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "candidateCount": 2,
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "stopSequences": ["END"],
        "maxOutputTokens": 9,
        "responseLogprobs": True,
        "logprobs": 3,
        "responseModalities": ["TEXT", "IMAGE"],
    }
    assert config(max_tokens=5) == {"maxOutputTokens": 5}
    assert config(temperature=None, stop=None, logprobs=False, modalities=["text"], tools=None, response_format=None) is None


def test_more_stops_than_there_may_be() -> None:
    body, outgoing = written(stop=["a", "", "b", "c", "d", "e", "f"])
    assert body["generationConfig"]["stopSequences"] == ["a", "b", "c", "d", "e"]
    assert outgoing.dropped == ("stop (all but 5)",)


SCHEMA = {"$schema": "x", "type": "object", "properties": {"a": {"const": "b"}}, "additionalProperties": False}


def test_the_form_of_the_answer() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}
    assert config(response_format={"type": "text"}) is None
    assert config(response_format={"type": "json_object"}) == {"responseMimeType": "application/json"}
    assert config(response_format=schema) == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {key: value for key, value in SCHEMA.items() if key != "$schema"},
    }
    assert config(GEMINI_2, response_format=schema) == {
        "responseMimeType": "application/json",
        "responseSchema": {"type": "object", "properties": {"a": {"type": "string", "format": "enum", "enum": ["b"]}}},
    }


def test_json_beside_tools_is_for_new_models() -> None:
    form = {"type": "json_object"}
    body, outgoing = written(tools=[TOOL], response_format=form)
    assert body["generationConfig"] == {"responseMimeType": "application/json"}
    body, outgoing = written(GEMINI_2_5, tools=[TOOL], response_format=form)
    assert "generationConfig" not in body
    assert outgoing.dropped == ("response_format (beside tools)",)


@pytest.mark.parametrize(
    "form",
    [7, {}, {"type": 7}, {"type": ["text"]}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": {"schema": 7}}],
)
def test_a_form_that_is_none_is_the_callers_mistake(form: Any) -> None:
    with pytest.raises(InvalidValue):
        written(response_format=form)


@pytest.mark.parametrize(
    ("model", "effort", "wanted"),
    [
        ("gemini-3.1-pro-preview", "medium", {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3-pro-preview", "minimal", {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "MINIMAL", "includeThoughts": True}),
        ("gemini-3-flash-preview", "none", {"thinkingLevel": "MINIMAL"}),
        ("gemini-flash-latest", "xhigh", {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128}),
        ("models/gemini-2.5-pro", "high", {"thinkingBudget": 24576, "includeThoughts": True}),
    ],
)
def test_effort_is_a_level_or_a_budget(model: str, effort: str, wanted: Json) -> None:
    body, outgoing = written(Target("g", model, "g/x"), reasoning_effort=effort)
    assert body["generationConfig"] == {"thinkingConfig": wanted}
    assert bool(outgoing.dropped) == (effort == "none" and model != "gemini-2.5-flash")


@pytest.mark.parametrize(
    ("model", "effort"),
    [
        ("gemini-2.0-flash", "low"),
        ("gemma-3-27b-it", "low"),
        ("gemini-3-flash", "much"),
        ("gemini-3-flash", 7),
        ("gemini-3-flash", ["low"]),
    ],
)
def test_effort_that_cannot_be_said_is_dropped_by_name(model: str, effort: Any) -> None:
    body, outgoing = written(Target("g", model, "g/x"), reasoning_effort=effort)
    assert "generationConfig" not in body
    assert outgoing.dropped == ("reasoning_effort",)


def test_what_gemini_has_no_word_for_is_dropped_by_name() -> None:
    _, outgoing = written(
        user="u",
        logit_bias={"1": 1},
        verbosity="low",
        store=True,
        service_tier="flex",
        prediction={},
        web_search_options={},
        my_own=1,
    )
    assert outgoing.dropped == (
        "logit_bias",
        "my_own",
        "prediction",
        "service_tier",
        "store",
        "user",
        "verbosity",
        "web_search_options",
    )


def test_what_changes_nothing_is_left_out_without_a_word() -> None:
    _, outgoing = written(
        stream=True,
        stream_options={"include_usage": True},
        store=False,
        service_tier="auto",
        logit_bias={},
        prompt_cache_key="k",
        parallel_tool_calls=True,
        user=None,
        thinking={"type": "adaptive"},
        metadata={"a": "b"},
    )
    assert outgoing.dropped == ()


def test_googles_own_settings_in_the_place_that_its_compatible_endpoint_has_for_them() -> None:
    google = {"cached_content": "cachedContents/1", "thinking_config": {"thinking_budget": 5}, "safety_settings": [], "x": 1}
    body, outgoing = written(extra_body={"google": google}, temperature=1)
    assert body["cachedContent"] == "cachedContents/1"
    assert body["safetySettings"] == []
    assert body["generationConfig"] == {"temperature": 1, "thinkingConfig": {"thinking_budget": 5}}
    assert outgoing.dropped == ("extra_body.google.x",)
    for nonsense in (7, {}, {"google": 7}):
        with pytest.raises(InvalidValue):
            written(extra_body=nonsense)


def test_a_plain_question_is_read_by_a_plain_answer() -> None:
    """The two halves of the wire agree on what a custom tool is called."""
    tools = [{"type": "custom", "custom": {"name": "p"}}]
    asking = request(stream=False, messages=[USER], tools=tools)
    sent = json.loads(GOOGLE.write(asking, GEMINI_3, SPEC, None, {}).body)
    name = sent["tools"][0]["functionDeclarations"][0]["name"]
    answer = {
        "candidates": [
            {"content": {"parts": [{"functionCall": {"name": name, "args": {"input": "x"}}}]}, "finishReason": "STOP"}
        ]
    }
    chunk = GOOGLE.read(asked(asking), orjson.dumps(answer), WALL_S)
    assert orjson.loads(chunk.data)["choices"][0]["message"]["tool_calls"][0]["custom"] == {"name": "p", "input": "x"}
