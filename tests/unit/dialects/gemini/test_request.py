"""`generateContent` requests as chats: by either name of a field, with Gemini's schemas as JSON Schema."""

from typing import Any

import pytest

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.dialects.gemini.answer import answer
from gateway.dialects.gemini.request import into_chat
from gateway.dialects.gemini.schema import json_schema
from gateway.dialects.gemini.stream import Rendering
from gateway.dialects.naming import fitting
from tests.unit.dialects.speech import Json, gemini, parsed, plain_completion, rendered, said

HI: Json = {"role": "user", "parts": [{"text": "hi"}]}
DECLARED: Json = {
    "name": "get",
    "description": "gets",
    "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]},
}
FUNCTION: Json = {
    "name": "get",
    "description": "gets",
    "parameters": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
}


def chat(request: ModelRequest) -> Json:
    asked = into_chat(request).request
    assert parsed(asked.body) == asked.fields
    return dict(asked.fields)


def configured(**config: Any) -> Json:
    return chat(gemini(HI, fields={"generationConfig": config}))


def test_the_model_comes_from_the_url() -> None:
    asked = into_chat(gemini(HI)).request
    assert (asked.operation, asked.model, asked.foreign, asked.stream) == (Operation.CHAT, "m", True, False)
    assert asked.fields == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_a_stream_is_asked_for_with_its_usage() -> None:
    asked = into_chat(gemini(HI, stream=True)).request
    assert asked.wants_usage
    assert asked.fields["stream"] is True
    assert asked.fields["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("name", ["systemInstruction", "system_instruction"])
def test_the_system_instruction_comes_first(name: str) -> None:
    both = chat(gemini(HI, fields={name: {"parts": [{"text": "a"}, {"text": "b"}]}}))["messages"]
    assert both[0] == {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    assert chat(gemini(HI, fields={name: {"role": "user", "parts": [{"text": "a"}]}}))["messages"][0]["content"] == "a"
    assert [one["role"] for one in chat(gemini(HI, fields={name: {"parts": []}}))["messages"]] == ["user"]


@pytest.mark.parametrize("snake", [False, True])
def test_the_configuration_has_openais_names(snake: bool) -> None:
    camel = {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "candidateCount": 2,
        "maxOutputTokens": 99,
        "stopSequences": ["x"],
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "responseLogprobs": False,
    }
    written = {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): value for name, value in camel.items()}
    told = chat(gemini(HI, fields={"generation_config" if snake else "generationConfig": written if snake else camel}))
    del told["model"], told["messages"]
    assert told == {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "n": 2,
        "max_tokens": 99,
        "stop": ["x"],
        "seed": 7,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
    }


def test_a_count_that_sdks_write_as_a_fraction_is_a_count() -> None:
    assert str(configured(topK=40.0)["top_k"]) == "40"


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        ({"thinkingBudget": 0}, "none"),
        ({"thinkingBudget": -1}, None),
        ({"thinkingBudget": 1024}, "low"),
        ({"thinking_budget": 8192}, "medium"),
        ({"thinkingBudget": 24576}, "high"),
        ({"thinkingLevel": "LOW"}, "low"),
        ({"thinking_level": "minimal", "thinkingBudget": 9}, "minimal"),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None),
        ({"includeThoughts": True}, None),
    ],
)
def test_thinking_becomes_an_effort(thinking: Json, effort: str | None) -> None:
    assert configured(thinkingConfig=thinking).get("reasoning_effort") == effort


def test_a_schema_of_the_answer_is_told_in_each_of_its_forms() -> None:
    own = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    for config in (
        {"responseSchema": own},
        {"response_schema": own},
        {"responseJsonSchema": schema},
        {"_responseJsonSchema": schema},
        {"response_json_schema": schema},
    ):
        told = configured(responseMimeType="application/json", **config)["response_format"]
        assert told == {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    assert configured(responseMimeType="application/json")["response_format"] == {"type": "json_object"}
    assert "response_format" not in configured(responseMimeType="text/plain")


def test_a_newer_form_of_the_answer_is_told_as_well() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    told = configured(responseFormat=[{"text": {"mimeType": "application/json", "schema": schema}}])["response_format"]
    assert told == {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    plain = configured(response_format=[{"text": {"mime_type": "APPLICATION_JSON"}}])
    assert plain["response_format"] == {"type": "json_object"}
    heard = into_chat(gemini(HI, fields={"generationConfig": {"responseFormat": [{"audio": {}}, {"text": {}}]}}))
    assert heard.dropped == ("generationConfig.responseFormat.audio",)
    assert "response_format" not in heard.request.fields


@pytest.mark.parametrize("schema", [{"type": "STRING", "enum": ["red", "dark blue"]}, {"enum": ["red", "dark blue"]}])
def test_a_choice_of_one_word_is_asked_for_in_words(schema: Json) -> None:
    fields = {
        "systemInstruction": "Be brief.",
        "generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": schema},
    }
    translated = into_chat(gemini(HI, fields=fields))
    assert translated.dropped == ()
    words = 'Answer with one of these and nothing else, without quotes: "red", "dark blue"'
    assert translated.request.fields["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": words},
        {"role": "user", "content": "hi"},
    ]
    assert "response_format" not in translated.request.fields


