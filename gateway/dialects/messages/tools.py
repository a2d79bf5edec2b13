"""Tools and the choice among them, as a chat has them.

A tool with an `input_schema` is a function. Anthropic's own (`web_search_20250305`, `bash_20250124`, ...) have no schema that
another model could know: they are left out and named.
"""

from typing import Final

from gateway.dialects.messages.offers import offered
from gateway.dialects.naming import fitting
from gateway.dialects.schemas import is_strict, rooted
from gateway.dialects.shapes import Dropped, Fields, Object, mapping, said, wrong

_KNOWN: Final = ("type", "name", "description", "input_schema", "strict", "cache_control", "defer_loading")
_NO_CHANGE: Final = ("eager_input_streaming",)
_CHOICES: Final = {"auto": "auto", "any": "required", "none": "none"}


def tools_of(fields: Object, dropped: Dropped) -> Fields:
    """The chat's fields `tools`, `tool_choice` and `parallel_tool_calls`, as far as there are tools."""
    tools = [_function(tool, place, dropped) for tool, place in offered(fields, dropped) if _is_function(tool, place, dropped)]
    choice = fields.get("tool_choice")
    chosen = _choice(mapping(choice, "tool_choice")) if choice is not None else {}
    if not _can_be(chosen.get("tool_choice"), tools):
        dropped.add("tool_choice")
        del chosen["tool_choice"]
    return {"tools": tools, **chosen} if tools else {}


def _can_be(choice: object, tools: list[Fields]) -> bool:
    """Whether there is what has to be chosen."""
    if isinstance(choice, dict):
        return any(tool["function"]["name"] == choice["function"]["name"] for tool in tools)
    return choice != "required" or bool(tools)


def _is_function(tool: Object, place: str, dropped: Dropped) -> bool:
    kind = tool.get("type")
    if kind in (None, "custom"):
        return True
    dropped.add(place, kind)
    return False


def _function(tool: Object, place: str, dropped: Dropped) -> Fields:
    schema = mapping(tool.get("input_schema"), f"{place}.input_schema")
    function: Fields = {"name": fitting(said(tool.get("name"), f"{place}.name")), "parameters": rooted(schema)}
    if isinstance(described := tool.get("description"), str):
        function["description"] = described
    if tool.get("strict") is True:
        if is_strict(schema):
            function["strict"] = True
        else:
            dropped.add("tools.strict")
    dropped.others(tool, (*_KNOWN, *_NO_CHANGE), "tools.")
    told: Fields = {"type": "function", "function": function}
    if isinstance(hint := tool.get("cache_control"), dict):
        told["cache_control"] = hint
    return told


def _choice(choice: Object) -> Fields:
    kind = choice.get("type")
    if kind == "tool":
        name = fitting(said(choice.get("name"), "tool_choice.name"))
        told: Fields = {"tool_choice": {"type": "function", "function": {"name": name}}}
    elif isinstance(kind, str) and kind in _CHOICES:
        told = {"tool_choice": _CHOICES[kind]}
    else:
        raise wrong("tool_choice.type", "'auto', 'any', 'tool' or 'none'")
    if choice.get("disable_parallel_tool_use") is True:
        told["parallel_tool_calls"] = False
    return told
