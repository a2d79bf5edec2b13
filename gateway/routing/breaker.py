"""The circuit breaker of one target: what it has done lately, and whether it is asked. Passive: it only looks at real calls.

                 STREAK failures in a row, or RATE of LEAST calls within WINDOW_S
      closed ---------------------------------------------------------------------> open
        ^                                                                        until |
        |   a probe is answered             a probe fails: open, twice as long         v
        +-------------------- half-open: one call at a time, or in PROBE_S <-----------+

A call is counted when its first content comes, or when it fails before that: answers may last for minutes, and while they
do, a few failures would look like all there is. That an answer breaks off later is a failure of a call counted already.

Times are readings of the clock's `now_s`, passed in.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

STREAK: Final = 5
WINDOW_S: Final = 10.0
LEAST: Final = 10
RATE: Final = 0.5
OPEN_S: Final = 5.0
LONGEST_OPEN_S: Final = 60.0
JITTER: Final = 0.2
"""The share of its time by which an opening may be longer, so that breakers that opened together do not probe together."""
CALM_S: Final = 60.0
"""How long a breaker stays closed before its next opening is a first one again."""
PROBE_S: Final = 10.0
"""How long a probe may take before another one is let through beside it: an answer may last for minutes."""

_SLICE_S: Final = 1.0


class Slice(NamedTuple):
    """A piece of the window: when it ended, and what it counted."""

    end_s: float
    calls: int
    failures: int


class Breaker:
    """The state of one target. `holder` names a call, so that only one that probes decides about a half-open breaker.

    `streak`: failures in a row before any content. `breaks`: answers that broke off since the last whole one.
    """

    __slots__ = (
        "_begun",
        "_calls",
        "_closed_s",
        "_draw",
        "_failures",
        "_late",
        "_past",
        "_slice_ends_s",
        "breaks",
        "openings",
        "probes",
        "streak",
        "until_s",
    )

    def __init__(self, draw: Callable[[], float]) -> None:
        self.until_s: float | None = None
        self.streak = self.breaks = self._begun = 0
        self.openings = 0
        self.probes: dict[str, float] = {}
        self._draw = draw
        self._closed_s = 0.0
        self._late = False
        self._calls = self._failures = 0
        self._slice_ends_s = 0.0
        self._past: deque[Slice] = deque(maxlen=int(WINDOW_S / _SLICE_S))

    @property
    def closed(self) -> bool:
        """Calls go through."""
        return self.until_s is None

    def half_open(self, now_s: float) -> bool:
        """It was open for long enough: one call may show whether the target is back."""
        return self.until_s is not None and now_s >= self.until_s

    def probed(self, now_s: float) -> bool:
        """Somebody is trying the target just now."""
        return any(now_s < began_s + PROBE_S for began_s in self.probes.values())

    def passes(self, now_s: float) -> bool:
        """Whether a call may go to the target now."""
        return self.until_s is None or (now_s >= self.until_s and not self.probed(now_s))

    def enter(self, holder: str, now_s: float) -> None:
        """The call `holder` goes to the target; while half-open it is a probe."""
        if self.half_open(now_s) and not self.probed(now_s):
            self.probes[holder] = now_s

    def leave(self, holder: str) -> None:
        """The call told nothing about the target: its caller left, or was wrong."""
        self.probes.pop(holder, None)

    def began(self, holder: str, now_s: float) -> bool:
        """Content has come. True where that closed the breaker; one that opened because answers broke off waits for an end."""
        if self.until_s is not None:
            return not self._late and self._recovered(holder, now_s)
        if now_s >= self._slice_ends_s:
            self._turn(now_s)
        self._calls += 1
        self._begun += 1
        self.streak = 0
        return False

    def succeeded(self, holder: str, now_s: float) -> bool:
        """An answer that had begun is whole. True where that closed the breaker."""
        if self.until_s is not None:
            return self._recovered(holder, now_s)
        self.breaks = self._begun = 0
        return False

    def failed(self, holder: str, now_s: float, *, late: bool = False) -> bool:
        """The target failed; `late`: after its first content. True where that opened the breaker.

        What calls from before an opening still report says nothing new.
        """
        if self.until_s is not None:
            if holder not in self.probes:
                return False
            self._open(now_s, late)
            return True
        if now_s >= self._slice_ends_s:
            self._turn(now_s)
        self._failures += 1
        if late:
            self.breaks += 1
        else:
            self._calls += 1
            self.streak += 1
        if not self._has_failed(now_s):
            return False
        self._open(now_s, late)
        return True

    def window(self, now_s: float) -> tuple[int, int]:
        """Calls and failures of the last `WINDOW_S`; an answer that broke off in it may have begun before."""
        kept = [one for one in self._past if one.end_s > now_s - WINDOW_S]
        calls, failures = sum(one.calls for one in kept), sum(one.failures for one in kept)
        if self._slice_ends_s > now_s - WINDOW_S:
            return calls + self._calls, failures + self._failures
        return calls, failures

    def _has_failed(self, now_s: float) -> bool:
        """Enough of the calls have failed. Of answers that run side by side, some breaking off is not all of them."""
        if self.streak >= STREAK or self.breaks >= max(STREAK, RATE * self._begun):
            return True
        calls, failures = self.window(now_s)
        return calls >= LEAST and failures >= RATE * calls

    def _turn(self, now_s: float) -> None:
        if self._calls or self._failures:
            self._past.append(Slice(self._slice_ends_s, self._calls, self._failures))
        self._calls = self._failures = 0
        self._slice_ends_s = now_s + _SLICE_S

    def _open(self, now_s: float, late: bool) -> None:  # noqa: FBT001  # private
        again = self.until_s is not None or (self.openings > 0 and now_s < self._closed_s + CALM_S)
        self.openings = self.openings + 1 if again else 1
        open_s = min(LONGEST_OPEN_S, OPEN_S * 2 ** min(self.openings - 1, 10))
        self.until_s = now_s + open_s * (1 + JITTER * self._draw())
        self._late = late
        self.probes.clear()

    def _recovered(self, holder: str, now_s: float) -> bool:
        if self.until_s is None or holder not in self.probes:
            return False
        self.until_s = None
        self.probes.clear()
        self.streak = self.breaks = self._begun = self._calls = self._failures = 0
        self._past.clear()
        self._closed_s = now_s
        return True
