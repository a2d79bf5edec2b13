"""What a client sees of a call that passes, and where it goes: the real endpoint and stages, couriers in memory."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from starlette.routing import Match, Router

from gateway.core.errors import UpstreamCredentials, UpstreamRefused, UpstreamTruncated
from gateway.core.exchange import Exchange
from gateway.core.snapshot import Bounds
from gateway.core.tenant import Tenant
from gateway.core.upstream import Owner
from gateway.dialects.ownership import mark
from tests.house import PAUSE, PEPPER, Client
from tests.passages import ACME, FILE, FORM, Answer, PassingGateway, Scene, ScriptedCourier, code


class Sees:
    """A stage that remembers the exchange."""

    exchange: Exchange

    def run(self, exchange: Exchange) -> None:
        self.exchange = exchange


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


async def test_what_was_asked_is_let_go_of_once_the_answer_begins() -> None:
    sees = Sees()
    gateway = PassingGateway(ScriptedCourier((b"half", PAUSE)), lambda stages: [sees, *stages])
    client = Client(b'{"model": "m", "prompt": "words"}', "/v1/images/generations")
    task = gateway.start(client)
    await client.wrote.wait()
    client.leave()
    await task
    assert (sees.exchange.request.body, sees.exchange.request.fields, sees.exchange.headers) == (b"", {}, {})


async def test_a_failure_before_the_first_byte_is_a_status() -> None:
    for failing in (UpstreamRefused(404, "no", error_type="t"), Answer(UpstreamTruncated("cut"))):
        scene = Scene()
        scene.up.answer = failing
        client = await scene.ask("GET", "/files/file-1")
        assert client.status == (404 if isinstance(failing, Exception) else 502)
        code(client)
        assert scene.gateway.endings() == {"failed": 1}


async def test_a_refused_key_of_ours_is_an_alert() -> None:
    scene = Scene()
    scene.up.answer = UpstreamCredentials("no")
    client = await scene.ask("GET", "/files/file-1")
    assert (client.status, code(client)) == (502, "upstream_credentials")
    told = scene.gateway.metrics.counter("fleetgate_upstream_credentials_refused_total").cells
    assert [(labels, cell.value) for labels, cell in told.items()] == [(("up",), 1)]


async def test_a_call_that_is_given_up_is_no_success_of_its_provider() -> None:
    sees = Sees()
    courier = ScriptedCourier(head=PAUSE)
    gateway = PassingGateway(courier, lambda stages: [sees, *stages])
    client = Client(b'{"model": "m"}', "/v1/images/generations")
    task = gateway.start(client)
    await courier.waiting.wait()
    client.leave()
    await task
    assert [one.error for one in sees.exchange.record.attempts] == ["abandoned"]


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


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\n\r\n", b"\r\r"])
async def test_events_are_over_with_a_blank_line_however_it_comes(ending: bytes) -> None:
    for split in (1, 2, 3):
        scene = Scene()
        scene.up.answer = Answer(b"data: {}" + ending[:-split], ending[-split:], UpstreamTruncated("cut"), media_type=None)
        client = await scene.ask("POST", "/images/generations", b'{"model": "m"}')
        assert client.received.startswith(b"data: {}" + ending + b"data: {")
        assert client.ended


async def test_half_an_event_has_no_end() -> None:
    """An error behind it would be read as a part of it."""
    scene = Scene()
    scene.up.answer = Answer(b'data: {}\n\ndata: {"b64_json": "aaaa', UpstreamTruncated("cut"), media_type=None)
    client = await scene.ask("POST", "/images/generations", b'{"model": "m"}')
    assert client.received.endswith(b"aaaa")
    assert not client.ended
    assert scene.gateway.endings() == {"truncated": 1}


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
    await scene.ask("GET", "/responses/resp_1", query=b"include[]=a.b&after=%C3%A9&key=sk-1&API_Key=sk-2&stream=")
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
    router = Router(list(Scene().gateway.routes))
    for path, methods in (("/v1/threads/runs", {"POST"}), ("/v1/responses/compact", {"POST"}), ("/v1/files", {"GET", "POST"})):
        scope = {"type": "http", "method": min(methods), "path": path}
        found = next(route for route in router.routes if route.matches(scope)[0] is Match.FULL)
        assert (found.path, found.methods) == (path, methods)  # type: ignore[attr-defined]
