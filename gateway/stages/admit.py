"""Refuses what this process cannot carry: too many calls at once, or a process that is about to stop."""

from typing import Protocol

from gateway.core.errors import Overloaded, ShuttingDown
from gateway.core.exchange import Exchange


class Carried(Protocol):
    """How much is in flight."""

    stopping: bool

    def __len__(self) -> int: ...


class Admit:
    """Stands before Identify: a process at its limit spends nothing on who is asking."""

    def __init__(self, inflight: Carried) -> None:
        self._inflight = inflight

    def run(self, exchange: Exchange) -> None:
        if self._inflight.stopping:
            raise ShuttingDown("This gateway is stopping; send the call again and another one will take it.", retry_after_s=1)
        bound = exchange.snapshot.bounds.in_flight
        if len(self._inflight) > bound:
            raise Overloaded(f"This gateway carries {bound} calls already, its limit (server.in_flight).", retry_after_s=1)
