"""Tools, forms and parameters of a chat in Converse's words, and what is named because there are none."""

import json
import re
from typing import Any

import pytest

from gateway.core.errors import InvalidValue
from tests.wires.bedrock.asking import (
    ADAPTIVE,
    BUDGET,
    CURRENT,
    FORM,
    GPT,
    HI,
    LLAMA,
    NOVA,
    OLDER,
    PROFILE,
    WEATHER,
    body,
    called,
    dropped,
    result,
    sent,
)

Json = dict[str, Any]

# ---------------------------------------------------------------- tools


def test_tools() -> None:
    function = {"name": "f.g", "description": "Does", "parameters": {"type": "object", "properties": {"a": {}}}, "strict": True}
    tools = [{"type": "function", "function": function}, {"type": "custom", "custom": {"name": "patch"}}]
    (first, second) = body(tools=tools)["toolConfig"]["tools"]
    assert re.fullmatch(r"f_g_[0-9a-f]{8}", first["toolSpec"]["name"])
    assert first["toolSpec"]["description"] == "Does"
    assert first["toolSpec"]["inputSchema"] == {"json": {"type": "object", "properties": {"a": {}}}}
    assert second["toolSpec"]["inputSchema"]["json"]["required"] == ["input"]


def test_a_tool_without_words_or_parameters() -> None:
    (only,) = body(tools=[{"type": "function", "function": {"name": "f", "description": ""}}])["toolConfig"]["tools"]
    assert only == {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}}


@pytest.mark.parametrize("tool", [{"type": "web_search"}, {"type": "web_search_20250305", "name": "web_search"}])
def test_tools_of_others_are_named(tool: Json) -> None:
    assert "toolConfig" not in body(tools=[tool])
    assert len(dropped(tools=[tool])) == 1


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", None),
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "get_weather"}}, {"tool": {"name": "get_weather"}}),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [WEATHER]}}, {"any": {}}),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [WEATHER]}}, None),
    ],
)
def test_tool_choice(choice: Any, expected: Json | None) -> None:
    other = {"type": "function", "function": {"name": "other"}}
    config = body(tools=[WEATHER, other], tool_choice=choice)["toolConfig"]
    assert config.get("toolChoice") == expected
    limited = isinstance(choice, dict) and choice["type"] == "allowed_tools"
    assert len(config["tools"]) == (1 if limited else 2)


def test_there_is_no_choice_none() -> None:
    assert "toolConfig" not in body(tools=[WEATHER], tool_choice="none")
    history = [HI, called("a"), result("a")]
    assert body(tools=[WEATHER], tool_choice="none", messages=history)["toolConfig"].keys() == {"tools"}
    assert dropped(tools=[WEATHER], tool_choice="none", messages=history) == ["tool_choice"]


def test_tools_that_were_called_are_declared_even_if_the_request_has_none() -> None:
    several: list[Json] = [{}, {"tools": []}, {"tool_choice": "none"}]
    for more in several:
        written = body(messages=[HI, called("a"), result("a")], **more)
        assert [one["toolSpec"]["name"] for one in written["toolConfig"]["tools"]] == ["f"]


def test_who_cannot_be_made_to_call_a_tool() -> None:
    assert body(LLAMA, tools=[WEATHER], tool_choice="required")["toolConfig"].keys() == {"tools"}
    assert dropped(LLAMA, tools=[WEATHER], tool_choice="required") == ["tool_choice"]


