"""Tools of a translated chat, as the vendor takes them: functions everywhere, free text where it is known, nothing else."""

from typing import Any, Final

from gateway.dialects.responses.freeform import as_function
from gateway.providers.vendors import Vendor

Fields = dict[str, Any]

_CHOICES: Final = ("tool_choice", "parallel_tool_calls")


def fit(fields: Fields, vendor: Vendor, dropped: list[str]) -> None:
    """Changes `tools` and `tool_choice`; what cannot be said is named."""
    given = fields.get("tools")
    if not isinstance(given, list):
        return
    kept: list[Any] = []
    for tool in given:
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind == "function":
            kept.append(_without_hints(tool, vendor))
        elif kind == "custom":
            kept.append(_without_hints(tool, vendor) if vendor.custom else as_function(tool))
        elif not isinstance(tool, dict):
            kept.append(tool)  # the provider will say what it thinks of that
        else:
            dropped.append(f"tools ({str(kind)[:64]})")
    if kept:
        fields["tools"] = kept
        _choose(fields, kept, vendor, dropped)
        return
    for name in ("tools", *_CHOICES):
        fields.pop(name, None)


def _without_hints(tool: Fields, vendor: Vendor) -> Fields:
    if vendor.hints or "cache_control" not in tool:
        return tool
    return {key: value for key, value in tool.items() if key != "cache_control"}


def _choose(fields: Fields, kept: list[Any], vendor: Vendor, dropped: list[str]) -> None:
    choice = fields.get("tool_choice")
    if not isinstance(choice, dict):
        return
    if choice.get("type") == "custom" and not vendor.custom:
        choice = {"type": "function", "function": {"name": _named(choice, "custom")}}
        fields["tool_choice"] = choice
    kind = choice.get("type")
    known = {_named(tool, str(tool.get("type"))) for tool in kept if isinstance(tool, dict)}
    if kind not in ("function", "custom") and kind != "allowed_tools":
        dropped.append(f"tool_choice ({str(kind)[:64]})")
        del fields["tool_choice"]
    elif kind != "allowed_tools" and _named(choice, str(kind)) not in known:
        dropped.append("tool_choice")
        del fields["tool_choice"]


def _named(tool: Fields, kind: str) -> str:
    said = tool.get(kind)
    return str(said.get("name")) if isinstance(said, dict) else ""
