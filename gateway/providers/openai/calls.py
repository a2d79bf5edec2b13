"""The tool calls of one choice: every call gets an index of its own, and says its id and name once.

Providers leave indexes out, give two calls the same one, repeat id and name in every delta, or send arguments as an object;
each of that makes some client lose or garble a call.
"""

import os
from typing import Any, Final

from gateway.core.errors import UpstreamBroken
from gateway.dialects import lenient

CALL_LIMIT: Final = 1024
"""Calls of one answer; no provider allows as many tools."""
NAME_LIMIT: Final = 1024
"""Characters of a tool's name."""

Entry = dict[str, Any]

_SLOTS = {"function": "arguments", "custom": "input"}
"""Kinds of calls, and the field in which their words travel."""


def fresh_call_id() -> str:
    """An id for a call that came without one."""
    return f"call_{os.urandom(12).hex()}"


def kind_of(entry: Entry) -> str:
    """`function`, or `custom` for a tool that takes free text."""
    return "custom" if "custom" in entry and "function" not in entry else "function"


def complete(entry: Entry) -> bool:
    """Gives a whole call, or the first delta of one, its id, type, name and words as a string; True where it lacked some."""
    kind = kind_of(entry)
    changed = False
    if not isinstance(entry.get("id"), str) or not entry["id"]:
        entry["id"], changed = fresh_call_id(), True
    if not entry.get("type"):
        entry["type"], changed = kind, True
    body = entry.get(kind)
    if not isinstance(body, dict):
        body, changed = {}, True
        entry[kind] = body
    if not isinstance(body.get("name"), str):
        body["name"], changed = "", True
    slot = _SLOTS[kind]
    if not isinstance(body.get(slot), str):
        body[slot], changed = _text(body.get(slot)), True
    return changed


def _text(words: object) -> str:
    return "" if words is None else lenient.dumps(words).decode()


class _Known:
    """A call that has begun: its index towards the caller, and its name as far as it was said."""

    __slots__ = ("name", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = ""

    def grow(self, rest: str) -> None:
        """More of the name has come. Raises `UpstreamBroken` for more than any tool's has."""
        if len(self.name) + len(rest) > NAME_LIMIT:
            raise UpstreamBroken(f"The name of a tool in the provider's stream is over {NAME_LIMIT} characters.")
        self.name += rest


class Calls:
    """The calls of a choice that have begun; a call's place in this list is its index towards the caller.

    Of several calls with one id or one index of their provider's, the one that began last is meant.
    """

    __slots__ = ("_by_id", "_by_index", "_known")

    def __init__(self) -> None:
        self._known: list[_Known] = []
        self._by_id: dict[object, _Known] = {}
        self._by_index: dict[object, _Known] = {}

    def __len__(self) -> int:
        return len(self._known)

    def mend(self, entries: list[Entry]) -> bool:
        """Makes the entries of one delta what OpenAI's would be; True where that changed something.

        Raises `UpstreamBroken` for more calls than `CALL_LIMIT`.
        """
        changed = False
        for position, entry in enumerate(entries):
            known = self._find(entry, position if len(entries) > 1 else None)
            changed = (self._begin(entry) if known is None else _go_on(entry, known)) or changed
        return changed

    def _find(self, entry: Entry, position: int | None) -> _Known | None:
        """Which known call the entry continues; None where it begins one. Id before index before name before position."""
        call_id, theirs = _sign(entry.get("id")), _sign(entry.get("index"))
        if call_id and (same := self._by_id.get(call_id)) is not None:
            return same
        named = bool(_body(entry).get("name"))
        if named and call_id:
            return None
        if theirs is not None:
            return self._by_index.get(theirs)
        if named or not self._known:
            return None
        return self._known[position if position is not None and position < len(self._known) else -1]

    def _begin(self, entry: Entry) -> bool:
        number, theirs, call_id = len(self._known), entry.get("index"), _sign(entry.get("id"))
        if number >= CALL_LIMIT:
            raise UpstreamBroken(f"The provider's answer calls more than {CALL_LIMIT} tools.")
        changed = _numbered(entry, number)
        changed = complete(entry) or changed
        known = _Known(number)
        known.grow(entry[kind_of(entry)]["name"])
        self._known.append(known)
        if call_id:
            self._by_id[call_id] = known
        self._by_index[_sign(theirs)] = known
        return changed


def _sign(value: object) -> object:
    """What a call may be known again by; None for what is neither text nor number."""
    return value if isinstance(value, str | int | float) else None


def _numbered(entry: Entry, number: int) -> bool:
    theirs = entry.get("index")
    if type(theirs) is int and theirs == number:
        return False
    entry["index"] = number
    return True


def _go_on(entry: Entry, known: _Known) -> bool:
    changed = _numbered(entry, known.number)
    for key in ("id", "type"):
        if key in entry:
            del entry[key]
            changed = True
    for kind, slot in _SLOTS.items():
        if kind in entry:
            changed = _go_on_saying(entry, kind, slot, known) or changed
    return changed


def _go_on_saying(entry: Entry, kind: str, slot: str, known: _Known) -> bool:
    body = entry[kind]
    if not isinstance(body, dict):
        del entry[kind]
        return True
    changed = False
    if slot in body and not isinstance(body[slot], str):
        body[slot], changed = _text(body[slot]), True
    if "name" in body:
        changed = _rest_of_name(body, known) or changed
    return changed


def _rest_of_name(body: Entry, known: _Known) -> bool:
    """Clients add names up: leaves what is new of a name that comes in pieces, and nothing of one that is repeated."""
    said = body["name"]
    rest = said.removeprefix(known.name) if isinstance(said, str) else ""
    if not rest:
        del body["name"]
        return True
    known.grow(rest)
    body["name"] = rest
    return bool(rest != said)


def _body(entry: Entry) -> Entry:
    body = entry.get(kind_of(entry))
    return body if isinstance(body, dict) else {}
