"""Collects what a turn of the event loop writes and sends it at the turn's end, one socket after the other.

A write wakes the process at the other end. Written one by one between computations, each finds it asleep again, and on a
busy gateway a third of all time goes into waking; written together, the first wakes it for all.
"""

import asyncio
import logging
from typing import Protocol

log = logging.getLogger("fleetgate.outbox")


class Sink(Protocol):
    """What takes the bytes: a transport."""

    def write(self, data: bytes | memoryview) -> None: ...

    def is_closing(self) -> bool: ...


class Outbox:
    """The writes of one loop that wait for the end of its turn. Who closes a transport in order calls `flush` before."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[Sink, bytes | memoryview]] = []

    def put(self, sink: Sink, data: bytes | memoryview) -> None:
        """Writes `data` to `sink` at the end of this turn, behind what was put before."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append((sink, data))

    def flush(self) -> None:
        """Writes everything now. What is for a sink that has closed meanwhile is dropped, as it would be on the wire."""
        waiting, self._waiting = self._waiting, []
        for sink, data in waiting:
            if sink.is_closing():
                continue  # uvloop raises at a write to a closed one, and the others of this turn would lose theirs
            try:
                sink.write(data)
            except RuntimeError as error:
                log.error("a connection took no bytes: %s", error)
