"""The events of a message's stream, as bytes: every one has its `event` line, without which no client reads it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gateway.dialects import lenient
from gateway.dialects.shapes import Fields, Object

START: Final = "message_start"
DELTA: Final = "message_delta"
STOP: Final = "message_stop"


class Words(NamedTuple):
    """How a kind of block that holds words begins, and how they are added to it."""

    block: Mapping[str, Any]
    delta: str
    field: str


TEXT: Final = Words(MappingProxyType({"type": "text", "text": ""}), "text_delta", "text")
THINKING: Final = Words(MappingProxyType({"type": "thinking", "thinking": "", "signature": ""}), "thinking_delta", "thinking")


def event(name: str, fields: Object) -> bytes:
    """One event."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), lenient.dumps({"type": name, **fields}))


def block_start(index: int, block: Object) -> bytes:
    """A block begins, so far empty."""
    return event("content_block_start", {"index": index, "content_block": dict(block)})


def block_delta(index: int, kind: str, field: str, piece: str) -> bytes:
    """More of a block."""
    delta: Fields = {"type": kind, field: piece}
    return event("content_block_delta", {"index": index, "delta": delta})


def block_stop(index: int) -> bytes:
    """A block is whole."""
    return event("content_block_stop", {"index": index})


class Events(NamedTuple):
    """What writes the events of a block: its beginning, more of it, its end; each is told the index."""

    start: Callable[[int, Object], bytes]
    delta: Callable[[int, str, str, str], bytes]
    stop: Callable[[int], bytes]


EVENTS: Final = Events(block_start, block_delta, block_stop)
