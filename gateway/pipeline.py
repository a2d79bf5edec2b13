"""The way of every request: the stages inwards, the answer, the stages outwards; settled exactly once.

    enter   the stages in order, until one sets `exchange.reply` or refuses by raising a `GatewayError`
    carry   the chunks of the reply, past the taps
    settle  the reply is closed, then what stands behind each entered stage's `yield`, in reverse order

A stage is one method `run` in one of four shapes; the shape says what it costs:

    def              a decision                      async def              a step that waits
    def + yield      with a settlement               async def + yield      with a settlement that waits
"""

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Protocol

from gateway.core.errors import GatewayError, Internal, Refusal, ShuttingDown
from gateway.core.exchange import Ending, Exchange
from gateway.core.transcript import Chunk
from gateway.telemetry.tasks import Tasks

log = logging.getLogger("fleetgate.pipeline")

SETTLEMENT_S = 30.0
"""How long one stage may settle before the next one gets its turn."""


class Stage(Protocol):
    """One step of the way; see the module's docstring for the shapes of `run`."""

    @property
    def run(self) -> Callable[[Exchange], Any]: ...


class Shape(Enum):
    """How a stage's `run` is written; decides how it is driven."""

    PLAIN = "def"
    WAITS = "async def"
    SETTLES = "def + yield"
    SETTLES_WAITING = "async def + yield"


def shape_of(stage: Stage) -> Shape:
    """The shape of `stage.run`."""
    if inspect.isasyncgenfunction(stage.run):
        return Shape.SETTLES_WAITING
    if inspect.iscoroutinefunction(stage.run):
        return Shape.WAITS
    if inspect.isgeneratorfunction(stage.run):
        return Shape.SETTLES
    return Shape.PLAIN


Step = tuple[Callable[[Exchange], Any], bool, bool]
"""A stage's `run`, whether it waits, and whether it settles."""


def _step(stage: Stage) -> Step:
    shape = shape_of(stage)
    return stage.run, shape in (Shape.WAITS, Shape.SETTLES_WAITING), shape in (Shape.SETTLES, Shape.SETTLES_WAITING)


class Pipeline:
    """The stages, compiled once."""

    def __init__(self, stages: Sequence[Stage], tasks: Tasks) -> None:
        self.stages = tuple(stages)
        self.steps = tuple(_step(stage) for stage in stages)
        self.tasks = tasks

    def journey(self, exchange: Exchange) -> "Journey":
        """A new way for a new exchange."""
        return Journey(exchange, self.steps, self.tasks)


