"""The head and the framing of a response as bytes; pure, so that every rule of it is tested without a socket."""

from http import HTTPStatus
from typing import Final

from gateway.web.server.limits import Headers

BODILESS: Final = frozenset((204, 304))
LAST_CHUNK: Final = b"0\r\n\r\n"
_PHRASES: Final = {int(status): status.phrase for status in HTTPStatus}
_STATUS_LINES: Final = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, _PHRASES.get(status, "").encode("ascii")) for status in range(200, 600)
}


class Framing:
    """How the body of one response goes out: by length, in chunks, until the connection closes, or not at all."""

    __slots__ = ("bodiless", "chunked", "due", "keep_alive")

    def __init__(self, *, bodiless: bool, keep_alive: bool) -> None:
        self.bodiless = bodiless
        self.chunked = False
        self.due: int | None = None
        self.keep_alive = keep_alive

    def frame(self, body: bytes, *, more: bool) -> bytes:
        """The bytes of one part of the body. Raises RuntimeError where it breaks the promised length."""
        if self.bodiless:
            return b""
        if self.chunked:
            if not body:
                return b"" if more else LAST_CHUNK
            return (b"%x\r\n%b\r\n" if more else b"%x\r\n%b\r\n0\r\n\r\n") % (len(body), body)
        if self.due is not None:
            self.due -= len(body)
            if self.due < 0:
                raise RuntimeError(f"The body of the response is {-self.due} bytes longer than its content-length.")
            if self.due and not more:
                raise RuntimeError(f"The body of the response is {self.due} bytes shorter than its content-length.")
        return body


def open_response(
    status: int, headers: Headers, defaults: bytes, size: int | None, *, modern: bool, head_only: bool, keep_alive: bool
) -> tuple[bytes, Framing]:
    """The head of a response and the framing of its body.

    `size` is the length of the body where it is known already, else None. `defaults` are rendered header lines.
    `modern` and `head_only` are what the request says: HTTP/1.1 rather than 1.0, HEAD rather than GET.
    Framing and connection are decided here, whatever `headers` say of them.
    """
    line = _STATUS_LINES.get(status)
    if line is None:
        raise RuntimeError(f"The status of a response is 200 to 599, not {status!r}.")
    framing = Framing(bodiless=head_only or status in BODILESS, keep_alive=keep_alive)
    named = dict(headers)
    if b"connection" in named or b"transfer-encoding" in named or status == 204:
        headers = _own(headers, framing, status)
    if status in BODILESS:
        size = None
    extra = _decide(framing, named.get(b"content-length"), size, modern=modern)
    return b"%b%b%b%b\r\n" % (line, defaults, render_lines(headers), extra), framing


def _decide(framing: Framing, given: bytes | None, size: int | None, *, modern: bool) -> bytes:
    """Chooses the framing; returns the header lines that say so."""
    extra = b""
    if given is not None:
        framing.due = int(given)
    elif framing.bodiless:
        # A HEAD whose body was left out says nothing about the length that GET would have.
        extra = b"content-length: %d\r\n" % size if size else b""
    elif size is not None:
        framing.due = size
        extra = b"content-length: %d\r\n" % size
    elif modern:
        framing.chunked = True
        extra = b"transfer-encoding: chunked\r\n"
    else:
        framing.keep_alive = False
    if not framing.keep_alive:
        return extra + b"connection: close\r\n"
    return extra if modern else extra + b"connection: keep-alive\r\n"


def _own(headers: Headers, framing: Framing, status: int) -> Headers:
    """The headers without those that only the server may set; `connection: close` is honoured."""
    if any(name == b"connection" and b"close" in value.lower() for name, value in headers):
        framing.keep_alive = False
    reserved = {b"connection", b"transfer-encoding"} | ({b"content-length"} if status == 204 else set())
    return [pair for pair in headers if pair[0] not in reserved]


def render_lines(headers: Headers) -> bytes:
    """Headers as the lines of a head. Raises RuntimeError where a value would smuggle in another header."""
    parts: list[bytes] = []
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
    lines = b"".join(parts)
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        raise RuntimeError("A header of the response contains a line break.")
    return lines
