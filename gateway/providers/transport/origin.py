"""Where a transport is bound to: scheme, host and port of a base URL, and how its TLS is verified."""

import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.core.errors import UpstreamUnreachable

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port; `ca_file` replaces the system's CAs where it is given."""

    scheme: str
    host: str
    port: int
    ca_file: str | None = None

    @staticmethod
    def of(base_url: str, ca_file: str | None = None) -> "Origin":
        """The origin of a base URL; its path is the wire's business. Raises ValueError where it is none."""
        parts = urlsplit(base_url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError(f"base URL {base_url!r} should be http://host[:port][/path] or https://...")
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
        return Origin(parts.scheme, host, parts.port or PORTS[parts.scheme], ca_file)

    @property
    def address(self) -> str:
        """What is connected to."""
        return self.host

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def tls(self) -> ssl.SSLContext | None:
        """A context that verifies certificate and host name; None for plain HTTP. Raises OSError for a bad `ca_file`."""
        if self.scheme != "https":
            return None
        return ssl.create_default_context(cafile=self.ca_file)

    def unreachable(self, error: BaseException) -> UpstreamUnreachable:
        """What a failed attempt to connect means to the caller: the reason, never an address with credentials."""
        return UpstreamUnreachable(f"No connection to {self.authority}: {_reason(error)}.")


@dataclass(frozen=True, slots=True)
class Pinned(Origin):
    """An origin that is reached at one numeric address, whatever its name means by then; `context` verifies the name."""

    numeric: str = ""
    context: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        """See `Origin`."""
        return self.numeric

    def tls(self) -> ssl.SSLContext | None:
        """See `Origin`."""
        return self.context if self.scheme == "https" else None


def _reason(error: BaseException) -> str:
    match error:
        case socket.gaierror():
            return f"the name cannot be resolved ({error.strerror})"
        case UnicodeError():
            return "the name is not a valid host name"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return f"TLS failed ({error.reason or type(error).__name__})"
        case ConnectionRefusedError():
            return "connection refused"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return str(error) or type(error).__name__
