"""How many retries there may be: a share of all calls, so that a gateway in trouble does not multiply it."""

from typing import Final

SHARE: Final = 0.1
"""Retries for each call, in the long run."""
INITIAL: Final = 10.0
MOST: Final = 100.0
"""Retries that can be saved up."""


class RetryBudget:
    """A bucket of tokens for one process. Whoever takes a call adds one to `calls`; the rest is reckoned when needed."""

    __slots__ = ("_left", "_seen", "calls")

    def __init__(self) -> None:
        self.calls = 0
        self._seen = 0
        self._left = INITIAL

    def take(self) -> bool:
        """Whether one more retry may be made; if so, it is taken."""
        self._left = min(MOST, self._left + SHARE * (self.calls - self._seen))
        self._seen = self.calls
        if self._left < 1:
            return False
        self._left -= 1
        return True
