"""The one ASGI endpoint: reads a call, drives its journey (enter, carry, settle) and writes what the client sees.

client leaves    the call's task is cancelled where it waits, and the cancellation is swallowed here: abandoned
process stops    the same, but the client is told: an envelope before the first byte, an error event after it
silence          a stream that says nothing for `heartbeat_s` gets the comment `: keep-alive`, which every SDK skips;
                 the first one decides for status 200, so that an error after it can only come as an event
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.core.catalog import Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, ShuttingDown
from gateway.core.exchange import Ending, Exchange
from gateway.core.record import Record
from gateway.core.snapshot import Snapshot
from gateway.pipeline import Inflight, Journey, Pipeline
from gateway.telemetry.tasks import Tasks
from gateway.web import errors
from gateway.web.body import check_media_type, parse, receive_body
from gateway.web.departure import Departure
from gateway.web.errors import Header, new_id

NAME_LIMIT = 128
"""Characters of a model's name that a header repeats."""

KEEP_ALIVE = b": keep-alive\n\n"

STREAM_HEAD: list[Header] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True, slots=True)
class House:
    """What every conversation needs of the process it runs in. `current` gives the snapshot of the moment."""

    pipeline: Pipeline
    inflight: Inflight
    current: Callable[[], Snapshot]
    clock: Clock
    tasks: Tasks


class Conversation:
    """The endpoint of one operation."""

    def __init__(self, operation: Operation, house: House) -> None:
        self._operation = operation
        self._house = house

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Not async: a frame would keep the scope for as long as a stream lasts.
        return Talk(self._operation, self._house, scope, receive, send).run()


class BodySource:
    """Receives and parses the body when a stage asks for it: the `Source` of an exchange."""

    __slots__ = ("_departure", "_headers", "_operation", "_receive")

    def __init__(self, operation: Operation, receive: Receive, headers: Mapping[bytes, bytes], departure: Departure) -> None:
        self._operation = operation
        self._receive = receive
        self._headers = headers
        self._departure = departure

    async def request(self, snapshot: Snapshot) -> ModelRequest:
        """See `Source`."""
        check_media_type(self._headers)
        body = await receive_body(self._receive, self._headers, snapshot.bounds.body_bytes)
        if body is None:
            self._departure.noticed()
            await asyncio.sleep(0)  # where the cancellation arrives
            raise AssertionError("a client that left was not noticed")
        self._departure.body_read()
        return parse(self._operation, body)


