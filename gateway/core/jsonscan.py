"""Finds the top-level fields of a JSON text, and keys that stand twice, without building anything.

Needed only for bodies that are not in canonical form (spaces, escapes, odd numbers): there a field is changed by
cutting its bytes out, and a key given twice must be seen, which a parser hides. The text must be valid JSON already.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"(\s*+:)?|[{}\[\]]', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,}\]]+")
_SPACE = re.compile(rb"\s*")


class RepeatedKey(ValueError):
    """A key stands twice in one object; the argument is the key."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a field's value stands: `text[start:end]`."""

    start: int
    end: int


def top_level_fields(text: bytes) -> dict[str, Span]:
    """The value spans of the outermost object's fields, by key.

    `text` must be a valid JSON object. Raises `RepeatedKey` for a repeated key in any object of it.
    """
    fields: dict[str, Span] = {}
    seen: list[set[str] | None] = []
    pending: tuple[str, int] | None = None
    for token in _TOKEN.finditer(text):
        lead = token[0][0]
        if lead in b"{[":
            seen.append(set() if lead == 0x7B else None)
        elif lead in b"}]":
            seen.pop()
            if pending is not None and len(seen) == 1:
                fields[pending[0]], pending = Span(pending[1], token.end()), None
        elif token[1] is not None:
            key = _new_key(token[0][: -len(token[1])], seen[-1])
            if len(seen) == 1:
                pending = _value(text, key, token.end(), fields)
    return fields


def _new_key(quoted: bytes, seen: set[str] | None) -> str:
    key = str(json.loads(quoted))
    if seen is None or key in seen:
        raise RepeatedKey(key)
    seen.add(key)
    return key


def _value(text: bytes, key: str, after_colon: int, fields: dict[str, Span]) -> tuple[str, int] | None:
    """Notes a scalar's span at once; for an object or array gives back what to finish when it closes."""
    start = _end(_SPACE, text, after_colon)
    if text[start] in b"{[":
        return key, start
    fields[key] = Span(start, _end(_TOKEN if text[start] == 0x22 else _SCALAR, text, start))
    return None


def _end(pattern: re.Pattern[bytes], text: bytes, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


def splice(text: bytes, changes: Mapping[str, bytes]) -> bytes:
    """`text` with the values of these top-level fields replaced, or added at the end; every other byte is kept."""
    fields = top_level_fields(text)
    for key in sorted((one for one in changes if one in fields), key=lambda one: -fields[one].start):
        text = text[: fields[key].start] + changes[key] + text[fields[key].end :]
    added = [json.dumps(key).encode() + b":" + value for key, value in changes.items() if key not in fields]
    if not added:
        return text
    end = text.rindex(b"}")
    return text[:end] + (b"," if fields else b"") + b",".join(added) + text[end:]
