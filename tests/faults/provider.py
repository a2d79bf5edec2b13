"""A provider that fails in every way there is: raw sockets, and for each model one way, at one stage of a call.

`MODEL` is the name at this provider. `ok` answers; what it says names the provider, so that a spliced answer can be seen.
"""

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import Callable
from typing import Self

from tests.journeys.answers import chunk, completion, dumps

SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
ERROR = dumps({"error": {"message": "no", "type": "server_error", "param": None, "code": None}})


class Provider:
    """One server of the test's own loop. `healed`: models that answer after all. `busy`: requests not answered yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: Counter[str] = Counter()
        self.healed: set[str] = set()
        self.ways = dict(WAYS)
        self.busy = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._call(reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers one request; False where the connection is over."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        asked = json.loads(await reader.readexactly(length))
        model, stream = asked["model"], bool(asked.get("stream"))
        self.calls[model] += 1
        way = self.ways["ok" if model in self.healed else model]
        self.busy += 1
        try:
            return await self._answer(way(f"{self.name} says so", stream), reader, writer)
        finally:
            self.busy -= 1

    async def _answer(self, pieces: "list[Piece]", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        for piece in pieces:
            if isinstance(piece, bytes):
                writer.write(piece)
                continue
            await asyncio.sleep(0.02)  # a reset discards what the peer has not read yet
            if piece == "wait":
                await asyncio.sleep(0.4)
                continue
            if piece == "hang":
                await reader.read()  # until the gateway has had enough
            while piece == "trickle" and not reader.at_eof():
                writer.write(b"8\r\n: wait\n\n\r\n")
                await asyncio.sleep(0.05)
            if piece == "reset":
                connection: socket.socket = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        return True


Piece = bytes | str
"""Bytes, or how the connection goes on: `wait` and then more, or, as its end, `close`, `reset`, `hang`, or `trickle` (signs
of life, and nothing else)."""


def _whole(body: bytes, head: bytes = JSON) -> list[Piece]:
    return [head + b"content-length: %d\r\n\r\n" % len(body) + body]


def _status(status: int, body: bytes = ERROR, headers: bytes = b"content-type: application/json\r\n") -> list[Piece]:
    return _whole(body, b"HTTP/1.1 %d Scripted\r\n" % status + headers)


def _events(*events: object) -> bytes:
    said = [b"data: " + (one if isinstance(one, bytes) else dumps(one)) + b"\n\n" for one in events]
    return b"".join(b"%x\r\n" % len(one) + one + b"\r\n" for one in said)


ROLE = chunk("x", {"role": "assistant", "content": ""})
LAST = b"0\r\n\r\n"


def _ok(text: str, stream: bool) -> list[Piece]:
    if not stream:
        return _whole(dumps(completion("x", {"content": text})))
    said = [chunk("x", {"content": word + " "}) for word in text.split()]
    return [SSE + _events(ROLE, *said, chunk("x", {}, "stop"), b"[DONE]") + LAST]


def _truncated(text: str, stream: bool) -> list[Piece]:
    """Content, and then nothing more."""
    if not stream:
        return [JSON + b'content-length: 1000\r\n\r\n{"id":', "close"]
    return [SSE + _events(ROLE, chunk("x", {"content": text})), "close"]


def _streamed(*pieces: Piece) -> Callable[[str, bool], list[Piece]]:
    """These pieces for a stream; a plain answer is cut off in its body."""
    return lambda _, stream: list(pieces) if stream else [JSON + b'content-length: 1000\r\n\r\n{"id":', "reset"]


WAYS: dict[str, Callable[[str, bool], list[Piece]]] = {
    "ok": _ok,
    "closed": lambda *_: ["close"],
    "reset": lambda *_: ["reset"],
    "head-cut": lambda *_: [b"HTTP/1.1 200 OK\r\ncontent-ty", "reset"],
    "no-http": lambda *_: [b"220 smtp.example.org ready\r\n\r\n", "close"],
    "error-500": lambda *_: _status(500),
    "slow-500": lambda *_: ["wait", *_status(500)],
    "error-503": lambda *_: _status(503, b""),
    "error-429": lambda *_: _status(429, ERROR, b"content-type: application/json\r\nretry-after: 0\r\n"),
    "error-529": lambda *_: _status(529),
    "error-401": lambda *_: _status(401),
    "html": lambda *_: _status(200, b"<html>log in</html>", b"content-type: text/html\r\n"),
    "html-as-json": lambda *_: _status(200, b"<html>log in</html>"),
    "empty": lambda *_: _status(200, b""),
    "no-choices": lambda *_: _status(200, b'{"choices":[]}'),
    "json-error": lambda *_: _status(200, ERROR),
    "hang": lambda *_: ["hang"],
    "hang-in-head": lambda *_: [b"HTTP/1.1 200 OK\r\n", "hang"],
    "stream-empty": _streamed(SSE + LAST),
    "stream-role-only": _streamed(SSE + _events(ROLE) + LAST),
    "stream-done-only": _streamed(SSE + _events(b"[DONE]") + LAST),
    "stream-error": _streamed(SSE + _events(json.loads(ERROR)) + LAST),
    "stream-error-after-role": _streamed(SSE + _events(ROLE, json.loads(ERROR)) + LAST),
    "stream-cut-before-content": _streamed(SSE + _events(ROLE), "reset"),
    "stream-hang": _streamed(SSE + _events(ROLE), "hang"),
    "stream-trickle": _streamed(SSE + _events(ROLE), "trickle"),
    "stream-no-sse": _streamed(SSE + b"5\r\nhello\r\n" + LAST),
    "truncated": _truncated,
}
BEFORE_CONTENT = [name for name in WAYS if name not in ("ok", "truncated")]
