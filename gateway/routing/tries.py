"""Walks the chain of one call: asks whom `Chain` names, one after the other or two at once, and keeps the record."""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from gateway.core.catalog import Target, Timeouts
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, UpstreamRefused
from gateway.core.exchange import Exchange
from gateway.core.record import Attempt, Usage
from gateway.core.transcript import Transcript
from gateway.core.upstream import Ask, Reply
from gateway.routing.blame import CONTENT_FILTER
from gateway.routing.chain import Chain, Step
from gateway.routing.deadline import Deadline, within
from gateway.routing.health import Health
from gateway.routing.peeked import FILTERED, Peeked, peek
from gateway.telemetry.tasks import Tasks

log = logging.getLogger("fleetgate.routing")

Estimate = Callable[[Transcript], Usage]
"""What an answer that nobody gets has cost, from what came of it."""


class Means(NamedTuple):
    """What the process gives to every call."""

    health: Health
    clock: Clock
    tasks: Tasks


class Tried(NamedTuple):
    """How a try went: a reply, an error, or both where the provider has withheld its answer."""

    target: Target
    seconds: float
    reply: Reply | None
    error: GatewayError | None


class Tries:
    """The tries of one call. `last`: who has been asked last; in the end, who has answered."""

    __slots__ = ("_ask", "_chain", "_clock", "_deadline", "_estimate", "_exchange", "_flying", "_health", "_tasks", "last")

    def __init__(
        self, means: Means, exchange: Exchange, chain: Chain, ask: Ask, deadline: Deadline | None, estimate: Estimate
    ) -> None:
        self._health, self._clock, self._tasks = means
        self._exchange = exchange
        self._chain = chain
        self._ask = ask
        self._deadline = deadline
        self._estimate = estimate
        self._flying: dict[Target, float] = {}
        self.last: Target | None = None

    async def run(self, hedge_s: float | None) -> Reply:
        """The first reply that is an answer. Raises what the caller has to hear otherwise."""
        first = self._chain.begin(self._clock.now_s()).target
        return await self._go_on(await (self._alone(first) if hedge_s is None else self._raced(first, hedge_s)))

    async def resume(self, target: Target, error: GatewayError, began_s: float) -> Reply:
        """The same, when somebody has asked this target already, in vain."""
        self._chain.taken(target)
        self._flying[target] = began_s
        return await self._go_on(self._failed(target, error))

    def abandon(self, target: Target, began_s: float) -> None:
        """Somebody has asked this target, and then the call was given up."""
        self._flying[target] = began_s
        self._land(target, "abandoned")

    async def _go_on(self, tried: Tried) -> Reply:
        while tried.error is not None:
            self._chain.note(tried.target, tried.error, tried.seconds)
            step = self._chain.after(self._clock.now_s())
            if step is None and tried.reply is not None:
                break  # withheld, and nobody else may give it
            self._note(tried)
            if step is None or not await self._still(step):
                raise self._chain.verdict()
            self._count(tried.target, step)
            tried = await self._alone(step.target)
        assert tried.reply is not None
        self._exchange.record.attempts.append(Attempt(tried.target.label, tried.seconds))
        self.last = tried.target
        return tried.reply

    async def _still(self, step: Step) -> bool:
        if step.wait_s:
            await asyncio.sleep(step.wait_s)
            return self._chain.still(step, self._clock.now_s())
        return True

    # ---------------------------------------------------------------- one try

    async def _alone(self, target: Target) -> Tried:
        try:
            return await self._try(target)
        except BaseException:
            self._land(target, "abandoned")
            raise

    async def _try(self, target: Target) -> Tried:
        exchange, asked = self._exchange, self._ask.request.model
        self._flying[target] = now_s = self._clock.now_s()
        self.last = target
        standing = self._health.of(target, asked)
        standing.breaker.enter(exchange.id, now_s)
        timeouts = within(self._own(target), self._deadline, now_s) if self._deadline is not None else None
        try:
            reply = await exchange.snapshot.upstreams[target.provider].call(
                self._ask._replace(target=target, timeouts=timeouts)
            )
            if CONTENT_FILTER in self._chain.failover:
                reply = await peek(reply)
        except GatewayError as error:
            return self._failed(target, error)
        now_s = self._clock.now_s()
        self._health.began(standing, exchange.id, now_s)
        withheld = _withheld() if isinstance(reply, Peeked) and reply.filtered else None
        return Tried(target, now_s - self._flying.pop(target), reply, withheld)

    def _failed(self, target: Target, error: GatewayError) -> Tried:
        now_s = self._clock.now_s()
        self.last = target
        error.__traceback__ = None  # its frames hold the exchange, and the chain holds the error: a circle
        self._health.failed(target, self._ask.request.model, self._exchange.id, error, self._own(target), now_s)
        return Tried(target, now_s - self._flying.pop(target), None, error)

    def _own(self, target: Target) -> Timeouts:
        return self._exchange.snapshot.providers[target.provider].timeouts

    # ---------------------------------------------------------------- two at once

    async def _raced(self, first: Target, after_s: float) -> Tried:
        """One try, and another beside it if it has not begun to be answered by then."""
        running = {self._tasks.spawn(self._try(first), "try"): first}
        try:
            await asyncio.wait(running, timeout=after_s)
            if not all(task.done() for task in running):
                other = self._chain.beside(self._clock.now_s())
                if other is not None:
                    running[self._tasks.spawn(self._try(other), "hedge")] = other
            return await self._decided(running, hedged=len(running) > 1)
        except BaseException:
            for task in running:
                _let_go(task)
            for target in list(self._flying):
                self._land(target, "abandoned")
            raise

    async def _decided(self, running: "dict[asyncio.Task[Tried], Target]", *, hedged: bool) -> Tried:
        """The first answer, or the failure that ends it; who is still on the way then is let go."""
        hedge = [*running.values()][-1]
        while True:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task.done()]:
                tried = task.result()
                del running[task]
                if running and tried.error is not None and not self._chain.ends(tried.error):
                    self._chain.note(tried.target, tried.error, tried.seconds)
                    self._note(tried)
                    continue
                if hedged:
                    result = "failed" if tried.error is not None else "won" if tried.target is hedge else "lost"
                    self._health.metrics.counter("fleetgate_hedges_total").at(hedge.label, result).add()
                for loser, target in running.items():
                    self._lose(loser, target)
                running.clear()
                return tried

    def _lose(self, task: "asyncio.Task[Tried]", target: Target) -> None:
        """Lets the slower one go, and puts what it has cost on the record."""
        if target in self._flying:
            self._land(target, "hedged", self._estimate(Transcript()))
        elif task.done() and not task.cancelled() and task.exception() is None:
            tried = task.result()
            self._note(tried if tried.error is not None else tried._replace(error=None))
        _let_go(task)

    # ---------------------------------------------------------------- the record

    def _note(self, tried: Tried) -> None:
        """Records a try whose answer, if there is one, nobody gets."""
        usage = None
        if tried.reply is not None:
            usage = self._estimate(tried.reply.transcript)
            tried.reply.close()
            result = "hedged" if tried.error is None else FILTERED
            self._health.left(self._health.of(tried.target, self._ask.request.model), self._exchange.id, result)
        error = tried.error
        code = "hedged" if error is None else error.code or type(error).__name__
        self._exchange.record.attempts.append(Attempt(tried.target.label, tried.seconds, code, usage))

    def _land(self, target: Target, result: str, usage: Usage | None = None) -> None:
        """Records a try that is on its way and has been given up."""
        began_s = self._flying.pop(target, None)
        if began_s is None:
            return
        self._health.left(self._health.of(target, self._ask.request.model), self._exchange.id, result)
        seconds = self._clock.now_s() - began_s
        self._exchange.record.attempts.append(Attempt(target.label, seconds, result, usage))
        self.last = self.last or target

    def _count(self, failed: Target, step: Step) -> None:
        metrics = self._health.metrics
        if step.repeats:
            metrics.counter("fleetgate_retries_total").at(step.target.label).add()
        else:
            metrics.counter("fleetgate_failovers_total").at(failed.label, step.target.label).add()


def _withheld() -> UpstreamRefused:
    words = "The provider has withheld its answer: its finish reason is 'content_filter'."
    return UpstreamRefused(400, words, error_type="invalid_request_error", error_code=FILTERED)


def _let_go(task: "asyncio.Task[Tried]") -> None:
    """Cancels a try; if it was faster than that, its reply is closed all the same."""
    task.add_done_callback(_close)
    task.cancel()


def _close(task: "asyncio.Task[Tried]") -> None:
    if not task.cancelled() and task.exception() is None and (reply := task.result().reply) is not None:
        reply.close()
