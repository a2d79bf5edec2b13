"""A request as bytes."""

from gateway.providers.transport.contract import Outgoing

BODILESS = (b"GET", b"HEAD")
"""Methods that say nothing about a body they do not have."""


class RequestWriter:
    """Writes the heads of requests to one origin."""

    def __init__(self, authority: str) -> None:
        self._constant = b" HTTP/1.1\r\nhost: " + authority.encode("ascii") + b"\r\naccept-encoding: identity\r\n"

    def head(self, outgoing: Outgoing) -> bytes:
        """Request line and headers. Raises ValueError where a part of them would begin a line of its own."""
        pieces = [outgoing.method, b" ", outgoing.path, self._constant]
        for name, value in outgoing.headers:
            pieces += (name, b": ", value, b"\r\n")
        lines = len(outgoing.headers) + 4
        if (upload := outgoing.upload) is not None:
            pieces.append(
                b"transfer-encoding: chunked\r\n" if upload.length is None else b"content-length: %d\r\n" % upload.length
            )
            lines += 1
        elif outgoing.body or outgoing.method not in BODILESS:
            pieces.append(b"content-length: %d\r\n" % len(outgoing.body))
            lines += 1
        pieces.append(b"\r\n")
        head = b"".join(pieces)
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b" " in outgoing.path:
            raise ValueError("a request line or header must not hold line breaks, nor a path spaces")
        return head
