"""Image servers on loopback, resolvers that lie, and rules that let both be reached."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from gateway.providers.images.fetching import Rules

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
HOME = "127.0.0.1"


def answer(body: bytes = PNG, status: str = "200 OK", **headers: str) -> bytes:
    """A whole answer; headers with underscores for hyphens."""
    told = {"content-type": "image/png", "content-length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def moved(location: str, status: str = "302 Found") -> bytes:
    return answer(b"", status, location=location)


class Server:
    """Answers each path with prepared bytes, and remembers what was asked."""

    def __init__(self, answers: Mapping[str, bytes | None]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.hosts: list[str] = []
        self.running = self.most = 0
        self.pause_s = 0.0
        self.port = 0
        self.tasks: set[asyncio.Task[object] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            self.asked.append(path)
            self.hosts.append(next(line[6:] for line in head.split("\r\n") if line.startswith("host: ")))
            await asyncio.sleep(self.pause_s)
            told = self.answers.get(path, answer(b"", "404 Not Found"))
            if told is None:
                await asyncio.sleep(30)
            else:
                writer.write(told)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.running -= 1
            self.tasks.discard(asyncio.current_task())
            writer.close()


@asynccontextmanager
async def serving(answers: Mapping[str, bytes | None], tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answers)
    listening = await asyncio.start_server(server.serve, HOME, 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        listening.close_clients() if hasattr(listening, "close_clients") else None


class Names:
    """A resolver with a book of its own. Several answers for a name are given one after the other; the last one stays."""

    def __init__(self, **book: Sequence[Sequence[str]]) -> None:
        self.book = {name.replace("_", "."): list(answers) for name, answers in book.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.book.get(host, [[host]])
        return answers.pop(0) if len(answers) > 1 else answers[0]


def rules(resolver: Names | None = None, within_s: float = 5.0, address: Callable[[str], bool] | None = None) -> Rules:
    """Loopback's first address counts as public, and no other; every port is one of the web's."""
    return Rules(
        address=address or (lambda one: one == HOME),
        port=lambda _: True,
        resolver=resolver or Names(),
        within_s=within_s,
    )
