"""What is known of one target in this process: its breaker, its account's rest, and what an operator has forced."""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from gateway.core.catalog import Target
from gateway.routing.breaker import Breaker
from gateway.telemetry.metrics import Counter, Sum

State = Literal["closed", "cooling", "half_open", "open"]

SEVERITY: Final[tuple[State, ...]] = ("closed", "cooling", "half_open", "open")
"""The states by how bad they are; the index is the value of the gauge."""

PROBING_S: Final = 1.0
"""When to come back to a target that somebody is just probing."""


class Forced(NamedTuple):
    """An operator's word, until a reading of the clock's `now_s` or for good."""

    state: Literal["open", "closed"]
    until_s: float | None


class Gate(NamedTuple):
    """Whether a target is asked now; if not, why, and when it is worth another look (None: nobody knows).

    One that passes although it is cooling has a neighbour of its account that was turned away: others are asked first.
    """

    state: State
    passes: bool
    why: str = ""
    until_s: float | None = None


class Account:
    """A provider as its rate limits see it: where one of its targets has to rest, the others are not asked first, either.

    They are asked last, and not refused: most providers limit each model by itself, and do not say which limit was met.
    """

    __slots__ = ("provider", "rests_until_s", "standings")

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.rests_until_s = 0.0
        self.standings: list[Standing] = []

    def rest(self, until_s: float) -> None:
        """The provider has said of one of its targets that it is asked too often."""
        self.rests_until_s = max(self.rests_until_s, until_s)
        for standing in self.standings:
            standing.unsettle()


class Standing:
    """One target. `clear`: nothing speaks against asking it, without looking any closer.

    A target that passes names on (`*`) has one of these for itself, and one below it for every name that has failed lately:
    a model that is broken does not speak for the others of its provider. `why`: what opened the breaker last.
    """

    __slots__ = (
        "account",
        "attempts",
        "breaker",
        "clear",
        "forced",
        "label",
        "names",
        "ok",
        "parent",
        "rests_until_s",
        "revision",
        "why",
    )

    def __init__(
        self,
        target: Target,
        account: Account,
        draw: Callable[[], float],
        attempts: Counter,
        parent: "Standing | None" = None,
    ) -> None:
        self.label = target.label
        self.account = account
        self.parent = parent
        self.breaker = Breaker(draw)
        self.why = ""
        self.forced: Forced | None = None
        self.rests_until_s = 0.0
        self.revision = 0
        self.names: dict[str, Standing] | None = {} if target.label.endswith("*") and parent is None else None
        self.attempts = attempts
        self.ok: Sum = attempts.at(self.label, "ok")
        self.clear = parent is None and not account.rests_until_s

    def unsettle(self) -> None:
        """Something may speak against it: from now on every call looks closer, until one finds nothing."""
        self.clear = False
        for one in (self.names or {}).values():
            one.clear = False

    def rest(self, until_s: float) -> None:
        """The provider has said that this target is asked too often."""
        self.rests_until_s = max(self.rests_until_s, until_s)
        self.clear = False
        self.account.rest(until_s)

    def force(self, forced: Forced | None) -> None:
        """From now on as an operator says; None: as its calls say."""
        self.forced = forced
        self.revision += 1
        self.unsettle()

    def renew(self, draw: Callable[[], float]) -> None:
        """Its provider is another one under the same name: only the operator's word still holds."""
        self.breaker = Breaker(draw)
        self.rests_until_s = 0.0
        if self.names is not None:
            self.names = {}
        self.unsettle()

    def said(self, now_s: float) -> Forced | None:
        """The operator's word that still holds."""
        forced = self.forced if self.parent is None else self.parent.forced
        if forced is None or (forced.until_s is not None and now_s >= forced.until_s):
            return None
        return forced

    def look(self, now_s: float) -> Gate:
        """The gate, and from now on nobody looks closer where nothing is in the way."""
        gate = self.gate(now_s)
        self.clear = gate.state == "closed" and self.said(now_s) is None
        return gate

    def gate(self, now_s: float) -> Gate:
        """Whether a call may go to the target now. Changes nothing: metrics read it from a thread of their own."""
        breaker, said = self.breaker, self.said(now_s)
        if said is not None and said.state == "open":
            return Gate("open", False, "forced open by an operator", said.until_s)
        if now_s < self.rests_until_s:
            return Gate("cooling", False, f"{self.account.provider!r} limits its rate", self.rests_until_s)
        if breaker.closed or said is not None:
            rests_s = self.account.rests_until_s
            if now_s >= rests_s:
                return Gate("closed", True)
            return Gate("cooling", True, f"{self.account.provider!r} limits the rate of another of its targets", rests_s)
        if not breaker.half_open(now_s):
            return Gate("open", False, f"it kept failing, with {self.why}", breaker.until_s)
        if breaker.passes(now_s):
            return Gate("half_open", True)
        return Gate("half_open", False, f"it kept failing, with {self.why}, and is being tried", now_s + PROBING_S)

    def worst(self, now_s: float) -> Gate:
        """The gate of this target, or that of its name that is worst off."""
        gates = [self.gate(now_s), *(one.gate(now_s) for one in list((self.names or {}).values()))]
        return max(gates, key=lambda gate: SEVERITY.index(gate.state))
