"""Whether the provider can be reached and is who it says it is; and what is said where not."""

import socket
import ssl
from pathlib import Path

import pytest
import trustme

from gateway.core.catalog import ProviderSpec, Timeouts
from gateway.core.errors import UpstreamUnreachable
from gateway.providers.transport.http1.client import Http1Transport
from gateway.providers.transport.httpx_driver import HttpxTransport
from gateway.providers.transport.open import open_transport
from gateway.providers.transport.origin import Origin
from tests.contracts.transport.conftest import Client, post
from tests.contracts.transport.servers import Peer, Server, answer, replying, serving, wait

LIMIT = 1 << 20
CA = trustme.CA()


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(path)
    return str(path)


def certified(*names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(*names).configure_cert(context)
    return context


async def test_a_server_with_a_certificate_of_the_given_ca_is_trusted(client: Client, ca_file: str) -> None:
    async with serving(replying(answer(b"hello")), tls=certified("localhost")) as server:
        transport = await client.open(server, base_url=server.base_url("localhost", "https"), ca_file=ca_file)
        for _ in range(2):
            assert await (await transport.send(post(bytes(100_000)), Timeouts())).whole(LIMIT) == b"hello"
        assert len(server.peers) == 1


async def test_a_server_with_a_certificate_of_another_ca_is_not(client: Client) -> None:
    async with serving(replying(answer(b"hello")), tls=certified("localhost")) as server:
        with pytest.raises(UpstreamUnreachable, match="not trusted") as caught:
            await client.ask(server, base_url=server.base_url("localhost", "https"))
        assert "Bearer" not in str(caught.value)
        assert server.requests == []


async def test_a_server_with_another_name_is_not_trusted(client: Client, ca_file: str) -> None:
    async with serving(replying(answer(b"hello")), tls=certified("other.example")) as server:
        with pytest.raises(UpstreamUnreachable, match="not trusted"):
            await client.ask(server, base_url=server.base_url("localhost", "https"), ca_file=ca_file)


async def test_tls_with_a_server_that_has_none_says_so(client: Client, ca_file: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.end()

    async with serving(script) as server:
        with pytest.raises(UpstreamUnreachable):
            await client.ask(server, base_url=server.base_url("localhost", "https"), ca_file=ca_file)


async def test_a_stream_over_tls_that_is_left_closes_the_connection(client: Client, ca_file: str) -> None:
    start = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"
    async with serving(replying(start, then=wait), tls=certified("localhost")) as server:
        incoming = await client.ask(server, base_url=server.base_url("localhost", "https"), ca_file=ca_file)
        assert await incoming.read() == b"hello"
        incoming.close()
        await server.ended()


async def test_a_refused_connection_is_unreachable(client: Client) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Server(wait)
        server.port = free.getsockname()[1]
        with pytest.raises(UpstreamUnreachable, match=r"refused|failed"):
            await client.ask(server)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".invalid", "x..invalid"])
async def test_a_name_that_does_not_resolve_is_unreachable(client: Client, host: str) -> None:
    with pytest.raises(UpstreamUnreachable):
        await client.ask(Server(wait), base_url=f"http://user:hunter2@{host}:1/v1")


async def test_the_message_names_the_place_but_no_password(client: Client) -> None:
    with pytest.raises(UpstreamUnreachable) as caught:
        await client.ask(Server(wait), base_url="http://user:hunter2@nowhere.invalid:1/v1")
    assert "nowhere.invalid:1" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "authority"),
    [
        ("https://api.example/v1", b"api.example"),
        ("http://api.example:80", b"api.example"),
        ("http://[::1]:8080/v1", b"[::1]:8080"),
        ("https://b\u00fccher.example", b"xn--bcher-kva.example"),
    ],
)
def test_the_host_header_is_that_of_the_base_url(base_url: str, authority: bytes) -> None:
    assert Origin.of(base_url).authority.encode() == authority


@pytest.mark.parametrize("base_url", ["", "api.example", "ftp://api.example", "http://", "http://x:port"])
def test_what_is_no_base_url_is_refused_when_it_is_opened(base_url: str) -> None:
    with pytest.raises(ValueError, match=r"base URL|Port"):
        open_transport(ProviderSpec("p", "openai", base_url))


def test_a_missing_ca_file_is_refused_when_it_is_opened() -> None:
    with pytest.raises(OSError, match="No such file"):
        open_transport(ProviderSpec("p", "openai", "https://x", ca_file="/does/not/exist.pem"))


def test_a_proxy_takes_the_driver_that_can_do_it() -> None:
    assert isinstance(open_transport(ProviderSpec("p", "openai", "http://x")), Http1Transport)
    assert isinstance(open_transport(ProviderSpec("p", "openai", "http://x", driver="httpx")), HttpxTransport)
    assert isinstance(open_transport(ProviderSpec("p", "openai", "http://x", proxy="http://p:1")), HttpxTransport)


async def test_a_proxy_is_asked_for_the_whole_url(client: Client) -> None:
    async with serving(replying(answer(b"through the proxy"))) as server:
        transport = await client.open(server, base_url="http://api.invalid/v1", proxy=f"http://127.0.0.1:{server.port}")
        assert await (await transport.send(post(), Timeouts())).whole(LIMIT) == b"through the proxy"


async def test_proxies_in_the_environment_are_not_used(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(replying(answer(b"hello"))) as server:
        assert await (await client.ask(server)).whole(LIMIT) == b"hello"
