"""One answer as its reader sees it; it outlives its connection's interest in it."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from gateway.core.catalog import Timeouts
from gateway.core.errors import UpstreamBroken, UpstreamFault
from gateway.providers.transport.contract import Header
from gateway.providers.transport.whole import read_whole


class Source(Protocol):
    """The connection that an unfinished answer comes from."""

    loop: asyncio.AbstractEventLoop

    def take(self) -> bytes:
        """What has arrived and was not taken yet, in one block."""
        ...

    def abort(self) -> None:
        """Closes at once."""
        ...

    def part(self, answer: "Answer", within_s: float) -> None:
        """Waits so long for the end of the answer, whose reader has left; closes where it does not come."""
        ...


class Answer:
    """An `Incoming`. Attached to its connection until it is finished, failed or closed; then it holds what was unread."""

    __slots__ = ("_fault", "_rest", "_source", "_waiter", "coding", "deadline", "headers", "status", "timeouts")

    def __init__(self, source: Source, timeouts: Timeouts, deadline: float) -> None:
        self.status = 0
        self.headers: Sequence[Header] = ()
        self.coding: bytes | None = None
        self.timeouts = timeouts
        self.deadline = deadline
        self._source: Source | None = source
        self._rest = b""
        self._fault: UpstreamFault | None = None
        self._waiter: asyncio.Future[None] | None = None

    # ------------------------------------------------------------ the reader's side

    async def head(self) -> None:
        """Returns once status and headers are known."""
        while not self.status:
            if (source := self._source) is None:
                raise self._fault or UpstreamBroken("The exchange was closed before the answer came.")
            # As `change` does, here and below: without one more coroutine to go through, or a look for the running loop.
            self._waiter = waiter = source.loop.create_future()
            try:
                await waiter
            finally:
                self._waiter = None

    async def read(self) -> bytes:
        """See `Incoming`."""
        while (source := self._source) is not None:
            block = source.take()
            if block:
                return block
            self._waiter = waiter = source.loop.create_future()
            try:
                await waiter
            finally:
                self._waiter = None
        block, self._rest = self._rest, b""
        if not block and self._fault is not None:
            raise self._fault
        return block

    async def whole(self, limit: int) -> bytes:
        """See `Incoming`."""
        if self._source is None and self._fault is None and len(self._rest) <= limit:  # it came along with its head
            whole, self._rest = self._rest, b""
            return whole
        return await read_whole(self, limit)

    def close(self) -> None:
        """See `Incoming`."""
        if (source := self._leave()) is not None:
            source.abort()

    def part(self, within_s: float) -> None:
        """See `Incoming`."""
        if (source := self._leave()) is not None:
            source.part(self, within_s)

    def _leave(self) -> Source | None:
        """From now on there is nothing to read; gives the connection where that is still busy with the answer."""
        self._rest = b""
        source, self._source = self._source, None
        if source is not None:
            self._fault = UpstreamBroken("The exchange was closed before its end.")
            self.wake()
        return source

    async def change(self) -> None:
        """Waits until something has happened to the exchange."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    # ------------------------------------------------------------ the connection's side

    @property
    def over(self) -> bool:
        """Nothing more will come from the connection to the reader."""
        return self._source is None

    def finish(self, rest: bytes) -> None:
        """The body is complete; `rest` of it is unread, unless the reader has left."""
        if self._source is not None:
            self._rest = rest
            self._source = None
            self.wake()

    def fail(self, rest: bytes, fault: UpstreamFault) -> None:
        """Broke off; the reader meets `fault` after `rest`."""
        self._fault = fault
        self.finish(rest)

    def wake(self) -> None:
        """Lets the reader look again."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
