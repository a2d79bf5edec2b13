"""Collects what a turn of the event loop writes and sends it at the turn's end, one socket after the other.

A write wakes the process at the other end. Written one by one between computations, each finds it asleep again, and on a
busy gateway a third of all time goes into waking; written together, the first wakes it for all.
"""

import asyncio
from typing import Protocol


class Sink(Protocol):
    """What takes the bytes: a transport."""

    def write(self, data: bytes | memoryview) -> None: ...


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
        """Writes everything now; a sink that is closed by then takes it as a transport does."""
        waiting, self._waiting = self._waiting, []
        for sink, data in waiting:
            sink.write(data)
