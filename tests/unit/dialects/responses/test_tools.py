"""Tools get names that every provider takes, and calls come back under the caller's own."""

from typing import Any

import pytest

from gateway.core.errors import InvalidValue
from gateway.dialects.responses import freeform, tools
from tests.unit.dialects.responses.talk import answer, chat, delta, dropped, events, request

Json = dict[str, Any]

FUNCTION = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False}
SPACE = {
    "type": "namespace",
    "name": "crm",
    "description": "x",
    "tools": [{"type": "function", "name": "find", "parameters": {}}, {"type": "custom", "name": "note"}],
}
CUSTOM = {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}}


def offered(*tools: Json, **more: Any) -> list[Json]:
    return list(chat(tools=list(tools), **more).get("tools", ()))


def test_functions_namespaces_and_free_text() -> None:
    assert offered(FUNCTION, SPACE, CUSTOM) == [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False}},
        {"type": "function", "function": {"name": "crm__find", "parameters": {}}},
        {"type": "custom", "custom": {"name": "crm__note"}},
        {
            "type": "custom",
            "custom": {
                "name": "patch",
                "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}},
            },
        },
    ]


def test_tools_that_only_their_provider_can_run_are_left_out_and_named() -> None:
    hosted = [{"type": "web_search"}, {"type": "mcp", "server_label": "s"}, {"type": "tool_search"}, {}]
    assert dropped(tools=[FUNCTION, *hosted]) == ("tools", "tools (mcp)", "tools (tool_search)", "tools (web_search)")
    assert len(offered(FUNCTION, *hosted)) == 1


def test_tools_that_the_input_brings_are_offered() -> None:
    brought = [{"type": "additional_tools", "role": "developer", "tools": [FUNCTION]}, {"role": "user", "content": "q"}]
    assert [tool["function"]["name"] for tool in chat(brought)["tools"]] == ["f"]
    found = [{"type": "tool_search_output", "call_id": None, "tools": [SPACE]}, {"role": "user", "content": "q"}]
    assert [tool[tool["type"]]["name"] for tool in chat(found)["tools"]] == ["crm__find", "crm__note"]


def test_names_fit_everywhere_and_stay_apart() -> None:
    spaces = [
        {"type": "namespace", "name": f"mcp.{'long' * 12}", "tools": [{"type": "function", "name": f"t{one}{'x' * 30}"}]}
        for one in range(3)
    ]
    names = [tool["function"]["name"] for tool in offered(*spaces)]
    assert len(set(names)) == 3
    assert all(len(name) <= 64 and name.isascii() and name.replace("_", "").replace("-", "").isalnum() for name in names)


def test_a_name_that_is_only_too_long_is_cut_to_what_fits() -> None:
    space = {"type": "namespace", "name": "n" * 40, "tools": [{"type": "function", "name": one * 40} for one in "ab"]}
    names = [tool["function"]["name"] for tool in offered(space)]
    assert len(set(names)) == 2
    assert [len(name) for name in names] == [64, 64]


def test_tools_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "TOOL_LIMIT", 2)
    many = [{"type": "function", "name": f"f{number}"} for number in range(3)]
    assert len(offered(*many[:2])) == 2
    with pytest.raises(InvalidValue):
        offered(*many)


def test_the_first_of_two_with_one_name_stands() -> None:
    assert [tool["function"].get("description") for tool in offered(FUNCTION, {**FUNCTION, "description": "e"})] == ["d"]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("required", "required"),
        ({"type": "function", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
        ({"type": "function", "name": "find", "namespace": "crm"}, {"type": "function", "function": {"name": "crm__find"}}),
        ({"type": "custom", "name": "patch"}, {"type": "custom", "custom": {"name": "patch"}}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_choices(choice: object, said: object) -> None:
    assert chat(tools=[FUNCTION, SPACE, CUSTOM], tool_choice=choice)["tool_choice"] == said


def test_of_allowed_tools_only_those_are_offered() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}, {"type": "mcp"}]}
    asked = chat(tools=[FUNCTION, CUSTOM], tool_choice=choice)
    assert [tool["type"] for tool in asked["tools"]] == ["function"]
    assert asked["tool_choice"] == "required"


@pytest.mark.parametrize("choice", [{"type": "web_search"}, {"type": "function", "name": "g"}, {"type": "mcp", "name": "f"}])
def test_a_choice_that_cannot_be_is_left_out_and_named(choice: Json) -> None:
    assert dropped(tools=[FUNCTION], tool_choice=choice) == ("tool_choice",)
    assert "tool_choice" not in chat(tools=[FUNCTION], tool_choice=choice)


def test_a_choice_among_no_tools_is_named() -> None:
    assert dropped(tool_choice="required") == ("tool_choice",)
    assert dropped(tool_choice="auto") == ()


def entry(name: str, words: str = "{}", kind: str = "function") -> Json:
    slot = "input" if kind == "custom" else "arguments"
    return {"id": "c1", "type": kind, kind: {"name": name, slot: words}}


@pytest.mark.parametrize(
    ("said", "item"),
    [
        (entry("f"), {"type": "function_call", "name": "f", "arguments": "{}"}),
        (entry("crm__find"), {"type": "function_call", "name": "find", "namespace": "crm", "arguments": "{}"}),
        (entry("patch", "x", "custom"), {"type": "custom_tool_call", "name": "patch", "input": "x"}),
        (entry("patch", '{"input":"x"}'), {"type": "custom_tool_call", "name": "patch", "input": "x"}),
        (entry("patch", "no json"), {"type": "custom_tool_call", "name": "patch", "input": "no json"}),
        (entry("crm__note", '{"input":"x"}'), {"type": "custom_tool_call", "name": "note", "namespace": "crm", "input": "x"}),
        (entry("made_up"), {"type": "function_call", "name": "made_up", "arguments": "{}"}),
    ],
)
def test_calls_come_back_under_the_callers_names(said: Json, item: Json) -> None:
    asked = request(tools=[FUNCTION, SPACE, CUSTOM])
    whole = {**item, "call_id": "c1", "status": "completed"}
    plain = answer(asked, {"tool_calls": [said]}, "tool_calls")["output"]
    streamed = events(asked, [delta({"tool_calls": [{"index": 0, **said}]}), delta({}, "tool_calls")])[-1]["response"]["output"]
    for (found,) in (plain, streamed):
        assert found.pop("id")
        assert found == whole


def test_free_text_as_a_function_and_back() -> None:
    tool = freeform.as_function(offered(CUSTOM)[0])
    assert tool["function"]["name"] == "patch"
    assert "start: /x/" in tool["function"]["parameters"]["properties"]["input"]["description"]
    called = freeform.as_function_call(entry("patch", 'say "x"', "custom"))
    assert called["id"] == "c1"
    assert called["type"] == "function"
    assert "custom" not in called
    assert freeform.input_of(called["function"]["arguments"]) == 'say "x"'


def test_a_grammar_without_end_is_cut() -> None:
    custom = {"name": "p", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x" * 20_000}}}
    described = freeform.as_function({"type": "custom", "custom": custom})["function"]["parameters"]["properties"]["input"]
    assert described["description"].count("x") <= freeform.GRAMMAR_LIMIT + 10


def test_free_text_of_nonsense_is_a_function_all_the_same() -> None:
    assert freeform.as_function({"type": "custom", "custom": 5})["type"] == "function"
    assert freeform.input_of("5") == "5"
    assert freeform.input_of('"x"') == "x"
