"""Looks at a JSON text without building anything: how much is in it, where its top-level fields stand, which key stands twice.

The first is needed before a long text is parsed. The others are for a body that is not in canonical form (spaces,
escapes, odd numbers): there a field is changed by cutting its bytes out, and a key given twice must be seen, which a
parser hides.

No single step takes long, whatever the text holds, so that a thread at work here leaves the event loop its turns.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

WINDOW: Final = 1 << 16

_STRING, _KEY, _OPENING = 1, 2, 3
_TOKEN = re.compile(rb'[^"{}\[\]]*+(?:("[^"]*+")(\s*+:\s*+)?|([{\[])|([}\]])|\Z)')
_SCALAR = re.compile(rb'"[^"]*+"|[^\s,}\]]++')


class RepeatedKey(ValueError):
    """A key stands twice in one object; the argument is the key."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a field's value stands: `text[start:end]`."""

    start: int
    end: int


class Census(NamedTuple):
    """How much a JSON text holds. `strings` counts keys as well; `values` all but keys, an empty container twice."""

    keys: int
    containers: int
    strings: int
    values: int


class Indexed(bytes):
    """A JSON text that knows where its top-level fields stand, so that changing one needs no second look at all of it."""

    spans: Mapping[str, Span]

    def __new__(cls, text: bytes) -> Self:
        """As `top_level_fields`."""
        spans = top_level_fields(text)
        made = super().__new__(cls, text)
        made.spans = spans
        return made


def at_most(text: bytes) -> Census:
    """A bound for `census`, at a fraction of its cost: what stands within strings is counted as well."""
    containers = text.count(b"{") + text.count(b"[")
    return Census(text.count(b":"), containers, text.count(b'"') // 2, text.count(b",") + containers + 1)


def census(text: bytes) -> Census:
    """What is in `text`, exactly, if it is a valid JSON object or array; otherwise anything."""
    keys = containers = quotes = values = 0
    for piece in _pieces(text):
        parts = piece.split(b'"')
        bare = b"".join(parts[quotes % 2 :: 2])
        quotes += len(parts) - 1
        keys += bare.count(b":")
        opened = bare.count(b"{") + bare.count(b"[")
        containers += opened
        values += bare.count(b",") + opened
    return Census(keys, containers, quotes // 2, values + 1)


def _pieces(text: bytes) -> Iterator[bytes]:
    """`text` in pieces of about `WINDOW`, every byte in its place, but each quote that is left begins or ends a string."""
    at = 0
    while at < len(text):
        piece = text[at : at + WINDOW]
        if piece.endswith(b"\\") and (len(piece) - len(piece.rstrip(b"\\"))) % 2:
            piece = text[at : at + WINDOW + 1]  # an escape stays whole
        at += len(piece)
        yield piece.replace(b"\\\\", b"__").replace(b'\\"', b"__") if b"\\" in piece else piece


def top_level_fields(text: bytes) -> dict[str, Span]:
    """The value spans of the outermost object's fields, by key.

    `text` must be a valid JSON object. Raises `RepeatedKey` for a repeated key in any object of it.
    """
    plain = b"".join(_pieces(text))
    fields: dict[str, Span] = {}
    seen: list[set[str] | None] = []
    pending: tuple[str, int] | None = None
    for token in _TOKEN.finditer(plain):
        kind = token.lastindex
        if kind is None or kind == _STRING:
            continue
        if kind == _KEY:
            key = _new_key(text[token.start(_STRING) : token.end(_STRING)], seen[-1])
            if len(seen) == 1:
                pending = _value(plain, key, token.end(), fields)
        elif kind == _OPENING:
            seen.append(set() if token[_OPENING] == b"{" else None)
        else:
            seen.pop()
            if pending is not None and len(seen) == 1:
                fields[pending[0]], pending = Span(pending[1], token.end()), None
    return fields


def _new_key(quoted: bytes, seen: set[str] | None) -> str:
    key = str(json.loads(quoted)) if b"\\" in quoted else quoted[1:-1].decode()
    if seen is None or key in seen:
        raise RepeatedKey(key)
    seen.add(key)
    return key


def _value(plain: bytes, key: str, start: int, fields: dict[str, Span]) -> tuple[str, int] | None:
    """Notes a scalar's span at once; for an object or array gives back what to finish when it closes."""
    if plain[start] in b"{[":
        return key, start
    found = _SCALAR.match(plain, start)
    fields[key] = Span(start, found.end() if found else start)
    return None


def splice(text: bytes, changes: Mapping[str, bytes]) -> bytes:
    """`text` with the values of these top-level fields replaced, or added at the end; every other byte is kept."""
    fields = text.spans if isinstance(text, Indexed) else top_level_fields(text)
    view, at = memoryview(text), 0
    pieces: list[bytes | memoryview] = []
    for key in sorted(changes.keys() & fields.keys(), key=lambda one: fields[one].start):
        pieces += (view[at : fields[key].start], changes[key])
        at = fields[key].end
    added = [json.dumps(key).encode() + b":" + value for key, value in changes.items() if key not in fields]
    end = text.rindex(b"}")
    pieces += (view[at:end], b"," if fields and added else b"", b",".join(added), view[end:])
    return b"".join(pieces)
