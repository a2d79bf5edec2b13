"""Messages requests as chats: every field has its place, is refused by name, or is named as left out."""

from typing import Any

import pytest

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.dialects.messages.answer import answer
from gateway.dialects.messages.request import into_chat
from gateway.dialects.messages.stream import Rendering
from gateway.dialects.naming import fitting
from tests.unit.dialects.messages.folding import folded
from tests.unit.dialects.speech import Json, messages, parsed, plain_completion, rendered, said, user

TOOL: Json = {"name": "get", "description": "gets", "input_schema": {"type": "object", "properties": {}}}
STRICT: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def chat(request: ModelRequest) -> Json:
    asked = into_chat(request).request
    assert parsed(asked.body) == asked.fields
    return dict(asked.fields)


def test_the_chat_is_a_foreign_one_of_the_same_model() -> None:
    asked = into_chat(messages(user("hi"))).request
    assert (asked.operation, asked.model, asked.foreign, asked.canonical) == (Operation.CHAT, "m", True, True)
    assert (asked.stream, asked.wants_usage) == (False, False)
    assert asked.fields == {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 100}


def test_a_stream_is_asked_for_with_its_usage() -> None:
    asked = into_chat(messages(user("hi"), stream=True)).request
    assert asked.stream
    assert asked.wants_usage
    assert asked.fields["stream"] is True
    assert asked.fields["stream_options"] == {"include_usage": True}


def test_what_a_chat_has_under_the_same_or_another_name() -> None:
    told = chat(messages(user("hi"), temperature=0.5, top_p=0.9, top_k=7, stop_sequences=["a", "b"]))
    assert (told["temperature"], told["top_p"], told["top_k"], told["stop"]) == (0.5, 0.9, 7, ["a", "b"])


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31_999}}, "high"),
        ({"thinking": {"type": "adaptive"}}, "medium"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "max"}}, "xhigh"),
        ({"output_config": {"effort": "low"}}, "low"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, None),
        ({}, None),
    ],
)
def test_thinking_stays_as_it_came_beside_an_effort(fields: Json, effort: str | None) -> None:
    told = chat(messages(user("hi"), **fields))
    assert told.get("thinking") == fields.get("thinking")
    assert told.get("reasoning_effort") == effort


