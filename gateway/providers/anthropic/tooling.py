"""Tools and what is expected of their calls: the same names and ids in the request as when its answer is read.

name     letters, digits, `_` and `-`; a tool that has another is sent under a name that fits, and called by its own
custom   a tool that takes free text is sent as one with a single string, and what comes for it is unpacked
answer   a JSON schema, for a model that has no field for one, is a tool that the model must call
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gateway.core.chat import ModelRequest, Operation
from gateway.dialects.naming import fitting
from gateway.dialects.shapes import Dropped, Fields, Object, items, mapping, said
from gateway.providers.anthropic.models import Family
from gateway.providers.anthropic.schemas import input_schema

ANSWER_TOOL: Final = "answer_in_json"
"""The tool by which a model answers that has no field for a schema."""
FREE: Final = "input"
"""The one field of a tool that takes free text."""

_OWN_TYPE: Final = re.compile(r"[a-z_]+_20\d{6}", re.ASCII)
"""Anthropic's own tools carry a date: `web_search_20250305`."""
_FREE_SCHEMA: Final[Mapping[str, Any]] = MappingProxyType(
    {"type": "object", "properties": {FREE: {"type": "string"}}, "required": [FREE]}
)


class Expected(NamedTuple):
    """What an answer has to be read with: which names stand for which tools, and which of those are special."""

    names: Mapping[str, str] = MappingProxyType({})
    custom: frozenset[str] = frozenset()
    answers: bool = False


def expected(request: ModelRequest, model: Family) -> Expected:
    """What to read the answer to this request with."""
    if request.operation is not Operation.CHAT:
        return Expected()
    names, custom = {}, set()
    for tool in (*_listed(request.fields.get("tools")), *_legacy(_listed(request.fields.get("functions")))):
        name = _name_in(tool)
        if name is not None:
            names[fitting(name)] = name
            if tool.get("type") == "custom":
                custom.add(fitting(name))
    changed = {sent: own for sent, own in names.items() if sent != own}
    return Expected(changed, frozenset(custom), answers_by_tool(request.fields, model))


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _name_in(tool: object) -> str | None:
    body = tool.get(tool.get("type")) if isinstance(tool, dict) and isinstance(tool.get("type"), str) else None
    name = body.get("name") if isinstance(body, dict) else None
    return name if isinstance(name, str) else None


def answers_by_tool(fields: Object, model: Family) -> bool:
    """Whether a schema is asked for that only a forced call can bring: no field for it, and no other tool in the way."""
    return (
        schema_of(fields) is not None
        and not model.formats
        and model.forces
        and not fields.get("tools")
        and not fields.get("functions")
        and not thinks(fields)
    )


def thinks(fields: Object) -> bool:
    """Whether thinking is asked for; a call cannot be forced then."""
    told = fields.get("thinking")
    if isinstance(told, dict):
        return told.get("type") != "disabled"
    return fields.get("reasoning_effort") not in (None, "none")


def schema_of(fields: Object) -> Object | None:
    """The schema that the answer is to have."""
    told = fields.get("response_format")
    if not isinstance(told, dict) or told.get("type") != "json_schema":
        return None
    body = told.get("json_schema")
    schema = body.get("schema") if isinstance(body, dict) else None
    return schema if isinstance(schema, dict) else None


# ---------------------------------------------------------------- the request


def tools_of(fields: Object, dropped: Dropped) -> list[Fields]:
    """The tools as the API has them; what it has none of is dropped."""
    tools: list[Fields] = []
    known: set[str] = set()
    for at, tool in enumerate([*items(fields.get("tools"), "tools"), *_legacy(items(fields.get("functions"), "functions"))]):
        place = f"tools[{at}]"
        written = _tool(mapping(tool, place), place)
        if written is None or written["name"] in known:
            dropped.add(place, tool.get("type") if written is None else "named twice")
            continue
        known.add(written["name"])
        tools.append(written)
        if _is_strict(tool):
            dropped.add("tools", "strict")
    return tools