def test_one_call_at_a_time() -> None:
    written = body(tools=[WEATHER], parallel_tool_calls=False)
    assert written["additionalModelRequestFields"] == {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    assert dropped(NOVA, tools=[WEATHER], parallel_tool_calls=False) == ["parallel_tool_calls"]
    assert dropped(tools=[WEATHER], parallel_tool_calls=True) == []
    assert dropped(parallel_tool_calls=False) == []


@pytest.mark.parametrize("choice", [5, "sometimes", [], {"type": "function"}, {"type": "allowed_tools", "allowed_tools": {}}])
def test_what_is_no_choice_is_refused(choice: Any) -> None:
    with pytest.raises(InvalidValue):
        sent(tools=[WEATHER], tool_choice=choice)


# ---------------------------------------------------------------- forms


def test_a_schema_where_the_model_keeps_to_it() -> None:
    written = body(response_format=FORM)
    form = written["outputConfig"]["textFormat"]
    assert form["type"] == "json_schema"
    assert form["structure"]["jsonSchema"]["name"] == "person"
    schema = json.loads(form["structure"]["jsonSchema"]["schema"])
    assert schema == {"type": "object", "properties": {"age": {"type": "integer"}}, "additionalProperties": False}
    assert "toolConfig" not in written


@pytest.mark.parametrize("model", [OLDER, NOVA])
def test_a_schema_by_a_forced_tool(model: str) -> None:
    config = body(model, response_format=FORM)["toolConfig"]
    assert config["toolChoice"] == {"tool": {"name": "answer_in_json"}}
    assert config["tools"][0]["toolSpec"]["inputSchema"]["json"]["properties"] == {"age": {"type": "integer"}}


@pytest.mark.parametrize("more", [{"model": LLAMA}, {"model": OLDER, "tools": [WEATHER]}])
def test_a_schema_in_words_where_nothing_else_is_left(more: Json) -> None:
    written = body(response_format=FORM, **more)
    assert '"age"' in written["system"][-1]["text"]


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    assert "JSON" in body(response_format={"type": "json_object"})["system"][0]["text"]
    assert "system" not in body(response_format={"type": "text"})


# ---------------------------------------------------------------- parameters


def test_inference() -> None:
    written = body(NOVA, max_completion_tokens=100, temperature=1.5, top_p=0.9, stop=["END", " "], top_k=5)
    assert written["inferenceConfig"] == {"maxTokens": 100, "temperature": 1, "topP": 0.9, "stopSequences": ["END"]}
    assert written["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 5}}
    assert dropped(NOVA, stop=["END", " "]) == ["stop"]
    assert "inferenceConfig" not in body()


def test_claudes_own() -> None:
    written = body(BUDGET, temperature=0.5, top_k=5, stop="END", max_tokens=7)
    assert written["inferenceConfig"] == {"maxTokens": 7, "temperature": 0.5, "stopSequences": ["END"]}
    assert written["additionalModelRequestFields"] == {"top_k": 5}
    assert written["additionalModelResponseFieldPaths"] == ["/stop_sequence"]


def test_sampling_that_the_model_does_not_take() -> None:
    assert body(temperature=0.5, top_p=0.9)["inferenceConfig"] == {"temperature": 0.5}
    assert dropped(temperature=0.5, top_p=0.9) == ["top_p"]
    assert dropped(CURRENT, temperature=0.5, top_p=0.9, top_k=3) == ["temperature", "top_k", "top_p"]
    assert dropped(CURRENT, temperature=1, top_p=1) == []
    assert "inferenceConfig" not in body(CURRENT, temperature=0.5)
    assert dropped(LLAMA, top_k=3) == ["top_k"]


def test_effort_as_a_budget() -> None:
    written = body(BUDGET, reasoning_effort="low", temperature=0.5, max_tokens=4000)
    assert written["additionalModelRequestFields"]["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert written["inferenceConfig"] == {"maxTokens": 4000}
    assert dropped(BUDGET, reasoning_effort="low", temperature=0.5) == ["temperature"]
    assert body(BUDGET, reasoning_effort="low")["inferenceConfig"]["maxTokens"] > 2048


def test_effort_in_words() -> None:
    written = body(ADAPTIVE, reasoning_effort="high")
    assert written["additionalModelRequestFields"]["thinking"]["type"] == "adaptive"
    assert written["additionalModelRequestFields"]["output_config"] == {"effort": "high"}
    both = body(ADAPTIVE, reasoning_effort="high", response_format=FORM)
    assert both["outputConfig"]["effort"] == "high"
    assert "output_config" not in both["additionalModelRequestFields"]
    assert body(GPT, reasoning_effort="minimal")["additionalModelRequestFields"] == {"reasoning_effort": "low"}


def test_anthropics_own_parameter() -> None:
    told = {"type": "enabled", "budget_tokens": 2000}
    assert body(BUDGET, thinking=told, max_tokens=4000)["additionalModelRequestFields"] == {"thinking": told}
    assert body(CURRENT, thinking=told)["additionalModelRequestFields"]["thinking"]["type"] == "adaptive"


@pytest.mark.parametrize("model", [OLDER, NOVA, LLAMA, PROFILE])
def test_who_cannot_think(model: str) -> None:
    assert dropped(model, reasoning_effort="high") == ["reasoning_effort"]
    assert dropped(model, reasoning_effort="none") == []
    assert "additionalModelRequestFields" not in body(model, reasoning_effort="high")


def test_nobody_thinks_before_a_forced_call() -> None:
    asked: Json = {"tools": [WEATHER], "tool_choice": "required", "reasoning_effort": "low"}
    assert "additionalModelRequestFields" not in body(BUDGET, **asked)
    assert dropped(BUDGET, **asked) == ["reasoning_effort"]


def test_class_of_service_and_fields_of_converses_own() -> None:
    guard = {"guardrailIdentifier": "g", "guardrailVersion": "1"}
    written = body(service_tier="flex", guardrailConfig=guard, performanceConfig={"latency": "optimized"})
    assert written["serviceTier"] == {"type": "flex"}
    assert (written["guardrailConfig"], written["performanceConfig"]) == (guard, {"latency": "optimized"})
    assert "serviceTier" not in body(service_tier="auto")
    assert dropped(service_tier="scale") == ["service_tier"]


def test_what_cannot_be_said_is_named() -> None:
    asked: Json = {"n": 2, "seed": 7, "logit_bias": {"1": 2}, "logprobs": True, "presence_penalty": 0.5, "verbosity": "low"}
    assert dropped(**asked) == sorted(asked)
    quiet: Json = {
        "n": 1,
        "logprobs": False,
        "logit_bias": {},
        "user": "u",
        "metadata": {"a": "b"},
        "store": False,
        "seed": None,
    }
    assert dropped(**quiet) == []


@pytest.mark.parametrize(
    "more",
    [
        *({"temperature": "hot"}, {"temperature": True}, {"top_p": []}, {"max_tokens": 0}, {"max_tokens": "many"}, {"stop": 5}),
        *({"stop": [5]}, {"messages": 5}, {"messages": None}, {"messages": [5]}, {"messages": [{"role": "x"}]}, {"tools": 5}),
        *({"messages": [{"role": "user", "content": 5}]}, {"messages": [{"role": "user", "content": [5]}]}, {"tools": [5]}),
        *({"messages": [result("")]}, {"messages": [called("")]}, {"messages": [{"role": "assistant", "tool_calls": 5}]}),
        *({"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}, {"tools": [{"type": "function"}]}),
    ],
)
def test_nonsense_is_the_callers_mistake(more: Json) -> None:
    with pytest.raises(InvalidValue):
        sent(**more)
