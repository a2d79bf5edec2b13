"""The echo provider behind the contract of an HTTP client: it waits, sends and breaks off as prepared, without a network."""

import asyncio
import math
from collections.abc import Sequence

from gateway.core.catalog import ProviderSpec, Timeouts
from gateway.core.clock import Clock, SystemClock
from gateway.core.errors import UpstreamBroken, UpstreamTimeout
from gateway.providers.echo.answering import Answering, Prepared
from gateway.providers.echo.script import parse
from gateway.providers.echo.stream import Cut, Step
from gateway.providers.transport.contract import Header, Outgoing

_BLOCK = 16 * 1024
"""Bytes of events, ready at the same time, that are handed out together."""

_CLOCK = SystemClock()


class _Waiting:
    """Everybody who waits at one transport, so that closing it can wake them."""

    def __init__(self) -> None:
        self.closed = False
        self._waiters: set[asyncio.Future[None]] = set()

    async def sleep(self, seconds: float) -> None:
        """Sleeps; raises `UpstreamBroken` when the transport is closed meanwhile. `inf`: until then."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        timer = None if math.isinf(seconds) else loop.call_later(seconds, _wake, waiter)
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """Wakes everybody; from now on nobody waits."""
        self.closed = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(UpstreamBroken("The echo provider was closed."))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class _Patience:
    """The timeouts of one exchange."""

    def __init__(self, waiting: _Waiting, timeouts: Timeouts) -> None:
        self._waiting = waiting
        self._timeouts = timeouts
        self._deadline = asyncio.get_running_loop().time() + timeouts.total_s

    async def wait(self, seconds: float, phase: str, limit_s: float) -> None:
        """Waits so long, or until the limit of the phase or of the whole is over: then raises `UpstreamTimeout`."""
        left_s = max(0.0, self._deadline - asyncio.get_running_loop().time())
        if seconds <= min(limit_s, left_s):
            await self._waiting.sleep(seconds)
        elif limit_s <= left_s:
            await self._waiting.sleep(limit_s)
            raise UpstreamTimeout(phase, limit_s)
        else:
            await self._waiting.sleep(left_s)
            raise UpstreamTimeout("total", self._timeouts.total_s)

    async def first_byte(self, seconds: float) -> None:
        """Waits for the head."""
        await self.wait(seconds, "first_byte", self._timeouts.first_byte_s)

    async def next_byte(self, seconds: float) -> None:
        """Waits within the body."""
        await self.wait(seconds, "between_bytes", self._timeouts.between_bytes_s)


class EchoReply:
    """An answer on its way: the steps, done one by one as they are read."""

    def __init__(self, prepared: Prepared, patience: _Patience, waiting: _Waiting) -> None:
        self.status = prepared.status
        self.headers: Sequence[Header] = prepared.headers
        self._steps = prepared.steps
        self._patience = patience
        self._waiting = waiting
        self._held: Step | None = None
        self._full = False
        self._closed = False

    async def read(self) -> bytes:
        """The next block: all events that need no waiting for, up to a bound."""
        if self._full:
            # A long answer that nobody paces must not keep the loop to itself.
            await asyncio.sleep(0)
        while True:
            if self._closed or self._waiting.closed:
                raise UpstreamBroken("The exchange with the echo provider is closed.")
            step = self._held or next(self._steps, b"")
            self._held = None
            if isinstance(step, bytes):
                return self._gathered(step)
            if isinstance(step, Cut):
                raise UpstreamBroken("The provider closed the connection before the end of the answer.")
            await self._patience.next_byte(step.seconds)

    def _gathered(self, first: bytes) -> bytes:
        """The block with those after it, up to the next step that is not a block."""
        if not first:
            return first
        blocks, size = [first], len(first)
        while size < _BLOCK:
            step = next(self._steps, b"")
            if not step or not isinstance(step, bytes):
                self._held = step or None
                break
            blocks.append(step)
            size += len(step)
        self._full = size >= _BLOCK
        return b"".join(blocks)

    async def whole(self, limit: int) -> bytes:
        """The rest in one piece."""
        blocks, size = [], 0
        while block := await self.read():
            size += len(block)
            if size > limit:
                self.close()
                raise UpstreamBroken(f"The answer is longer than {limit} bytes.")
            blocks.append(block)
        return b"".join(blocks)

    def close(self) -> None:
        """Ends the exchange; what was not read is gone."""
        self._closed = True

    def part(self, within_s: float) -> None:  # noqa: ARG002
        """The same: there is no connection to be kept."""
        self._closed = True


class EchoTransport:
    """A client of the echo provider. Raises `ScriptError` for a script that the configuration has wrong."""

    def __init__(self, spec: ProviderSpec, clock: Clock = _CLOCK) -> None:
        self._answering = Answering(parse(spec.script), clock)
        self._waiting = _Waiting()

    async def send(self, outgoing: Outgoing, timeouts: Timeouts) -> EchoReply:
        """Answers the request, when the script says that the head is due."""
        if self._waiting.closed:
            raise UpstreamBroken("The echo provider was closed.")
        if outgoing.upload is not None:
            async for _ in outgoing.upload.blocks:
                pass  # it has no use for files, and says so
        prepared = self._answering.prepare(outgoing)
        patience = _Patience(self._waiting, timeouts)
        if prepared.wait_s:
            await patience.first_byte(prepared.wait_s)
        return EchoReply(prepared, patience, self._waiting)

    def retire(self) -> None:
        """Nothing is ever idle here; exchanges in flight go on."""

    async def aclose(self) -> None:
        """Breaks off every exchange."""
        self._waiting.close()
