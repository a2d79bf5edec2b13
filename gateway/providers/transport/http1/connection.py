"""One connection: the socket's events, flow control both ways, and the one timer that watches every phase.

    connecting -> idle -> asked -> answering -> idle | closed

The timer is armed rarely: activity only moves a timestamp, and a timer that fires too early arms itself again.
"""

import asyncio
import math
import select
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Protocol, cast

from gateway.core.catalog import PoolLimits
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamTimeout
from gateway.providers.transport.contract import Upload
from gateway.providers.transport.http1.answer import Answer
from gateway.providers.transport.http1.reader import AnswerReader
from gateway.providers.transport.outbox import Outbox
from gateway.providers.transport.upload import checked

UNREAD_BYTES = 64 * 1024
"""What may lie unread before the socket is left alone."""
WRITE_BYTES = 64 * 1024
"""The size up to which a body leaves together with its head, and of the slices in which a longer one leaves."""
DOUBTED_S = 1.0
"""After so long in the pool the socket is asked whether the other side has closed it."""
EARLY_S = 0.002
"""Loop clocks count milliseconds: a timer may fire this much before its time."""


class Keeper(Protocol):
    """Who keeps connections between exchanges."""

    def release(self, connection: "Connection") -> None:
        """Its exchange is over and it can be used again."""
        ...

    def lost(self, connection: "Connection") -> None:
        """It is closed."""
        ...


