"""What the rest of the gateway knows of an HTTP client: send a request, read the answer in blocks, close.

Two drivers keep it: `http1` (our own, for the hot path) and `httpx_driver` (forward proxies, HTTP/2); the built-in
echo provider answers through it without a network. All pass `tests/contracts/transport`.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, overload

from gateway.core.catalog import Timeouts

Header = tuple[bytes, bytes]


class Head(Sequence[Header]):
    """The headers of an answer as they came, taken apart when somebody looks closer: most answers are taken without.

    `folded` is all of it in small letters, status line included, to be searched for what hardly ever stands in it.
    """

    __slots__ = ("_lines", "_text", "folded")

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._lines: list[Header] | None = None
        self.folded = text.lower()

    def __len__(self) -> int:
        return self._text.count(b"\n") - 1

    def __iter__(self) -> Iterator[Header]:
        return iter(self._parsed())

    @overload
    def __getitem__(self, at: int) -> Header: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Header]: ...

    def __getitem__(self, at: int | slice) -> Header | Sequence[Header]:
        return self._parsed()[at]

    def _parsed(self) -> list[Header]:
        if self._lines is None:
            lines = (line.partition(b":") for line in self._text.split(b"\r\n")[1:-1])
            self._lines = [(name.lower(), value.strip()) for name, _, value in lines]
        return self._lines


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that comes bit by bit, asked for no faster than the provider takes it. `length`: None where it is not known.

    `blocks` raises `UpstreamBroken` where the rest will not come.
    """

    blocks: AsyncIterator[bytes]
    length: int | None = None


class Outgoing(NamedTuple):
    """A request to a provider.

    `path` is the origin-form target with its query. `headers` come without host, content-length and connection, which
    the driver writes. The body is sent by length. `dropped` is what the wire had to leave out of the request, in words.
    `upload` comes instead of `body`; an answer that overtakes it ends it.
    """

    method: bytes
    path: bytes
    headers: Sequence[Header]
    body: bytes
    dropped: Sequence[str] = ()
    upload: Upload | None = None


class Incoming(Protocol):
    """An answer whose head has arrived. `headers`: lower-case names, in the order of arrival."""

    status: int
    headers: Sequence[Header]

    async def read(self) -> bytes:
        """The next block of the body, as it came (never empty); `b""` once the body is complete.

        Raises `UpstreamTimeout`, or `UpstreamBroken` where the body ends short of its promise.
        """
        ...

    async def whole(self, limit: int) -> bytes:
        """The rest of the body in one piece. Raises as `read` does, and `UpstreamBroken` above `limit` bytes."""
        ...

    def close(self) -> None:
        """Ends the exchange; idempotent. Unread or incomplete: the connection is closed at once. Complete: it is back
        in the pool already, and nothing happens."""
        ...

    def part(self, within_s: float) -> None:
        """Ends the exchange, too, but leaves the connection so long (and a bounded number of bytes) for the rest of the
        body to go by unread: complete by then, it goes back to the pool; else it is closed. `close` changes nothing then."""
        ...


class Transport(Protocol):
    """A client bound to one origin and its pool of connections."""

    async def send(self, outgoing: Outgoing, timeouts: Timeouts) -> Incoming:
        """Sends the request and waits for the head of the answer (1xx skipped, redirects not followed).

        Raises `UpstreamUnreachable`, `UpstreamTimeout` or `UpstreamBroken`. Cancelling it closes the connection at once.
        """
        ...

    def retire(self) -> None:
        """Closes what is idle now and everything else when its exchange is done; exchanges in flight go on."""
        ...

    async def aclose(self) -> None:
        """Closes every connection, in use or not."""
        ...
