"""The one ASGI endpoint: reads a call, drives its journey (enter, carry, settle) and writes what the client sees.

client leaves    the call's task is cancelled where it waits, and the cancellation is swallowed here: abandoned
process stops    the same, but the client is told: an envelope before the first byte, an error event after it
silence          a stream that says nothing for `heartbeat_s` gets the comment `: keep-alive`, which every SDK skips;
                 the first one decides for status 200, so that an error after it can only come as an event
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.core.chat import ModelRequest, Operation
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, ShuttingDown
from gateway.core.exchange import Ending, Exchange
from gateway.core.snapshot import Snapshot
from gateway.pipeline import Inflight, Journey, Pipeline
from gateway.telemetry.tasks import Tasks
from gateway.web.asking import NOTHING, Asked
from gateway.web.body import LARGE, check_length, check_media_type, gathered, parse
from gateway.web.departure import Departure
from gateway.web.errors import Header, new_id
from gateway.web.writer import Writer


@dataclass(frozen=True, slots=True)
class House:
    """What every conversation needs of the process it runs in.

    `current` gives the snapshot of the moment. `bodies` reads large bodies, one at a time: several at once would leave the
    loop but a part of the time.
    """

    pipeline: Pipeline
    inflight: Inflight
    current: Callable[[], Snapshot]
    clock: Clock
    tasks: Tasks
    bodies: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "body"))


class Conversation:
    """The endpoint of one operation. `reads` takes what the URL says out of the scope."""

    def __init__(self, operation: Operation, house: House, reads: Callable[[Scope], Asked] | None = None) -> None:
        self._operation = operation
        self._house = house
        self._reads = reads

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Not async: a frame would keep the scope for as long as a stream lasts.
        asked = NOTHING if self._reads is None else self._reads(scope)
        return Talk(self._operation, self._house, asked, scope, receive, send).run()


class BodySource:
    """Receives and parses the body when a stage asks for it: the `Source` of an exchange."""

    __slots__ = ("_asked", "_bodies", "_departure", "_headers", "_operation", "_receive")

    def __init__(
        self,
        operation: Operation,
        asked: Asked,
        receive: Receive,
        headers: Mapping[bytes, bytes],
        departure: Departure,
        bodies: Executor,
    ) -> None:
        self._bodies = bodies
        self._operation = operation
        self._asked = asked
        self._receive = receive
        self._headers = headers
        self._departure = departure

    async def request(self, snapshot: Snapshot) -> ModelRequest:
        """See `Source`."""
        headers, limit = self._headers, snapshot.bounds.body_bytes
        check_media_type(headers)
        check_length(headers, limit)
        event = await self._receive()
        part: bytes = event.get("body", b"")
        whole = event["type"] == "http.request" and not event.get("more_body", False) and len(part) <= limit
        body = part if whole else await gathered(event, self._receive, limit)
        if body is None:
            self._departure.noticed()
            await asyncio.sleep(0)  # where the cancellation arrives
            raise AssertionError("a client that left was not noticed")
        self._departure.body_read()
        if len(body) > LARGE:
            return await asyncio.get_running_loop().run_in_executor(self._bodies, parse, self._operation, body, self._asked)
        return parse(self._operation, body, self._asked)


class Talk:
    """One call between a client and the pipeline."""

    __slots__ = ("_departure", "_exchange", "_house", "_journey", "_stopped_by", "_task", "_writer")

    def __init__(self, operation: Operation, house: House, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        self._house = house
        self._stopped_by: Ending | None = None
        self._task: asyncio.Task[Any] | None = None
        self._departure = departure = Departure(scope, receive, self._leave, house.tasks)
        headers = joined(scope["headers"])
        if asked.key:
            headers.setdefault(b"x-goog-api-key", asked.key.encode())
        source = BodySource(operation, asked, receive, headers, departure, house.bodies)
        self._exchange = exchange = Exchange(new_id(), operation, headers, source, house.current(), house.clock.now_s())
        self._journey: Journey = house.pipeline.journey(exchange)
        self._writer = Writer(exchange, send, house.clock, house.tasks)

    async def run(self) -> None:
        """The whole call, from its body to its settlement; never raises for what the client or a provider did."""
        self._task = task = self._house.tasks.current()
        if self._stopped_by is not None and task is not None:
            task.cancel()  # left before it began
        self._house.inflight.join(self)
        try:
            await self._converse()
        except asyncio.CancelledError:
            if self._stopped_by is None or task is None:
                raise
            task.uncancel()
            self._exchange.end(self._stopped_by)
            if self._stopped_by is Ending.SHUTDOWN:
                await self._writer.fail(_stopping())
        finally:
            self._task = None  # from here on nothing interrupts
            self._writer.over()
            self._departure.over()
            try:
                await self._journey.settle()
            finally:
                self._house.inflight.leave(self)

    async def _converse(self) -> None:
        try:
            await self._journey.enter()
            reply = self._exchange.reply
            if reply is None:
                raise AssertionError("the last stage sets the reply")
            if reply.streaming:
                self._exchange.lighten()
                await self._writer.stream(self._journey.carry)
            else:
                await self._writer.answer(self._journey.carry)
        except GatewayError as error:
            self._exchange.end(Ending.FAILED, error)  # unless the journey has said more
            await self._writer.fail(error)
        else:
            self._exchange.end(Ending.COMPLETE)

    # ---------------------------------------------------------------- what comes from beside the call

    def _leave(self) -> None:
        self._interrupt(Ending.ABANDONED)

    def stop(self) -> None:
        """The process stops: ends the call and tells the client."""
        self._interrupt(Ending.SHUTDOWN)

    def _interrupt(self, ending: Ending) -> None:
        if self._stopped_by is None:
            self._stopped_by = ending
            if self._task is not None:
                self._task.cancel()

    def pulse(self, now_s: float) -> None:
        """Gives a silent stream the chance to say that it is alive."""
        self._writer.pulse(now_s)


def joined(lines: Sequence[Header]) -> dict[bytes, bytes]:
    """Headers by name; lines that repeat a name are one list (RFC 9110, section 5.3)."""
    by_name = dict(lines)
    if len(by_name) != len(lines):
        for name in by_name:
            by_name[name] = b", ".join(value for other, value in lines if other == name)
    return by_name


def _stopping() -> ShuttingDown:
    return ShuttingDown("This gateway is stopping and could not wait for the end of the answer.", retry_after_s=1)
