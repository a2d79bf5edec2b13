"""A request as bytes."""

from functools import lru_cache

from gateway.providers.transport.contract import Header, Outgoing

BODILESS = (b"GET", b"HEAD")
"""Methods that say nothing about a body they do not have."""
START_COUNT = 64
"""How many heads are remembered: most requests to a provider differ in their bodies alone."""


class RequestWriter:
    """Writes the heads of requests to one origin."""

    def __init__(self, authority: str) -> None:
        self._constant = b" HTTP/1.1\r\nhost: " + authority.encode("ascii") + b"\r\naccept-encoding: identity\r\n"
        self._start = lru_cache(maxsize=START_COUNT)(self._written)

    def head(self, outgoing: Outgoing) -> bytes:
        """Request line and headers. Raises ValueError where a part of them would begin a line of its own."""
        method, path, headers, body, _, upload = outgoing
        start = self._start(method, path, tuple(headers))
        length = len(body) if upload is None else upload.length
        if length is None:
            return start + b"transfer-encoding: chunked\r\n\r\n"
        if not length and upload is None and method in BODILESS:
            return start + b"\r\n"
        return b"%bcontent-length: %d\r\n\r\n" % (start, length)

    def _written(self, method: bytes, path: bytes, headers: tuple[Header, ...]) -> bytes:
        """All lines but that of the body."""
        start = b"".join((method, b" ", path, self._constant, *(b"%b: %b\r\n" % header for header in headers)))
        lines = len(headers) + 3
        if start.count(b"\n") != lines or start.count(b"\r") != lines or b" " in path:
            raise ValueError("a request line or header must not hold line breaks, nor a path spaces")
        return start
