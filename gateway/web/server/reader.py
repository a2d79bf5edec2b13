"""Bytes to turns: the parser of a connection and what is collected of the request that is arriving."""

from typing import Any, Protocol

import httptools

from gateway.core.errors import GatewayError
from gateway.web.server.head import check, framing_only, malformed, measure, readable, split, too_large
from gateway.web.server.limits import Headers
from gateway.web.server.site import Site
from gateway.web.server.turn import DEPARTURE, Line, Turn

Address = tuple[str, int] | None


class Enough(Exception):
    """Stops the parser: what follows on the connection is not to be read as requests."""


class Intake(Line, Protocol):
    """What a reader tells its connection."""

    def turn_arrived(self, turn: Turn) -> None:
        """A head is complete. Raises Enough to have no more."""
        ...

    def body_grew(self, turn: Turn) -> None: ...

    def request_complete(self, turn: Turn) -> None: ...


class Reader:
    """Parses what one client sends.

    `incoming` is the turn whose body is arriving. `span` counts the bytes since the last message ended, `grew` is set by
    every part of a body. The callbacks of the parser are the methods `on_...`.
    """

    __slots__ = (
        "_client",
        "_framing",
        "_headers",
        "_intake",
        "_parser",
        "_scheme",
        "_server",
        "_site",
        "_url",
        "grew",
        "incoming",
        "span",
    )

    def __init__(self, intake: Intake, site: Site, scheme: str, client: Address, server: Address) -> None:
        self._intake = intake
        self._site = site
        self._scheme = scheme
        self._client = client
        self._server = server
        self._parser: Any = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: Headers = []
        # Of a request that asks for an upgrade: what makes the parser read its body after all.
        self._framing = b""
        self.incoming: Turn | None = None
        self.span = 0
        self.grew = False

    @property
    def started(self) -> bool:
        """Part of a head has arrived."""
        return bool(self._url or self._headers)

    @property
    def path(self) -> str:
        """The path of what is arriving, as far as it is known."""
        return self.incoming.path if self.incoming is not None else readable(self._url.partition(b"?")[0])

    def feed(self, data: bytes) -> GatewayError | None:
        """Takes what was received; the error if it is not, or not any more, a request."""
        size = len(data)
        self.span += size
        most = self._site.limits.header_bytes
        try:
            if size <= most:
                self._parse(data)
            else:
                # In slices: what is parsed in one go cannot hold a head far over its limit.
                view = memoryview(data)
                for start in range(0, size, most):
                    self._parse(view[start : start + most])
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, GatewayError):
                return cause
            # The parser itself takes nothing behind a last request: it is nobody's.
            return None if isinstance(cause, Enough) or self._intake.deaf else malformed(str(error))
        return None

    def head_overflow(self) -> GatewayError | None:
        """The error if the unfinished head is too large already."""
        limits = self._site.limits
        if self.span > limits.header_bytes or len(self._headers) > limits.header_count:
            return too_large(limits)
        return None

    def drop(self) -> None:
        """Lets go of what was arriving; nothing more will be fed."""
        self.incoming = None
        self._url, self._headers = b"", []
        # The parser holds this reader through its callbacks.
        self._parser = None

    def _parse(self, data: bytes | memoryview) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as asked:
                # Not granted: what follows is the body, or the next request.
                data = b"" if self._intake.deaf else data[asked.args[0] :]
                if self._framing:
                    framing, self._framing = self._framing, b""
                    self._parser = httptools.HttpRequestParser(self)
                    self._parser.feed_data(framing)
            else:
                return

    def on_url(self, url: bytes) -> None:
        if self.incoming is None:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # While a body arrives these are its trailers: nobody asked for them.
        if self.incoming is None:
            self._headers.append((name.lower(), value.rstrip()))

    def on_headers_complete(self) -> None:
        if self.incoming is not None:
            return  # the head that `_framing` made
        limits, headers, url = self._site.limits, self._headers, self._url
        if len(headers) > limits.header_count or (
            self.span > limits.header_bytes and measure(url, headers) > limits.header_bytes
        ):
            raise too_large(limits)
        version = self._parser.get_http_version()
        named = dict(headers)
        check(version, headers, named)
        turn = self._turn(version, split(url), headers, named.get(b"expect"))
        self._intake.turn_arrived(turn)
        self.incoming = turn
        self._headers, self._url = [], b""
        if b"upgrade" in named and self._parser.should_upgrade():
            self._framing = framing_only(named, keep_alive=turn.keep_alive)

    def _turn(self, version: str, target: tuple[bytes, bytes], headers: Headers, expect: bytes | None) -> Turn:
        site, parser = self._site, self._parser
        raw_path, query = target
        path = readable(raw_path)
        method = parser.get_method().decode("ascii")
        root = site.root_path
        modern = version == "1.1"
        extensions: dict[str, Any] = {}
        turn = Turn(
            self._intake,
            path,
            {
                "type": "http",
                "asgi": {"version": "3.0", "spec_version": "2.3"},
                "http_version": version,
                "server": self._server,
                "client": self._client,
                "scheme": self._scheme,
                "method": method,
                "root_path": root,
                "path": root + path,
                "raw_path": root.encode("ascii") + raw_path,
                "query_string": query,
                "headers": headers,
                "state": site.app_state.copy(),
                "extensions": extensions,
            },
            modern=modern,
            # What follows a CONNECT was meant for a tunnel.
            keep_alive=parser.should_keep_alive() and method != "CONNECT",
            awaits_continue=modern and expect is not None and expect.lower() == b"100-continue",
        )
        extensions[DEPARTURE] = turn.watch
        return turn

    def on_body(self, part: bytes) -> None:
        turn = self.incoming
        assert turn is not None
        self.grew = True
        turn.body_arrived(part)
        self._intake.body_grew(turn)

    def on_message_complete(self) -> None:
        if self._framing:
            return  # the parser skips the body of an upgrade; it is still to come
        turn = self.incoming
        assert turn is not None
        self.incoming = None
        self.span = 0
        turn.body_ended()
        self._intake.request_complete(turn)
