"""The decisions along one call's chain: who is asked first, and what follows a failure. Time, chance and health come in.

begin   the first target that may be asked; `TargetsCooling` or `NoTargetLeft` without a call where there is none
after   the next target, the same one again after a while, or None: then `verdict` is what the caller hears
beside  who may be asked beside one that is slow to begin
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from gateway.core.catalog import Model, Target
from gateway.core.errors import GatewayError, NoTargetLeft, Refusal, TargetsCooling, UpstreamTimeout
from gateway.routing.blame import ANY, LONGEST_S, NEXT, cool_s, is_absent, nothing_began, onwards, repeatable
from gateway.routing.deadline import LEAST_S, Deadline
from gateway.routing.health import Health
from gateway.routing.ranking import ranked
from gateway.routing.standing import Gate

BACKOFF_S: Final = 0.25
LONGEST_BACKOFF_S: Final = 4.0
PATIENCE_S: Final = 10.0
"""The longest wait for the same target; a caller is better off waiting for longer itself."""
COSTLY_S: Final = 10.0
"""A try that took so long is not made again."""
NAMED: Final = 10
"""Targets that a message names."""


class Step(NamedTuple):
    """Who is asked next, after which wait; `repeats`: has been asked before in this call."""

    target: Target
    wait_s: float = 0.0
    repeats: bool = False


class Asked(NamedTuple):
    """What the decisions need of the request.

    `once`: nothing may be started twice. `provider`: the only one that can answer, for it made what the request refers to.
    """

    model: str
    deadline: Deadline | None = None
    once: bool = False
    provider: str | None = None


class Failed(NamedTuple):
    """A try that came to nothing."""

    target: Target
    error: GatewayError
    seconds: float


class Chain:
    """The state of one call's way through its targets. `find` gives a model by its name."""

    __slots__ = ("_asked", "_attempts", "_failed", "_find", "_health", "_left", "_model", "_retries", "_tried", "_visited")

    def __init__(self, model: Model, asked: Asked, health: Health, find: Callable[[str], Model | None]) -> None:
        self._asked = asked
        self._attempts = model.attempts
        self._model = model
        self._health = health
        self._find = find
        self._left = ranked(self._fitting(model.targets), health.draw)
        self._tried: list[Target] = []
        self._failed: list[Failed] = []
        self._retries = 0
        self._visited = {model.name, asked.model}

    @property
    def failover(self) -> Mapping[str, str]:
        """What follows errors that are the caller's own, at the model whose chain is walked now."""
        return self._model.failover

    def begin(self, now_s: float) -> Step:
        """Who is asked first. Raises `TargetsCooling`, `NoTargetLeft`, or `UpstreamTimeout` past the caller's deadline."""
        deadline = self._asked.deadline
        if deadline is not None and now_s >= deadline.begins_s:
            raise UpstreamTimeout("deadline", deadline.limit_s)
        target = self._take(now_s)
        if target is None:
            raise self._none(now_s)
        return Step(target)

    def taken(self, target: Target) -> None:
        """This one has been asked already."""
        self._left = [one for one in self._left if one is not target]
        self._tried.append(target)

    def beside(self, now_s: float) -> Target | None:
        """A healthy target that has not been asked yet, where one more try is allowed."""
        if self._asked.once or self._sent() + 1 >= self._attempts or not self._in_time(now_s):
            return None
        return self._take(now_s, healthy=True)

    def note(self, target: Target, error: GatewayError, seconds: float) -> None:
        """A try has failed."""
        self._failed.append(Failed(target, error, seconds))

    def ends(self, target: Target, error: GatewayError) -> bool:
        """Whether the caller has to hear of this error, whoever else could be asked."""
        return onwards(error, target, self._model.failover) is None

    def after(self, now_s: float) -> Step | None:
        """What follows the last failure."""
        target, error, _ = self._failed[-1]
        way = onwards(error, target, self._model.failover)
        if way is None or (way != NEXT and not self._turn_to(way)):
            return None
        if self._sent() >= self._attempts or (self._asked.once and not nothing_began(error)):
            return None
        if not self._in_time(now_s):
            return None
        other = self._take(now_s)
        return Step(other) if other is not None else self._repeat(now_s)

    def still(self, step: Step, now_s: float) -> bool:
        """Whether it still holds when its wait is over: others may have opened the breaker meanwhile."""
        return self._health.of(step.target, self._asked.model).look(now_s).passes

    def verdict(self) -> Failed:
        """The error for the caller: its own, if it is that, else the last one of a provider that it is worth telling of.

        A caller that tries again after several tries of ours would multiply them; it is told not to, unless it knows when.
        """
        told = self._failed[-1]
        if not self.ends(told.target, told.error):
            told = next((one for one in reversed(self._failed) if _tells(one)), told)
            if self._sent() > 1 and (told.error.retry_after_s is None or told.error.status not in (429, 503)):
                told.error.give_up()
        if told.error.retry_after_s is not None:
            told.error.retry_after_s = min(told.error.retry_after_s, LONGEST_S)
        return told

    # ---------------------------------------------------------------- the parts

    def _fitting(self, targets: Sequence[Target]) -> list[Target]:
        only = self._asked.provider
        return [one for one in targets if only is None or one.provider == only]

    def _take(self, now_s: float, *, healthy: bool = False) -> Target | None:
        """The next that may be asked: one that passes without being well only where there is no other.

        The first target of a call may be one to be probed; a call that probed one after the other would run out of tries.
        """
        chosen: int | None = None
        for place, target in enumerate(self._left):
            gate = self._health.of(target, self._asked.model).look(now_s)
            if gate.state == "closed" or (gate.state == "half_open" and gate.passes and not self._tried):
                chosen = place
                break
            if gate.passes and chosen is None and not healthy:
                chosen = place
        if chosen is None:
            return None
        self._tried.append(self._left[chosen])
        return self._left.pop(chosen)

    def _sent(self) -> int:
        """Tries that reached for a provider: what a target cannot do at all costs nothing."""
        return sum(not isinstance(one.error, Refusal) for one in self._failed)

    def _in_time(self, start_s: float) -> bool:
        deadline = self._asked.deadline
        return deadline is None or deadline.begins_s - start_s >= LEAST_S

    def _turn_to(self, name: str) -> bool:
        """Goes on with the chain of another model; False for one that has had its turn, or is gone."""
        model = self._find(name)
        if model is None or name in self._visited:
            return False
        self._visited.add(name)
        self._model = model
        named = [replace(one, model=one.named(name), prefix="") if one.model == ANY else one for one in model.targets]
        tried = {self._place(one) for one in self._tried}
        self._left = ranked([one for one in self._fitting(named) if self._place(one) not in tried], self._health.draw)
        return True

    def _place(self, target: Target) -> tuple[str, str]:
        """Whom a call to the target reaches, whatever its weight in which chain."""
        return target.provider, target.named(self._asked.model)

    def _repeat(self, now_s: float) -> Step | None:
        """One of those that have failed, again: the one that is ready soonest, if the budget allows it."""
        if self._asked.once:
            return None
        last = {one.target: one for one in self._failed}
        steps = [Step(one.target, self._wait_s(one.error), True) for one in last.values() if _again(one)]
        ready = [one for one in steps if one.wait_s <= PATIENCE_S and self._holds_at(one, now_s + one.wait_s)]
        if not ready or not self._health.budget.take():
            return None
        self._retries += 1
        return min(ready, key=lambda step: step.wait_s)

    def _holds_at(self, step: Step, then_s: float) -> bool:
        return self._in_time(then_s) and self._health.of(step.target, self._asked.model).gate(then_s).passes

    def _wait_s(self, error: GatewayError) -> float:
        """Exponential with full jitter, behind whatever the provider has asked for."""
        backoff_s = self._health.draw() * min(LONGEST_BACKOFF_S, BACKOFF_S * 2.0**self._retries)
        return backoff_s + (cool_s(error) if error.status == 429 else error.retry_after_s or 0.0)

    def _none(self, now_s: float) -> GatewayError:
        gates = [(one, self._health.of(one, self._asked.model).gate(now_s)) for one in self._left]
        soonest_s = min((gate.until_s for _, gate in gates if gate.until_s is not None), default=now_s + LONGEST_S)
        retry_after_s = min(max(soonest_s - now_s, 0.0), LONGEST_S)
        told = _listed(gates, now_s)
        if gates and all(gate.state == "cooling" for _, gate in gates):
            return TargetsCooling(
                f"Every target of {self._model.name!r} is at its rate limit: {told}.", retry_after_s=retry_after_s
            )
        return NoTargetLeft(f"No target of {self._model.name!r} can be asked now: {told}.", retry_after_s=retry_after_s)


def _tells(failed: Failed) -> bool:
    """It is news of a provider, rather than of how this gateway is configured."""
    return not isinstance(failed.error, Refusal) and not is_absent(failed.error, failed.target)


def _again(failed: Failed) -> bool:
    return repeatable(failed.error) and failed.seconds <= COSTLY_S


def _listed(gates: Sequence[tuple[Target, Gate]], now_s: float) -> str:
    told = [f"{target.label} ({gate.state}: {gate.why}{_until(gate, now_s)})" for target, gate in gates[:NAMED]]
    return ", ".join(told) + (f" and {len(gates) - NAMED} more" if len(gates) > NAMED else "")


def _until(gate: Gate, now_s: float) -> str:
    return "" if gate.until_s is None else f", for {max(0.0, gate.until_s - now_s):.0f} s more"
