"""A client of bare sockets: it sends exactly the bytes that it is given, and reads without forgiving anything."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.journeys.answers import dumps
from tests.journeys.processes import Gateway

PATIENCE_S = 15.0
"""Less than the time limit of a test, which does not interrupt an event loop that waits in C."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers; a header given twice is joined."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    head: Head
    body: bytes

    @property
    def status(self) -> int:
        return self.head.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.head.headers

    def json(self) -> Any:
        return json.loads(self.body)

    def error(self) -> dict[str, Any]:
        """The error, once its envelope is seen to be complete: four keys, a message, code a string or null."""
        assert self.headers["content-type"].partition(";")[0] == "application/json", (self.head, self.body[:300])
        whole = self.json()
        assert set(whole) == {"error"}, whole
        error: dict[str, Any] = whole["error"]
        assert set(error) == {"message", "type", "param", "code"}, error
        assert isinstance(error["message"], str), error
        assert error["message"]
        assert isinstance(error["type"], str), error
        assert error["code"] is None or isinstance(error["code"], str), error
        return error


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> Head:
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text[:-4].split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Head(int(first.split(" ")[1]), headers)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks of a chunked body, as they come."""
        while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readuntil(b"\r\n")

    async def answer(self) -> Answer:
        head = await self.head()
        if head.headers.get("transfer-encoding") == "chunked":
            return Answer(head, b"".join([chunk async for chunk in self.chunks()]))
        if "content-length" in head.headers:
            return Answer(head, await self.reader.readexactly(int(head.headers["content-length"])))
        return Answer(head, await self.reader.read())

    async def ask(self, data: bytes) -> Answer:
        await self.send(data)
        return await self.answer()

    def reset(self) -> None:
        """Closes with a reset instead of a farewell."""
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()


@asynccontextmanager
async def wire(gateway: Gateway) -> AsyncIterator[Wire]:
    """A new connection to the gateway, closed at the end; what waits for longer than `PATIENCE_S` fails."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1 << 24)
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield Wire(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def request(method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a request; `body` brings its length and a JSON content type unless the headers say otherwise."""
    given = {"host": "gateway.test"} | (
        {} if body is None else {"content-type": "application/json", "content-length": str(len(body))}
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in (given | dict(headers or {})).items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + (body or b"")


def chat(model: str, key: str | None, body: bytes | None = None, **fields: Any) -> bytes:
    """A chat request, as compact JSON unless the body is given."""
    whole = {"model": model, "messages": [{"role": "user", "content": "hi"}]} | fields
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return request("POST", "/v1/chat/completions", dumps(whole) if body is None else body, headers)


async def ask(gateway: Gateway, data: bytes) -> Answer:
    """One request on a connection of its own."""
    async with wire(gateway) as one:
        return await one.ask(data)


def data_of(body: bytes) -> list[bytes]:
    """The data of the events of a stream, comments left out; refuses framing that some client would trip over."""
    assert body.endswith(b"\n\n"), body[-80:]
    found = []
    for block in body.split(b"\n\n")[:-1]:
        lines = [line for line in block.split(b"\n") if not line.startswith(b":")]
        assert all(line.startswith(b"data: ") or line == b"event: error" for line in lines), block
        said = [line[6:] for line in lines if line.startswith(b"data: ")]
        assert len(said) <= 1, block
        found += said
    return found
