"""What an answer, once it has ended, says about the target that gave it."""

from collections.abc import Iterator

from gateway.core.catalog import Target
from gateway.core.clock import Clock
from gateway.core.exchange import Ending, Exchange
from gateway.routing.health import Health


class Report:
    """Right before Call, which itself reports the tries that came to nothing: an answer may still break off."""

    def __init__(self, health: Health, clock: Clock) -> None:
        self._health = health
        self._now_s = clock.now_s

    def run(self, exchange: Exchange) -> Iterator[None]:
        yield
        if exchange.reply is None:
            return
        facts, outcome = exchange.facts, exchange.outcome
        target: Target = facts["target"]
        standing = self._health.of(target, facts["request"].model)
        assert outcome is not None  # a settlement runs when the outcome is known
        if outcome.ending is Ending.COMPLETE:
            self._health.succeeded(standing, exchange.id, self._now_s())
        elif outcome.ending in (Ending.TRUNCATED, Ending.FAILED) and outcome.error is not None:
            own, now_s = exchange.snapshot.providers[target.provider].timeouts, self._now_s()
            self._health.failed(target, facts["request"].model, exchange.id, outcome.error, own, now_s, late=True)
        else:
            self._health.left(standing, exchange.id)