class Talk:
    """One call between a client and the pipeline."""

    __slots__ = (
        "_departure",
        "_exchange",
        "_house",
        "_journey",
        "_send",
        "_spoke_s",
        "_started",
        "_stopped_by",
        "_task",
    )

    def __init__(self, operation: Operation, house: House, scope: Scope, receive: Receive, send: Send) -> None:
        self._house = house
        self._send = send
        self._started = False
        self._spoke_s = now_s = house.clock.now_s()
        self._stopped_by: Ending | None = None
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._departure = departure = Departure(scope, receive, self._leave, house.tasks)
        headers = joined(scope["headers"])
        source = BodySource(operation, receive, headers, departure)
        self._exchange = exchange = Exchange(new_id(), operation, headers, source, house.current(), now_s)
        self._journey: Journey = house.pipeline.journey(exchange)

    async def run(self) -> None:
        """The whole call, from its body to its settlement; never raises for what the client or a provider did."""
        self._house.inflight.join(self)
        try:
            await self._converse()
        except asyncio.CancelledError:
            if self._stopped_by is None or self._task is None:
                raise
            self._task.uncancel()
            self._exchange.end(self._stopped_by)
            if self._stopped_by is Ending.SHUTDOWN:
                await self._fail(_stopping())
        finally:
            self._task = None  # from here on nothing interrupts
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
            await (self._stream() if reply.streaming else self._answer())
        except GatewayError as error:
            await self._fail(error)
        else:
            self._exchange.end(Ending.COMPLETE)

    async def _answer(self) -> None:
        """A plain reply: one chunk, with its length."""
        chunk = await self._journey.carry()
        body = chunk.data if chunk is not None else b""
        head: list[Header] = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await self._start(200, head)
        await self._send({"type": "http.response.body", "body": body})

    async def _stream(self) -> None:
        carry, send, now_s = self._journey.carry, self._send, self._house.clock.now_s
        self._exchange.lighten()
        while (chunk := await carry()) is not None:
            if not self._started:
                await self._start(200, STREAM_HEAD)
            await send({"type": "http.response.body", "body": chunk.data, "more_body": True})
            self._spoke_s = now_s()
        await send({"type": "http.response.body", "body": b""})

    async def _fail(self, error: GatewayError) -> None:
        if self._started:
            await self._send({"type": "http.response.body", "body": errors.event(error)})
            return
        status, head, body = errors.rendered(error)
        await self._start(status, head)
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, head: list[Header]) -> None:
        self._started = True
        await self._send({"type": "http.response.start", "status": status, "headers": head + self._told()})

    def _told(self) -> list[Header]:
        """What every reply tells: its id, its place in the trace, who answered, and where the time went."""
        exchange = self._exchange
        told: list[Header] = [(b"x-request-id", exchange.id.encode())]
        facts = exchange.facts
        record: Record | None = facts.get("record")
        if record is None:
            return told
        total_s = self._house.clock.now_s() - exchange.born_s
        attempts = record.attempts
        if attempts:
            upstream_s = attempts[0].seconds if len(attempts) == 1 else sum(attempt.seconds for attempt in attempts)
            told += (
                (b"server-timing", b"upstream;dur=%.1f, total;dur=%.1f" % (upstream_s * 1000, total_s * 1000)),
                (b"x-fleetgate-model", answered_by(facts["target"], facts["request"].model)),
                (b"x-fleetgate-attempts", b"%d" % len(attempts)),
            )
        else:
            told.append((b"server-timing", b"total;dur=%.1f" % (total_s * 1000)))
        if record.trace is not None:
            told.append((b"traceparent", record.trace.header().encode()))
        return told

    # ---------------------------------------------------------------- what comes from beside the call

    def _leave(self) -> None:
        self._interrupt(Ending.ABANDONED)

    def stop(self) -> None:
        """The process stops: ends the call and tells the client."""
        self._interrupt(Ending.SHUTDOWN)

    def _interrupt(self, ending: Ending) -> None:
        if self._task is not None and self._stopped_by is None:
            self._stopped_by = ending
            self._task.cancel()

    def pulse(self, now_s: float) -> None:
        """Sends a comment where a stream has been silent for too long."""
        exchange = self._exchange
        if now_s - self._spoke_s < exchange.snapshot.bounds.heartbeat_s or self._task is None:
            return
        request: ModelRequest | None = exchange.facts.get("request")
        if request is not None and request.stream and request.operation is not Operation.EMBEDDINGS:
            self._spoke_s = now_s
            self._house.tasks.spawn(self._comment(), "keep-alive")

    async def _comment(self) -> None:
        if self._task is None:
            return
        if not self._started:
            await self._start(200, STREAM_HEAD)
        await self._send({"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True})


def joined(headers: Iterable[Header]) -> dict[bytes, bytes]:
    """Headers by name; lines that repeat a name are one list (RFC 9110, section 5.3)."""
    lines = list(headers)
    by_name = dict(lines)
    if len(by_name) != len(lines):
        for name in by_name:
            by_name[name] = b", ".join(value for other, value in lines if other == name)
    return by_name


def answered_by(target: Target, asked: str) -> bytes:
    """The target as a header shows it; a name that the caller made up stands there only where it is harmless."""
    if target.model == "*" and len(asked) <= NAME_LIMIT and asked.isascii() and asked.isprintable():
        return f"{target.provider}/{asked}".encode()
    return target.label.encode("ascii", "replace")


def _stopping() -> ShuttingDown:
    return ShuttingDown("This gateway is stopping and could not wait for the end of the answer.", retry_after_s=1)
