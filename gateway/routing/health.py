"""The health of every target of one process; it survives a new configuration, and learns from real calls only."""

import logging
import random
from collections.abc import Callable, Collection
from typing import Final

from gateway.core.catalog import Target, Timeouts
from gateway.core.errors import GatewayError, UpstreamCredentials
from gateway.routing.blame import Blame, blame, cool_s, reason_of, result_of, unreached
from gateway.routing.breaker import Breaker
from gateway.routing.budget import RetryBudget
from gateway.routing.standing import SEVERITY, Account, Standing
from gateway.telemetry.metrics import Labels, Metrics

log = logging.getLogger("fleetgate.routing")

NAMES: Final = 64
"""Names of one `*` target whose failures are kept apart; past it one is forgotten that is well, or the oldest."""
NAME_LIMIT: Final = 256
"""Characters by which names are told apart: callers make them up."""


class Health:
    """Standings by label and accounts by provider. `draw` gives numbers from [0, 1)."""

    def __init__(self, metrics: Metrics, draw: Callable[[], float] = random.random) -> None:
        self.metrics = metrics
        self.draw = draw
        self.budget = RetryBudget()
        self._attempts = metrics.counter("fleetgate_attempts_total")
        self._standings: dict[str, Standing] = {}
        self._accounts: dict[str, Account] = {}
        self._known: Collection[str] | None = None

    # ------------------------------------------------------------ looking

    def of(self, target: Target, asked: str) -> Standing:
        """The standing of the target for the model that is asked for."""
        standing = self._standings.get(target.label)
        if standing is None:
            standing = self.at(target)
        if standing.names and standing.breaker.closed:
            return standing.names.get(target.named(asked)[:NAME_LIMIT], standing)
        return standing

    def at(self, target: Target) -> Standing:
        """The standing of the target as configured. Of one that no configuration has any more nothing is kept."""
        standing = self._standings.get(target.label)
        if standing is None:
            account = self._accounts.get(target.provider) or Account(target.provider)
            standing = Standing(target, account, self.draw, self._attempts)
            if self._known is None or target.label in self._known:
                self._accounts[target.provider] = account
                self._standings[target.label] = standing
                account.standings.append(standing)
        return standing

    def states(self, now_s: float) -> dict[Labels, float]:
        """For the gauge: 0 closed, 1 cooling, 2 half-open, 3 open."""
        standings = list(self._standings.items())  # in one piece: a scrape runs in a thread
        return {(label,): SEVERITY.index(standing.worst(now_s).state) for label, standing in standings}

    def keep(self, kept: Collection[str], renewed: Collection[str] = ()) -> None:
        """Forgets every target but those of these labels, which a new configuration has.

        `renewed`: providers that it describes in other words than the one before. How they did then says nothing now.
        """
        self._known = kept
        self._standings = {label: one for label, one in self._standings.items() if label in kept}
        for account in self._accounts.values():
            account.standings = [one for one in account.standings if one.label in kept]
            if account.provider in renewed:
                account.rests_until_s = 0.0
                for standing in account.standings:
                    standing.renew(self.draw)
        self._accounts = {name: one for name, one in self._accounts.items() if one.standings}

    # ------------------------------------------------------------ learning

    def began(self, standing: Standing, call: str, now_s: float) -> None:
        """The first content of an answer has come; from behind a `*`, from whatever else is there as well."""
        if standing.breaker.began(call, now_s):
            self._closed(standing)
        if standing.parent is not None:
            standing.parent.breaker.began(call, now_s)

    def succeeded(self, standing: Standing, call: str, now_s: float) -> None:
        """An answer was whole."""
        standing.ok.value += 1
        if standing.breaker.succeeded(call, now_s):
            self._closed(standing)

    def left(self, standing: Standing, call: str, result: str = "abandoned") -> None:
        """A call was given up, for reasons that are not the target's."""
        standing.attempts.at(standing.label, result).add()
        standing.breaker.leave(call)

    def failed(
        self, target: Target, asked: str, call: str, error: GatewayError, own: Timeouts, now_s: float, *, late: bool = False
    ) -> None:
        """A try at the target has failed; `own`: the provider's patience; `late`: after the first content."""
        standing = self.of(target, asked)
        standing.attempts.at(standing.label, result_of(error)).add()
        if isinstance(error, UpstreamCredentials):
            self.key_refused(target.provider)
        match blame(error, own, late=late):
            case Blame.TARGET:
                culprit = self.at(target) if unreached(error) else self._named(target, asked)
                if culprit.parent is standing and not late:
                    self.began(standing, call, now_s)  # it can be reached: only this name is not well
                if culprit.breaker.failed(call, now_s, late=late):
                    self._opened(culprit, target.named(asked), error, now_s)
            case Blame.ACCOUNT:
                if (rest_s := cool_s(error)) > 0:
                    self._named(target, asked).rest(now_s + rest_s)
        standing.breaker.leave(call)

    def _named(self, target: Target, asked: str) -> Standing:
        """The standing that a failure counts against: behind a `*`, that of the name."""
        whole = self.at(target)
        names = whole.names
        if names is None:
            return whole
        name = target.named(asked)[:NAME_LIMIT]
        found = names.get(name)
        if found is None:
            if len(names) >= NAMES:
                del names[next((one for one, known in names.items() if known.breaker.closed), next(iter(names)))]
            found = names[name] = Standing(target, whole.account, self.draw, self._attempts, whole)
        return found

    # ------------------------------------------------------------ telling

    def _opened(self, standing: Standing, model: str, error: GatewayError, now_s: float) -> None:
        standing.why = reason_of(error)
        standing.unsettle()
        breaker: Breaker = standing.breaker
        seconds = round((breaker.until_s or now_s) - now_s, 1)
        fields = {"target": standing.label, "why": standing.why, "seconds": seconds}
        if standing.parent is not None:
            fields["model"] = model[:NAME_LIMIT]
        log.warning("breaker_opened", extra={"fields": fields})

    def _closed(self, standing: Standing) -> None:
        log.info("breaker_closed", extra={"fields": {"target": standing.label}})

    def key_refused(self, provider: str) -> None:
        """An alert: somebody has to renew the gateway's key."""
        self.metrics.counter("fleetgate_upstream_credentials_refused_total").at(provider).add()
        log.error("upstream_credentials_refused", extra={"fields": {"provider": provider}})
