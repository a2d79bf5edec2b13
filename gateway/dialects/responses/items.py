"""The items of an input, each into the dialogue that a chat has.

message                                          a message of its role
reasoning                                        thinking of the assistant's next words: what we sealed, or its text
function_call, custom_tool_call, shell calls     a call of the assistant's, and its output a tool's message
mcp_call                                         both in one
web_search_call and what else a provider ran     left out, and named
item_reference                                   refused: nothing is stored that it could name
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.core.errors import InvalidValue
from gateway.dialects import shapes
from gateway.dialects.responses import parts, sealing
from gateway.dialects.responses.dialogue import Dialogue
from gateway.dialects.responses.tools import joined

Item = Mapping[str, Any]
Take = Callable[[Dialogue, Item, str], bool]
"""Takes an item at a place of the input in; False where it has to be left out."""

_ROLES: Final = {"user": "user", "system": "system", "developer": "system"}
"""`developer` is OpenAI's own word for it; theirs understand the other one as well."""


def read(fields: Mapping[str, Any], dropped: shapes.Dropped) -> list[dict[str, Any]]:
    """The messages of a request; the kinds of items that no chat can have are dropped."""
    dialogue = Dialogue()
    if fields.get("instructions") is not None:
        dialogue.say("system", shapes.text(fields["instructions"], "instructions"))
    said = fields.get("input")
    if isinstance(said, str):
        dialogue.say("user", said)
        return dialogue.messages()
    if not isinstance(said, list):
        raise shapes.wrong("input", "a string or an array of items")
    for item, place in shapes.objects(said, "input"):
        kind = _kind(item, place)
        take = _TAKES.get(kind)
        if (take is None or not take(dialogue, item, place)) and kind not in _SILENT:
            dropped.add("input", kind)
    return dialogue.messages()


def _kind(item: Item, place: str) -> str:
    """An item's type, which messages and references may leave out."""
    kind = item.get("type")
    if kind is None:
        kind = "message" if "role" in item else "item_reference"
    return shapes.text(kind, f"{place}.type")


def _message(dialogue: Dialogue, item: Item, place: str) -> bool:
    role = shapes.text(item.get("role"), f"{place}.role")
    if role == "assistant":
        dialogue.assistant(*parts.words(item.get("content"), f"{place}.content"))
        return True
    if role not in _ROLES:
        raise shapes.wrong(f"{place}.role", "user, assistant, system or developer")
    dialogue.say(_ROLES[role], parts.content(item.get("content"), f"{place}.content"))
    return True


def _reasoning(dialogue: Dialogue, item: Item, place: str) -> bool:
    held = item.get("encrypted_content")
    if held is not None and not sealing.is_ours(held):
        return False  # only who wrote it can read it, and its summary alone is not what was thought
    text = "\n\n".join(_texts(item.get("content"), f"{place}.content") or _texts(item.get("summary"), f"{place}.summary"))
    dialogue.think(text, sealing.opened(held) if held else sealing.Held())
    return True


def _texts(value: object, place: str) -> list[str]:
    found = [shapes.mapping(one, place).get("text") for one in shapes.items(value, place)]
    return [text for text in found if isinstance(text, str) and text]


def _compaction(dialogue: Dialogue, item: Item, place: str) -> bool:
    """The summary of what went before, where it can be read."""
    texts = _texts(item.get("summary") if isinstance(item.get("summary"), list) else None, f"{place}.summary")
    if texts:
        dialogue.say("user", "\n\n".join(texts))
    return bool(texts)


# ---------------------------------------------------------------- calls


def _function_call(dialogue: Dialogue, item: Item, place: str) -> bool:
    name = joined(shapes.text(item.get("name"), f"{place}.name"), item.get("namespace"))
    function = {"name": name, "arguments": shapes.text(item.get("arguments") or "{}", f"{place}.arguments")}
    dialogue.call({"id": _call_id(item, place), "type": "function", "function": function})
    return True


def _custom_call(dialogue: Dialogue, item: Item, place: str) -> bool:
    name = joined(shapes.text(item.get("name"), f"{place}.name"), item.get("namespace"))
    custom = {"name": name, "input": shapes.text(item.get("input") or "", f"{place}.input")}
    dialogue.call({"id": _call_id(item, place), "type": "custom", "custom": custom})
    return True


def _action_call(dialogue: Dialogue, item: Item, place: str) -> bool:
    """A call of a tool that has its own kind of item; to a chat it is a function, called with the action."""
    name = str(item["type"]).removesuffix("_call")
    action: Any = next((item[key] for key in _WHAT if item.get(key) is not None), {})
    arguments = action if isinstance(action, str) else shapes.written(action, place)
    dialogue.call({"id": _call_id(item, place), "type": "function", "function": {"name": name, "arguments": arguments}})
    return True


def _output(dialogue: Dialogue, item: Item, place: str) -> bool:
    content = parts.result(item.get("output"), f"{place}.output")
    dialogue.result(_call_id(item, place), content, place, failed=item.get("status") == "failed")
    return True


def _mcp_call(dialogue: Dialogue, item: Item, place: str) -> bool:
    call_id = shapes.text(item.get("id"), f"{place}.id")
    _function_call(dialogue, {**item, "call_id": call_id, "namespace": None}, place)
    error = item.get("error")
    content = parts.result(error if error is not None else item.get("output"), f"{place}.output")
    dialogue.result(call_id, content, place, failed=error is not None)
    return True


def _call_id(item: Item, place: str) -> str:
    """A local shell's outputs have the call's id as their own."""
    call_id = item.get("call_id")
    return shapes.text(item.get("id") if call_id is None else call_id, f"{place}.call_id")


def _reference(_dialogue: Dialogue, item: Item, place: str) -> bool:
    raise InvalidValue(
        f"{place!r} refers to {str(item.get('id'))[:100]!r}, and nothing is stored for this model. Send the item itself; "
        "clients do so with 'store': false.",
        param=place,
    )


_WHAT: Final = ("action", "actions", "operation", "arguments")
_ACTIONS: Final = ("local_shell_call", "shell_call", "apply_patch_call", "computer_call")
_TAKES: Final[Mapping[str, Take]] = MappingProxyType(
    {
        "message": _message,
        "reasoning": _reasoning,
        "compaction": _compaction,
        "compaction_summary": _compaction,
        "function_call": _function_call,
        "function_call_output": _output,
        "custom_tool_call": _custom_call,
        "custom_tool_call_output": _output,
        "mcp_call": _mcp_call,
        "item_reference": _reference,
        **dict.fromkeys(_ACTIONS, _action_call),
        **{f"{name}_output": _output for name in _ACTIONS},
    }
)
_SILENT: Final = frozenset({"additional_tools"})
"""Kinds that are read elsewhere: their tools are offered."""
