"""Fetches one image: the name is resolved once, every address it has is checked, and the connection goes to a checked one.

    URL -> place -> addresses, all public -> connection to one of them -> redirect: from the start
                                                                       -> image by header and by its bytes

The name is not resolved again for the connection, so that it cannot mean another address by then. TLS is verified against the
name all the same.

Whoever chooses the URL learns nothing of our network: a host that is not known, one that is not public, and one where nobody
answers are told in the same words.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import urljoin

from gateway.core.catalog import PoolLimits, Timeouts
from gateway.core.errors import UpstreamFault, UpstreamTimeout, UpstreamUnreachable
from gateway.providers.images.addresses import is_public
from gateway.providers.images.kinds import NAMES, kind_of
from gateway.providers.images.places import NotFetched, Place, place_of
from gateway.providers.images.spots import Image
from gateway.providers.transport.contract import Incoming, Outgoing
from gateway.providers.transport.http1.client import Http1Transport
from gateway.providers.transport.origin import Pinned

SIZE_LIMIT: Final = 20 * 1024 * 1024
"""Bytes of one image."""
WITHIN_S: Final = 10.0
"""How long one image may take, redirects included."""
REDIRECTS: Final = 3
ADDRESSES: Final = 3
"""Addresses of a host that are tried: one may be of a protocol that this machine does not reach."""

RESOLVERS: Final = 8
"""Names that are resolved at once, in threads of their own: one that never answers keeps no provider's name waiting."""
OUT_OF_REACH: Final = "its host cannot be reached on the public internet"

_PATIENCE: Final = Timeouts(connect_s=3.0, first_byte_s=WITHIN_S, between_bytes_s=WITHIN_S, total_s=WITHIN_S)
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_HEADERS: Final = ((b"accept", b"image/*"), (b"user-agent", b"fleetgate"))
_PROVIDER: Final = re.compile(r"\b[Tt]he provider\b")

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class SystemResolver:
    """Asks the system for the numeric addresses of a host."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(RESOLVERS, "image-names")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Raises OSError, or UnicodeError for what is no name."""
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self.threads, ask)
        return tuple(dict.fromkeys(str(one[4][0]) for one in found))


def is_usual(place: Place) -> bool:
    """Whether the web is found there."""
    return place.is_usual


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be reached, and who resolves names (None: the system). Tests, which have only loopback, bring their own."""

    address: Callable[[str], bool] = is_public
    port: Callable[[Place], bool] = is_usual
    resolver: Resolver | None = None
    within_s: float = WITHIN_S


class Fetcher:
    """Fetches images by these rules. `tls`: what certificates are verified by; loading them takes too long for every image."""

    def __init__(self, rules: Rules, tls: ssl.SSLContext) -> None:
        self._rules = rules
        self._resolve = rules.resolver or SystemResolver()
        self._tls = tls

    async def fetch(self, url: str) -> Image:
        """Raises `NotFetched`."""
        try:
            async with asyncio.timeout(self._rules.within_s):
                return await self._follow(url)
        except TimeoutError as error:
            raise NotFetched(f"it took longer than {self._rules.within_s:g} s") from error
        except UpstreamFault as fault:
            raise NotFetched(_reason(fault)) from fault

    async def _follow(self, url: str) -> Image:
        for _ in range(REDIRECTS + 1):
            place = place_of(url)
            found = await self._ask(place, await self._addresses(place))
            if isinstance(found, Image):
                return found
            try:
                url = urljoin(url, found)
            except ValueError as error:
                raise NotFetched("it was redirected to what is no URL") from error
        raise NotFetched(f"it was redirected more than {REDIRECTS} times")

    async def _addresses(self, place: Place) -> Sequence[str]:
        """Where the host is. One address that is not public spoils them all: its owner plays games."""
        if not self._rules.port(place):
            raise NotFetched(f"port {place.port} is not the web's for {place.scheme}")
        try:
            addresses = await self._resolve(place.host, place.port)
        except (OSError, UnicodeError) as error:
            raise NotFetched(OUT_OF_REACH) from error
        if not addresses or not all(map(self._rules.address, addresses)):
            raise NotFetched(OUT_OF_REACH)
        return addresses[:ADDRESSES]

    async def _ask(self, place: Place, addresses: Sequence[str]) -> Image | str:
        """The image, or where it has moved to."""
        for address in addresses[:-1]:
            try:
                return await self._ask_at(place, address)
            except UpstreamFault:
                continue
        return await self._ask_at(place, addresses[-1])

    async def _ask_at(self, place: Place, address: str) -> Image | str:
        origin = Pinned(place.scheme, place.host, place.port, numeric=address, context=self._tls)
        transport = Http1Transport(origin, PoolLimits(idle=0, total=1))
        try:
            incoming = await transport.send(Outgoing(b"GET", place.path.encode("ascii"), _HEADERS, b""), _PATIENCE)
            try:
                return await _read(incoming)
            finally:
                incoming.close()
        finally:
            transport.retire()


def _reason(fault: UpstreamFault) -> str:
    """Why a server that may be asked gave nothing."""
    if isinstance(fault, UpstreamTimeout):
        return OUT_OF_REACH if fault.phase == "connect" else "its server took too long"
    if isinstance(fault, UpstreamUnreachable) and not isinstance(fault.__cause__, ssl.SSLError):
        return OUT_OF_REACH
    return _PROVIDER.sub("its server", fault.message.rstrip("."))


async def _read(incoming: Incoming) -> Image | str:
    headers = dict(incoming.headers)
    if incoming.status in _MOVED:
        if not (location := headers.get(b"location")):
            raise NotFetched("it was redirected to nowhere")
        return location.decode("utf-8", "replace")
    if incoming.status != 200:
        raise NotFetched(f"its server answered with status {incoming.status}")
    if not headers.get(b"content-type", b"").lower().startswith(b"image/"):
        raise NotFetched("its server does not call it an image")
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > SIZE_LIMIT:
        raise NotFetched(f"it is larger than {SIZE_LIMIT} bytes")
    data = await _within(incoming)
    kind = kind_of(data)
    if kind is None:
        raise NotFetched(f"what its server sent is no {NAMES}")
    return Image(kind, data)


async def _within(incoming: Incoming) -> bytes:
    blocks: list[bytes] = []
    size = 0
    while block := await incoming.read():
        size += len(block)
        if size > SIZE_LIMIT:
            raise NotFetched(f"it is larger than {SIZE_LIMIT} bytes")
        blocks.append(block)
    return b"".join(blocks)
