"""Writes the reply of one call: an answer with its length, a stream of events, or an error in whichever of both has begun.

A stream that says nothing for the heartbeat gets the comment `: keep-alive`, which every SDK skips. The first one decides
for status 200, so that an error after it can only come as an event. A comment waits for nobody and is never waited behind:
none is sent while something else is being written, and what comes next waits until it is out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from starlette.types import Send

from gateway.core.catalog import Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, UpstreamBroken
from gateway.core.exchange import Exchange
from gateway.core.record import Record
from gateway.core.transcript import Chunk
from gateway.telemetry.tasks import Tasks
from gateway.web import errors
from gateway.web.errors import Header

Carry = Callable[[], Awaitable[Chunk | None]]

NAME_LIMIT = 128
"""Characters of a model's name that a header repeats."""

DROPPED_LIMIT = 1024
"""Characters of the list of what was left out."""

KEEP_ALIVE = b": keep-alive\n\n"

SIGNS: Mapping[Operation, bytes] = MappingProxyType(
    {
        **dict.fromkeys((Operation.CHAT, Operation.COMPLETIONS, Operation.RESPONSES, Operation.MESSAGES), KEEP_ALIVE),
        Operation.GENERATE: b"\n",  # Google's clients take every line for JSON but an empty one
    }
)
"""What says that a stream is alive and is skipped by every client; operations that are not here have nothing like it."""

ID_NAMES: Mapping[Operation, bytes] = MappingProxyType(
    {operation: errors.ID_NAMES[operation.dialect] for operation in Operation if operation.dialect in errors.ID_NAMES}
)
"""The name under which clients of an operation know the request's id, too."""

STREAM_HEAD: list[Header] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class Writer:
    """The sink of one exchange."""

    __slots__ = ("_clock", "_comment", "_exchange", "_over", "_send", "_spoke_s", "_started", "_tasks", "_writing")

    def __init__(self, exchange: Exchange, send: Send, clock: Clock, tasks: Tasks) -> None:
        self._exchange = exchange
        self._send = send
        self._clock = clock
        self._tasks = tasks
        self._spoke_s = exchange.born_s
        self._started = self._writing = self._over = False
        self._comment: asyncio.Task[Any] | None = None

    async def answer(self, carry: Carry) -> None:
        """A plain reply: one chunk, with its length."""
        chunk = await carry()
        if self._started:
            raise UpstreamBroken("The provider answered a request for a stream with something else.")
        body = chunk.data if chunk is not None else b""
        told = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *self._told()]
        await self._send({"type": "http.response.start", "status": 200, "headers": told})
        self._started = True
        await self._send({"type": "http.response.body", "body": body})

    async def stream(self, carry: Carry) -> None:
        """Events, as they come."""
        send, now_s = self._send, self._clock.now_s
        while (chunk := await carry()) is not None:
            if not self._started or self._comment is not None:
                await self._open_stream()
            self._writing = True
            await send({"type": "http.response.body", "body": chunk.data, "more_body": True})
            self._writing = False
            self._spoke_s = now_s()
        await self._commented()
        await send({"type": "http.response.body", "body": b""})

    async def fail(self, error: GatewayError) -> None:
        """An envelope with its status, or the event of a stream that has begun."""
        await self._commented()
        if self._started:
            await self._send({"type": "http.response.body", "body": errors.event(error, self._exchange)})
            return
        status, head, body = errors.rendered(error, self._exchange.operation.dialect, self._exchange.id)
        await self._begin(status, head)
        await self._send({"type": "http.response.body", "body": body})

    def over(self) -> None:
        """The call has ended; nothing more is to be said."""
        self._over = True

    def pulse(self, now_s: float) -> None:
        """Sends a comment where a stream has been silent for too long."""
        silent_s = now_s - self._spoke_s
        if silent_s < self._exchange.snapshot.bounds.heartbeat_s or self._writing or self._over or self._comment is not None:
            return
        request: ModelRequest | None = self._exchange.facts.get("request")
        if request is not None and request.stream and request.operation in SIGNS:
            self._comment = self._tasks.spawn(self._say_alive(), "keep-alive")

    # ---------------------------------------------------------------- the parts of a reply

    async def _begin(self, status: int, head: list[Header]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": head + self._told()})
        self._started = True

    async def _open_stream(self) -> None:
        await self._commented()
        if not self._started:
            await self._begin(200, self._stream_head())

    def _stream_head(self) -> list[Header]:
        """Events, but where the dialect has something else."""
        media_type = errors.media_type_of(self._exchange)
        return STREAM_HEAD if media_type is None else [(b"content-type", media_type), *STREAM_HEAD[1:]]

    async def _say_alive(self) -> None:
        try:
            if not self._started:
                await self._begin(200, self._stream_head())
            sign = SIGNS[self._exchange.operation]
            await self._send({"type": "http.response.body", "body": sign, "more_body": True})
        finally:
            self._spoke_s = self._clock.now_s()
            self._comment = None

    async def _commented(self) -> None:
        """Waits until a comment that is on its way is out; how it fared is its task's business."""
        if (comment := self._comment) is not None:
            await asyncio.wait([comment])

    def _told(self) -> list[Header]:
        """What every reply tells: its id, its place in the trace, who answered, and where the time went."""
        exchange = self._exchange
        told: list[Header] = [(b"x-request-id", exchange.id.encode())]
        if (name := ID_NAMES.get(exchange.operation)) is not None:
            told.append((name, told[0][1]))
        facts = exchange.facts
        record: Record | None = facts.get("record")
        if record is None:
            return told
        total_s = self._clock.now_s() - exchange.born_s
        attempts = record.attempts
        if attempts and "target" in facts:  # a comment may open the stream while the chain is still being walked
            upstream_s = attempts[0].seconds
            if len(attempts) > 1:
                upstream_s = min(sum(attempt.seconds for attempt in attempts), total_s)  # two may have run at once
            told += (
                (b"server-timing", b"upstream;dur=%.1f, total;dur=%.1f" % (upstream_s * 1000, total_s * 1000)),
                (b"x-fleetgate-model", answered_by(facts["target"], facts["request"].model)),
                (b"x-fleetgate-attempts", b"%d" % len(attempts)),
            )
        else:
            told.append((b"server-timing", b"total;dur=%.1f" % (total_s * 1000)))
        if exchange.reply is not None and exchange.reply.dropped:
            told.append((b"x-fleetgate-dropped", listed(exchange.reply.dropped)))
        if record.trace is not None:
            told.append((b"traceparent", record.trace.header().encode()))
        return told


def listed(dropped: Sequence[str]) -> bytes:
    """What was left out of the request, as a header shows it: names are partly the caller's own words."""
    words = ", ".join(dropped)[:DROPPED_LIMIT]
    return "".join(filter(str.isprintable, words)).encode("ascii", "replace")


def answered_by(target: Target, asked: str) -> bytes:
    """The target as a header shows it; a name that the caller made up stands there only where it is harmless."""
    if target.label.endswith("/*"):
        name = target.named(asked)
        if len(name) <= NAME_LIMIT and name.isascii() and name.isprintable():
            return f"{target.provider}/{name}".encode()
    return target.label.encode("ascii", "replace")
