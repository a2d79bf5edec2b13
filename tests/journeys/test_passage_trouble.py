"""Passages that go wrong on the way, either way: through the real gateway, with bare sockets on both sides."""

import asyncio
import gzip
import json
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contracts.transport.servers import Peer, answer, chunked
from tests.journeys.configs import ACME, Starter
from tests.journeys.processes import Gateway
from tests.journeys.wire import Wire, ask, request, wire

KEY = {"authorization": f"Bearer {ACME}"}
MEGABYTE = 1 << 20
FILE = "/v1/files/file-0123456789"
JSON = b"content-type: application/json"
SOUND = b"content-type: audio/mpeg"
Script = Callable[[Peer], Awaitable[None]]


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def config(listener: socket.socket, driver: str) -> str:
    return f"""
server: {{ drain: 5s }}
providers:
  up:
    wire: openai
    base_url: "http://127.0.0.1:{listener.getsockname()[1]}/v1"
    api_keys: [ sk-upstream-1 ]
    driver: {driver}
    timeouts: {{ first_byte: 2s, between_bytes: 2s }}
models:
  "*": up/*
tenants:
  acme: {{ keys: [ {{ name: ci, key: {ACME} }} ] }}
"""


@pytest.fixture(scope="module", params=["native", "httpx"])
def gateway(request: pytest.FixtureRequest, start: Starter, listener: socket.socket) -> Gateway:
    return start(config(listener, request.param))