@pytest.mark.parametrize(("tier", "own"), [("STANDARD", "default"), ("SERVICE_TIER_FLEX", "flex"), ("priority", "priority")])
def test_service_tiers_have_openais_names(tier: str, own: str) -> None:
    assert chat(gemini(HI, fields={"serviceTier": tier}))["service_tier"] == own


def test_what_cannot_be_said_is_named() -> None:
    fields: Json = {
        "safety_settings": [],
        "labels": {"a": "b"},
        "serviceTier": "GOLD",
        "tools": [{"googleSearch": {}}, {"functionDeclarations": [DECLARED]}, {"code_execution": {}}],
        "toolConfig": {"retrievalConfig": {}, "functionCallingConfig": {"streamFunctionCallArguments": True}},
        "generationConfig": {
            "speechConfig": {},
            "responseModalities": ["TEXT", "IMAGE"],
            "responseMimeType": "text/x.enum",
            "mediaResolution": None,
            "responseLogprobs": True,
            "logprobs": 3,
            "thinkingConfig": {"thinkingLevel": "ENDLESS", "pace": 1},
        },
    }
    translated = into_chat(gemini({"role": "user", "parts": [{"text": "hi", "videoMetadata": {"fps": 1}}]}, fields=fields))
    assert translated.dropped == (
        "contents.parts.videoMetadata",
        "generationConfig.logprobs",
        "generationConfig.responseLogprobs",
        "generationConfig.responseMimeType (text/x.enum)",
        "generationConfig.responseModalities (IMAGE)",
        "generationConfig.speechConfig",
        "generationConfig.thinkingConfig.pace",
        "generationConfig.thinkingConfig.thinkingLevel (endless)",
        "labels",
        "safetySettings",
        "serviceTier (GOLD)",
        "toolConfig.functionCallingConfig.streamFunctionCallArguments",
        "toolConfig.retrievalConfig",
        "tools[0].googleSearch",
        "tools[2].codeExecution",
    )
    assert "response_format" not in translated.request.fields


def test_cached_content_lies_where_nobody_else_can_read_it() -> None:
    for name in ("cachedContent", "cached_content"):
        with pytest.raises(InvalidValue) as refused:
            into_chat(gemini(HI, fields={name: "cachedContents/1"}))
        assert refused.value.param == "cachedContent"


# ---------------------------------------------------------------- tools


@pytest.mark.parametrize("name", ["functionDeclarations", "function_declarations"])
def test_declarations_are_functions(name: str) -> None:
    exact = {
        "name": "put",
        "parametersJsonSchema": {"type": "object", "additionalProperties": False},
        "response": {},
        "behavior": "X",
    }
    told = chat(gemini(HI, fields={"tools": [{name: [DECLARED]}, {name: [exact, {"name": "now"}]}]}))["tools"]
    assert told == [
        {"type": "function", "function": FUNCTION},
        {"type": "function", "function": {"name": "put", "parameters": exact["parametersJsonSchema"]}},
        {"type": "function", "function": {"name": "now"}},
    ]


@pytest.mark.parametrize(
    ("mode", "choice"),
    [("AUTO", "auto"), ("any", "required"), ("NONE", "none"), ("VALIDATED", "auto"), ("MODE_UNSPECIFIED", "auto")],
)
def test_modes_are_choices(mode: str, choice: str) -> None:
    config = {"functionCallingConfig": {"mode": mode}}
    assert (
        chat(gemini(HI, fields={"tools": [{"functionDeclarations": [DECLARED]}], "toolConfig": config}))["tool_choice"]
        == choice
    )


def test_a_choice_among_some_offers_no_others() -> None:
    config = {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["put"]}}
    told = chat(gemini(HI, fields={"tools": [{"functionDeclarations": [DECLARED, {"name": "put"}]}], "tool_config": config}))
    assert [tool["function"]["name"] for tool in told["tools"]] == ["put"]
    assert told["tool_choice"] == "required"


