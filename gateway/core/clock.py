"""Where time comes from: one seam, so that tests can move it by hand."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings: `now_s` never jumps and measures durations; `wall_s` is Unix time."""

    def now_s(self) -> float: ...

    def wall_s(self) -> float: ...


class SystemClock:
    """The machine's clocks."""

    now_s = staticmethod(time.monotonic)
    wall_s = staticmethod(time.time)


class ManualClock:
    """A clock that a test moves."""

    def __init__(self, now_s: float = 1000.0, wall_s: float = 1_800_000_000.0) -> None:
        self._now_s = now_s
        self._wall_s = wall_s

    def now_s(self) -> float:
        return self._now_s

    def wall_s(self) -> float:
        return self._wall_s

    def advance(self, seconds: float) -> None:
        """Moves both readings forward."""
        self._now_s += seconds
        self._wall_s += seconds
