"""Tools: what a chat can offer of them, under which names, and how such a name leads back to the caller's own.

{type: function, name: f}                         f
{type: namespace, name: n, tools: [{name: f}]}    n__f, called back as {namespace: n, name: f}
{type: web_search}                                left out: the provider would have to run it
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from gateway.dialects import shapes

NAME_LIMIT: Final = 64
"""Characters of a function's name, as every provider takes it."""
TOOL_LIMIT: Final = 4096
"""Tools of one request, those in namespaces counted."""

_STRANGE: Final = re.compile(r"[^a-zA-Z0-9_-]")
_LOADED: Final = ("additional_tools", "tool_search_output")
"""Items of the input that bring more tools."""


Tool = Mapping[str, Any]


class Name(NamedTuple):
    """A tool's name in the caller's words. `custom`: it takes free text."""

    name: str
    namespace: str | None = None
    custom: bool = False


class Tools(NamedTuple):
    """What a chat offers, and the caller's names by the chat's."""

    offered: list[dict[str, Any]]
    names: dict[str, Name]


def joined(name: str, namespace: object) -> str:
    """The name in a chat of a tool in a namespace."""
    if not namespace or not isinstance(namespace, str):
        return name
    whole = f"{namespace}{name}" if namespace.endswith("__") else f"{namespace}__{name}"
    fitting = _STRANGE.sub("_", whole)
    if len(fitting) <= NAME_LIMIT and fitting == whole:
        return whole
    proof = blake2b(whole.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return f"{fitting[: NAME_LIMIT - len(proof) - 1]}_{proof}"


def read(fields: Mapping[str, Any], dropped: shapes.Dropped) -> Tools:
    """All tools of a request: its own, and those that items of its input bring."""
    tools = Tools([], {})
    for tool, place, namespace in _every(fields):
        if len(tools.names) >= TOOL_LIMIT:
            raise shapes.wrong("tools", f"at most {TOOL_LIMIT} tools")
        if not _offer(tools, tool, place, namespace):
            dropped.add("tools", tool.get("type"))
    return tools


def names(fields: Mapping[str, Any]) -> dict[str, Name]:
    """The caller's names by those that a chat's answer has."""
    return read(fields, shapes.Dropped()).names


def _every(fields: Mapping[str, Any]) -> Iterator[tuple[Tool, str, str | None]]:
    """Every tool with its place and its namespace."""
    for tool, place in _given(fields):
        if tool.get("type") != "namespace":
            yield tool, place, None
            continue
        namespace = shapes.text(tool.get("name"), f"{place}.name")
        for inner, inside in shapes.objects(tool.get("tools"), f"{place}.tools"):
            yield inner, inside, namespace


def _given(fields: Mapping[str, Any]) -> Iterator[tuple[Tool, str]]:
    yield from shapes.objects(fields.get("tools"), "tools")
    items = fields.get("input")
    for position, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and item.get("type") in _LOADED:
            yield from shapes.objects(item.get("tools"), f"input[{position}].tools")


def _offer(tools: Tools, tool: Mapping[str, Any], place: str, namespace: str | None) -> bool:
    """Adds a tool; False for one that only its own provider could run. The first of two with one name stands."""
    kind = tool.get("type")
    if kind not in ("function", "custom"):
        return False
    said = tool.get(kind)
    nested = said if isinstance(said, Mapping) else tool  # as a chat has it: some clients mix the two
    name = shapes.text(nested.get("name"), f"{place}.name")
    known = joined(name, namespace)
    if known not in tools.names:
        tools.names[known] = Name(name, namespace, kind == "custom")
        tools.offered.append(_function(nested, known) if kind == "function" else _custom(nested, known))
    return True


def _function(tool: Mapping[str, Any], name: str) -> dict[str, Any]:
    kept = {key: tool[key] for key in ("description", "parameters", "strict") if tool.get(key) is not None}
    return {"type": "function", "function": {"name": name, **kept}}


def _custom(tool: Mapping[str, Any], name: str) -> dict[str, Any]:
    kept: dict[str, Any] = {"description": tool["description"]} if tool.get("description") else {}
    form = tool.get("format")
    if isinstance(form, Mapping):
        kept["format"] = _format(form)
    return {"type": "custom", "custom": {"name": name, **kept}}


def _format(form: Mapping[str, Any]) -> Mapping[str, Any]:
    if form.get("type") != "grammar" or "grammar" in form:
        return form
    return {"type": "grammar", "grammar": {key: value for key, value in form.items() if key != "type"}}


# ---------------------------------------------------------------- which of them may or must be called


class Choice(NamedTuple):
    """What a chat says for `tool_choice` (None: nothing), and which tools stay. `kept`: that is what the caller chose."""

    said: str | dict[str, Any] | None
    offered: Sequence[dict[str, Any]]
    kept: bool = True


def choose(choice: object, tools: Tools) -> Choice:
    """The caller's `tool_choice` for the tools that are offered."""
    if choice is None or isinstance(choice, str):
        return Choice(choice, tools.offered, kept=bool(tools.offered) or choice != "required")
    wanted = shapes.mapping(choice, "tool_choice")
    if wanted.get("type") == "allowed_tools":
        return _allowed(wanted, tools)
    name = _named(wanted)
    if name not in tools.names:
        return Choice(None, tools.offered, kept=False)
    kind = "custom" if tools.names[name].custom else "function"
    return Choice({"type": kind, kind: {"name": name}}, tools.offered)


def _allowed(wanted: Mapping[str, Any], tools: Tools) -> Choice:
    """Only these tools are offered: there is no other way to say it that every provider knows."""
    wanted = shapes.optional(wanted.get("allowed_tools"), "tool_choice") or wanted
    allowed = {_named(one) for one, _ in shapes.objects(wanted.get("tools"), "tool_choice.tools")}
    offered = [tool for tool in tools.offered if tool[tool["type"]]["name"] in allowed]
    return Choice("required" if wanted.get("mode") == "required" and offered else None, offered, kept=bool(offered))


def _named(wanted: Mapping[str, Any]) -> str | None:
    nested = wanted.get(str(wanted.get("type")))
    one = nested if isinstance(nested, Mapping) else wanted
    name = one.get("name")
    return (
        joined(name, one.get("namespace")) if isinstance(name, str) and wanted.get("type") in ("function", "custom") else None
    )
