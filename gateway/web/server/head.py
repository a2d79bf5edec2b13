"""The head of a request: what is refused though the parser lets it pass, and its ASGI scope; pure, no I/O."""

from collections.abc import Mapping
from urllib.parse import unquote

from gateway.core.errors import HeadTooLarge, InvalidValue
from gateway.web.server.limits import Headers, ServerLimits


def measure(url: bytes, headers: Headers) -> int:
    """The size of a head in bytes, give or take its method."""
    return len(url) + 16 + sum(len(name) + len(value) + 4 for name, value in headers)


def too_large(limits: ServerLimits) -> HeadTooLarge:
    """The error for a head over its limits."""
    return HeadTooLarge(
        f"The request line and headers are over the limit of {limits.header_bytes} bytes or {limits.header_count} headers."
    )


def malformed(reason: str) -> InvalidValue:
    """The error for bytes that are not a request in HTTP/1.1."""
    return InvalidValue(f"The request is not valid HTTP/1.1: {reason}.")


def check(version: str, headers: Headers, named: Mapping[bytes, bytes]) -> None:
    """Refuses what two servers in a row could read as two different requests.

    The parser already refuses a length beside an encoding, two lengths, folded lines and bare line feeds.
    `named` is `headers` as a dict: the hot path pays for one dict, not for a loop.
    """
    if version != "1.1" and version != "1.0":
        raise malformed(f"version {version!r} is not spoken here")
    if b"host" not in named:
        if version == "1.1":
            raise malformed("the Host header is missing")
    elif len(named) != len(headers) and sum(name == b"host" for name, _ in headers) > 1:
        raise malformed("there is more than one Host header")
    coding = named.get(b"transfer-encoding")
    if coding is not None and sum(name == b"transfer-encoding" for name, _ in headers) > 1:
        raise malformed("there is more than one Transfer-Encoding header")
    if coding is not None and (version == "1.0" or coding.lower() != b"chunked"):
        raise malformed("the only Transfer-Encoding is 'chunked', in HTTP/1.1")


def split(url: bytes) -> tuple[bytes, bytes]:
    """A request target as raw path and query string; the absolute form loses its origin."""
    if b"#" in url:
        raise malformed("the target has a fragment")
    path, _, query = url.partition(b"?")
    if not path.startswith(b"/") and b"://" in path:
        _, _, path = path.partition(b"://")
        path = b"/" + path.partition(b"/")[2]
    return path, query


def readable(raw_path: bytes) -> str:
    """The path with its escapes resolved."""
    path = raw_path.decode("latin-1")
    return unquote(path) if "%" in path else path


def framing_only(named: Mapping[bytes, bytes], *, keep_alive: bool) -> bytes:
    """A head that says nothing but how the body comes; empty where there is none.

    The parser takes the body of a request that asks for an upgrade (Java's client does, with every POST) for another
    protocol, and would read it as the next request. Fed with this head first, it reads it as a body.
    """
    length = named.get(b"content-length")
    if b"transfer-encoding" in named:
        framing = b"transfer-encoding: chunked"
    elif length is not None and int(length):
        framing = b"content-length: " + length
    else:
        return b""
    return b"POST / HTTP/1.1\r\n%b%b\r\n\r\n" % (framing, b"" if keep_alive else b"\r\nconnection: close")
