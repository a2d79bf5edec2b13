"""A gateway without sockets whose model has a chain of scripted targets, and a witness of every exchange."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType

from gateway.core.catalog import Catalog, Model, ProviderSpec, Target
from gateway.core.errors import UpstreamRefused
from gateway.core.exchange import Exchange
from gateway.core.record import Attempt
from gateway.core.upstream import Ask
from gateway.pipeline import Stage
from gateway.routing.breaker import STREAK
from gateway.routing.standing import Standing
from tests.house import PAUSE, Client, Gateway, ScriptedReply, ScriptedUpstream, Step, chat

Behaviour = Sequence[Step] | Exception | str
"""What a target does: steps of an answer, an error instead of one, or `PAUSE` before one."""


class Provider(ScriptedUpstream):
    """Plays one behaviour a call, the last one for ever; keeps what it was asked, and who was cut off.

    `PAUSE` ends with `release`: with an answer, or with the error `late`.
    """

    def __init__(self, name: str, *behaviours: Behaviour) -> None:
        super().__init__()
        self.name = name
        self.behaviours = [_kept(one) for one in behaviours]
        self.asks: list[Ask] = []
        self.cancelled = 0
        self.release = asyncio.Event()
        self.late: Exception | None = None

    async def call(self, ask: Ask) -> ScriptedReply:
        self.asks.append(ask)
        behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        if callable(behaviour):
            raise behaviour()
        if isinstance(behaviour, str):
            self.waiting.set()
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            if self.late is not None:
                raise self.late
            behaviour = (f"late {self.name}".encode(),)
        reply = ScriptedReply(behaviour, streaming=ask.request.stream)
        self.replies.append(reply)
        return reply


def _kept(behaviour: Behaviour) -> Sequence[Step] | Callable[[], Exception] | str:
    """An error as something that gives it anew each time: what one call says of it must not reach the next."""
    if not isinstance(behaviour, Exception):
        return behaviour
    said = dict(vars(behaviour))

    def again() -> Exception:
        error = type(behaviour).__new__(type(behaviour), *behaviour.args)
        vars(error).update(said)
        return error

    return again


def refused(status: int, code: str | None = None, retry_after_s: float | None = None) -> UpstreamRefused:
    """An error that a provider tells with a status."""
    return UpstreamRefused(status, "no", error_type="t", error_code=code, retry_after_s=retry_after_s)


class Witness:
    """A stage that keeps the exchanges."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def run(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


class Chained:
    """The model `m` with one target a provider, in their order of priority; `others` are further models."""

    def __init__(
        self,
        *providers: Provider,
        attempts: int = 3,
        hedge_s: float | None = None,
        failover: dict[str, str] | None = None,
        others: Sequence[Model] = (),
    ) -> None:
        self.providers = providers
        self.witness = Witness()

        def watched(stages: list[Stage]) -> list[Stage]:
            return [*stages[:-1], self.witness, stages[-1]]

        self.gateway = Gateway(stages=watched)
        targets = tuple(Target(one.name, "m", f"{one.name}/m", 1, place) for place, one in enumerate(providers, 1))
        model = Model("m", targets, attempts, MappingProxyType(failover or {}), hedge_s)
        self.gateway.snapshot = replace(
            self.gateway.snapshot,
            catalog=Catalog.of([model, *others]),
            providers={one.name: ProviderSpec(one.name, "openai") for one in providers},
            upstreams={one.name: one for one in providers},
        )

    async def ask(self, client: Client | None = None, **body: object) -> Client:
        return await self.gateway.ask(client or Client(chat(**body)))  # type: ignore[arg-type]

    @property
    def attempts(self) -> list[Attempt]:
        return self.witness.exchanges[-1].record.attempts

    def tried(self) -> list[tuple[str, str | None]]:
        """Targets and errors of the last exchange's attempts."""
        return [(one.target, one.error) for one in self.attempts]

    def target(self, name: str) -> Target:
        """The target of the provider `name`."""
        return next(one for one in self.gateway.snapshot.catalog.models["m"].targets if one.provider == name)

    def open(self, name: str, *, late: bool = False) -> Standing:
        """Opens the breaker of a target, so long ago that it is time to try; its standing."""
        standing = self.gateway.health.at(self.target(name))
        for _ in range(STREAK):
            standing.breaker.failed("before", 0.0, late=late)
        standing.unsettle()
        return standing

    async def check_settled(self) -> None:
        """Nothing runs, nothing is open, as soon as those that were cancelled have had their turn."""
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(self.gateway.inflight) == 0
        assert len(self.gateway.tasks) == 0
        assert all(reply.closed for one in self.providers for reply in one.replies)


__all__ = ["PAUSE", "Chained", "Provider", "refused"]
