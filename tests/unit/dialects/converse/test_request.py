"""A Converse request's parameters in a chat."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import InvalidValue
from gateway.dialects.converse.request import into_chat
from tests.unit.dialects.converse.asking import TOOL, Json, chat, converse, dropped, user

SCHEMA: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def extra(**fields: Any) -> Json:
    return chat(additionalModelRequestFields=fields)


def form(schema: Any, **more: Any) -> Json:
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema, **more}}}}


def test_the_body_is_the_chat_for_the_model_of_the_url() -> None:
    told = into_chat(converse(user("Hi"), stream=True)).request
    assert json.loads(told.body) == told.fields
    assert (told.fields["model"], told.fields["stream"], told.wants_usage, told.foreign) == ("m", True, True, True)
    assert told.fields["messages"] == [{"role": "user", "content": "Hi"}]


def test_parameters_have_other_names() -> None:
    config = {"maxTokens": 9, "temperature": 0.5, "topP": 0.9, "stopSequences": ["a", "b"]}
    told = chat(inferenceConfig=config)
    assert {name: told[name] for name in ("max_tokens", "temperature", "top_p", "stop")} == {
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["a", "b"],
    }
    assert "max_tokens" not in chat()


def test_the_system_prompt_comes_first() -> None:
    messages = chat(system=[{"text": "Be brief."}, {"guardContent": {"text": {"text": "And kind."}}}])["messages"]
    assert [part["text"] for part in messages[0]["content"]] == ["Be brief.", "And kind."]
    assert messages[0]["role"] == "system"
    assert chat({"role": "system", "content": [{"text": "Now in French."}]})["messages"][0]["role"] == "system"


def test_tools_and_the_choice_among_them() -> None:
    tools = [{"toolSpec": {**TOOL["toolSpec"], "strict": False}}, {"cachePoint": {"type": "default", "ttl": "5m"}}]
    told = chat(toolConfig={"tools": tools, "toolChoice": {"tool": {"name": "get"}}})
    function = {"name": "get", "parameters": {"type": "object"}, "description": "Gets."}
    assert told["tools"] == [
        {"type": "function", "function": function, "cache_control": {"type": "ephemeral", "ttl": "5m"}},
    ]
    assert told["tool_choice"] == {"type": "function", "function": {"name": "get"}}
    assert chat(toolConfig={"tools": [TOOL], "toolChoice": {"any": {}}})["tool_choice"] == "required"
    assert chat(toolConfig={"tools": [TOOL], "toolChoice": {"auto": {}}})["tool_choice"] == "auto"
    assert "tool_choice" not in chat(toolConfig={"tools": [TOOL]})
    assert dropped(toolConfig={"tools": [TOOL, {"systemTool": {"name": "nova_grounding"}}]}) == [
        "toolConfig.tools[1] (systemTool)"
    ]


def test_one_call_at_a_time_is_claudes_own_field() -> None:
    alone = {"type": "auto", "disable_parallel_tool_use": True}
    told = chat(toolConfig={"tools": [TOOL]}, additionalModelRequestFields={"tool_choice": alone})
    assert (told["tool_choice"], told["parallel_tool_calls"]) == ("auto", False)
    forced = {"tools": [TOOL], "toolChoice": {"any": {}}}
    told = chat(toolConfig=forced, additionalModelRequestFields={"tool_choice": alone})
    assert (told["tool_choice"], told["parallel_tool_calls"]) == ("required", False)


@pytest.mark.parametrize("name", ["thinking", "reasoning_config"])
def test_thinking_goes_on_as_it_is_and_as_an_effort(name: str) -> None:
    thinking = {"type": "enabled", "budget_tokens": 2000}
    told = extra(**{name: thinking})
    assert (told["thinking"], told["reasoning_effort"]) == (thinking, "low")


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"reasoning_effort": "high"}, "high"),
        ({"reasoning_effort": "none"}, "none"),
        ({"output_config": {"effort": "max"}}, "xhigh"),
        ({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, "low"),
        ({"reasoningConfig": {"type": "enabled"}}, "medium"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, "low"),
    ],
)
def test_an_effort_has_a_name_with_every_maker(fields: Json, effort: str) -> None:
    assert extra(**fields)["reasoning_effort"] == effort


def test_converses_own_effort_comes_first() -> None:
    told = chat(outputConfig={"effort": "low"}, additionalModelRequestFields={"reasoning_effort": "high"})
    assert told["reasoning_effort"] == "low"
    assert "reasoning_effort" not in extra(reasoningConfig={"type": "disabled"})


@pytest.mark.parametrize("fields", [{"top_k": 5}, {"topK": 5}, {"inferenceConfig": {"topK": 5}}])
def test_top_k_has_a_name_with_every_maker(fields: Json) -> None:
    assert extra(**fields)["top_k"] == 5


def test_a_schema_of_the_answer_is_written_as_a_string() -> None:
    told = chat(outputConfig=form(json.dumps(SCHEMA), name="thing", description="A thing."))["response_format"]
    expected = {"name": "thing", "schema": SCHEMA, "strict": True, "description": "A thing."}
    assert told == {"type": "json_schema", "json_schema": expected}
    assert chat(outputConfig=form(json.dumps(SCHEMA)))["response_format"]["json_schema"]["name"] == "answer"


@pytest.mark.parametrize("tier", ["default", "flex", "priority"])
def test_the_tier_is_the_same(tier: str) -> None:
    assert chat(serviceTier={"type": tier})["service_tier"] == tier


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"serviceTier": {"type": "reserved"}}, "serviceTier (reserved)"),
        ({"performanceConfig": {"latency": "optimized"}}, "performanceConfig (optimized)"),
        ({"additionalModelRequestFields": {"anthropic_beta": ["x"]}}, "additionalModelRequestFields.anthropic_beta"),
        ({"additionalModelRequestFields": {"inferenceConfig": {"x": 1}}}, "additionalModelRequestFields.inferenceConfig.x"),
        ({"additionalModelRequestFields": {"output_config": {"x": 1}}}, "additionalModelRequestFields.output_config.x"),
        ({"additionalModelRequestFields": {"tool_choice": {"type": "any"}}}, "additionalModelRequestFields.tool_choice (any)"),
        ({"additionalModelResponseFieldPaths": ["/usage"]}, "additionalModelResponseFieldPaths (/usage)"),
        ({"inferenceConfig": {"topK": 4}}, "inferenceConfig.topK"),
        ({"outputConfig": {"x": 4}}, "outputConfig.x"),
        ({"toolConfig": {"x": 4}}, "toolConfig.x"),
        ({"projectIdentifier": "p"}, "projectIdentifier"),
    ],
)
def test_what_no_chat_can_say_is_named(fields: Json, name: str) -> None:
    assert dropped(**fields) == [name]


def test_what_changes_no_answer_is_left_out_without_a_word() -> None:
    quiet = {"requestMetadata": {"team": "a"}, "performanceConfig": {"latency": "standard"}, "guardrailConfig": None}
    assert dropped(**quiet, additionalModelResponseFieldPaths=["/stop_sequence"]) == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"}}, "guardrailConfig"),
        ({"promptVariables": {"city": {"text": "Oslo"}}}, "promptVariables"),
        ({"system": "words"}, "system"),
        ({"inferenceConfig": []}, "inferenceConfig"),
        ({"inferenceConfig": {"stopSequences": "a"}}, "inferenceConfig.stopSequences"),
        ({"inferenceConfig": {"stopSequences": [1]}}, "inferenceConfig.stopSequences[0]"),
        ({"toolConfig": {"tools": [{}]}}, "toolConfig.tools[0]"),
        ({"toolConfig": {"tools": [{"toolSpec": {"name": "a"}}]}}, "toolConfig.tools[0].toolSpec.inputSchema"),
        (
            {"toolConfig": {"tools": [{"toolSpec": {"name": "a", "inputSchema": {}}}]}},
            "toolConfig.tools[0].toolSpec.inputSchema.json",
        ),
        ({"toolConfig": {"tools": [TOOL], "toolChoice": {"some": {}}}}, "toolConfig.toolChoice"),
        ({"toolConfig": {"tools": [TOOL], "toolChoice": {"tool": {}}}}, "toolConfig.toolChoice.tool.name"),
        ({"additionalModelRequestFields": [1]}, "additionalModelRequestFields"),
        ({"additionalModelRequestFields": {"thinking": 1}}, "additionalModelRequestFields.thinking"),
        ({"additionalModelRequestFields": {"reasoning_effort": "vast"}}, "outputConfig.effort"),
        ({"additionalModelRequestFields": {"thinking": {"type": "enabled"}}}, "thinking.budget_tokens"),
        ({"outputConfig": {"textFormat": 1}}, "outputConfig.textFormat"),
        ({"outputConfig": form("{")}, "outputConfig.textFormat.structure.jsonSchema.schema"),
        ({"outputConfig": form("[]")}, "outputConfig.textFormat.structure.jsonSchema.schema"),
        ({"outputConfig": form({})}, "outputConfig.textFormat.structure.jsonSchema.schema"),
        ({"serviceTier": "flex"}, "serviceTier"),
        ({"additionalModelResponseFieldPaths": "/a"}, "additionalModelResponseFieldPaths"),
    ],
)
def test_an_error_names_the_field(fields: Json, param: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        chat(**fields)
    assert raised.value.param == param


NAMES = st.sampled_from(
    (
        *("messages", "system", "role", "content", "text", "image", "document", "toolUse", "toolResult", "toolUseId", "json"),
        *("reasoningContent", "reasoningText", "signature", "redactedContent", "guardContent", "cachePoint", "searchResult"),
        *(
            "source",
            "bytes",
            "format",
            "name",
            "input",
            "type",
            "tools",
            "toolSpec",
            "inputSchema",
            "toolChoice",
            "any",
            "tool",
        ),
        *("thinking", "output_config", "effort", "reasoningConfig", "top_k", "tool_choice", "textFormat", "latency", "status"),
    )
)
WORDS = st.sampled_from(["user", "assistant", "png", "pdf", "txt", "auto", "error", "QUJD", "\ud800", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        (
            *("system", "inferenceConfig", "toolConfig", "outputConfig", "serviceTier", "performanceConfig"),
            *("additionalModelRequestFields", "additionalModelResponseFieldPaths", "requestMetadata"),
        )
    ),
    VALUES,
    max_size=3,
)
TURNS = st.lists(st.fixed_dictionaries({"role": WORDS, "content": st.lists(VALUES, max_size=3) | VALUES}) | VALUES, max_size=3)


@given(TURNS, FIELDS)
def test_whatever_comes_is_a_chat_or_an_error_that_names_a_field(turns: Any, fields: Any) -> None:
    try:
        told = into_chat(converse(*turns, **fields)).request
    except InvalidValue as error:
        assert error.param
    else:
        assert json.loads(told.body)["messages"] == told.fields["messages"]
