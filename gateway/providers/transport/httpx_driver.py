"""The driver for what ours does not do: forward proxies, and HTTP/2 where `h2` is installed. Built on httpx.

httpx is imported when such a transport is opened, so that a gateway that needs none does not pay for it. Where it
differs from ours: the first byte is awaited from the call of `send` on, connections have no age, and an answer that
overtakes an upload is met when the upload ends or breaks.
"""

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from gateway.core.catalog import PoolLimits, Timeouts
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamTimeout
from gateway.providers.transport.contract import Header, Incoming, Outgoing, Upload
from gateway.providers.transport.decoding import decoded
from gateway.providers.transport.origin import Origin
from gateway.providers.transport.upload import checked
from gateway.providers.transport.whole import read_whole
from gateway.telemetry.tasks import Tasks


class HttpxTransport:
    """A `Transport` on an httpx client without cookies, redirects, or settings from the environment."""

    def __init__(self, origin: Origin, limits: PoolLimits, proxy: str | None = None) -> None:
        self.origin = origin
        self._limits = limits
        self._proxy = proxy
        self._tls = origin.tls()
        self._http2 = importlib.util.find_spec("h2") is not None
        self._client: Any = self._open()
        self._running: set[_HttpxAnswer] = set()
        self._sending: set[asyncio.Timeout] = set()
        self._retired = self._closed = False
        self._tasks = Tasks()

    async def send(self, outgoing: Outgoing, timeouts: Timeouts) -> Incoming:
        """See `Transport`."""
        if self._closed:
            raise self.origin.unreachable(ConnectionError("the gateway stops"))
        started = asyncio.get_running_loop().time()
        patience = asyncio.timeout_at(started + min(timeouts.first_byte_s, timeouts.total_s))
        self._sending.add(patience)
        try:
            with _mapped(self.origin, timeouts):
                response = await self._head(outgoing, timeouts, patience, started + timeouts.total_s)
            answer = _HttpxAnswer(self, response, timeouts, started + timeouts.total_s)
            self._running.add(answer)
        finally:
            self._sending.discard(patience)
            self._let_go()
        coding = b", ".join(value for name, value in answer.headers if name == b"content-encoding")
        return decoded(answer, coding) if coding and outgoing.method != b"HEAD" else answer

    async def _head(self, outgoing: Outgoing, timeouts: Timeouts, patience: asyncio.Timeout, deadline: float) -> Any:
        try:
            async with patience:
                if self._client is None:  # retired, and asked again
                    self._client = self._open()
                body = outgoing.body if outgoing.upload is None else _paced(outgoing.upload, timeouts, patience, deadline)
                return await self._client.handle_async_request(self._request(outgoing, body, timeouts))
        except TimeoutError as error:
            if self._closed:
                raise UpstreamBroken("The gateway stops.") from error
            if patience.when() == deadline:
                raise UpstreamTimeout("total", timeouts.total_s) from error
            raise UpstreamTimeout("first_byte", timeouts.first_byte_s) from error

    def _open(self) -> Any:
        import httpx

        bounds = httpx.Limits(
            max_connections=self._limits.total,
            max_keepalive_connections=self._limits.idle,
            keepalive_expiry=self._limits.idle_s,
        )
        return httpx.AsyncHTTPTransport(
            verify=self._tls or False, http2=self._http2, proxy=self._proxy, trust_env=False, limits=bounds
        )

    def _request(self, outgoing: Outgoing, body: bytes | AsyncIterator[bytes], timeouts: Timeouts) -> Any:
        import httpx

        base = httpx.URL(f"{self.origin.scheme}://{self.origin.authority}")
        headers = [(b"host", self.origin.authority.encode()), (b"accept-encoding", b"identity"), *outgoing.headers]
        if outgoing.upload is not None and outgoing.upload.length is not None:
            headers.append((b"content-length", b"%d" % outgoing.upload.length))
        patience = {"connect": timeouts.connect_s, "pool": timeouts.connect_s, "read": None, "write": None}
        return httpx.Request(
            outgoing.method.decode("ascii"),
            base.copy_with(raw_path=outgoing.path),
            headers=headers,
            content=body,
            extensions={"timeout": patience},
        )

    def parting(self, answer: "_HttpxAnswer", within_s: float) -> None:
        """The reader of an exchange has left; the connection may wait for its end."""
        self._tasks.spawn(answer.run_out(within_s), "part from an exchange")

    def ended(self, answer: "_HttpxAnswer", *, complete: bool) -> None:
        """An exchange is over; an incomplete one still has to be closed."""
        self._running.discard(answer)
        if not complete:
            self._tasks.spawn(answer.aclose(), "close an exchange")
        self._let_go()

    def _let_go(self) -> None:
        if self._retired and not self._running and not self._sending and self._client is not None:
            client, self._client = self._client, None
            self._tasks.spawn(client.aclose(), "close a retired client")

    def retire(self) -> None:
        """See `Transport`; what is idle goes with the last exchange where there are some."""
        self._retired = True
        self._let_go()

    async def aclose(self) -> None:
        """See `Transport`."""
        self._closed = True
        for patience in self._sending:
            patience.reschedule(0)
        for answer in list(self._running):
            answer.cut(UpstreamBroken("The gateway stops."))
            await answer.aclose()
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()
        await self._tasks.aclose()