@pytest.mark.parametrize("name", ["output_config", "output_format"])
@pytest.mark.parametrize("schema", [STRICT, {"type": "object", "properties": {"a": {}}}])
def test_a_schema_is_strict_where_it_can_be_enforced(name: str, schema: Json) -> None:
    wanted = {"type": "json_schema", "schema": schema}
    told = chat(messages(user("hi"), **{name: {"format": wanted} if name == "output_config" else wanted}))
    form = told["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["schema"] == schema
    assert form["json_schema"].get("strict") == (True if schema is STRICT else None)


def test_a_long_user_id_is_shortened_to_the_same_one_every_time() -> None:
    long = '{"device_id":"%s"}' % ("d" * 100)
    first, again, other = (chat(messages(user("hi"), metadata={"user_id": one}))["user"] for one in (long, long, long + "x"))
    assert first == again != other
    assert len(first) == 64
    assert chat(messages(user("hi"), metadata={"user_id": "u" * 64}))["user"] == "u" * 64


@pytest.mark.parametrize(("tier", "own"), [("auto", "auto"), ("standard_only", "default")])
def test_service_tiers_are_called_by_openais_names(tier: str, own: str) -> None:
    assert chat(messages(user("hi"), service_tier=tier))["service_tier"] == own


def test_what_cannot_be_said_is_named() -> None:
    more: Json = {
        "context_management": {"edits": []},
        "container": "c",
        "mcp_servers": [],
        "betas": ["x"],
        "speed": None,
        "service_tier": "gold",
        "metadata": {"team": "a"},
        "output_config": {"task_budget": 3},
        "cache_control": {"type": "ephemeral"},
    }
    assert into_chat(messages(user("hi"), **more)).dropped == (
        "betas",
        "container",
        "context_management",
        "mcp_servers",
        "metadata.team",
        "output_config.task_budget",
        "service_tier (gold)",
    )


def test_what_is_left_out_is_named_within_bounds() -> None:
    dropped = into_chat(messages(user("hi"), **{f"{'n' * 300}{at}": 1 for at in range(500)})).dropped
    assert 0 < len(dropped) <= 32
    assert all(len(words) <= 140 for words in dropped)


# ---------------------------------------------------------------- tools


def test_tools_keep_their_schema_their_hint_and_their_choice() -> None:
    hint = {"type": "ephemeral", "ttl": "1h"}
    choice = {"type": "tool", "name": "get", "disable_parallel_tool_use": True}
    told = chat(messages(user("hi"), tools=[{**TOOL, "type": "custom", "cache_control": hint}], tool_choice=choice))
    function = {"name": "get", "description": "gets", "parameters": TOOL["input_schema"]}
    assert told["tools"] == [{"type": "function", "function": function, "cache_control": hint}]
    assert told["tool_choice"] == {"type": "function", "function": {"name": "get"}}
    assert told["parallel_tool_calls"] is False


@pytest.mark.parametrize(("kind", "own"), [("auto", "auto"), ("any", "required"), ("none", "none")])
def test_choices_are_called_by_openais_names(kind: str, own: str) -> None:
    told = chat(messages(user("hi"), tools=[TOOL], tool_choice={"type": kind}))
    assert told["tool_choice"] == own
    assert "parallel_tool_calls" not in told


def test_what_the_root_of_a_schema_refers_to_stands_there() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    told = chat(messages(user("hi"), tools=[{**TOOL, "input_schema": schema}]))
    assert told["tools"][0]["function"]["parameters"] == {**node, "$defs": {"Node": node}}


def test_anthropics_own_tools_are_left_out_and_named() -> None:
    own = [{"type": "web_search_20250305", "name": "web_search"}, TOOL, {"type": "bash_20250124", "name": "bash"}]
    translated = into_chat(messages(user("hi"), tools=own))
    assert [tool["function"]["name"] for tool in translated.request.fields["tools"]] == ["get"]
    assert translated.dropped == ("tools[0] (web_search_20250305)", "tools[2] (bash_20250124)")


def test_a_choice_without_any_tool_left_is_left_out_too() -> None:
    own = [{"type": "computer_20250124", "name": "computer"}]
    forced = into_chat(messages(user("hi"), tools=own, tool_choice={"type": "any", "disable_parallel_tool_use": True}))
    assert forced.dropped == ("tool_choice", "tools[0] (computer_20250124)")
    assert forced.request.fields.keys() == {"model", "messages", "max_tokens"}
    free = into_chat(messages(user("hi"), tools=[], tool_choice={"type": "auto"}))
    assert free.dropped == ()
    assert "tool_choice" not in free.request.fields


def test_what_a_tool_says_beyond_a_function_is_named_once() -> None:
    tools = [{**TOOL, "input_examples": [{}], "strict": True}, {**TOOL, "name": "put", "input_examples": [{}]}]
    assert into_chat(messages(user("hi"), tools=tools)).dropped == ("tools.input_examples", "tools.strict")
    strict = chat(messages(user("hi"), tools=[{**TOOL, "input_schema": STRICT, "strict": True}]))
    assert strict["tools"][0]["function"]["strict"] is True


def test_a_choice_of_a_tool_that_is_not_there_is_left_out() -> None:
    tools = [TOOL, {"type": "web_search_20250305", "name": "web_search"}]
    translated = into_chat(messages(user("hi"), tools=tools, tool_choice={"type": "tool", "name": "web_search"}))
    assert "tool_choice" not in translated.request.fields
    assert translated.dropped == ("tool_choice", "tools[1] (web_search_20250305)")


def test_names_that_other_apis_do_not_take_are_made_to_fit() -> None:
    long = "mcp__" + "x" * 100
    added = {"type": "tool_definition", "definition": {**TOOL, "name": long}}
    called = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": long, "input": {}}]}
    for more, turns in (
        ({"tools": [{**TOOL, "name": long}]}, []),
        ({}, [{"role": "system", "content": [{"type": "tool_addition", "tool": added}]}]),
    ):
        asked = messages(user("hi"), *turns, called, tool_choice={"type": "tool", "name": long}, **more)
        told = chat(asked)
        sent = told["tools"][0]["function"]["name"]
        assert sent == fitting(long)
        assert told["tool_choice"]["function"]["name"] == told["messages"][1]["tool_calls"][0]["function"]["name"] == sent
        delta = {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": sent, "arguments": "{}"}}]}
        block = {"type": "tool_use", "id": "c", "name": long, "input": {}}
        assert parsed(answer(asked, plain_completion(delta)))["content"] == [block]
        assert folded(rendered(Rendering(asked), [said(delta, "tool_calls")]))["content"] == [block]


# ---------------------------------------------------------------- tools that come and go


def offered(*turns: Json, tools: list[Json]) -> list[str]:
    translated = into_chat(messages(*turns, tools=tools))
    assert translated.dropped == ()
    return [tool["function"]["name"] for tool in translated.request.fields.get("tools", [])]


def changed(*changes: Json) -> Json:
    return {"role": "system", "content": list(changes)}


def named(name: str) -> Json:
    return {"type": "tool_reference", "name": name}


LATER: Json = {**TOOL, "name": "later", "defer_loading": True}
DEFINED: Json = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {**TOOL, "name": "new"}}}


