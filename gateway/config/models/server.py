"""The process itself: where it listens, how much it takes, which stores it keeps, and its own secrets."""

import ipaddress
import socket
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, WithJsonSchema

from gateway.config import units
from gateway.config.models.section import Duration, Positive, SecretStr, Section, Size, quantity, unexpected

ADDRESS = "an address such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080"
HOT = "memory://, redis://host:6379/0 or redis+cluster://a:7000,b:7000"
LEDGER = "sqlite:///file.db or postgresql://user@host/db"


EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104


class Listen(NamedTuple):
    """Host and port to listen on."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def is_at(self, url: str) -> bool:
        """Whether a URL leads here, as far as that can be told without a network."""
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = _plain(parts.hostname or "")
        return port == self.port and (host in (_plain(self.host), *EVERYWHERE) or Listen(host, port).loopback)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _plain(host: str) -> str:
    """One way to write it for all that lead to the same place: `127.1`, `::ffff:127.0.0.1`, `app.localhost.`."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return "localhost"
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return _short(name)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _short(name: str) -> str:
    """An IPv4 address as the C library reads it, too: `127.1`, `0x7f000001`, `0`."""
    try:
        return socket.inet_ntoa(socket.inet_aton(name)) if name[:1].isdigit() else name
    except OSError:
        return name


def _listen(value: object) -> Listen:
    host, colon, port = str(value).rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    fits = colon and bare and (bare == host) == (":" not in host) and not set(bare) & set(" /[]@")
    if not fits or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise unexpected(ADDRESS)
    return Listen(bare, int(port))


def _one_of_schemes(expected: str, *schemes: str) -> PlainValidator:
    def read(value: object) -> str:
        if not str(value).startswith(schemes):
            raise unexpected(expected)
        return str(value)

    return PlainValidator(read)


Address = Annotated[Listen, PlainValidator(_listen), WithJsonSchema({"type": "string", "description": ADDRESS})]
HotStore = Annotated[
    str,
    _one_of_schemes(HOT, "memory://", "redis://", "rediss://", "redis+cluster://", "rediss+cluster://"),
    WithJsonSchema({"type": "string"}),
]
LedgerStore = Annotated[
    str, _one_of_schemes(LEDGER, "sqlite://", "postgresql://", "postgres://"), WithJsonSchema({"type": "string"})
]


class Server(Section):
    """Where one process listens and what it takes at most."""

    listen: Address = quantity("127.0.0.1:8080", _listen, "Host and port; anything wider than loopback needs keys.")
    workers: int = Field(default=1, ge=1, le=256, description="Processes on the port; more than one needs a shared hot store.")
    drain: Duration = quantity("600s", units.duration, "How long calls in flight may go on after a stop was asked for.")
    in_flight: int = Field(
        default=12_000, ge=1, description="Calls that are carried at once; past it callers get 503 with Retry-After."
    )
    held: int = Field(default=20_000, ge=0, description="Calls that may wait for capacity at once.")
    body: Annotated[Size, Positive] = quantity("20MiB", units.size, "The longest body of a request; a longer one gets 413.")
    receive: Annotated[Duration, Positive] = quantity("30s", units.duration, "How long a caller may take to send its request.")
    heartbeat: Annotated[Duration, Positive] = quantity(
        "15s", units.duration, "How long a stream may be silent before a comment keeps it alive."
    )


class Stores(Section):
    """Where state lives."""

    hot: HotStore = Field(default="memory://", description=f"Counters, holds, sessions, cache: {HOT}.")
    ledger: LedgerStore = Field(default="sqlite:///fleetgate.db", description=f"The account of every request: {LEDGER}.")


class Auth(Section):
    """The gateway's own secrets; the keys of callers stand under `tenants`."""

    admin_key: SecretStr | None = Field(default=None, description="Opens the admin API.")
    pepper: SecretStr | None = Field(
        default=None, description="Goes into the digests of keys; without one each process makes up its own at start."
    )
