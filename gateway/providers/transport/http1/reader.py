"""The framing of answers without I/O: bytes in; status, headers and parts of the body out; every bound of size."""

from collections.abc import Sequence
from typing import Protocol, cast

import httptools

from gateway.core.errors import UpstreamBroken
from gateway.providers.transport.contract import Head, Header

HEAD_BYTES = 64 * 1024
"""Status line and headers, those of 1xx answers before it included."""
HEADER_COUNT = 256
FRAMING_BYTES = 16 * 1024
"""What may come in a row within a body without being body: chunk sizes, their extensions, trailers."""

_BLANK_LINE = b"\r\n\r\n"
_CHUNKED = b"\ntransfer-encoding: chunked\r\n"


class _Parser(Protocol):
    """What is used of `httptools.HttpResponseParser`."""

    def feed_data(self, data: bytes | memoryview) -> None: ...

    def get_status_code(self) -> int: ...

    def should_keep_alive(self) -> bool: ...


class AnswerReader:
    """The incoming side of one connection, one answer after the other: `expect`, then `feed` until `complete`.

    `status` is 0 until the head of the final answer has come (1xx are skipped). `parts` is emptied by whoever takes them.
    `unbounded`: the end of the connection is the end of the body.
    `on_body` is the list's own append, so that a part of a body costs no Python call.
    """

    __slots__ = (
        "_allowance",
        "_came",
        "_interludes",
        "_parser",
        "bodiless",
        "coding",
        "complete",
        "headers",
        "keep_alive",
        "on_body",
        "parts",
        "status",
        "unbounded",
    )

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.on_body = self.parts.append
        self.headers: Sequence[Header] = ()
        self._parser = cast("_Parser", httptools.HttpResponseParser(self))
        self.expect(bodiless=False)

    def expect(self, *, bodiless: bool) -> None:
        """A request has gone out. `bodiless`: it was a HEAD, whose answer announces a body that does not come."""
        self.bodiless = bodiless
        self.status = 0
        self._came = b""
        self._interludes = 0
        self.complete = self.keep_alive = self.unbounded = False
        self.coding: bytes | None = None
        self._allowance = HEAD_BYTES

    def feed(self, data: bytes) -> None:
        """Takes in what has arrived. Raises UpstreamBroken where it is not HTTP or over a limit."""
        if self.status and not self.bodiless:
            known = len(self.parts)
            try:
                self._parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                self._spoilt(error)
            if len(self.parts) > known:
                self._allowance = FRAMING_BYTES
            else:
                self._framing(len(data))
            return
        self._came += data
        if len(data) <= self._allowance:
            self._allowance -= len(data)
            self._parse(data)
        else:
            self._feed_long(data)
        if self.status:
            self._take_head()
            if self.bodiless:
                self._end_at_head()

    def dispose(self) -> None:
        """Lets go of the parser, which refers back to this object."""
        del self._parser

    def _framing(self, size: int) -> None:
        self._allowance -= size
        if self._allowance < 0 and not self.complete:
            raise UpstreamBroken(f"The provider sent more than {FRAMING_BYTES} bytes of chunk framing or trailers in a row.")

    def _feed_long(self, data: bytes) -> None:
        allowed = self._allowance
        self._allowance = 0
        self._parse(memoryview(data)[:allowed])
        if not self.status:
            raise UpstreamBroken(f"The head of the provider's answer is over {HEAD_BYTES} bytes.")
        if not self.complete:
            self._parse(memoryview(data)[allowed:])
        else:
            self.keep_alive = False

    def _parse(self, data: bytes | memoryview) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._spoilt(error)

    def _spoilt(self, error: Exception) -> None:
        if self.complete:  # the answer itself is sound; what follows it nobody asked for
            self.keep_alive = False
        elif isinstance(error.__context__, UpstreamBroken):
            raise error.__context__
        elif isinstance(error, httptools.HttpParserUpgrade):
            raise UpstreamBroken("The provider switched protocols unasked.") from error
        else:
            raise UpstreamBroken(f"The provider's answer is not valid HTTP/1.1: {error}.") from error

    def _take_head(self) -> None:
        """Cuts the head of the final answer out of what has come, and looks for the few headers that matter here."""
        text, self._came = self._came.lstrip(), b""
        for _ in range(self._interludes):
            text = text[text.find(_BLANK_LINE) :].lstrip()
        self.headers = head = Head(text[: text.find(_BLANK_LINE) + 2])
        folded = head.folded
        if folded.count(b"\n") > HEADER_COUNT + 1:
            raise UpstreamBroken(f"The provider's answer has more than {HEADER_COUNT} headers.")
        coded = folded.count(b"-encoding:")
        if coded > 1 or (coded and _CHUNKED not in folded):
            for name, value in head:
                self._coded(name, value.lower())
        if not self.keep_alive:
            self.unbounded = b"\ncontent-length:" not in folded and b"\ntransfer-encoding:" not in folded

    def _end_at_head(self) -> None:
        if not self.complete:  # the parser waits for the announced body, so it cannot be used again
            self.complete = True
            self.keep_alive = False
            self.parts.clear()

    # ------------------------------------------------------------ called by the parser

    def on_message_begin(self) -> None:
        """A first byte: of the answer, or of something surplus after it."""
        if self.complete:
            raise UpstreamBroken("surplus bytes")

    def on_headers_complete(self) -> None:
        """The head of an answer is done; a 1xx is only an interlude."""
        status = self._parser.get_status_code()
        if status >= 200:
            self.status = status
            self.keep_alive = self._parser.should_keep_alive()
            self._allowance = FRAMING_BYTES
        else:
            self._interludes += 1

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self.complete = self.status != 0

    def _coded(self, name: bytes, value: bytes) -> None:
        if name == b"content-encoding":
            self.coding = value if self.coding is None else self.coding + b", " + value
        elif name == b"transfer-encoding" and value != b"chunked":
            raise UpstreamBroken(f"The provider's answer has the unknown transfer encoding {value.decode('latin-1')!r}.")
