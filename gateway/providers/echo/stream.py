"""Turns an answer and a script into steps: blocks to send, waits, and the places where the script lets things go wrong.

A decision without doing: who reads the answer waits and breaks off.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.providers.echo import fault
from gateway.providers.echo.script import NEVER_S, Script


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing comes for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends here, short of the promise."""


Step = bytes | Pause | Cut
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Events:
    """A stream: what opens it, the chunks that the script counts and paces, and what closes it ([DONE] apart)."""

    opening: Iterable[bytes]
    chunks: Iterable[bytes]
    closing: Iterable[bytes]


def event(data: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + orjson.dumps(data) + b"\n\n"


def plain(body: bytes, script: Script) -> Iterator[Step]:
    """A body in one block; a script that breaks off leaves its first half."""
    if script.cut_after is None and script.hang_after is None:
        yield body
        return
    yield body[: len(body) // 2]
    yield Cut() if script.cut_after is not None else Pause(NEVER_S)


def streamed(events: Events, script: Script) -> Iterator[Step]:
    """The events with their pace and their faults. A fault that lies behind the last chunk comes right after it."""
    yield from events.opening
    last = min(
        (after for after in (script.cut_after, script.error_after, script.hang_after) if after is not None), default=None
    )
    for number, chunk in enumerate(events.chunks):
        if number == last:
            break
        if number and script.delay_s:
            yield Pause(script.delay_s)
        yield chunk
    if last is not None:
        yield from _broken(script, last)
        return
    yield from events.closing
    if script.done:
        yield DONE


def _broken(script: Script, after: int) -> Iterator[Step]:
    if script.cut_after == after:
        yield Cut()
    elif script.error_after == after:
        yield b"data: " + fault.event().body() + b"\n\n"
    else:
        yield Pause(NEVER_S)
