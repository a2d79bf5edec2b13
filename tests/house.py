"""A whole gateway without sockets: the real pipeline and endpoint between a scripted upstream and a client in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.core.catalog import Catalog, Model, ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.clock import SystemClock
from gateway.core.errors import GatewayError
from gateway.core.snapshot import Bounds, Snapshot
from gateway.core.tenant import KeyEntry, Principal, Tenant
from gateway.core.transcript import Chunk, Transcript
from gateway.core.upstream import Ask
from gateway.identity.keys import digest
from gateway.pipeline import Inflight, Pipeline, Stage
from gateway.routing.health import Health
from gateway.stages import order
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tasks import Tasks
from gateway.web.conversation import Conversation, House

KEY = "sk-fg-test"
PEPPER = b"pepper"
PAUSE = "pause"
"""In a script: waits until it is cancelled."""

Step = bytes | GatewayError | Exception | str


class ScriptedReply:
    """Plays steps: bytes are chunks, errors are raised, `PAUSE` waits for ever."""

    media_type: bytes | None = None
    dropped: Sequence[str] = ()
    sequence = 0

    def __init__(self, steps: Sequence[Step], *, streaming: bool) -> None:
        self.steps = list(steps)
        self.streaming = streaming
        self.transcript = Transcript()
        self.closed = 0
        self.paused = asyncio.Event()

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        if not self.steps:
            raise StopAsyncIteration
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, str):
            self.paused.set()
            await asyncio.Event().wait()
        assert isinstance(step, bytes)
        chunk = Chunk(step, (step,))
        self.transcript.fold(chunk)
        return chunk

    def close(self) -> None:
        self.closed += 1


class ScriptedUpstream:
    """Answers every call with the same script; an error or `PAUSE` as `head` comes before any reply."""

    def __init__(self, steps: Sequence[Step] = (b"{}",), head: Step | None = None) -> None:
        self.steps = steps
        self.head = head
        self.replies: list[ScriptedReply] = []
        self.requests: list[ModelRequest] = []
        self.waiting = asyncio.Event()

    async def before(self) -> None:
        """What comes before a reply."""
        if isinstance(self.head, Exception):
            raise self.head
        if self.head is not None:
            self.waiting.set()
            await asyncio.Event().wait()

    async def call(self, ask: Ask) -> ScriptedReply:
        request = ask.request
        self.requests.append(request)
        await self.before()
        reply = ScriptedReply(self.steps, streaming=request.stream)
        self.replies.append(reply)
        return reply

    def retire(self) -> None: ...

    async def aclose(self) -> None: ...


@dataclass
class Client:
    """An ASGI client in memory. `leave` is the departure that the server protocol would tell."""

    body: bytes = b""
    path: str = "/v1/chat/completions"
    headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [(b"authorization", b"Bearer " + KEY.encode())])
    extension: bool = True
    events: list[dict[str, Any]] = field(default_factory=list)
    wrote: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    hold_body: bool = False
    send_blocks: bool = False
    send_raises: Exception | None = None
    _left: Callable[[], None] | None = None
    _body_given: bool = False

    def scope(self) -> dict[str, Any]:
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": self.path, "headers": self.headers}
        if self.extension:
            scope["extensions"] = {"fleetgate.departure": self._watch}
        return scope

    def _watch(self, left: Callable[[], None] | None) -> None:
        self._left = left

    def leave(self) -> None:
        self.gone.set()
        if self._left is not None:
            self._left()

    async def receive(self) -> dict[str, Any]:
        if self.hold_body or self._body_given:
            await self.gone.wait()
            return {"type": "http.disconnect"}
        self._body_given = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, event: Any) -> None:
        if self.send_raises is not None:
            raise self.send_raises
        self.events.append(dict(event))
        self.wrote.set()
        if self.send_blocks:
            await asyncio.Event().wait()

    @property
    def status(self) -> int | None:
        return next((event["status"] for event in self.events if event["type"] == "http.response.start"), None)

    @property
    def head(self) -> dict[bytes, bytes]:
        return next((dict(event["headers"]) for event in self.events if event["type"] == "http.response.start"), {})

    @property
    def received(self) -> bytes:
        return b"".join(event.get("body", b"") for event in self.events)

    @property
    def ended(self) -> bool:
        return bool(self.events) and not self.events[-1].get("more_body", False) and "body" in self.events[-1]


def chat(*, stream: bool = False, model: str = "m", **more: Any) -> bytes:
    """A body for /v1/chat/completions."""
    return orjson.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream, **more})


def snapshot(upstream: ScriptedUpstream, bounds: Bounds | None = None) -> Snapshot:
    """One key, one tenant, one provider; the model `m` and every `x-*`."""
    target = Target("p", "m", "p/m")
    tenant = Tenant("acme", frozenset({"m", "x-*"}))
    entry = KeyEntry(digest(PEPPER, KEY), Principal(tenant, "ci"))
    return Snapshot(
        version="1",
        catalog=Catalog.of(
            [Model("m", (target,), attempts=1), Model("x-*", (Target("p", "*", "p/*"),)), Model("forbidden", (target,))]
        ),
        providers={"p": ProviderSpec("p", "openai")},
        keys={entry.digest: entry},
        pepper=PEPPER,
        bounds=bounds or Bounds(),
        upstreams={"p": upstream},
    )


class Gateway:
    """The house of one test. `stages` may change the real ones before the pipeline is built."""

    def __init__(
        self,
        upstream: ScriptedUpstream | None = None,
        bounds: Bounds | None = None,
        stages: Callable[[list[Stage]], list[Stage]] = list,
    ) -> None:
        self.upstream = upstream or ScriptedUpstream()
        self.metrics = Metrics()
        self.tasks = Tasks()
        self.inflight = Inflight()
        clock = SystemClock()
        self.snapshot = snapshot(self.upstream, bounds)
        self.health = Health(self.metrics)
        every = order(self.metrics, self.inflight, clock, self.health, self.tasks)
        self.pipeline = Pipeline(stages(list(every)), self.tasks)
        self.house = House(self.pipeline, self.inflight, lambda: self.snapshot, clock, self.tasks)

    def start(self, client: Client, operation: Operation = Operation.CHAT) -> "asyncio.Task[None]":
        """Runs a call in a task of its own, as a server would."""

        async def call() -> None:
            await Conversation(operation, self.house)(client.scope(), client.receive, client.send)

        return asyncio.get_running_loop().create_task(call())

    async def ask(self, client: Client, operation: Operation = Operation.CHAT) -> Client:
        """Runs a call to its end."""
        await self.start(client, operation)
        return client

    def endings(self) -> dict[str, float]:
        """Calls by how they ended, from the metrics."""
        told: dict[str, float] = {}
        for labels, count in self.metrics.counter("fleetgate_requests_total").cells.items():
            told[labels[3]] = told.get(labels[3], 0) + count.value
        return told