def test_tools_that_wait_are_on_offer_when_they_are_loaded() -> None:
    tools = [TOOL, LATER, {**LATER, "name": "DeferredToolPlaceholder"}]
    assert offered(user("hi"), tools=tools) == ["get"]
    found = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_reference", "tool_name": "later"}]}
    assert offered(user("hi"), user(found), tools=tools) == ["get", "later"]
    assert offered(user("hi"), changed({"type": "tool_addition", "tool": named("later")}), tools=tools) == ["get", "later"]


def test_tools_do_not_wait_for_a_search_that_cannot_be_made() -> None:
    search = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
    translated = into_chat(messages(user("hi"), tools=[search, LATER]))
    assert [tool["function"]["name"] for tool in translated.request.fields["tools"]] == ["later"]
    assert translated.dropped == ("tools[0] (tool_search_tool_regex_20251119)",)


def test_tools_are_added_and_taken_away_amid_the_conversation() -> None:
    removed = {"type": "tool_removal", "tool": named("get")}
    assert offered(user("hi"), changed(DEFINED), tools=[TOOL]) == ["get", "new"]
    assert offered(user("hi"), changed(DEFINED, removed), tools=[TOOL]) == ["new"]
    again = {"type": "tool_addition", "tool": named("get")}
    assert offered(user("hi"), changed(removed), changed(again), tools=[TOOL]) == ["get"]
    assert offered(user("hi"), changed(DEFINED), changed({**removed, "tool": named("new")}), tools=[TOOL]) == ["get"]


def test_changes_of_another_kind_are_named() -> None:
    listed = {"type": "mcp_toolset_reference", "server_name": "s"}
    told = into_chat(messages(user("hi"), changed({"type": "tool_addition", "tool": listed}), tools=[TOOL]))
    assert told.dropped == ("messages[1].content[0] (mcp_toolset_reference)",)
    assert [message["role"] for message in told.request.fields["messages"]] == ["user"]


# ---------------------------------------------------------------- nonsense


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"system": 3}, "system"),
        ({"system": [{"type": "text"}]}, "system[0].text"),
        ({"tools": {}}, "tools"),
        ({"tools": [3]}, "tools[0]"),
        ({"tools": [{"name": "x"}]}, "tools[0].input_schema"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": {"type": "sometimes"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tool_choice": {"type": []}}, "tool_choice.type"),
        ({"stop_sequences": "a"}, "stop_sequences"),
        ({"stop_sequences": [1]}, "stop_sequences[0]"),
        ({"thinking": "yes"}, "thinking"),
        ({"thinking": {"type": 1}}, "thinking.type"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": True}}, "thinking.budget_tokens"),
        ({"output_config": []}, "output_config"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"effort": {}}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"output_format": 1}, "output_format"),
        ({"messages": [changed({"type": "tool_addition"})]}, "messages[0].content[0].tool"),
        ({"messages": [changed({"type": "tool_removal", "tool": named("")})]}, "messages[0].content[0].tool.name"),
        ({"messages": [changed({"type": {}})]}, "messages[0].content[0].type"),
        ({"metadata": "me"}, "metadata"),
        ({"metadata": {"user_id": 7}}, "metadata.user_id"),
    ],
)
def test_nonsense_is_refused_by_its_place(fields: Json, param: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        into_chat(messages(user("hi"), **fields))
    assert refused.value.param == param
    assert param in refused.value.message


def test_a_schema_that_nests_too_deeply_to_be_written_is_refused() -> None:
    deep: Any = {}
    for _ in range(300):
        deep = {"type": "object", "properties": {"a": deep}}
    request = messages(user("hi"))._replace(fields={"messages": [user("hi")], "tools": [{**TOOL, "input_schema": deep}]})
    with pytest.raises(InvalidValue):
        into_chat(request)
