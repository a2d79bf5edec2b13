"""The connections to one origin: which are idle, how many there may be, and who waits for one."""

import asyncio
from collections import deque

from gateway.core.catalog import PoolLimits, Timeouts
from gateway.core.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from gateway.providers.transport.http1.connection import Connection
from gateway.providers.transport.origin import Origin
from gateway.providers.transport.outbox import Outbox

CLOSING_S = 1.0
"""How long the end waits for answers that nobody reads any more, and for the loop to report every connection as closed."""


class Pool:
    """A keep-alive pool, last in first out, so that what is not needed gets old and goes.

    Who finds neither an idle connection nor room for a new one stands in line, for at most the connect timeout.
    """

    def __init__(self, origin: Origin, limits: PoolLimits) -> None:
        self._origin = origin
        self._limits = limits
        self._tls = origin.tls()
        self._idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._line: deque[asyncio.Future[Connection | None]] = deque()
        self._promised = 0
        self._retired = self._closed = False
        self._emptied: asyncio.Future[None] | None = None
        self._outbox: Outbox | None = None

    def take(self) -> Connection | None:
        """An idle connection that is fit for use."""
        while self._idle:
            connection = self._idle.pop()
            if connection.fresh(connection.loop.time()):
                return connection
            connection.close()
        return None

    async def obtain(self, timeouts: Timeouts) -> Connection:
        """A new connection, or one that another exchange leaves. Raises UpstreamUnreachable or UpstreamTimeout."""
        patience_s = min(timeouts.connect_s, timeouts.total_s)
        try:
            async with asyncio.timeout(patience_s):
                return await self._obtain()
        except TimeoutError as error:
            raise UpstreamTimeout("connect", patience_s) from error
        except (OSError, UnicodeError) as error:
            raise self._origin.unreachable(error) from error

    async def _obtain(self) -> Connection:
        while not self._closed:
            if len(self._open) + self._promised < self._limits.total:
                self._promised += 1
            else:
                connection = await self._stand_in_line()
                if connection is not None and connection.fresh(asyncio.get_running_loop().time()):
                    return connection
                if connection is not None:
                    connection.close()
                    continue
            return await self._connect()
        raise self._gone()

    async def _connect(self) -> Connection:
        """Opens a connection in a place that is promised already. The name is resolved anew each time."""
        loop = asyncio.get_running_loop()
        if self._outbox is None:
            self._outbox = Outbox(loop)
        connection = Connection(self, self._limits, loop, self._outbox)
        name = self._origin.host if self._tls is not None else None
        try:
            await loop.create_connection(
                lambda: connection, self._origin.address, self._origin.port, ssl=self._tls, server_hostname=name
            )
            if self._closed:
                raise self._gone()
            if connection.alive:
                self._open.add(connection)
        except BaseException:
            connection.discard()
            raise
        finally:
            self._promised -= 1
            self._advance()
        return connection

    async def _stand_in_line(self) -> Connection | None:
        """What somebody left: a connection, or a place for a new one (None), which then is promised."""
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_back(turn.result())
            raise

    def _give_back(self, unused: Connection | None) -> None:
        if unused is not None:
            self.release(unused)
        else:
            self._promised -= 1
            self._advance()

    def _next_in_line(self) -> asyncio.Future[Connection | None] | None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                return turn
        return None

    def _advance(self) -> None:
        """A place is free: the first in line gets it."""
        if len(self._open) + self._promised < self._limits.total and (turn := self._next_in_line()) is not None:
            self._promised += 1
            turn.set_result(None)

    def _gone(self) -> UpstreamUnreachable:
        return UpstreamUnreachable(f"The connections to {self._origin.authority} are closed: the gateway stops.")

    # ------------------------------------------------------------ the connections' side

    def release(self, connection: Connection) -> None:
        """See `Keeper`."""
        if self._retired or not connection.young():
            connection.close()
        elif self._line and (turn := self._next_in_line()) is not None:
            turn.set_result(connection)
        else:
            self._idle.append(connection)
            if len(self._idle) > self._limits.idle:
                self._idle.popleft().close()

    def lost(self, connection: Connection) -> None:
        """See `Keeper`."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._advance()
        if not self._open and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    # ------------------------------------------------------------ the end

    def retire(self) -> None:
        """Closes what is idle now, and everything else when its exchange is done."""
        self._retired = True
        while self._idle:
            self._idle.pop().close()

    async def aclose(self) -> None:
        """Closes every connection and turns away who stands in line."""
        self._closed = True
        self.retire()
        while (turn := self._next_in_line()) is not None:
            turn.set_exception(self._gone())
        for connection in list(self._open):
            if not connection.parting:
                connection.cut(UpstreamBroken("The gateway stops."))
        if self._open:
            self._emptied = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._emptied], timeout=CLOSING_S)
        for connection in list(self._open):
            connection.discard()