PARTING_BYTES = 64 * 1024
"""What may come of a body that nobody reads any more, for its connection to be used again."""


class _HttpxAnswer:
    """An `Incoming` over the raw body of a response of httpx."""

    def __init__(self, owner: HttpxTransport, response: Any, timeouts: Timeouts, deadline: float) -> None:
        self.status: int = response.status_code
        self.headers: Sequence[Header] = [(name.lower(), value) for name, value in response.headers.raw]
        self._owner = owner
        self._stream = response.stream
        self._blocks: AsyncGenerator[bytes, None] = aiter(response.stream)
        self._timeouts = timeouts
        self._deadline = deadline
        self._over = False
        self._fault: UpstreamFault | None = None

    async def read(self) -> bytes:
        """See `Incoming`."""
        while not self._over:
            block = await self._next()
            if block:
                return block
        if self._fault is not None:
            raise self._fault
        return b""

    async def _next(self) -> bytes:
        try:
            with _mapped(self._owner.origin, self._timeouts):
                return await self._within()
        except StopAsyncIteration:
            await self._finish()
        except UpstreamFault as fault:
            self.cut(fault)
        return b""

    async def _within(self) -> bytes:
        due = asyncio.get_running_loop().time() + self._timeouts.between_bytes_s
        try:
            async with asyncio.timeout_at(min(due, self._deadline)):
                return await anext(self._blocks)
        except TimeoutError as error:
            if self._deadline < due:
                raise UpstreamTimeout("total", self._timeouts.total_s) from error
            raise UpstreamTimeout("between_bytes", self._timeouts.between_bytes_s) from error

    async def whole(self, limit: int) -> bytes:
        """See `Incoming`."""
        return await read_whole(self, limit)

    def close(self) -> None:
        """See `Incoming`."""
        self.cut(UpstreamBroken("The exchange was closed before its end."))

    def cut(self, fault: UpstreamFault) -> None:
        """Ends what is not complete: whoever reads meets `fault`."""
        if not self._over:
            self._over = True
            self._fault = fault
            self._owner.ended(self, complete=False)

    def part(self, within_s: float) -> None:
        """See `Incoming`."""
        if not self._over:
            self._over = True
            self._fault = UpstreamBroken("The exchange was closed before its end.")
            self._owner.parting(self, within_s)

    async def run_out(self, within_s: float) -> None:
        """Lets the rest of the body go by; what of it does not come in time goes with the connection."""
        size = 0
        try:
            with _mapped(self._owner.origin, self._timeouts):
                async with asyncio.timeout(within_s):
                    while size <= PARTING_BYTES:
                        size += len(await anext(self._blocks))
        except (StopAsyncIteration, TimeoutError, UpstreamFault, RuntimeError):
            pass  # over, too slow, broken, or a reader is inside
        finally:
            await self.aclose()
            self._owner.ended(self, complete=True)

    async def aclose(self) -> None:
        """Closes the connection, in the middle of the body."""
        with suppress(RuntimeError):  # a reader is inside; closing the stream ends it
            await self._blocks.aclose()
        await _let_go(self._stream)

    async def _finish(self) -> None:
        await _let_go(self._stream)  # complete, so this puts the connection back
        if not self._over:
            self._over = True
            self._owner.ended(self, complete=True)


async def _let_go(stream: Any) -> None:
    """Closes the body of a response. Bytes behind it, which httpcore would take for the next answer, end the connection."""
    parser = stream
    for name in ("_httpcore_stream", "_stream", "_connection", "_h11_state"):  # no public way leads there
        parser = getattr(parser, name, None)
    if parser is not None and parser.trailing_data[0]:
        parser.send_failed()
    await stream.aclose()


async def _paced(upload: Upload, timeouts: Timeouts, patience: asyncio.Timeout, deadline: float) -> AsyncIterator[bytes]:
    """The blocks of an upload. While the next one is awaited it is not the provider that keeps us waiting."""
    loop = asyncio.get_running_loop()
    async for block in checked(upload):
        patience.reschedule(min(loop.time() + timeouts.first_byte_s, deadline))
        yield block
        patience.reschedule(deadline)
    patience.reschedule(min(loop.time() + timeouts.first_byte_s, deadline))


@contextmanager
def _mapped(origin: Origin, timeouts: Timeouts) -> Iterator[None]:
    """The one place where errors of httpx become ours."""
    import httpx

    try:
        yield
    except httpx.TimeoutException as error:
        raise UpstreamTimeout("connect", timeouts.connect_s) from error
    except (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol) as error:
        raise origin.unreachable(_root(error)) from error
    except httpx.HTTPError as error:
        raise UpstreamBroken(
            f"The provider's answer broke off or is not valid HTTP: {str(error) or type(error).__name__}."
        ) from error


def _root(error: BaseException) -> BaseException:
    """The system's own error at the bottom of a chain of causes, where there is one."""
    found = error
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            found = cause
        cause = cause.__cause__ or cause.__context__
    return found
