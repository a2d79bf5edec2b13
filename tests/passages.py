"""A gateway of passages without sockets: the real endpoint and stages between couriers and a client in memory."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from types import MappingProxyType
from typing import Any

import orjson
from starlette.routing import Match

from gateway.core.catalog import Catalog, Model, ProviderSpec, Target
from gateway.core.chat import Operation
from gateway.core.clock import SystemClock
from gateway.core.passage import Parcel
from gateway.core.snapshot import Bounds
from gateway.core.tenant import KeyEntry, Principal, Tenant
from gateway.core.transcript import Chunk, Transcript
from gateway.core.upstream import Owner
from gateway.identity.keys import digest
from gateway.pipeline import Pipeline, Stage
from gateway.stages import passage_order
from gateway.web.passage import passage_routes
from tests.house import KEY, PEPPER, Client, Gateway, ScriptedReply, ScriptedUpstream

ACME = Owner("acme", PEPPER)
FILE = "file-AbCdEf0123456789"
FORM = b"multipart/form-data; boundary=x"


class Answer:
    """A `Delivery` of these steps: bytes, errors to raise, or an event that is set when it begins to wait for ever."""

    dropped = ()
    sequence = 0

    def __init__(self, *steps: bytes | Exception | asyncio.Event, media_type: bytes | None = b"audio/mpeg") -> None:
        self.steps = list(steps)
        self.status = 201
        self.streaming = True
        self.media_type = media_type
        self.headers = [(b"content-type", media_type or b"text/event-stream")]
        self.transcript = Transcript()
        self.closed = 0

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        if not self.steps:
            raise StopAsyncIteration
        step = self.steps.pop(0)
        if isinstance(step, asyncio.Event):
            step.set()
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, bytes)
        return Chunk(step)

    def close(self) -> None:
        self.closed += 1


class Courier:
    """Notes parcels; reads what of them comes bit by bit, up to `most` blocks."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []
        self.answer: Answer | Exception = Answer(b"{}")
        self.blocks: list[bytes] = []
        self.most = 1000

    async def call(self, ask: Any) -> Any:
        raise AssertionError("no chat was asked for")

    async def deliver(self, parcel: Parcel) -> Answer:
        self.parcels.append(parcel)
        if parcel.blocks is not None:
            async for block in parcel.blocks:
                self.blocks.append(block)
                if len(self.blocks) == self.most:
                    break
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def retire(self) -> None: ...

    async def aclose(self) -> None: ...


class ScriptedDelivery(ScriptedReply):
    """A `Delivery` that plays steps."""

    status = 200
    headers = ((b"content-type", b"text/plain"),)


class ScriptedCourier(ScriptedUpstream):
    """Takes every parcel, and answers as it answers calls."""

    async def deliver(self, parcel: Parcel) -> ScriptedDelivery:
        if parcel.blocks is not None:
            async for _ in parcel.blocks:
                pass
        await self.before()
        reply = ScriptedDelivery(self.steps, streaming=True)
        reply.media_type = None if orjson.loads(parcel.body or b"{}").get("stream") else b"text/plain"
        self.replies.append(reply)
        return reply


class PassingGateway(Gateway):
    """The house of one test, where the way is that of passages."""

    def __init__(self, courier: ScriptedCourier | None = None, stages: Callable[[list[Stage]], list[Stage]] = list) -> None:
        super().__init__(courier or ScriptedCourier())
        every = passage_order(self.metrics, self.inflight, SystemClock(), self.health)
        pipeline = Pipeline(stages(list(every)), self.tasks)
        self.routes = passage_routes(dataclasses.replace(self.house, pipeline=pipeline))

    def start(
        self, client: Client, operation: Operation = Operation.PASSAGE, method: str = "POST", query: bytes = b""
    ) -> "asyncio.Task[None]":
        """Runs a call in a task of its own, as a server would."""
        scope = client.scope() | {"method": method, "query_string": query}
        route = next(route for route in self.routes if route.matches(scope)[0] is Match.FULL)
        scope |= route.matches(scope)[1]

        async def call() -> None:
            await route.app(scope, client.receive, client.send)

        return asyncio.get_running_loop().create_task(call())


class Scene:
    """A gateway with two accounts that take passages and one that does not, and as many tenants as wanted."""

    def __init__(self, *others: Tenant, models: frozenset[str] | None = None, bounds: Bounds | None = None) -> None:
        self.up, self.azure = Courier(), Courier()
        self.gateway = PassingGateway()
        keys = {}
        for key, tenant in ((KEY, Tenant("acme", models)), *((f"sk-{other.name}", other) for other in others)):
            keys[digest(PEPPER, key)] = KeyEntry(digest(PEPPER, key), Principal(tenant, "ci"))
        clever = Model("clever", (Target("claude", "c", "claude/c"), Target("azure", "deployed", "azure/deployed", priority=2)))
        every = [Model("m", (Target("up", "real", "up/real"),)), Model("talks", (Target("claude", "c", "claude/c"),)), clever]
        self.gateway.snapshot = dataclasses.replace(
            self.gateway.snapshot,
            catalog=Catalog.of([*every, Model("ft-*", (Target("up", "*", "up/*"),))]),
            providers={
                "claude": ProviderSpec("claude", "anthropic", "https://claude.test"),
                "up": ProviderSpec("up", "openai", "https://up.test/v1"),
                "azure": ProviderSpec("azure", "azure", "https://azure.test"),
            },
            keys=keys,
            bounds=bounds or Bounds(),
            upstreams=MappingProxyType({"claude": Courier(), "up": self.up, "azure": self.azure}),
        )

    def start(self, client: Client, method: str = "POST", query: bytes = b"") -> "asyncio.Task[None]":
        return self.gateway.start(client, method=method, query=query)

    async def ask(self, method: str, path: str, body: bytes = b"", *headers: tuple[bytes, bytes], query: bytes = b"") -> Client:
        client = Client(body, f"/v1{path}", [(b"authorization", b"Bearer " + KEY.encode()), *headers])
        client.headers.append((b"content-length", b"%d" % len(body)))
        await self.start(client, method, query)
        assert len(self.gateway.inflight) == 0
        return client

    @property
    def parcel(self) -> Parcel:
        (parcel,) = self.up.parcels + self.azure.parcels
        return parcel


def code(client: Client) -> str | None:
    told: dict[str, Any] = orjson.loads(client.received)["error"]
    assert set(told) == {"message", "type", "param", "code"}
    found: str | None = told["code"]
    return found