class Connection(asyncio.Protocol):
    """A connection to the origin, with at most one exchange at a time."""

    __slots__ = (
        "_answer", "_born", "_clogged", "_discarded", "_drained", "_keeper", "_last", "_limits", "_outbox", "_paused",
        "_reader", "_starved", "_timer", "_timer_at", "_transport", "_unread", "_uploading", "loop",
    )  # fmt: skip

    def __init__(self, keeper: Keeper, limits: PoolLimits, loop: asyncio.AbstractEventLoop, outbox: Outbox) -> None:
        self._keeper = keeper
        self._outbox = outbox
        self._limits = limits
        self.loop = loop
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._born = self._last = loop.time()
        self._unread = 0
        self._paused = self._clogged = self._uploading = self._starved = self._discarded = False
        self._drained: asyncio.Future[None] | None = None

    # ------------------------------------------------------------ the client's side

    def start(self, data: bytes, answer: Answer, *, bodiless: bool) -> bool:
        """Writes a request (or its head); False where the connection is dead already, so that nothing was sent."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        now = self._last = self.loop.time()
        self._reader.expect(bodiless=bodiless)
        self._outbox.put(transport, data)
        self._answer = answer
        self._watch(min(now + answer.timeouts.first_byte_s, answer.deadline))
        return True

    async def upload(self, body: bytes, answer: Answer) -> None:
        """Writes a long body, as fast as the other side takes it; stops where the answer comes first."""
        view = memoryview(body)
        self._uploading = True
        for at in range(0, len(view), WRITE_BYTES):
            while self._clogged and not answer.status and not answer.over:
                await answer.change()
            if answer.status or answer.over or self._transport is None:
                return
            self._outbox.put(self._transport, view[at : at + WRITE_BYTES])
            self._outbox.flush()  # the clog must show before the next slice
        self._uploading = False

    async def feed(self, upload: Upload) -> None:
        """Writes a body as it comes, no faster than the other side takes it; whoever waits for the answer cancels this."""
        self._uploading = True
        try:
            async with aclosing(checked(upload)) as blocks:
                while block := await self._next(blocks):
                    await self._send_block(block if upload.length is not None else b"%x\r\n%b\r\n" % (len(block), block))
            if upload.length is None:
                await self._send_block(b"0\r\n\r\n")
            self._uploading = False
        except UpstreamFault as fault:
            self._fail(fault)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._fail(UpstreamBroken("The body of the request broke off."))
            raise

    async def _next(self, blocks: AsyncIterator[bytes]) -> bytes:
        """The next block, empty at the end; meanwhile it is not the other side that keeps us waiting."""
        self._starved = True
        try:
            return await anext(blocks, b"")
        finally:
            self._starved = False
            self._last = self.loop.time()

    async def _send_block(self, data: bytes) -> None:
        while self._clogged:
            self._drained = self.loop.create_future()
            await self._drained
        if self._transport is not None:
            self._outbox.put(self._transport, data)
            self._outbox.flush()

    def fresh(self, now: float) -> bool:
        """Whether it may carry another exchange."""
        idle_s = now - self._last
        transport = self._transport
        return (
            transport is not None
            and not transport.is_closing()
            and idle_s < self._limits.idle_s
            and now - self._born < self._limits.age_s
            and (idle_s < DOUBTED_S or not _readable(transport))
        )

    def young(self) -> bool:
        """Whether it is below the age at which connections go, so that a changed name is noticed."""
        return self._last - self._born < self._limits.age_s

    def take(self) -> bytes:
        """See `Source`."""
        parts = self._reader.parts
        if not parts:
            return b""
        block = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._unread = 0
        if self._paused:
            self._resume()
        return block

    def abort(self) -> None:
        """See `Source`."""
        self._answer = None
        self._reader.parts.clear()
        if self._transport is not None:
            self._transport.abort()

    def part(self, answer: Answer, within_s: float) -> None:
        """See `Source`. What comes lies unread; where that would pause the socket, it is too much to wait for."""
        if self._paused:
            self.abort()
            return
        self._reader.parts.clear()
        self._unread = 0
        answer.deadline = min(answer.deadline, self.loop.time() + within_s)
        self._watch(answer.deadline)

    @property
    def alive(self) -> bool:
        """Connected, and its end not yet reported to the keeper."""
        return self._transport is not None

    @property
    def parting(self) -> bool:
        """Only waits for the end of an answer whose reader has left."""
        return self._answer is not None and self._answer.over

    def discard(self) -> None:
        """Closes at once, also where the loop says only later that it is connected: nobody waits for it any more."""
        self._discarded = True
        self.abort()

    def cut(self, fault: UpstreamFault) -> None:
        """Closes at once; an exchange under way meets `fault`."""
        self._fail(fault)

    def close(self) -> None:
        """Ends an idle connection politely (TLS says goodbye); the timer sees to it that it ends."""
        if self._transport is not None:
            self._transport.close()

    # ------------------------------------------------------------ the socket's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, and TLS verified. (TCP_NODELAY is set by the loop.)"""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit from it
        if self._discarded:
            self._transport.abort()
            return
        self._born = self._last = self.loop.time()
        self._watch(self._last + self._limits.idle_s)

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer; what comes unasked ends the connection."""
        answer = self._answer
        if answer is None:
            self.abort()
            return
        reader = self._reader
        try:
            reader.feed(data)
        except UpstreamBroken as fault:
            self._fail(fault)
            return
        if not reader.status:
            return
        self._last = self.loop.time()
        if not answer.status:
            self._head(answer)
        if reader.complete:
            self._complete(answer)
            return
        self._unread += len(data)
        if self._unread > UNREAD_BYTES and not self._paused and self._transport is not None:
            if answer.over:
                self.abort()
                return
            self._paused = True
            self._transport.pause_reading()
        answer.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, whoever wanted it."""
        if self._timer is not None:
            self._timer.cancel()
        answer = self._answer
        if answer is not None and exc is None and self._reader.unbounded:
            self._complete(answer)
        elif answer is not None:
            self._fail(_cut(answer), exc)
        self._reader.dispose()
        self._transport = self._timer = None
        self._keeper.lost(self)

    def pause_writing(self) -> None:
        """The other side does not take what we send."""
        self._clogged = True

    def resume_writing(self) -> None:
        """It does again: the wait for the first byte counts from here."""
        self._clogged = False
        self._last = self.loop.time()
        if self._answer is not None:
            self._answer.wake()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # ------------------------------------------------------------ in between

    def _head(self, answer: Answer) -> None:
        reader = self._reader
        answer.status = reader.status
        answer.headers, reader.headers = reader.headers, ()
        answer.coding = reader.coding
        self._watch(min(self._last + answer.timeouts.between_bytes_s, answer.deadline))

    def _complete(self, answer: Answer) -> None:
        self._answer = None
        answer.finish(self.take())
        if self._uploading:  # a close would wait until the rest is written
            self.abort()
        elif self._reader.keep_alive:
            self._watch(self._last + self._limits.idle_s)
            self._keeper.release(self)
        else:
            self.close()

    def _fail(self, fault: UpstreamFault, cause: Exception | None = None) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            fault.__cause__ = fault.__cause__ or cause
            answer.fail(self.take(), fault)
        self.abort()

    def _resume(self) -> None:
        self._paused = False
        self._last = self.loop.time()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # ------------------------------------------------------------ the timer

    def _watch(self, due: float) -> None:
        if due < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = due
            self._timer = self.loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        now = self.loop.time()
        due, phase, limit_s = self._patience(now)
        if now + EARLY_S < due:
            self._watch(due)
        elif self._answer is not None:
            self._fail(UpstreamTimeout(phase, limit_s))
        elif self._transport is not None and not self._transport.is_closing():
            self.close()
            self._watch(now + self._limits.idle_s)
        else:
            self.abort()

    def _patience(self, now: float) -> tuple[float, str, float]:
        """When patience ends, in which phase, and what its limit is."""
        answer = self._answer
        if answer is None:
            return min(self._last + self._limits.idle_s, self._born + self._limits.age_s), "idle", self._limits.idle_s
        timeouts = answer.timeouts
        if not answer.status:
            since = now if self._starved else self._last
            due, phase, limit_s = since + timeouts.first_byte_s, "first_byte", timeouts.first_byte_s
        else:  # silence that we asked for does not count
            since = now if self._paused else self._last
            due, phase, limit_s = since + timeouts.between_bytes_s, "between_bytes", timeouts.between_bytes_s
        if answer.deadline < due:
            return answer.deadline, "total", timeouts.total_s
        return due, phase, limit_s


def _cut(answer: Answer) -> UpstreamBroken:
    if answer.status:
        return UpstreamBroken("The provider closed the connection in the middle of its answer.")
    return UpstreamBroken("The provider closed the connection without an answer.")


def _readable(transport: asyncio.Transport) -> bool:
    """Whether an idle socket has something to say, which can only be its end."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))