def _legacy(functions: Sequence[Any]) -> list[Fields]:
    """`functions`, of which OpenAI made tools."""
    return [{"type": "function", "function": one} for one in functions]


def _is_strict(tool: Object) -> bool:
    """Whether the calls of it are to fit its schema for certain; too many such tools are a 400, so that none is sent."""
    body = tool.get("function")
    return isinstance(body, dict) and body.get("strict") is True


def _tool(tool: Object, place: str) -> Fields | None:
    kind = tool.get("type")
    if isinstance(kind, str) and _OWN_TYPE.fullmatch(kind) and isinstance(tool.get("name"), str):
        return dict(tool)
    if kind not in ("function", "custom"):
        return None
    body = mapping(tool.get(kind), f"{place}.{kind}")
    written: Fields = {"name": fitting(said(body.get("name"), f"{place}.{kind}.name"))}
    words = _description(body, kind)
    if words:
        written["description"] = words
    written["input_schema"] = dict(_FREE_SCHEMA) if kind == "custom" else input_schema(body.get("parameters"))
    hint = tool.get("cache_control") or body.get("cache_control")
    if isinstance(hint, dict):
        written["cache_control"] = hint
    return written


def _description(body: Object, kind: str) -> str:
    told = body.get("description")
    words = told if isinstance(told, str) else ""
    form = body.get("format")
    grammar = form.get("grammar") if kind == "custom" and isinstance(form, dict) else None
    definition = grammar.get("definition") if isinstance(grammar, dict) else None
    if isinstance(definition, str):
        return f"{words}\n\nThe text must follow this grammar:\n{definition}".strip()
    return words


def stubs(turns: Sequence[Object]) -> list[Fields]:
    """Tools for calls in the history of a request that has none: the API wants to know whatever was called."""
    blocks = (block for turn in turns for block in turn["content"] if block["type"] == "tool_use")
    names = dict.fromkeys(block["name"] for block in blocks)
    return [{"name": name, "input_schema": {"type": "object", "properties": {}}} for name in names]


def tool_choice(fields: Object, tools: Sequence[Object], dropped: Dropped) -> Fields | None:
    """The field of this name; None where nothing need be said. Raises `InvalidValue` for what is no choice."""
    told = fields.get("tool_choice", fields.get("function_call"))
    choice = _choice(told)
    if not tools:
        return None
    if told is not None and choice is None:
        dropped.add("tool_choice", told)
    if fields.get("parallel_tool_calls") is False and (choice or {}).get("type") != "none":
        return {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return choice


_CHOICES: Final[Mapping[str | None, str]] = MappingProxyType({"auto": "auto", "required": "any", "any": "any", "none": "none"})


def _choice(told: object) -> Fields | None:
    if told is None or isinstance(told, str):
        return {"type": _CHOICES[told]} if told in _CHOICES else None
    choice = mapping(told, "tool_choice")
    kind = choice.get("type", "function")
    if kind == "allowed_tools":
        mode = mapping(choice.get("allowed_tools"), "tool_choice.allowed_tools").get("mode")
        return {"type": "any" if mode == "required" else "auto"}
    body = choice.get(kind) if isinstance(kind, str) else None
    name = body.get("name") if isinstance(body, dict) else choice.get("name")
    return {"type": "tool", "name": fitting(said(name, "tool_choice.name"))}


def allowed(fields: Object, tools: list[Fields]) -> list[Fields]:
    """The tools that `tool_choice` leaves, where it lists some."""
    choice = fields.get("tool_choice")
    listed = choice.get("allowed_tools") if isinstance(choice, dict) else None
    entries = listed.get("tools") if isinstance(listed, dict) else None
    if not isinstance(entries, list):
        return tools
    names = {fitting(name) for entry in entries if (name := _name_in(entry) or _plain_name(entry)) is not None}
    return [tool for tool in tools if tool["name"] in names]


def _plain_name(entry: object) -> str | None:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else None