class Serving:
    """A provider while a test lasts: what it was asked, on how many connections, and how many of them are over."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.heads: list[bytes] = []
        self.made = 0
        self.over = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.made += 1
        try:
            while head := await (peer := Peer(reader, writer)).head():
                self.heads.append(head)
                await self._script(peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.over += 1
            writer.close()

    async def until_over(self) -> None:
        while self.over < self.made:
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def providing(listener: socket.socket, script: Script) -> AsyncIterator[Serving]:
    one = Serving(script)
    server = await asyncio.start_server(one.serve, sock=listener.dup(), limit=1 << 20)
    try:
        async with asyncio.timeout(15):
            yield one
    finally:
        server.close()
        await one.stop()


def say(*blocks: bytes, end: bool = False) -> Script:
    async def script(peer: Peer) -> None:
        await peer.send(*blocks)
        if end:
            peer.end()

    return script


def get(path: str, **headers: str) -> bytes:
    return request(
        "GET", path, None, KEY | {"connection": "close"} | {name.replace("_", "-"): value for name, value in headers.items()}
    )


async def settled(gateway: Gateway, ending: str, count: float = 1) -> None:
    """Returns once nothing is in flight and calls have ended like this."""
    while True:
        text = await asyncio.to_thread(gateway.metrics)
        if "fleetgate_in_flight 0" in text and ended(text, ending) >= count:
            return
        await asyncio.sleep(0.02)


def ended(text: str, ending: str) -> float:
    lines = (line for line in text.splitlines() if line.startswith("fleetgate_requests_total{"))
    return sum(
        float(line.rpartition(" ")[2]) for line in lines if f'ending="{ending}"' in line or f'outcome="{ending}"' in line
    )


async def follows(gateway: Gateway, listener: socket.socket) -> None:
    """The next call on the way has its own answer and no other."""
    async with providing(listener, say(answer(b'{"object": "next"}', JSON))):
        assert (await ask(gateway, get(FILE))).json() == {"object": "next"}


# ------------------------------------------------------------ down


async def test_what_comes_back_as_it_is(gateway: Gateway, listener: socket.socket) -> None:
    told = [
        (answer(b"", status=b"204 No Content"), 204, b""),
        (answer(b"half", b"content-range: bytes 0-3/8", SOUND, status=b"206 Partial Content"), 206, b"half"),
        (answer(gzip.compress(b"\x00\xff" * 5000), b"content-encoding: gzip", SOUND), 200, b"\x00\xff" * 5000),
        (answer(gzip.compress(b"{}"), b"content-encoding: gzip", JSON), 200, b"{}"),
        (chunked(b"a", b"b"), 200, b"ab"),
        (answer(b'{"a": 1}', JSON, b'content-disposition: attachment; filename="a.jsonl"'), 200, b'{"a": 1}'),
    ]
    for said, status, body in told:
        async with providing(listener, say(said)):
            for path in (FILE, f"{FILE}/content"):
                got = await ask(gateway, get(path, range="bytes=0-3"))
                assert (got.status, got.body) == (status, body)
                assert "content-encoding" not in got.headers
                assert ("content-disposition" in got.headers) is (b"disposition" in said)


@pytest.mark.parametrize("status", [b"304 Not Modified", b"302 Found", b"307 Temporary Redirect", b"101 Switching Protocols"])
async def test_what_is_no_answer(gateway: Gateway, listener: socket.socket, status: bytes) -> None:
    async with providing(
        listener, say(b"HTTP/1.1 " + status + b"\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", end=True)
    ):
        got = await ask(gateway, get(f"{FILE}/content"))
        assert got.status == 502
        got.error()
    await follows(gateway, listener)


async def test_a_refused_key_is_the_gateways_own_trouble(gateway: Gateway, listener: socket.socket) -> None:
    body = json.dumps({"error": {"message": "Incorrect API key: sk-upstream-1", "type": "x", "param": None, "code": None}})
    async with providing(listener, say(answer(body.encode(), JSON, status=b"401 Unauthorized"))) as up:
        got = await ask(gateway, get(FILE))
        assert got.status == 502
        assert got.error()["code"] == "upstream_credentials"
        assert b"sk-upstream" not in got.body
        assert len(up.heads) == 1


@pytest.mark.parametrize("framing", [b"content-length: 1000", b"transfer-encoding: chunked"])
@pytest.mark.parametrize("path", [FILE, f"{FILE}/content"])
async def test_an_answer_that_breaks_off(gateway: Gateway, listener: socket.socket, framing: bytes, path: str) -> None:
    part = b"half" if b"length" in framing else b"4\r\nhalf\r\n"
    kind = JSON if path == FILE else SOUND
    before = gateway.log.stat().st_size
    async with providing(listener, say(b"HTTP/1.1 200 OK\r\n" + kind + b"\r\n" + framing + b"\r\n\r\n" + part, end=True)) as up:
        async with wire(gateway) as one:
            await one.send(get(path))
            if path == FILE:
                got = await one.answer()
                assert got.status == 502
                got.error()
            else:
                head = await one.head()
                assert head.status == 200
                rest = await one.reader.read()
                assert b"half" in rest
                assert not rest.endswith(b"0\r\n\r\n")
        await up.until_over()
        assert len(up.heads) == 1, "nothing is tried twice"
    await asyncio.sleep(0.2)
    log = gateway.log.read_bytes()[before:]
    assert b" error " not in log
    assert log.count(b"request_ended") == 1
    await follows(gateway, listener)


async def test_half_a_file_does_not_look_whole_to_who_knows_no_chunks(gateway: Gateway, listener: socket.socket) -> None:
    said = b"HTTP/1.1 200 OK\r\n" + SOUND + b"\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    async with providing(listener, say(said, end=True)), wire(gateway) as one:
        await one.send(get(f"{FILE}/content").replace(b"HTTP/1.1", b"HTTP/1.0"))
        with pytest.raises(ConnectionResetError):
            await one.answer()


async def test_bytes_behind_an_answer_are_nobodys(gateway: Gateway, listener: socket.socket) -> None:
    poison = answer(b'{"object": "poison"}', JSON)
    async with providing(listener, say(answer(b'{"object": "own"}', JSON) + poison)):
        for _ in range(3):
            assert (await ask(gateway, get(FILE))).json() == {"object": "own"}
    async with providing(listener, say(answer(b"own", SOUND) + poison)):
        for _ in range(3):
            assert (await ask(gateway, get(f"{FILE}/content"))).body == b"own"
    async with providing(listener, say(b"HTTP/1.1 204 No Content\r\n\r\n" + poison)):
        for _ in range(3):
            assert (await ask(gateway, get(FILE))).body == b""
    await follows(gateway, listener)


async def test_a_slow_reader_of_a_huge_file(gateway: Gateway, listener: socket.socket) -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.send(b"HTTP/1.1 200 OK\r\n" + SOUND + b"\r\ncontent-length: %d\r\n\r\n" % (200 * MEGABYTE))
        for _ in range(200):
            await peer.send(b"x" * MEGABYTE)
            sent += 1

    before = rss(gateway)
    async with providing(listener, script) as up:
        async with wire(gateway) as one:
            await one.send(get(f"{FILE}/content"))
            assert (await one.head()).headers["content-length"] == str(200 * MEGABYTE)
            await asyncio.sleep(1.5)
            assert sent < 150, "what nobody reads is not fetched, but by the buffers of the system"
            assert rss(gateway) - before < 12 * MEGABYTE
            for _ in range(300):
                await one.reader.readexactly(65_536)
            assert rss(gateway) - before < 12 * MEGABYTE
        await up.until_over()  # the reader has left
    await settled(gateway, "abandoned")
    await follows(gateway, listener)


def rss(gateway: Gateway) -> int:
    return int(Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("begun", [False, True])
async def test_leaving_while_the_answer_is_awaited_or_half_there(
    gateway: Gateway, listener: socket.socket, begun: bool
) -> None:
    async def script(peer: Peer) -> None:
        if begun:
            await peer.send(b"HTTP/1.1 200 OK\r\n" + SOUND + b"\r\ncontent-length: 1000\r\n\r\nhalf")
        await peer.left()

    before = ended(gateway.metrics(), "abandoned")
    async with providing(listener, script) as up:
        async with wire(gateway) as one:
            await one.send(get(f"{FILE}/content"))
            while not up.heads:
                await asyncio.sleep(0.01)
            if begun:
                await one.head()
        await up.until_over()
    await settled(gateway, "abandoned", before + 1)
    await follows(gateway, listener)


# ------------------------------------------------------------ up


def upload(size: int, **headers: str) -> bytes:
    said = KEY | {"content-type": "multipart/form-data; boundary=x", "content-length": str(size)}
    return request("POST", "/v1/files", None, said | {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request"])
async def test_an_answer_that_overtakes_its_upload(gateway: Gateway, listener: socket.socket, status: bytes) -> None:
    """A provider that reads on: what it reads must be no request."""
    read = bytearray()

    async def script(peer: Peer) -> None:
        await peer.reader.readexactly(5)
        await peer.send(answer(b'{"object": "early"}', JSON, status=status))
        while block := await peer.reader.read(65_536):
            read.extend(block)

    async with providing(listener, script) as up:
        async with wire(gateway) as one:
            await one.send(upload(100 * MEGABYTE) + b"first")
            sending = asyncio.create_task(_send(one, 100 * MEGABYTE - 5))
            got = await one.answer()
            assert got.status == int(status[:3])
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if "driver: native" in gateway.config.read_text():  # httpx has sent all of it before it looks
            await up.until_over()
        assert up.made == 1
    assert b"HTTP/1.1" not in read
    await follows(gateway, listener)


async def _send(one: Wire, size: int) -> None:
    while size:
        block = min(size, 65_536)
        await one.send(b"y" * block)
        size -= block


@pytest.mark.parametrize("reset", [False, True])
async def test_a_provider_that_dies_in_the_middle_of_an_upload(gateway: Gateway, listener: socket.socket, reset: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readexactly(5)
        if reset:
            peer.reset()
        else:
            peer.end()

    async with providing(listener, script) as up:
        async with wire(gateway) as one:
            await one.send(upload(100 * MEGABYTE) + b"first")
            sending = asyncio.create_task(_send(one, 100 * MEGABYTE - 5))
            got = await one.answer()
            assert got.status == 502
            got.error()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        assert len(up.heads) == 1, "an upload is not repeated"
    await settled(gateway, "failed")
    await follows(gateway, listener)


async def test_a_client_that_stops_in_the_middle_of_its_upload(start: Starter, listener: socket.socket) -> None:
    gateway = start(config(listener, "native").replace("drain: 5s", "receive: 1s"))

    async def script(peer: Peer) -> None:
        await peer.left()

    async with providing(listener, script) as up:
        async with wire(gateway) as one:
            await one.send(upload(1000) + b"first")
            got = await one.answer()
            assert (got.status, got.error()["code"]) == (408, "request_timeout")
        await up.until_over()
    await settled(gateway, "abandoned")


async def test_a_slow_taker_of_a_huge_upload(gateway: Gateway, listener: socket.socket) -> None:
    took = 0

    async def script(peer: Peer) -> None:
        nonlocal took
        while took < 50 * MEGABYTE:
            took += len(await peer.reader.read(256 * 1024))
            if took < 4 * MEGABYTE:
                await asyncio.sleep(0.05)
        await peer.send(answer(b'{"object": "taken"}', JSON))

    before, most = rss(gateway), 0
    async with providing(listener, script), wire(gateway) as one:
        sending = asyncio.create_task(one.send(upload(50 * MEGABYTE)))
        await sending
        sending = asyncio.create_task(_send(one, 50 * MEGABYTE))
        while not sending.done():
            most = max(most, rss(gateway))
            await asyncio.sleep(0.02)
        assert (await one.answer()).json() == {"object": "taken"}
    assert took == 50 * MEGABYTE
    assert most - before < 12 * MEGABYTE
    await follows(gateway, listener)


async def test_a_client_that_waits_to_be_asked_for_its_file(gateway: Gateway, listener: socket.socket) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readexactly(4)
        await peer.send(answer(b'{"object": "taken"}', JSON))

    async with providing(listener, script) as up:
        async with wire(gateway) as one:
            await one.send(upload(4, expect="100-continue"))
            assert (await one.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
            assert (await one.ask(b"file")).json() == {"object": "taken"}
        assert b"expect" not in up.heads[0].lower()
        async with wire(gateway) as one:
            await one.send(upload(4, expect="100-continue", authorization="Bearer wrong"))
            assert (await one.answer()).status == 401
        assert up.made == 1


# ------------------------------------------------------------ methods, labels, the end


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "TRACE"])
async def test_methods_that_are_none(gateway: Gateway, listener: socket.socket, method: str) -> None:
    async with providing(listener, say(answer())) as up:
        async with wire(gateway) as one:
            await one.send(request(method, FILE, None, KEY))
            head = await one.head()
            assert head.status == 405
            assert head.headers["allow"] in ("DELETE, GET", "GET, DELETE")
        assert not up.made


async def test_no_label_is_of_a_callers_making(gateway: Gateway, listener: socket.socket) -> None:
    async with providing(listener, say(answer(b'{"object": "x"}', JSON))):
        for path in ("/v1/files/file-LABEL0001", "/v1/files/LABEL?x=LABEL", "/v1/LABEL", "/v1/vector_stores/LABEL/files/LABEL"):
            await ask(gateway, get(path, x_fleetgate_provider="up"))
            await ask(gateway, get(path, x_fleetgate_provider="LABEL"))
        body = b'{"model": "LABEL", "prompt": "x"}'
        assert (await ask(gateway, request("POST", "/v1/images/generations", body, KEY))).status == 200
    assert "LABEL" not in gateway.metrics()


async def test_a_stop_waits_for_an_upload(start: Starter, listener: socket.socket) -> None:
    gateway = start(config(listener, "native"))

    async def script(peer: Peer) -> None:
        await peer.reader.readexactly(10)
        await peer.send(answer(b'{"object": "taken"}', JSON))

    async with providing(listener, script) as up, wire(gateway) as one:
        await one.send(upload(10) + b"first")
        while not up.heads:
            await asyncio.sleep(0.02)
        gateway.signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        got = await one.ask(b"-last")
        assert (got.status, got.json()) == (200, {"object": "taken"})
        assert got.headers["connection"] == "close"
    assert await asyncio.to_thread(gateway.process.wait, 10) == 0


async def test_a_stop_ends_an_upload_that_takes_too_long(start: Starter, listener: socket.socket) -> None:
    gateway = start(config(listener, "native").replace("drain: 5s", "drain: 1s"))

    async def script(peer: Peer) -> None:
        await peer.left()

    async with providing(listener, script) as up:
        async with wire(gateway) as one:
            await one.send(upload(10) + b"first")
            while not up.heads:
                await asyncio.sleep(0.02)
            gateway.signal(signal.SIGTERM)
            got = await one.answer()
            assert got.status == 503
            assert got.error()["code"] == "shutting_down"
        await up.until_over()
    assert await asyncio.to_thread(gateway.process.wait, 10) == 0
