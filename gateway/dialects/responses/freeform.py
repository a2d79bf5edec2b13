"""Custom tools (their input is free text, perhaps of a grammar) as functions, for wires that know functions alone.

All of this speaks of tools and calls in the form that they have in a chat.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

INPUT: Final = "input"
"""The one parameter of such a function."""

GRAMMAR_LIMIT: Final = 8 * 1024
"""Characters of a grammar that a description repeats."""


def as_function(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A custom tool as a function with one string; its grammar, which nothing enforces then, stands in the description."""
    custom = _told(tool.get("custom"))
    parameter = {"type": "string", "description": _of(_told(custom.get("format")))}
    function = {
        "name": custom.get("name"),
        "description": custom.get("description") or "",
        "parameters": {"type": "object", "properties": {INPUT: parameter}, "required": [INPUT], "additionalProperties": False},
    }
    return {"type": "function", "function": function}


def as_function_call(call: Mapping[str, Any]) -> dict[str, Any]:
    """The call of a custom tool as the call of that function."""
    custom = _told(call.get("custom"))
    arguments = orjson.dumps({INPUT: custom.get("input") or ""}).decode()
    kept = {key: value for key, value in call.items() if key not in ("type", "custom")}
    return {**kept, "type": "function", "function": {"name": custom.get("name"), "arguments": arguments}}


def input_of(arguments: str) -> str:
    """The free text in the arguments of a call of that function; the arguments themselves where a model did as it liked."""
    try:
        said = orjson.loads(arguments)
    except ValueError:
        return arguments
    value = said.get(INPUT) if isinstance(said, dict) else said
    return value if isinstance(value, str) else arguments


def _of(form: Mapping[str, Any]) -> str:
    if form.get("type") != "grammar":
        return "The input, as free text."
    grammar = _told(form.get("grammar")) or form
    definition = str(grammar.get("definition") or "")[:GRAMMAR_LIMIT]
    return f"The input, as text of this grammar ({grammar.get('syntax')}):\n{definition}"


def _told(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
