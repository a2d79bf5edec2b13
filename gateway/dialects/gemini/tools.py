"""Function declarations and the choice among them, as a chat has them; Google's own tools are left out and named."""

from collections.abc import Iterator
from typing import Final

from gateway.dialects.gemini.names import drop_others, field
from gateway.dialects.gemini.schema import json_schema
from gateway.dialects.naming import fitting
from gateway.dialects.schemas import rooted
from gateway.dialects.shapes import Dropped, Fields, Object, items, mapping, objects, optional, said, text, wrong

_DECLARED: Final = frozenset(
    {"name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior"}
)
"""What a function returns is a hint that changes no answer's form."""
_CHOICES: Final = {"AUTO": "auto", "MODE_UNSPECIFIED": "auto", "VALIDATED": "auto", "ANY": "required", "NONE": "none"}


def tools_of(fields: Object, dropped: Dropped) -> Fields:
    """The chat's fields `tools` and `tool_choice`."""
    functions: list[Fields] = []
    for tool, place in objects(fields.get("tools"), "tools"):
        drop_others(dropped, tool, frozenset({"functionDeclarations"}), f"{place}.")
        where = f"{place}.functionDeclarations"
        functions += [_function(one, at, dropped) for one, at in objects(field(tool, "functionDeclarations"), where)]
    config = optional(field(fields, "toolConfig"), "toolConfig")
    drop_others(dropped, config, frozenset({"functionCallingConfig"}), "toolConfig.")
    calling = optional(field(config, "functionCallingConfig"), "toolConfig.functionCallingConfig")
    if functions:
        return _chosen(functions, calling, dropped)
    if calling.get("mode") in ("ANY", "any"):
        dropped.add("toolConfig.functionCallingConfig.mode", calling["mode"])
    return {}


def known_names(fields: Object) -> Iterator[object]:
    """The names of all functions that a request declares; it has been read before."""
    for tool in fields.get("tools") or ():
        yield from (declared.get("name") for declared in field(tool, "functionDeclarations") or ())


def _function(declared: Object, place: str, dropped: Dropped) -> Fields:
    drop_others(dropped, declared, _DECLARED, "tools.functionDeclarations.")
    function: Fields = {"name": fitting(said(declared.get("name"), f"{place}.name"))}
    if isinstance(described := declared.get("description"), str):
        function["description"] = described
    if (given := field(declared, "parametersJsonSchema")) is not None:
        function["parameters"] = rooted(mapping(given, f"{place}.parametersJsonSchema"))
    elif (own := declared.get("parameters")) is not None:
        function["parameters"] = rooted(json_schema(own, f"{place}.parameters"))
    return {"type": "function", "function": function}


def _chosen(functions: list[Fields], calling: Object, dropped: Dropped) -> Fields:
    place = "toolConfig.functionCallingConfig"
    drop_others(dropped, calling, frozenset({"mode", "allowedFunctionNames"}), f"{place}.")
    if (mode := calling.get("mode")) is None:
        return {"tools": functions}
    choice = _CHOICES.get(text(mode, f"{place}.mode").upper())
    if choice is None:
        raise wrong(f"{place}.mode", "'AUTO', 'ANY', 'VALIDATED' or 'NONE'")
    allowed = items(field(calling, "allowedFunctionNames"), f"{place}.allowedFunctionNames")
    if not allowed:
        return {"tools": functions, "tool_choice": choice}
    names = frozenset(fitting(text(name, f"{place}.allowedFunctionNames")) for name in allowed)
    # A chat has no word for a choice among some: the others are not offered.
    kept = [function for function in functions if function["function"]["name"] in names]
    if not kept:
        raise wrong(f"{place}.allowedFunctionNames", "names of functions that are declared")
    return {"tools": kept, "tool_choice": choice}
