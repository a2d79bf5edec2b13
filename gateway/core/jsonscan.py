"""Looks at a JSON text without building anything: how much it holds, where its top-level fields stand, which key stands twice.

How much is asked before a long text is parsed. The rest is for a body that is not in canonical form (spaces, escapes, odd
numbers): there a field is changed by cutting its bytes out, and a key given twice must be seen, which a parser hides.

No single step takes long, whatever the text holds, so that a thread at work here leaves the event loop its turns.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

WINDOW: Final = 1 << 16

_STRING, _KEY, _OPENING, _CLOSING = 1, 2, 3, 4
_TOKEN = re.compile(rb'[^"{}\[\]]*+(?:("[^"]*+")(\s*+:\s*+)?|([{\[])|([}\]])|\Z)')
_SCALAR = re.compile(rb'"[^"]*+"|[^\s,\[\]{}]++')
_UNQUOTE = json.JSONDecoder()


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


def repeated_key(text: bytes) -> str | None:
    """The first key that stands twice in one object of `text`, which must be a valid JSON object or array."""
    seen: list[set[str]] = []
    for token in _TOKEN.finditer(b"".join(_pieces(text))):
        kind = token.lastindex
        if kind == _KEY:
            key = _key(text, token)
            if key in seen[-1]:
                return key
            seen[-1].add(key)
        elif kind == _OPENING:
            seen.append(set())
        elif kind == _CLOSING:
            seen.pop()
    return None


def top_level_fields(text: bytes, keys: Collection[str]) -> dict[str, Span]:
    """Where the values of the fields `keys` stand, as far as `text` has them.

    It must be a valid JSON object without a key that stands twice.
    """
    plain = b"".join(_pieces(text))
    fields: dict[str, Span] = {}
    depth, key, start = 0, "", 0
    for token in _TOKEN.finditer(plain):
        kind = token.lastindex
        if kind == _OPENING:
            depth += 1
        elif kind == _CLOSING:
            depth -= 1
            if depth == 1 and key in keys:
                fields[key] = Span(start, token.end())
        elif kind == _KEY and depth == 1:
            if len(fields) == len(keys):
                break
            key, start = _key(text, token), token.end()
            if key in keys and (scalar := _SCALAR.match(plain, start)):
                fields[key] = Span(start, scalar.end())
    return fields


def _key(text: bytes, token: re.Match[bytes]) -> str:
    quoted = text[token.start(_STRING) : token.end(_STRING)].decode()
    return str(_UNQUOTE.raw_decode(quoted)[0]) if "\\" in quoted else quoted[1:-1]


def splice(text: bytes, changes: Mapping[str, bytes]) -> bytes:
    """`text` with the values of these top-level fields replaced, or added at the end; every other byte is kept."""
    fields = top_level_fields(text, changes.keys())
    view, at = memoryview(text), 0
    pieces: list[bytes | memoryview] = []
    for key, span in sorted(fields.items(), key=lambda field: field[1].start):
        pieces += (view[at : span.start], changes[key])
        at = span.end
    end = text.rindex(b"}")
    pieces.append(view[at:end])
    added = [json.dumps(key).encode() + b":" + value for key, value in changes.items() if key not in fields]
    if added and text[:end].strip() != b"{":
        pieces.append(b",")
    pieces += (b",".join(added), view[end:])
    return b"".join(pieces)
