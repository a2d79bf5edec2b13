"""A real second server that misbehaves on request: the model's name chooses what it does, and it remembers what it saw.

    python -m tests.journeys.upstream        prints its port; ends when its standard input closes

`name@anything` behaves like `name`, so that each test has requests of its own: `GET /_control/seen?model=`,
`/_control/wait?model=&state=running|blocked|done|left&within=`.
"""

import asyncio
import base64
import json
import os
import signal
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.journeys import answers
from tests.journeys.behaviours import ERRORS, answer_with_extras
from tests.journeys.variants import DONE, ROWS, Row, event

EVENT_STREAM = ("content-type", "text/event-stream; charset=utf-8")
JSON = ("content-type", "application/json")
ENDLESS = {"endless": ("more ", 0.02), "flood": ("x" * 16_000, 0.0)}
"""What these go on saying until the client leaves, and with which pauses in seconds."""


@dataclass(slots=True)
class Seen:
    """A request as it arrived, and what became of it: running, blocked by a client that does not read, done, or left early."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    state: str = "running"
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> str:
        return str(self.fields.get("model", ""))

    def public(self) -> dict[str, Any]:
        """For the control endpoint."""
        body = base64.b64encode(self.body).decode()
        return {
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "body": body,
            "connection": self.connection,
            "state": self.state,
        }


class Memory:
    """Every request of this process, and a way to wait for the next change."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self._changed = asyncio.Event()

    def changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def of(self, model: str) -> list[Seen]:
        return [one for one in self.seen if one.model == model]

    async def wait(self, model: str, state: str, within_s: float) -> int:
        """How many requests of the model are in that state, once there is one or the time is over."""
        try:
            async with asyncio.timeout(within_s):
                while not any(one.state == state for one in self.of(model)):
                    await self._changed.wait()
        except TimeoutError:
            pass
        return sum(one.state == state for one in self.of(model))


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, and notice of a peer that closes in the middle of one."""

    def __init__(self, memory: Memory) -> None:
        memory.connections += 1
        self.number = memory.connections
        self.memory = memory
        self.running: Seen | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self._work: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._reader = asyncio.StreamReader()
        self._work = asyncio.get_running_loop().create_task(self._serve())

    def eof_received(self) -> None:
        self._reader.feed_eof()

    def data_received(self, data: bytes) -> None:
        self._reader.feed_data(data)

    def pause_writing(self) -> None:
        self.writable.clear()
        self._now("blocked")

    def resume_writing(self) -> None:
        self.writable.set()
        self._now("running")

    def _now(self, state: str) -> None:
        if self.running is not None:
            self.running.state = state
            self.memory.changed()

    def connection_lost(self, exc: Exception | None) -> None:
        self._now("left")
        if self._work is not None:
            self._work.cancel()

    async def _serve(self) -> None:
        try:
            while True:
                seen = await self._request()
                await self._answer(seen)
                self._now("done")
                self.running = None
        except asyncio.IncompleteReadError:
            return
        finally:
            self.transport.close()

    async def _request(self) -> Seen:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        method, path, _ = first.split(" ")
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        return Seen(method, path, headers, await self._body(dict(headers)), self.number)

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self._reader.readexactly(int(headers.get("content-length", "0")))
        body = b""
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readuntil(b"\r\n")
        return body

    async def _answer(self, seen: Seen) -> None:
        where = urlsplit(seen.path)
        if where.path.startswith("/_control/"):
            await self._control(where.path.rpartition("/")[2], {key: one[0] for key, one in parse_qs(where.query).items()})
            return
        seen.fields = json.loads(seen.body) if seen.body else {}
        self.memory.seen.append(seen)
        self.running = seen
        self.memory.changed()
        await Provider(self, seen).answer()

    async def _control(self, what: str, query: dict[str, str]) -> None:
        model = query["model"]
        if what == "wait":
            found = await self.memory.wait(model, query["state"], float(query.get("within", "5")))
            self.json(200, {"count": found})
        else:
            self.json(200, [one.public() for one in self.memory.of(model)])

    # ------------------------------------------------------------ what goes out

    def write(self, data: bytes) -> None:
        assert isinstance(self.transport, asyncio.WriteTransport)
        self.transport.write(data)

    def head(self, status: int, *headers: tuple[str, str]) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self.write(f"HTTP/1.1 {status} Scripted\r\nserver: scripted\r\n{lines}\r\n".encode("latin-1"))

    def body(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.head(status, ("content-length", str(len(body))), *headers)
        self.write(body)

    def json(self, status: int, value: object, *headers: tuple[str, str]) -> None:
        self.body(status, answers.dumps(value), JSON, ("x-request-id", "req_upstream"), *headers)

    def stream(self, *headers: tuple[str, str]) -> None:
        kind = () if any(name == "content-type" for name, _ in headers) else (EVENT_STREAM,)
        self.head(200, *kind, *headers, ("transfer-encoding", "chunked"), ("x-request-id", "req_upstream"))

    def piece(self, data: bytes) -> None:
        self.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end(self, how: str = "clean") -> None:
        if how == "clean":
            self.write(b"0\r\n\r\n")
            return
        if self.running is not None:
            self.running.state, self.running = "done", None  # our own doing, not the peer's
            self.memory.changed()
        if how == "reset":
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.close()


class Provider:
    """One answer, as the model's name wants it."""

    def __init__(self, connection: Connection, seen: Seen) -> None:
        self.out = connection
        self.seen = seen
        self.fields = seen.fields
        self.model = seen.model
        self.behaviour = self.model.partition("@")[0]

    async def answer(self) -> None:
        path = urlsplit(self.seen.path).path
        if self.behaviour.startswith("late-"):
            await asyncio.sleep(0.6)
            self.behaviour = self.behaviour.removeprefix("late-")
        if self.behaviour in ERRORS and not (self.behaviour == "flaky" and len(self.out.memory.of(self.model)) > 1):
            status, body, headers = ERRORS[self.behaviour]
            self.out.body(status, body, *headers)
            return
        answering: dict[str, Callable[[], Awaitable[None]]] = {
            "/v1/chat/completions": self._chat,
            "/v1/completions": self._legacy,
            "/v1/embeddings": self._embeddings,
        }
        await answering.get(path, self._unknown)()
        if self.behaviour == "closing":  # as a server does that gives up idle connections, without saying so
            self.out.end("short")

    async def _unknown(self) -> None:
        self.out.json(404, answers.error(f"no {self.seen.path} here", "invalid_request_error", "unknown_url"))

    async def _embeddings(self) -> None:
        self.out.json(200, answers.embeddings(self.fields))

    async def _legacy(self) -> None:
        if not self.fields.get("stream"):
            self.out.json(200, answers.legacy(self.model, answers.TEXT) | {"usage": answers.USAGE})
            return
        parts = [answers.legacy(self.model, part, None) for part in answers.PARTS] + [answers.legacy(self.model, "")]
        if (self.fields.get("stream_options") or {}).get("include_usage"):
            parts.append(answers.legacy(self.model, "") | {"choices": [], "usage": answers.USAGE})
        await self._row(Row(lambda _: [*map(event, parts), DONE]))

    async def _chat(self) -> None:
        if self.behaviour in {"slow-first", "hang"}:
            await asyncio.sleep(1.5 if self.behaviour == "slow-first" else 3600)
        if self.behaviour == "extras":
            await self._extras()
        elif self.fields.get("stream"):
            await self._row(ROWS.get(self.behaviour) or Row(lambda _: [*map(event, answers.chunks_for(self.fields)), DONE]))
        elif self.behaviour in ROWS and ROWS[self.behaviour].ends != "clean":
            self.out.head(200, JSON, ("content-length", "1000"))
            self.out.write(b'{"id":')
            self.out.end(ROWS[self.behaviour].ends)
        elif self.behaviour.startswith("json-error"):
            self.out.json(200, answers.error("the model is asleep", "server_error", "asleep"))
        elif self.behaviour == "html":
            self.out.body(200, b"<html><body>Please log in</body></html>", ("content-type", "text/html"))
        else:
            message, finish = answers.message_for(self.fields)
            self.out.json(200, answers.completion(self.model, message, finish))

    async def _extras(self) -> None:
        plain, stream = answer_with_extras(self.model)
        if not self.fields.get("stream"):
            self.out.body(200, plain, JSON)
            return
        await self._row(Row(lambda _: stream))

    async def _row(self, row: Row) -> None:
        self.out.stream(*row.headers)
        pieces = row.pieces(self.model)
        for place, piece in enumerate(pieces[:3] if self.behaviour in {"stall", *ENDLESS} else pieces):
            self.out.piece(piece)
            await asyncio.sleep(self._pause_s(place))
        if self.behaviour == "stall":
            await asyncio.sleep(3600)
        while self.behaviour in ENDLESS:
            said, pause_s = ENDLESS[self.behaviour]
            self.out.piece(event(answers.chunk(self.model, {"content": said})))
            await self.out.writable.wait()
            await asyncio.sleep(pause_s)
        if row.ends == "reset":
            await asyncio.sleep(0.1)  # a reset discards what the peer has not read yet
        self.out.end(row.ends)

    def _pause_s(self, place: int) -> float:
        """Slow between all chunks; or one silence, right after the first content."""
        return {"slow-chunks": 0.15, "quiet": 0.9 if place == 1 else 0.0}.get(self.behaviour, 0.0)


async def main() -> None:
    """Serves on a free port until standard input ends or a signal comes."""
    loop, memory, stop = asyncio.get_running_loop(), Memory(), asyncio.Event()
    server = await loop.create_server(lambda: Connection(memory), "127.0.0.1", 0)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(0, lambda: None if os.read(0, 1) else stop.set())
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