class Journey:
    """One exchange on its way. Whoever drives it calls `enter`, then `carry` until None, then `settle`, whatever happened."""

    __slots__ = ("_carried", "_entered", "_steps", "_tasks", "_waits", "exchange")

    def __init__(self, exchange: Exchange, steps: Sequence[Step], tasks: Tasks) -> None:
        self.exchange = exchange
        self._steps = steps
        self._tasks = tasks
        self._entered: list[Any] = []
        self._waits = False
        self._carried = False

    async def enter(self) -> None:
        """Goes in. Raises the `GatewayError` that ended it, with the outcome stated on the exchange."""
        exchange = self.exchange
        try:
            for run, waits, settles in self._steps:
                if not waits:
                    if not settles:
                        run(exchange)
                    else:
                        step = run(exchange)
                        next(step)
                        self._entered.append(step)
                elif not settles:
                    await run(exchange)
                else:
                    step = run(exchange)
                    await anext(step)
                    self._entered.append(step)
                    self._waits = True
                if exchange.reply is not None:
                    return
        except GatewayError as error:
            exchange.end(_refused_or_failed(error), error)
            raise
        except Exception as error:
            # A defect of a stage: the caller gets an envelope, the log the details, the other stages their settlement.
            raise self._defect(error) from error

    async def carry(self) -> Chunk | None:
        """The next chunk for the caller; None when the answer is complete. Raises as `enter` does."""
        exchange = self.exchange
        try:
            assert exchange.reply is not None  # `enter` came back without an error
            chunk = await exchange.reply.__anext__()
            for tap in exchange.taps:
                tap(chunk)
        except StopAsyncIteration:
            return None
        except GatewayError as error:
            exchange.end(Ending.TRUNCATED if self._carried else _refused_or_failed(error), error)
            raise
        except Exception as error:
            # A defect of a wire or a tap: the same.
            raise self._defect(error) from error
        self._carried = True
        return chunk

    async def settle(self) -> None:
        """Goes out, once: a second call finds nothing left.

        A settlement that waits runs in a task that the caller does not own.
        """
        exchange = self.exchange
        if exchange.outcome is None:
            exchange.end(Ending.ABANDONED)  # whoever stopped without saying why has left
        if exchange.reply is not None:
            exchange.reply.close()
        if self._waits:
            await finished(self._tasks.spawn(self._settle_waiting(), "settle"))
        else:
            while self._entered:
                self._settle_one(self._entered.pop())
        if exchange.outcome is not None and exchange.outcome.error is not None:
            forget_frames(exchange.outcome.error)

    async def _settle_waiting(self) -> None:
        while self._entered:
            step = self._entered.pop()
            if inspect.isgenerator(step):
                self._settle_one(step)
                continue
            try:
                await asyncio.wait_for(anext(step), SETTLEMENT_S)
            except StopAsyncIteration:
                continue
            except Exception:
                # One stage's settlement must not cost the others theirs.
                log.exception("the settlement of %s failed", step.__qualname__)
            else:
                log.error("%s yields twice: a stage has one settlement", step.__qualname__)

    def _settle_one(self, step: Any) -> None:
        try:
            next(step)
        except StopIteration:
            return
        except Exception:
            # The same.
            log.exception("the settlement of %s failed", step.__qualname__)
        else:
            log.error("%s yields twice: a stage has one settlement", step.__qualname__)

    def _defect(self, error: Exception) -> Internal:
        log.error("request %s met a defect", self.exchange.id, exc_info=error)
        internal = Internal(f"The gateway met a defect; its log has the details under request {self.exchange.id}.")
        self.exchange.end(Ending.TRUNCATED if self._carried else Ending.FAILED, internal)
        return internal


def forget_frames(error: BaseException | None) -> None:
    """Takes the tracebacks off an error and its causes: their frames hold the exchange, which holds the error.

    Left to the collector of cycles, every refused call would keep its body in memory until that comes by.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


async def finished(task: "asyncio.Task[None]") -> None:
    """Waits for `task` to its end; a cancellation that comes meanwhile is passed on only after it."""
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _refused_or_failed(error: GatewayError) -> Ending:
    if isinstance(error, ShuttingDown):
        return Ending.SHUTDOWN
    return Ending.REFUSED if isinstance(error, Refusal) else Ending.FAILED


class Call(Protocol):
    """A call in flight, as those see it who do not drive it."""

    def pulse(self, now_s: float) -> None:
        """Gives it the chance to tell its caller that it is alive."""
        ...

    def stop(self) -> None:
        """Ends it now, with an error in the caller's dialect, because the process stops."""
        ...


class Inflight:
    """The set of calls in flight; `stopping` once no new ones are wanted."""

    def __init__(self) -> None:
        self._calls: set[Call] = set()
        self._emptied = asyncio.Event()
        self.stopping = False

    def __len__(self) -> int:
        return len(self._calls)

    def join(self, call: Call) -> None:
        """From now on `call` is in flight."""
        self._calls.add(call)

    def leave(self, call: Call) -> None:
        """`call` has settled; idempotent."""
        self._calls.discard(call)
        if not self._calls:
            self._emptied.set()

    def pulse(self, now_s: float) -> None:
        """Passes the pulse on to every call."""
        for call in list(self._calls):
            call.pulse(now_s)

    def stop_all(self) -> None:
        """Ends every call now."""
        self.stopping = True
        for call in list(self._calls):
            call.stop()

    async def drain(self, bound_s: float) -> None:
        """Lets the calls finish for up to `bound_s` seconds, ends the rest, and waits until each has settled."""
        self.stopping = True
        try:
            async with asyncio.timeout(bound_s):
                await self._empty()
        except TimeoutError:
            self.stop_all()
            await self._empty()

    async def _empty(self) -> None:
        while self._calls:
            self._emptied.clear()
            await self._emptied.wait()
