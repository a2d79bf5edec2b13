"""A server of ours on loopback inside the test's loop, and a client that says exactly the bytes it is told to."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from gateway.core.errors import GatewayError
from gateway.web.server import DEPARTURE, ServerLimits, protocol_factory

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
PATIENT = ServerLimits()
CRLF = b"\r\n"


@dataclass
class State:
    """What uvicorn would keep."""

    total_requests: int = 0
    connections: set[Any] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    default_headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [(b"date", b"today")])


@dataclass
class Config:
    """What uvicorn would have been told."""

    loaded_app: Any
    loaded: bool = True
    root_path: str = ""

    def load(self) -> None:
        raise AssertionError("loaded already")


def refuse(error: GatewayError, path: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    body = json.dumps({"code": error.code, "message": error.message, "path": path}).encode()
    return error.status, [(b"content-type", b"application/json")], body


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["code"])

    @property
    def seen(self) -> dict[str, Any]:
        """What the `mirror` application saw of the request."""
        seen: dict[str, Any] = json.loads(self.body)
        return seen


class Client:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, *, bodiless: bool = False) -> Reply:
        async with asyncio.timeout(15):
            return await self._reply(bodiless=bodiless)

    async def _reply(self, *, bodiless: bool) -> Reply:
        head = (await self.reader.readuntil(CRLF * 2)).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        return Reply(int(head[0].split()[1]), headers, b"" if bodiless else await self._body(headers))

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        if "transfer-encoding" not in headers:
            return await self.reader.read()
        parts = []
        while size := int(await self.reader.readuntil(CRLF), 16):
            parts.append(await self.reader.readexactly(size))
            assert await self.reader.readexactly(2) == CRLF
        assert await self.reader.readexactly(2) == CRLF
        return b"".join(parts)

    async def ended(self) -> bool:
        """The server has closed, and said nothing more."""
        try:
            async with asyncio.timeout(15):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True

    async def ask(self, data: bytes) -> Reply:
        await self.say(data)
        return await self.reply()

    async def say_until_answered(self, piece: Callable[[int], bytes], pause_s: float = 0) -> Reply:
        """Goes on saying pieces until the server has said something."""
        asked = asyncio.get_running_loop().create_task(self.reply())
        count = 0
        while not asked.done():
            await self.say(piece(count))
            count += 1
            await asyncio.sleep(pause_s)
        return await asked

    def leave(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.transport.abort()


class Running:
    """The server and the means to reach it."""

    def __init__(self, port: int, state: State, trust: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.state = state
        self.trust = trust
        self._clients: list[Client] = []

    async def client(self, receive_buffer: int | None = None) -> Client:
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        name = "localhost" if self.trust else None
        client = Client(*await asyncio.open_connection(sock=sock, ssl=self.trust, server_hostname=name))
        self._clients.append(client)
        return client

    async def reach(self, condition: Callable[[], bool]) -> None:
        """Waits until the condition holds."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.005)

    async def close(self) -> None:
        for client in self._clients:
            client.reset()
            with suppress(OSError):
                await client.writer.wait_closed()
        await self.reach(lambda: not self.state.connections and not self.state.tasks)


@asynccontextmanager
async def serving(
    app: App, limits: ServerLimits = PATIENT, tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None, **config: Any
) -> AsyncIterator[Running]:
    """Serves `app` on a free port; at the end every connection and every task has to be gone."""
    own, trust = tls or (None, None)
    state = State()
    factory = protocol_factory(limits, refuse)
    settings = Config(app, **config)
    server = await asyncio.get_running_loop().create_server(
        lambda: factory(config=settings, server_state=state, app_state={"of": "lifespan"}), "127.0.0.1", 0, ssl=own
    )
    running = Running(server.sockets[0].getsockname()[1], state, trust)
    try:
        yield running
    finally:
        server.close()
        await running.close()


async def whole_body(receive: Any) -> bytes:
    """Everything up to the last part of a body; ConnectionError if the client leaves before."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)


async def answer(send: Any, body: bytes = b"ok", status: int = 200, headers: Any = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def mirror(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers with what it was asked."""
    try:
        body = await whole_body(receive)
    except ConnectionError:
        return
    seen = {key: scope[key] for key in ("method", "path", "http_version", "scheme", "root_path", "state")}
    seen |= {key: scope[key].decode() for key in ("raw_path", "query_string")}
    seen["headers"] = [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]]
    seen["body"] = body.decode("latin-1")
    await answer(send, json.dumps(seen).encode())


class Departures:
    """An application that notes when its client left, and answers only when told to."""

    def __init__(self, *, begin: bool = False) -> None:
        self.begin = begin
        self.called = asyncio.Event()
        self.left = asyncio.Event()
        self.go_on = asyncio.Event()
        self.disconnected = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        scope["extensions"][DEPARTURE](self.left.set)
        self.called.set()
        if self.begin:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
        waits = asyncio.get_running_loop().create_task(self.go_on.wait())
        gone = asyncio.get_running_loop().create_task(self._gone(receive))
        await asyncio.wait((waits, gone), return_when=asyncio.FIRST_COMPLETED)
        for task in (waits, gone):
            task.cancel()
        if not self.begin:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"last"})

    async def _gone(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.disconnected.set()


def post(body: bytes, path: bytes = b"/v1/x", *extra: bytes) -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: h", b"Content-Length: %d" % len(body), *extra]
    return CRLF.join(lines) + CRLF * 2 + body


def get(path: bytes = b"/v1/x", *extra: bytes) -> bytes:
    return CRLF.join([b"GET " + path + b" HTTP/1.1", b"Host: h", *extra]) + CRLF * 2
