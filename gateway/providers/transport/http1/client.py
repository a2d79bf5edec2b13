"""The native driver: picks a connection, writes the request, waits for the head of the answer."""

import asyncio

from gateway.core.catalog import PoolLimits, Timeouts
from gateway.core.errors import UpstreamBroken
from gateway.providers.transport.contract import Incoming, Outgoing, Upload
from gateway.providers.transport.decoding import decoded
from gateway.providers.transport.http1.answer import Answer
from gateway.providers.transport.http1.connection import WRITE_BYTES, Connection
from gateway.providers.transport.http1.pool import Pool
from gateway.providers.transport.http1.request import RequestWriter
from gateway.providers.transport.origin import Origin
from gateway.telemetry.tasks import Tasks


class Http1Transport:
    """A `Transport` that speaks HTTP/1.1 with one origin."""

    def __init__(self, origin: Origin, limits: PoolLimits) -> None:
        self._writer = RequestWriter(origin.authority)
        self._pool = Pool(origin, limits)
        self._tasks = Tasks()

    async def send(self, outgoing: Outgoing, timeouts: Timeouts) -> Incoming:
        """See `Transport`. A request is sent a second time only where nothing of it has left."""
        head = self._writer.head(outgoing)
        connection = self._pool.take()
        answer = None if connection is None else _start(connection, head, outgoing, timeouts, connection.loop.time())
        if answer is None:
            now = asyncio.get_running_loop().time()
            connection = await self._pool.obtain(timeouts)
            answer = _start(connection, head, outgoing, timeouts, now)
        if answer is None or connection is None:
            raise UpstreamBroken("The provider closed a new connection before the request.")
        try:
            if outgoing.upload is not None:
                await self._fed(connection, outgoing.upload, answer)
            elif len(outgoing.body) > WRITE_BYTES:
                await connection.upload(outgoing.body, answer)
            await answer.head()
        except BaseException:
            answer.close()
            raise
        return answer if answer.coding is None else decoded(answer, answer.coding)

    async def _fed(self, connection: Connection, upload: Upload, answer: Answer) -> None:
        """Returns once the head of the answer is there; whatever the body has still to say is not sent then."""
        feeding = self._tasks.spawn(connection.feed(upload), "feed a request")
        try:
            await answer.head()
        finally:
            feeding.cancel()

    def retire(self) -> None:
        """See `Transport`."""
        self._pool.retire()

    async def aclose(self) -> None:
        """See `Transport`."""
        await self._pool.aclose()
        await self._tasks.aclose()


def _start(connection: Connection, head: bytes, outgoing: Outgoing, timeouts: Timeouts, now: float) -> Answer | None:
    """Writes the request, a short body along with its head; None where nothing was sent."""
    answer = Answer(connection, timeouts, now + timeouts.total_s)
    data = head if len(outgoing.body) > WRITE_BYTES else head + outgoing.body
    return answer if connection.start(data, answer, bodiless=outgoing.method == b"HEAD") else None
