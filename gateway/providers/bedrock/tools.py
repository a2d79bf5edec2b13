"""Tools, and what is expected of their calls, as Converse's `toolConfig`.

There is no choice `none`: the tools are left out then, unless the conversation holds calls, of which Converse wants to know
the tools.
"""

from collections.abc import Iterable
from typing import Final

from gateway.dialects.naming import fitting
from gateway.dialects.shapes import Dropped, Object, mapping, said, wrong
from gateway.providers.anthropic.schemas import input_schema
from gateway.providers.anthropic.tooling import ANSWER_TOOL, allowed, answers_by_tool, schema_of, tools_of
from gateway.providers.bedrock.content import Block, cache_point
from gateway.providers.bedrock.models import Model

_MODES: Final = {"auto": "auto", "none": "none", "required": "any", "any": "any"}


def tool_config(fields: Object, model: Model, called: Iterable[str], dropped: Dropped) -> Block | None:
    """The field of this name; None where no tools are needed. `called`: the tools of the conversation's calls."""
    if answers_by_tool(fields, model.family):
        return {"tools": [_answer_tool(fields), *_stubs(called)], "toolChoice": {"tool": {"name": ANSWER_TOOL}}}
    choice = _choice(fields, model, dropped)
    known = [one for tool in allowed(fields, tools_of(fields, dropped)) for one in _written(tool, model, dropped)]
    if choice == {"none": {}}:
        if not called:
            return None
        if known:
            dropped.add("tool_choice", "none, where tools were called before")
        choice = {}
    tools = known or _stubs(called)
    if not tools:
        return None
    return {"tools": tools, "toolChoice": choice} if choice else {"tools": tools}


def forces(config: Block | None) -> bool:
    """Whether a call is forced, with which nobody may think first."""
    return config is not None and bool(config.get("toolChoice"))


def _written(tool: Object, model: Model, dropped: Dropped) -> list[Block]:
    if "input_schema" not in tool:  # one of Anthropic's own, that its servers or the client know
        dropped.add("tools", str(tool.get("type")))
        return []
    spec = {"name": tool["name"], "inputSchema": {"json": tool["input_schema"]}}
    if str(tool.get("description") or "").strip():
        spec["description"] = tool["description"]
    hint = tool.get("cache_control")
    cached = isinstance(hint, dict) and model.caches_tools
    return [{"toolSpec": spec}, cache_point(hint, lasting=True)] if cached and isinstance(hint, dict) else [{"toolSpec": spec}]


def _stubs(called: Iterable[str]) -> list[Block]:
    """Tools for the calls of a conversation that comes without any."""
    return [{"toolSpec": {"name": name, "inputSchema": {"json": input_schema(None)}}} for name in called]


def _answer_tool(fields: Object) -> Block:
    told = mapping(mapping(fields["response_format"], "response_format").get("json_schema"), "response_format.json_schema")
    words = told.get("description")
    description = words if isinstance(words, str) and words.strip() else "Gives the answer, all of it in one call."
    schema = input_schema(schema_of(fields))
    return {"toolSpec": {"name": ANSWER_TOOL, "description": description, "inputSchema": {"json": schema}}}


def _choice(fields: Object, model: Model, dropped: Dropped) -> Block:
    """What `tool_choice` says; empty for `auto`, which is what happens anyway."""
    told = fields.get("tool_choice", fields.get("function_call"))
    if told is None:
        return {}
    mode = _mode(told)
    if mode == "auto":
        return {}
    if mode != "none" and not model.family.forces:
        dropped.add("tool_choice")
        return {}
    if mode != "tool" or not isinstance(told, dict):
        return {mode: {}}
    kind = told.get("type", "function")
    body = told.get(kind) if isinstance(kind, str) else None
    name = body.get("name") if isinstance(body, dict) else told.get("name")
    return {"tool": {"name": fitting(said(name, "tool_choice.name"))}}


def _mode(told: object) -> str:
    if isinstance(told, dict):
        if told.get("type") != "allowed_tools":
            return "tool"
        told = mapping(told.get("allowed_tools"), "tool_choice.allowed_tools").get("mode")
    mode = _MODES.get(told) if isinstance(told, str) else None
    if mode is None:
        raise wrong("tool_choice", "auto, none, required, or a tool")
    return mode
