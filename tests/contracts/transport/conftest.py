"""Every test here runs on both loops, and with both drivers unless it asks for `native`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import uvloop

from gateway.core.catalog import PoolLimits, ProviderSpec, Timeouts
from gateway.providers.transport.contract import Incoming, Outgoing, Transport
from gateway.providers.transport.open import open_transport
from tests.contracts.transport.servers import Server


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], Any]]:
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


class Client:
    """Opens transports of one driver and closes them when the test is over."""

    def __init__(self, driver: str) -> None:
        self.driver = driver
        self.opened: list[Transport] = []

    async def open(self, server: Server, base_url: str | None = None, pool: PoolLimits | None = None, **more: Any) -> Transport:
        """Off the loop, because it may read the files of CAs and of the driver."""
        spec = ProviderSpec("p", "openai", base_url or server.base_url(), pool=pool or PoolLimits(), driver=self.driver, **more)
        transport = await asyncio.to_thread(open_transport, spec)
        self.opened.append(transport)
        return transport

    async def ask(self, server: Server, timeouts: Timeouts | None = None, **more: Any) -> Incoming:
        """One request on a transport of its own."""
        return await (await self.open(server, **more)).send(post(), timeouts or Timeouts())

    async def aclose(self) -> None:
        for transport in self.opened:
            await transport.aclose()


def post(body: bytes = b"{}", path: bytes = b"/v1/chat/completions", method: bytes = b"POST") -> Outgoing:
    return Outgoing(method, path, [(b"content-type", b"application/json")], body)


@pytest.fixture(params=["native", "httpx"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    made = Client(request.param)
    yield made
    await made.aclose()


@pytest.fixture
async def native() -> AsyncIterator[Client]:
    """For what only our own driver promises."""
    made = Client("native")
    yield made
    await made.aclose()
