"""One timer for all connections of a server, in place of one or two per request."""

import asyncio
from math import inf
from typing import Protocol

NEVER = inf


class Timed(Protocol):
    """Something with two deadlines in the loop's time: for what it must receive, and for what it must get rid of."""

    read_by: float
    write_by: float

    def expire(self, now: float) -> None:
        """One of the deadlines has passed."""
        ...


class Sweeper:
    """Looks at every connection's deadlines a few times a second, while there are connections.

    `now` is the time of the last look, cheap to read and up to one period old; a deadline therefore passes up to two
    periods late, never early.
    """

    __slots__ = ("_period_s", "_timed", "_timer", "now")

    def __init__(self, shortest_s: float) -> None:
        self._period_s = min(1.0, max(0.01, shortest_s / 8))
        self._timed: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.now = 0.0

    def enter(self, one: Timed, loop: asyncio.AbstractEventLoop) -> None:
        """Starts to watch `one`; call it before setting a deadline from `now`."""
        self._timed.add(one)
        if self._timer is None:
            self.now = loop.time()
            self._timer = loop.call_later(self._period_s, self._sweep, loop)

    def leave(self, one: Timed) -> None:
        """Forgets `one`; without any left the timer rests."""
        self._timed.discard(one)
        if not self._timed and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = now = loop.time()
        due = now - self._period_s
        self._timer = loop.call_later(self._period_s, self._sweep, loop)
        for one in [one for one in self._timed if one.read_by < due or one.write_by < due]:
            one.expire(now)
