"""The same over TLS, whose transports cannot half-close."""

import asyncio
import ssl
from typing import Any

import trustme

from gateway.web.server import ServerLimits
from tests.unit.web.server.running import Departures, answer, get, mirror, post, serving


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's, and one for a client that trusts it."""
    authority = trustme.CA()
    own, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(own)
    authority.configure_trust(trust)
    return own, trust


async def test_requests_are_served_and_the_scheme_says_so() -> None:
    async with serving(mirror, tls=contexts()) as server:
        client = await server.client()
        assert [(await client.ask(post(b"body"))).seen["scheme"] for _ in range(2)] == ["https", "https"]


async def test_an_early_refusal_reaches_a_client_that_sends_on_and_lingering_ends() -> None:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await answer(send, b"too large", 413)

    async with serving(app, ServerLimits(linger_s=0.3), contexts()) as server:
        client = await server.client()
        await client.say(post(b"x" * 3_000_000)[:-1])
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (413, "close")
        assert await client.ended()


async def test_a_client_that_leaves_is_noticed() -> None:
    app = Departures()
    async with serving(app, tls=contexts()) as server:
        client = await server.client()
        await client.say(get())
        await app.called.wait()
        client.leave()
        async with asyncio.timeout(5):
            await app.left.wait()
