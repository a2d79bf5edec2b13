"""What holds at the end of a conversation: the messages that are still shown, and the tools that are on offer.

tools with `defer_loading`                     wait for a `tool_reference`, in a tool's result or in an addition
tool_addition, tool_removal (of a system's)    by a reference, or by the definition of another tool
"""

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.core.chat import ModelRequest
from gateway.dialects.shapes import Dropped, Object, items, mapping, objects, said

CHANGES: Final = ("tool_addition", "tool_removal")
_SEARCHES: Final = "tool_search_tool"

Placed = tuple[Object, str]


def offered(fields: Object, dropped: Dropped) -> list[Placed]:
    """The tools on offer, each with its place. None waits for Anthropic's own search to load it, for nobody else has that."""
    declared = list(objects(fields.get("tools"), "tools"))
    searched = any(str(tool.get("type", "")).startswith(_SEARCHES) for tool, _ in declared)
    changes = _Changes(fields.get("messages"), dropped)
    tools = {str(tool.get("name")) if "name" in tool else place: (tool, place) for tool, place in declared} | changes.defined
    return [
        (tool, place)
        for name, (tool, place) in tools.items()
        if name not in changes.removed and (searched or tool.get("defer_loading") is not True or name in changes.loaded)
    ]


def current(messages: object) -> list[Placed]:
    """The messages that the model is to see, each with its place: a system's may be meant for no later turn."""
    listed = list(objects(messages, "messages"))
    last = max((at for at, (message, _) in enumerate(listed) if message.get("role") == "user"), default=0)
    return [one for at, one in enumerate(listed) if at >= last or one[0].get("clear_at") != "next_user_message"]


def known_names(request: ModelRequest) -> Iterator[object]:
    """The names of all tools that a request knows, on offer or not; it has been read before."""
    declared = request.fields.get("tools")
    yield from (tool.get("name") for tool in declared or ())
    yield from _Changes(request.fields.get("messages"), Dropped()).defined


class _Changes:
    """What the conversation says of tools. `defined`: others than are declared, by name."""

    __slots__ = ("_dropped", "defined", "loaded", "removed")

    def __init__(self, messages: object, dropped: Dropped) -> None:
        self._dropped = dropped
        self.defined: dict[str, Placed] = {}
        self.loaded: set[str] = set()
        self.removed: set[str] = set()
        for message, place in objects(messages, "messages"):
            content = message.get("content")
            if isinstance(content, list) and message.get("role") == "system":
                for block, at in objects(content, f"{place}.content"):
                    self._change(block, at)
            elif isinstance(content, list):
                self.loaded.update(_references(content))

    def _change(self, block: Object, place: str) -> None:
        kind = block.get("type")
        if kind not in CHANGES:
            return
        where = f"{place}.tool"
        tool = mapping(block.get("tool"), where)
        if tool.get("type") == "tool_definition" and kind == "tool_addition":
            definition = mapping(tool.get("definition"), f"{where}.definition")
            name = said(definition.get("name"), f"{where}.definition.name")
            self.defined[name] = (definition, f"{where}.definition")
        elif tool.get("type") == "tool_reference":
            name = said(tool.get("name"), f"{where}.name")
        else:
            self._dropped.add(place, tool.get("type"))
            return
        if kind == "tool_removal":
            self.removed.add(name)
        else:
            self.removed.discard(name)
            self.loaded.add(name)


def _references(content: list[object]) -> Iterable[str]:
    """The names of tools that were found."""
    for block in content:
        if isinstance(block, dict) and block.get("type") == "tool_result" and isinstance(block.get("content"), list):
            for found in items(block["content"], "content"):
                if isinstance(found, dict) and found.get("type") == "tool_reference":
                    yield str(found.get("tool_name"))
