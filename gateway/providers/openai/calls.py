"""The tool calls of one choice: every call gets an index of its own, and says its id and name once.

Providers leave indexes out, give two calls the same one, repeat id and name in every delta, or send arguments as an object;
each of that makes some client lose or garble a call.
"""

import os
from typing import Any

from gateway.providers.openai import lenient

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
    """A call that has begun: the index that its provider gave it, its id, its name as far as it was said."""

    __slots__ = ("id", "name", "theirs")

    def __init__(self, theirs: object, call_id: object, name: str) -> None:
        self.theirs = theirs
        self.id = call_id
        self.name = name


class Calls:
    """The calls of a choice that have begun; a call's place in this list is its index towards the caller."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: list[_Known] = []

    def mend(self, entries: list[Entry]) -> bool:
        """Makes the entries of one delta what OpenAI's would be; True where that changed something."""
        changed = False
        for position, entry in enumerate(entries):
            number = self._find(entry, position if len(entries) > 1 else None)
            changed = (self._begin(entry) if number is None else self._go_on(entry, number)) or changed
        return changed

    def _find(self, entry: Entry, position: int | None) -> int | None:
        """Which known call the entry continues; None where it begins one. Id before index before name before position."""
        call_id, theirs = entry.get("id"), entry.get("index")
        if call_id and (same := self._latest("id", call_id)) is not None:
            return same
        named = bool(_body(entry).get("name"))
        if named and call_id:
            return None
        if theirs is not None:
            return self._latest("theirs", theirs)
        if named or not self._known:
            return None
        return position if position is not None and position < len(self._known) else len(self._known) - 1

    def _latest(self, what: str, value: object) -> int | None:
        for number in range(len(self._known) - 1, -1, -1):
            if getattr(self._known[number], what) == value:
                return number
        return None

    def _begin(self, entry: Entry) -> bool:
        number, theirs, call_id = len(self._known), entry.get("index"), entry.get("id")
        changed = complete(entry)
        if theirs != number or isinstance(theirs, bool):
            entry["index"], changed = number, True
        self._known.append(_Known(theirs, call_id, entry[kind_of(entry)]["name"]))
        return changed

    def _go_on(self, entry: Entry, number: int) -> bool:
        known = self._known[number]
        changed = False
        if entry.get("index") != number or isinstance(entry["index"], bool):
            entry["index"], changed = number, True
        for key in ("id", "type"):
            if key in entry:
                del entry[key]
                changed = True
        kind = kind_of(entry)
        body = entry.get(kind)
        if not isinstance(body, dict):
            return changed
        slot = _SLOTS[kind]
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
    known.name += rest
    body["name"] = rest
    return bool(rest != said)


def _body(entry: Entry) -> Entry:
    body = entry.get(kind_of(entry))
    return body if isinstance(body, dict) else {}
