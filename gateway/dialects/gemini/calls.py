"""The calls of a conversation, and the responses that find them.

Ids are optional in Gemini and needed in a chat. A call without one gets one from its place, so that it is the same in every
turn; a response finds its call by id, else by name: the first that is still open.
"""

from collections import deque

from gateway.core.errors import InvalidValue
from gateway.dialects.gemini.names import field
from gateway.dialects.naming import fitting
from gateway.dialects.shapes import Fields, Object, optional, said, written


class Calls:
    """Those that no response has come for."""

    __slots__ = ("_count", "_named", "_open")

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._named: dict[str, deque[str]] = {}
        self._count = 0

    def begin(self, call: Object, part: Object, place: str) -> Fields:
        """A call, as a chat has it; its signature stands on the part."""
        given, name = call.get("id"), said(call.get("name"), f"{place}.name")
        call_id = given if isinstance(given, str) and given else f"call_by_place_{self._count}"
        self._count += 1
        self._open.add(call_id)
        self._named.setdefault(name, deque()).append(call_id)
        arguments = written(optional(call.get("args"), f"{place}.args"), f"{place}.args")
        told: Fields = {"id": call_id, "type": "function", "function": {"name": fitting(name), "arguments": arguments}}
        if isinstance(signature := field(part, "thoughtSignature"), str) and signature:
            told["extra_content"] = {"google": {"thought_signature": signature}}
        return told

    def answered(self, response: Object, place: str) -> str:
        """The id of the call that this answers. Raises `InvalidValue` where there is none that is open."""
        given, name = response.get("id"), response.get("name")
        found = given if isinstance(given, str) and given in self._open else None
        waiting = self._named.get(name) if isinstance(name, str) else None
        while found is None and waiting:
            first = waiting.popleft()
            found = first if first in self._open else None
        if found is None:
            raise InvalidValue(f"The response at {place!r} answers no functionCall that came before it.", param=place)
        self._open.discard(found)
        return found