def test_without_functions_there_is_no_choice() -> None:
    config = {"functionCallingConfig": {"mode": "ANY"}}
    translated = into_chat(gemini(HI, fields={"tools": [{"googleSearch": {}}], "toolConfig": config}))
    assert translated.request.fields.keys() == {"model", "messages"}
    assert translated.dropped == ("toolConfig.functionCallingConfig.mode (ANY)", "tools[0].googleSearch")
    assert into_chat(gemini(HI, fields={"toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}})).dropped == ()


def test_names_that_other_apis_do_not_take_are_made_to_fit() -> None:
    long = "files." + "x" * 100
    turns: list[Json] = [
        HI,
        {"role": "model", "parts": [{"functionCall": {"name": long}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": long, "response": {}}}]},
    ]
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [long]}}
    asked = gemini(*turns, fields={"tools": [{"function_declarations": [{"name": long}, DECLARED]}], "toolConfig": config})
    told = chat(asked)
    (tool,) = told["tools"]
    sent = tool["function"]["name"]
    assert sent == fitting(long)
    assert told["messages"][1]["tool_calls"][0]["function"]["name"] == sent
    called = {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": sent, "arguments": "{}"}}]}
    part = {"functionCall": {"id": "c", "name": long, "args": {}}}
    assert parsed(answer(asked, plain_completion(called)))["candidates"][0]["content"]["parts"] == [part]
    (last,) = rendered(Rendering(asked), [said(called, "tool_calls")]).split(b"\r\n\r\n")[:-1]
    assert parsed(last[6:])["candidates"][0]["content"]["parts"] == [part]


# ---------------------------------------------------------------- schemas


@pytest.mark.parametrize(
    ("own", "schema"),
    [
        ({"type": "STRING", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        (
            {"anyOf": [{"type": "INTEGER"}], "nullable": True},
            {"anyOf": [{"anyOf": [{"type": "integer"}]}, {"type": "null"}]},
        ),
        (
            {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": "1", "max_items": 3},
            {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3},
        ),
        (
            {
                "type": "OBJECT",
                "properties": {"min_items": {"type": "BOOLEAN"}},
                "propertyOrdering": ["min_items"],
                "example": {},
            },
            {"type": "object", "properties": {"min_items": {"type": "boolean"}}},
        ),
        (
            {"any_of": [{"ref": "#/defs/A"}, {"ref": "#/$defs/A"}], "defs": {"A": {"type": "NULL"}}},
            {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}], "$defs": {"A": {"type": "null"}}},
        ),
        ({"type": "TYPE_UNSPECIFIED", "description": "any", "title": None}, {"description": "any"}),
        (
            {"type": ["string", "null"], "additionalProperties": False},
            {"type": ["string", "null"], "additionalProperties": False},
        ),
        (
            {"type": "OBJECT", "additional_properties": {"type": "STRING"}},
            {"type": "object", "additionalProperties": {"type": "string"}},
        ),
    ],
)
def test_geminis_schema_as_json_schema(own: Json, schema: Json) -> None:
    assert json_schema(own, "s") == schema


def test_a_schema_without_end_is_refused() -> None:
    deep: Json = {"type": "STRING"}
    for _ in range(5000):
        deep = {"type": "ARRAY", "items": deep}
    with pytest.raises(InvalidValue):
        json_schema(deep, "s")


def test_what_the_root_of_a_schema_refers_to_stands_there() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    rooted = {**node, "$defs": {"Node": node}}
    told = configured(responseMimeType="application/json", responseJsonSchema=schema)["response_format"]
    assert told["json_schema"]["schema"] == rooted
    declared = {"name": "put", "parametersJsonSchema": schema}
    (tool,) = chat(gemini(HI, fields={"tools": [{"functionDeclarations": [declared]}]}))["tools"]
    assert tool["function"]["parameters"] == rooted
    for odd in (
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {"$ref": "#/x/y"},
        {"$ref": 3},
        {"$ref": "http://x"},
    ):
        assert configured(responseJsonSchema=odd)["response_format"]["json_schema"]["schema"] == odd


# ---------------------------------------------------------------- nonsense


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"systemInstruction": 3}, "systemInstruction"),
        ({"systemInstruction": {"parts": 3}}, "systemInstruction.parts"),
        ({"systemInstruction": {"parts": [{"text": 3}]}}, "systemInstruction.parts[0].text"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"functionDeclarations": [3]}]}, "tools[0].functionDeclarations[0]"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": 3}]}]},
            "tools[0].functionDeclarations[0].parameters",
        ),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": {}}}]}]},
            "tools[0].functionDeclarations[0].parameters.type",
        ),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": []}]}]},
            "tools[0].functionDeclarations[0].parametersJsonSchema",
        ),
        ({"toolConfig": 3}, "toolConfig"),
        (
            {"tools": [{"functionDeclarations": [DECLARED]}], "toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}},
            "toolConfig.functionCallingConfig.mode",
        ),
        (
            {
                "tools": [{"functionDeclarations": [DECLARED]}],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x"]}},
            },
            "toolConfig.functionCallingConfig.allowedFunctionNames",
        ),
        ({"generationConfig": []}, "generationConfig"),
        ({"generationConfig": {"stopSequences": "x"}}, "generationConfig.stopSequences"),
        ({"generationConfig": {"thinkingConfig": 1}}, "generationConfig.thinkingConfig"),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": "1"}}}, "generationConfig.thinkingConfig.thinkingBudget"),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": 1}}}, "generationConfig.thinkingConfig.thinkingLevel"),
        ({"generationConfig": {"responseSchema": "x"}}, "generationConfig.responseSchema"),
        ({"generationConfig": {"responseFormat": {}}}, "generationConfig.responseFormat"),
        ({"generationConfig": {"responseFormat": [{"text": 3}]}}, "generationConfig.responseFormat[0].text"),
        ({"generationConfig": {"responseJsonSchema": "x"}}, "generationConfig.responseJsonSchema"),
    ],
)
def test_nonsense_is_refused_by_its_place(fields: Json, param: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        into_chat(gemini(HI, fields=fields))
    assert refused.value.param == param
