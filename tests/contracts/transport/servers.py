"""Servers that do exactly what a test tells them to, byte by byte, and remember what they saw."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

OK = b"HTTP/1.1 200 OK\r\n"


def answer(body: bytes = b"hello", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A sound answer with a body by length."""
    lines = [b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


def chunked(*parts: bytes, trailers: bytes = b"") -> bytes:
    """A sound chunked answer, one chunk a part."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return OK + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"


class Peer:
    """One connection, seen from the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next request, head and body; empty where the client has closed instead."""
        head = await self.head()
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        return head + await self.reader.readexactly(length)

    async def head(self) -> bytes:
        """The next request up to its empty line."""
        try:
            return await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    async def send(self, *blocks: bytes) -> None:
        """Sends each block by itself, as far as that can be had of TCP."""
        for block in blocks:
            self.writer.write(block)
            await self.writer.drain()
            await asyncio.sleep(0)

    def end(self) -> None:
        """Closes in order."""
        self.writer.close()

    def reset(self) -> None:
        """Closes with a reset."""
        wire: socket.socket = self.writer.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def left(self) -> None:
        """Returns once the client has closed."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass


Script = Callable[[Peer], Awaitable[None]]


class Server:
    """A listening server that runs its script on each connection."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.peers: list[Peer] = []
        self.requests: list[bytes] = []
        self.failures: list[BaseException] = []
        self._left = asyncio.Condition()
        self.gone: list[Peer] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        try:
            await self._script(peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except AssertionError as error:
            self.failures.append(error)
        finally:
            writer.transport.abort()
            async with self._left:
                self.gone.append(peer)
                self._left.notify_all()

    async def ended(self, count: int = 1) -> None:
        """Returns once the scripts of so many connections are over."""
        async with self._left:
            await self._left.wait_for(lambda: len(self.gone) >= count)

    def base_url(self, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}/v1"


@asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server on a free port of the loopback."""
    server = Server(script)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(server.serve(reader, writer))
        tasks.add(task)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for peer in server.peers:
            peer.writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert not server.failures, server.failures


def replying(*blocks: bytes, then: Script | None = None) -> Script:
    """Answers each request with these blocks; `then` runs after the first answer instead of waiting for more."""

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.send(*blocks)
            if then is not None:
                await then(peer)
                return

    return script


def echoing() -> Script:
    """Answers each request with the request, as it came."""

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            await peer.send(answer(request))

    return script


async def hang_up(peer: Peer) -> None:
    """Closes in order."""
    peer.end()


async def reset(peer: Peer) -> None:
    """Closes with a reset."""
    peer.reset()


async def wait(peer: Peer) -> None:
    """Says nothing more until the client leaves."""
    await peer.left()
