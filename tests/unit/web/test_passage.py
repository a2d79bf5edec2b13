"""What a client sees of a call that passes, and where it goes: the real endpoint and stages, couriers in memory."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from starlette.routing import Match, Router

from gateway.core.catalog import Catalog, Model, ProviderSpec, Target
from gateway.core.clock import SystemClock
from gateway.core.errors import UpstreamRefused, UpstreamTruncated
from gateway.core.passage import Parcel
from gateway.core.snapshot import Bounds
from gateway.core.tenant import KeyEntry, Principal, Tenant
from gateway.core.transcript import Chunk, Transcript
from gateway.core.upstream import Owner
from gateway.dialects.ownership import mark
from gateway.identity.keys import digest
from gateway.pipeline import Pipeline
from gateway.stages import passage_order
from gateway.web.passage import passage_routes
from tests.house import KEY, PEPPER, Client, Gateway

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


class Scene:
    """A gateway with two accounts that take passages and one that does not, and as many tenants as wanted."""

    def __init__(self, *others: Tenant, models: frozenset[str] | None = None, bounds: Bounds | None = None) -> None:
        self.up, self.azure = Courier(), Courier()
        self.gateway = Gateway()
        keys = {}
        for key, tenant in ((KEY, Tenant("acme", models)), *((f"sk-{other.name}", other) for other in others)):
            keys[digest(PEPPER, key)] = KeyEntry(digest(PEPPER, key), Principal(tenant, "ci"))
        clever = Model("clever", (Target("claude", "c", "claude/c"), Target("azure", "deployed", "azure/deployed", priority=2)))
        every = [Model("m", (Target("up", "real", "up/real"),)), Model("talks", (Target("claude", "c", "claude/c"),)), clever]
        self.gateway.snapshot = dataclasses.replace(
            self.gateway.snapshot,
            catalog=Catalog.of([*every, Model("ft-*", (Target("up", "*", "up/*"),))]),
            providers={
                "claude": ProviderSpec("claude", "anthropic"),
                "up": ProviderSpec("up", "openai"),
                "azure": ProviderSpec("azure", "azure"),
            },
            keys=keys,
            bounds=bounds or Bounds(),
            upstreams=MappingProxyType({"claude": Courier(), "up": self.up, "azure": self.azure}),
        )
        house = self.gateway.house
        stages = passage_order(self.gateway.metrics, self.gateway.inflight, SystemClock())
        self.routes = passage_routes(dataclasses.replace(house, pipeline=Pipeline(stages, self.gateway.tasks)))

    def start(self, client: Client, method: str = "POST", query: bytes = b"") -> "asyncio.Task[None]":
        scope = client.scope() | {"method": method, "query_string": query}
        route = next(route for route in self.routes if route.matches(scope)[0] is Match.FULL)
        scope |= route.matches(scope)[1]

        async def call() -> None:
            await route.app(scope, client.receive, client.send)

        return asyncio.get_running_loop().create_task(call())

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


# ------------------------------------------------------------ what comes back


async def test_status_type_and_bytes_are_the_providers() -> None:
    scene = Scene()
    scene.up.answer = Answer(b"one", b"two")
    client = await scene.ask("GET", "/files/file-1/content")
    assert (client.status, client.received) == (201, b"onetwo")
    assert client.head[b"content-type"] == b"audio/mpeg"
    assert client.head[b"x-fleetgate-model"] == b"up/files"
    assert client.head[b"x-fleetgate-attempts"] == b"1"
    assert client.ended
    assert scene.gateway.endings() == {"complete": 1}
    assert scene.up.answer.closed == 1


async def test_events_begin_before_the_first_of_them() -> None:
    scene, waits = Scene(), asyncio.Event()
    scene.up.answer = Answer(waits, media_type=None)
    client = Client(b'{"model": "m"}', "/v1/images/generations")
    task = scene.start(client)
    await waits.wait()
    assert client.status == 201
    assert client.head[b"x-accel-buffering"] == b"no"
    client.leave()
    await task
    assert scene.gateway.endings() == {"abandoned": 1}
    assert scene.up.answer.closed == 1


async def test_a_failure_before_the_first_byte_is_a_status() -> None:
    for failing in (UpstreamRefused(404, "no", error_type="t"), Answer(UpstreamTruncated("cut"))):
        scene = Scene()
        scene.up.answer = failing
        client = await scene.ask("GET", "/files/file-1")
        assert client.status == (404 if isinstance(failing, Exception) else 502)
        code(client)
        assert scene.gateway.endings() == {"failed": 1}


async def test_an_answer_that_breaks_off_has_no_end() -> None:
    scene = Scene()
    scene.up.answer = Answer(b"half", UpstreamTruncated("cut"))
    client = await scene.ask("GET", "/files/file-1/content")
    assert client.received == b"half"
    assert not client.ended
    assert scene.gateway.endings() == {"truncated": 1}


async def test_events_that_break_off_end_in_an_error_event() -> None:
    scene = Scene()
    scene.up.answer = Answer(b"data: {}\n\n", UpstreamTruncated("cut"), media_type=None)
    client = await scene.ask("POST", "/images/generations", b'{"model": "m"}')
    assert b"upstream_truncated" in client.received.split(b"\n\n")[-2]
    assert client.ended


async def test_a_process_that_stops_says_so() -> None:
    for begun in (False, True):
        scene, waits = Scene(), asyncio.Event()
        scene.up.answer = Answer(*([b"half"] if begun else []), waits)
        client = Client(b"", "/v1/files/file-1/content")
        task = scene.start(client, "GET")
        await waits.wait()
        scene.gateway.inflight.pulse(1e9)  # which puts nothing in between
        scene.gateway.inflight.stop_all()
        await task
        assert client.received == b"half" if begun else code(client) == "shutting_down"
        assert client.ended is not begun
        assert scene.gateway.endings() == {"shutdown": 1}


# ------------------------------------------------------------ what comes in


async def test_a_file_passes_unread_and_with_its_length() -> None:
    scene = Scene(bounds=Bounds(body_bytes=1))
    await scene.ask("POST", "/files", b"--x no form at all", (b"content-type", FORM))
    assert scene.up.blocks == [b"--x no form at all"]
    assert (scene.parcel.length, scene.parcel.body) == (18, b"")
    assert scene.parcel.headers[b"content-type"] == FORM


@pytest.mark.parametrize("extension", [True, False])
async def test_a_client_that_leaves_in_the_middle_of_its_file(extension: bool) -> None:
    scene = Scene()
    client = Client(b"", "/v1/files", extension=extension)
    client.headers.append((b"transfer-encoding", b"chunked"))
    given = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not given.is_set():
            given.set()
            return {"type": "http.request", "body": b"half", "more_body": True}
        await client.gone.wait()
        return {"type": "http.disconnect"}

    client.receive = receive  # type: ignore[method-assign]
    task = scene.start(client)
    await given.wait()
    client.leave()
    await task
    assert scene.up.blocks == [b"half"]
    assert scene.parcel.length is None
    assert client.events == []
    assert scene.gateway.endings() == {"abandoned": 1}


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"[]", (), (400, "invalid_json")),
        (b"{", (), (400, "invalid_json")),
        (b'{"model": 1}', (), (400, "invalid_value")),
        (b"[" * 5000, (), (400, "invalid_json")),
        (b"words", ((b"content-type", b"text/plain"),), (415, "unsupported_media_type")),
        (b"{}", ((b"content-encoding", b"gzip"),), (415, "unsupported_media_type")),
        (b"words", ((b"content-type", FORM),), (400, "invalid_value")),
        (b"x" * 500_001, (), (413, "request_too_large")),
        (b'{"a":[%s1]}' % (b"[]," * 110_000), (), (400, "too_many_fields")),
    ],
)
async def test_bodies_that_are_refused(body: bytes, headers: Any, expected: tuple[int, str]) -> None:
    scene = Scene(bounds=Bounds(body_bytes=500_000))
    client = await scene.ask("POST", "/moderations", body, *headers)
    assert (client.status, code(client)) == expected
    assert scene.up.parcels == []


async def test_a_key_is_asked_for_before_the_body() -> None:
    scene = Scene()
    client = Client(b"", "/v1/files", [(b"authorization", b"Bearer wrong")], hold_body=True)
    await scene.start(client)
    assert client.status == 401


async def test_what_the_provider_reads_is_what_was_read_here() -> None:
    scene = Scene()
    await scene.ask("POST", "/moderations", b'{"model":"talks", "model": "m", "input": "\\u00e9"}')
    assert orjson.loads(scene.parcel.body) == {"model": "real", "input": "é"}
    assert scene.parcel.body.count(b"model") == 1


async def test_a_query_goes_on_without_keys() -> None:
    scene = Scene()
    await scene.ask("GET", "/responses/resp_1", query=b"include[]=a.b&after=%C3%A9&key=sk-1&api_key=sk-2&stream=")
    assert scene.parcel.path == "/responses/resp_1?include[]=a.b&after=%C3%A9&stream="


# ------------------------------------------------------------ where it goes

OTHERS = (Tenant("globex"),)
READ: list[tuple[str, str]] = [("GET", "/files/{}"), ("DELETE", "/files/{}"), ("GET", "/vector_stores/{}/files/x")]


async def test_an_objects_owner_is_asked() -> None:
    for provider in ("up", "azure"):
        scene = Scene(*OTHERS)
        await scene.ask("GET", f"/files/{mark(FILE, provider, ACME)}")
        assert (scene.parcel.path, len(scene.up.parcels)) == (f"/files/{FILE}", provider == "up")


@pytest.mark.parametrize(("method", "path"), READ)
async def test_anothers_object_is_not_there(method: str, path: str) -> None:
    scene = Scene(*OTHERS)
    for one in (FILE, mark(FILE, "up", Owner("globex", PEPPER)), mark(FILE, "claude", ACME), "looks-like-nothing"):
        client = await scene.ask(method, path.format(one))
        assert (client.status, code(client)) == (404, "object_not_found")


@pytest.mark.parametrize("where", ["body", "query", "form", "below"])
async def test_anothers_object_is_not_there_wherever_it_stands(where: str) -> None:
    scene = Scene(*OTHERS)
    mine = mark("vs_AbCdEf0123456789", "up", ACME)
    calls: dict[str, Callable[[], Any]] = {
        "body": lambda: scene.ask("POST", "/batches", orjson.dumps({"deep": [{"x_id": FILE}]})),
        "query": lambda: scene.ask("GET", f"/vector_stores/{mine}/files", query=b"after=" + FILE.encode()),
        "below": lambda: scene.ask("GET", f"/vector_stores/{mine}/files/{FILE}"),
        "form": lambda: scene.ask(
            "POST",
            f"/containers/{mine}/files",
            b'--x\r\ncontent-disposition: form-data; name="file_id"\r\n\r\n%b\r\n--x--' % FILE.encode(),
            (b"content-type", FORM),
        ),
    }
    client = await calls[where]()
    assert (client.status, code(client)) == (404, "object_not_found")


async def test_who_is_alone_may_use_the_providers_ids() -> None:
    scene = Scene(Tenant("initech", frozenset({"talks"})))  # who reaches neither account
    await scene.ask("GET", f"/files/{FILE}")
    assert scene.parcel.path == f"/files/{FILE}"
    assert (await scene.ask("GET", "/files")).status == 201


async def test_a_list_of_a_shared_account_is_refused() -> None:
    client = await Scene(*OTHERS).ask("GET", "/files")
    assert (client.status, code(client)) == (404, "unsupported_operation")


async def test_a_caller_chooses_among_its_providers() -> None:
    scene = Scene()
    await scene.ask("POST", "/vector_stores", b"{}", (b"x-fleetgate-provider", b"azure"))
    assert scene.azure.parcels
    assert scene.parcel.body == b"{}"
    for wrong in (b"claude", b"nobody"):
        assert (await Scene().ask("POST", "/vector_stores", b"{}", (b"x-fleetgate-provider", wrong))).status == 400
    marked = mark(FILE, "up", ACME).encode()
    client = await Scene().ask("POST", "/batches", b'{"input_file_id":"%b"}' % marked, (b"x-fleetgate-provider", b"azure"))
    assert client.status == 400


async def test_a_models_first_target_that_can_answer() -> None:
    scene = Scene()
    client = await scene.ask("POST", "/images/generations", b'{"model":"clever"}')
    assert scene.azure.parcels[0].model == "deployed"
    assert orjson.loads(scene.parcel.body) == {"model": "deployed"}
    assert client.head[b"x-fleetgate-model"] == b"azure/deployed"
    assert code(await Scene().ask("POST", "/images/generations", b'{"model":"talks"}')) == "unsupported_operation"
    assert code(await Scene().ask("POST", "/images/generations", b'{"model":"unknown"}')) == "model_not_found"


async def test_a_model_and_an_object_of_two_providers() -> None:
    body = orjson.dumps({"model": "m", "image": {"file_id": mark(FILE, "azure", ACME)}})
    assert code(await Scene().ask("POST", "/images/edits", body)) == "unsupported_operation"


async def test_a_tenant_of_certain_models() -> None:
    def restricted() -> Scene:
        return Scene(models=frozenset({"m"}))

    assert (await restricted().ask("POST", "/moderations", b'{"model":"m"}')).status == 201
    assert code(await restricted().ask("POST", "/moderations", b'{"model":"clever"}')) == "model_not_found"
    assert code(await restricted().ask("POST", "/moderations", b"{}")) == "invalid_value"
    assert code(await restricted().ask("POST", "/fine_tuning/jobs", b'{"model":"clever"}')) == "model_not_found"
    assert (await restricted().ask("POST", "/files", b"x", (b"x-fleetgate-provider", b"azure"))).status == 400
    nobody = Scene(models=frozenset({"talks"}))
    assert code(await nobody.ask("POST", "/files", b"x")) == "unsupported_operation"


async def test_a_model_that_only_its_provider_knows_may_be_tuned() -> None:
    scene = Scene()
    await scene.ask("POST", "/fine_tuning/jobs", b'{"model":"gpt-4.1-mini"}')
    assert orjson.loads(scene.parcel.body) == {"model": "gpt-4.1-mini"}
    scene = Scene()
    await scene.ask("POST", "/fine_tuning/jobs", b'{"model":"m"}')
    assert orjson.loads(scene.parcel.body) == {"model": "real"}


async def test_a_large_form_with_its_model_behind_the_file() -> None:
    scene = Scene()
    file = b'--x\r\ncontent-disposition: form-data; name="file"; filename="m"\r\n\r\n' + b"m" * 600_000
    body = file + b'\r\n--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n--x--\r\n'
    await scene.ask("POST", "/audio/transcriptions", body, (b"content-type", FORM))
    assert scene.parcel.body == body.replace(b"\r\n\r\nm\r\n", b"\r\n\r\nreal\r\n")


def test_every_way_has_its_route() -> None:
    router = Router(list(Scene().routes))
    for path, methods in (("/v1/threads/runs", {"POST"}), ("/v1/responses/compact", {"POST"}), ("/v1/files", {"GET", "POST"})):
        scope = {"type": "http", "method": min(methods), "path": path}
        found = next(route for route in router.routes if route.matches(scope)[0] is Match.FULL)
        assert (found.path, found.methods) == (path, methods)  # type: ignore[attr-defined]
