"""Walks the chain of one call: asks whom `Chain` names, one after the other or two at once, and keeps the record."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from gateway.core.catalog import Target, Timeouts
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, UpstreamRefused, UpstreamTimeout
from gateway.core.exchange import Exchange
from gateway.core.record import Attempt, Usage
from gateway.core.transcript import Transcript
from gateway.core.upstream import Ask, Reply
from gateway.routing.blame import CONTENT_FILTER, may_cost
from gateway.routing.chain import Chain, Step
from gateway.routing.deadline import Deadline, within
from gateway.routing.health import Health
from gateway.routing.peeked import FILTERED, Peeked, peek
from gateway.routing.standing import Standing
from gateway.telemetry.tasks import Tasks

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
                self.last, error, _ = self._chain.verdict()
                raise error
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

    def _try(self, target: Target) -> Coroutine[Any, Any, Tried]:
        """One try. Not async: a target that is probed is so from now on, not from when a task for it has its first turn."""
        self._flying[target] = now_s = self._clock.now_s()
        self.last = target
        standing = self._health.of(target, self._ask.request.model)
        standing.breaker.enter(self._exchange.id, now_s)
        return self._tried(target, standing, now_s)

    async def _tried(self, target: Target, standing: Standing, began_s: float) -> Tried:
        try:
            reply = await self._reply(target, began_s)
        except GatewayError as error:
            return self._failed(target, error)
        now_s = self._clock.now_s()
        self._flying.pop(target, None)
        self._health.began(standing, self._exchange.id, now_s)
        withheld = _withheld() if isinstance(reply, Peeked) and reply.filtered else None
        return Tried(target, now_s - began_s, reply, withheld)

    async def _reply(self, target: Target, began_s: float) -> Reply:
        """Before the deadline, though each phase has what was left of it when the try began."""
        if self._deadline is None:
            return await self._called(target, None)
        begins_s, _, limit_s = self._deadline
        try:
            async with asyncio.timeout(begins_s - began_s) as patience:
                return await self._called(target, within(self._own(target), self._deadline, began_s))
        except TimeoutError:
            if not patience.expired():
                raise
        raise UpstreamTimeout("deadline", limit_s)  # not from the other, whose frames hold this call

    async def _called(self, target: Target, timeouts: Timeouts | None) -> Reply:
        upstream = self._exchange.snapshot.upstreams[target.provider]
        reply = await upstream.call(self._ask._replace(target=target, timeouts=timeouts))
        return await peek(reply) if CONTENT_FILTER in self._chain.failover else reply

    def _failed(self, target: Target, error: GatewayError) -> Tried:
        now_s = self._clock.now_s()
        self.last = target
        error.__traceback__ = None  # its frames hold the exchange, and the chain holds the error: a circle
        self._health.failed(target, self._ask.request.model, self._exchange.id, error, self._own(target), now_s)
        return Tried(target, now_s - self._flying.pop(target, now_s), None, error)

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
            for task, target in running.items():
                self._drop(task, target, "abandoned")
            raise

    async def _decided(self, running: "dict[asyncio.Task[Tried], Target]", *, hedged: bool) -> Tried:
        """The first answer, or the failure that ends it; who is still on the way then is let go."""
        hedge = [*running.values()][-1]
        while True:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task.done()]:
                tried = task.result()
                del running[task]
                if running and tried.error is not None and not self._chain.ends(tried.target, tried.error):
                    self._chain.note(tried.target, tried.error, tried.seconds)
                    self._note(tried)
                    continue
                if hedged:
                    result = "failed" if tried.error is not None else "won" if tried.target is hedge else "lost"
                    self._health.metrics.counter("fleetgate_hedges_total").at(hedge.label, result).add()
                for loser, target in running.items():
                    self._drop(loser, target, "hedged")
                running.clear()
                return tried

    def _drop(self, task: "asyncio.Task[Tried]", target: Target, why: str) -> None:
        """Lets one go that is not wanted any more; it may just have come."""
        if task.done() and not task.cancelled() and task.exception() is None:
            self._note(task.result(), why)
        else:
            self._land(target, why)
        _let_go(task)

    # ---------------------------------------------------------------- the record

    def _note(self, tried: Tried, why: str = FILTERED) -> None:
        """Records a try that has failed, or whose answer nobody gets, which is `why`; and what it may have cost."""
        target, seconds, reply, error = tried
        usage = None
        if reply is not None:
            usage = self._estimate(reply.transcript)
            reply.close()
            self._health.left(self._health.of(target, self._ask.request.model), self._exchange.id, why)
        elif error is not None and may_cost(error):
            usage = self._estimate(Transcript())
        code = why if error is None else error.code or type(error).__name__
        self._exchange.record.attempts.append(Attempt(target.label, seconds, code, usage))

    def _land(self, target: Target, why: str) -> None:
        """Records a try that is on its way and has been given up; providers bill what they were asked."""
        began_s = self._flying.pop(target, None)
        if began_s is None:
            return
        self._health.left(self._health.of(target, self._ask.request.model), self._exchange.id, why)
        seconds = self._clock.now_s() - began_s
        self._exchange.record.attempts.append(Attempt(target.label, seconds, why, self._estimate(Transcript())))
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
