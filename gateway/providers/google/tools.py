"""A chat's tools and the choice among them, as Gemini's function declarations and the mode of calling them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from gateway.core.errors import InvalidValue
from gateway.dialects.shapes import Dropped
from gateway.providers.google import schema
from gateway.providers.google.family import Family

Fields = dict[str, Any]

_MODES: Final = {"auto": "AUTO", "required": "ANY", "none": "NONE", "any": "ANY"}


def customs(fields: Mapping[str, Any]) -> frozenset[str]:
    """The names of the tools that take free text; Gemini is given a function with one argument, `input`, in their place."""
    named = (_named(tool, "custom") for tool in _list(fields.get("tools")))
    return frozenset(said["name"] for said in named if said is not None)


def write(fields: Mapping[str, Any], family: Family, dropped: Dropped) -> Fields:
    """`tools` and `toolConfig`, where there are tools. What cannot be said is added to `dropped`."""
    said, choice = fields.get("tools"), fields.get("tool_choice")
    if said is None and isinstance(older := fields.get("functions"), list):
        said, choice = [{"type": "function", "function": one} for one in older], _older(fields.get("function_call"))
    if said is None:
        return {}
    if not isinstance(said, list):
        raise InvalidValue("tools should be a list.", param="tools")
    declarations = _declarations(said, family, dropped)
    if not declarations:
        return {}
    written: Fields = {"tools": [{"functionDeclarations": declarations}]}
    if (calling := _calling(choice, dropped)) is not None:
        written["toolConfig"] = {"functionCallingConfig": calling}
    if fields.get("parallel_tool_calls") is False:
        dropped.add("parallel_tool_calls")
    return written


def _declarations(tools: list[Any], family: Family, dropped: Dropped) -> list[Fields]:
    """One for each name: two of the same are refused."""
    found: dict[str, Fields] = {}
    for tool in tools:
        if (one := _declaration(tool, family, dropped)) is not None and found.setdefault(one["name"], one) is not one:
            dropped.add("tools", "named twice")
    return list(found.values())


def _older(choice: Any) -> Any:
    return {"function": choice} if isinstance(choice, Mapping) else choice


def _declaration(tool: Any, family: Family, dropped: Dropped) -> Fields | None:
    if not isinstance(tool, Mapping):
        raise InvalidValue("A tool should be an object.", param="tools")
    if (said := _named(tool, "function")) is not None:
        if said.get("strict") is True:
            dropped.add("tools", "strict")
        return _described(said) | _parameters(said.get("parameters"), family)
    if (said := _named(tool, "custom")) is not None:
        return _described(said, _grammar(said)) | _parameters(_FREE, family)
    if tool.get("type") in ("function", "custom"):
        raise InvalidValue("A tool should have a name.", param="tools")
    dropped.add("tools", tool.get("type"))
    return None


_FREE: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The whole input, as free text."}},
    "required": ["input"],
}


def _named(tool: Any, kind: str) -> Mapping[str, Any] | None:
    said = tool.get(kind) if isinstance(tool, Mapping) else None
    return said if isinstance(said, Mapping) and isinstance(said.get("name"), str) and said["name"] else None


def _described(said: Mapping[str, Any], more: str = "") -> Fields:
    words = said.get("description")
    text = "\n\n".join(filter(None, (words if isinstance(words, str) else "", more)))
    return {"name": said["name"]} | ({"description": text} if text else {})


def _grammar(said: Mapping[str, Any]) -> str:
    """The grammar that the input of a custom tool must keep to, in words: nothing here can enforce it."""
    form = said.get("format")
    grammar = form.get("grammar") if isinstance(form, Mapping) else None
    rules = grammar.get("definition") if isinstance(grammar, Mapping) else None
    return f"The input must match this grammar:\n{rules}" if isinstance(rules, str) else ""


def _parameters(said: Any, family: Family) -> Fields:
    if not isinstance(said, Mapping) or not said:
        return {}
    if family.schemas:
        return {"parametersJsonSchema": schema.without_dialect(dict(said))}
    converted = schema.subset(said)
    return {"parameters": converted} if converted.get("properties") else {}  # an object without any is refused


def _calling(choice: Any, dropped: Dropped) -> Fields | None:
    if choice is None:
        return None
    if isinstance(choice, str) and choice in _MODES:
        return {"mode": _MODES[choice]}
    if isinstance(choice, Mapping):
        allowed = choice.get("allowed_tools")
        if isinstance(allowed, Mapping):
            mode = "ANY" if allowed.get("mode") == "required" else "VALIDATED"  # AUTO takes no names
            return {"mode": mode, "allowedFunctionNames": _names(_list(allowed.get("tools")))}
        if names := _names([choice]):
            return {"mode": "ANY", "allowedFunctionNames": names}
    dropped.add("tool_choice")
    return None


def _names(tools: Iterable[Any]) -> list[str]:
    found = (_named(tool, "function") or _named(tool, "custom") for tool in tools)
    return [said["name"] for said in found if said is not None]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
