"""Decides which tools an answer calls, and with what arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.providers.echo import fields, schema
from gateway.providers.echo.fault import Fault
from gateway.providers.echo.fields import Fields, wrong
from gateway.providers.echo.script import Script


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool. `kind` is `function` (`words` are JSON arguments) or `custom` (`words` are free input)."""

    kind: str
    name: str
    words: str

    @property
    def slot(self) -> str:
        """The field in which the words travel."""
        return "input" if self.kind == "custom" else "arguments"

    def entry(self, call_id: str, words: str) -> dict[str, Any]:
        """OpenAI's form of the call."""
        return {"id": call_id, "type": self.kind, self.kind: {"name": self.name, self.slot: words}}


def calls(request: Fields, script: Script, text: str) -> Sequence[Call]:
    """The calls of this answer: those that the request demands, as many as the script says."""
    offered = [_named(tool) for tool in fields.tables(request, "tools")]
    mode, wanted = _choice(request.get("tool_choice"))
    if mode == "none" or (mode == "auto" and not (script.tools and offered)):
        return ()
    if not offered:
        raise Fault("'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice")
    usable = offered if wanted is None else [tool for tool in offered if tool[1] in wanted]
    if not usable:
        raise Fault(f"Tool choice {', '.join(wanted or ())!r} not found in 'tools' parameter.", param="tool_choice")
    count = 1 if request.get("parallel_tool_calls") is False else max(1, script.tools)
    return [_call(*usable[at % len(usable)], text) for at in range(count)]


def _named(tool: Fields) -> tuple[str, str, Fields]:
    kind = "custom" if tool.get("type") == "custom" else "function"
    described = fields.table(tool, kind)
    if not isinstance(described.get("name"), str):
        raise wrong("tools", f"every tool to have a {kind} with a name")
    return kind, described["name"], described


def _choice(choice: Any) -> tuple[str, Sequence[str] | None]:
    """The mode (none, auto, required) and the names it is narrowed to."""
    if choice is None or choice in ("none", "auto", "required"):
        return choice or "auto", None
    if not isinstance(choice, dict):
        raise wrong("tool_choice", "none, auto, required, or an object that names a tool")
    if choice.get("type") == "allowed_tools":
        allowed = fields.table(choice, "allowed_tools")
        return str(allowed.get("mode", "auto")), [_named(tool)[1] for tool in fields.tables(allowed, "tools")]
    return "required", [_named(choice)[1]]


def _call(kind: str, name: str, described: Fields, text: str) -> Call:
    if kind == "custom":
        return Call(kind, name, text)
    arguments = schema.instance(described.get("parameters") or {"type": "object"}, "tools")
    return Call(kind, name, orjson.dumps(arguments).decode())
