"""Every path and method: an endpoint, or an envelope."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from gateway.web.health import health_routes
from gateway.web.models import model_routes
from gateway.web.routes import routes
from gateway.web.schemas import schema_routes
from tests.house import KEY, Gateway, chat

AUTH = {"authorization": f"Bearer {KEY}"}


@asynccontextmanager
async def nothing(_: Starlette) -> AsyncIterator[None]:
    yield


class Site:
    """The gateway's routes behind an in-memory client."""

    def __init__(self) -> None:
        self.gateway = Gateway()
        self.started = True
        cold = [
            *health_routes(self.gateway.inflight, lambda: self.started, self.gateway.metrics),
            *model_routes(lambda: self.gateway.snapshot),
            *schema_routes(),
        ]
        app: Any = routes(self.gateway.house, cold, nothing)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    async with made.client:
        yield made
    await asyncio.sleep(0)


async def test_a_post_to_a_model_is_a_conversation(site: Site) -> None:
    answer = await site.client.post("/v1/chat/completions", content=chat(), headers=AUTH)
    assert answer.status_code == 200
    assert answer.json() == {}


async def test_the_models_of_the_tenant_are_listed_in_openais_shape(site: Site) -> None:
    answer = await site.client.get("/v1/models", headers=AUTH)
    assert answer.json() == {"object": "list", "data": [{"id": "m", "object": "model", "created": 0, "owned_by": "p"}]}


@pytest.mark.parametrize(("name", "status"), [("m", 200), ("x-a/b/c", 200), ("forbidden", 404), ("nobody", 404)])
async def test_a_models_id_may_contain_slashes(site: Site, name: str, status: int) -> None:
    answer = await site.client.get(f"/v1/models/{name}", headers=AUTH)
    assert answer.status_code == status
    assert (answer.json()["id"] == name) if status == 200 else (answer.json()["error"]["code"] == "model_not_found")


async def test_a_caller_of_anthropics_dialect_gets_its_shape(site: Site) -> None:
    headers = {**AUTH, "anthropic-version": "2023-06-01"}
    entry = {"type": "model", "id": "m", "display_name": "m", "created_at": "1970-01-01T00:00:00Z"}
    listed = (await site.client.get("/v1/models", headers=headers)).json()
    assert listed == {"data": [entry], "has_more": False, "first_id": "m", "last_id": "m"}
    assert (await site.client.get("/v1/models/m", headers=headers)).json() == entry


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1beta/models", AUTH),
        ("/v1/models", {"x-goog-api-key": KEY}),  # google-genai since its version 3
        ("/v1/models", {**AUTH, "x-goog-api-client": "google-genai-sdk/3.6.1"}),
        (f"/v1beta/models?key={KEY}", {}),
    ],
)
async def test_a_caller_of_google_s_dialect_gets_its_shape(site: Site, path: str, headers: dict[str, str]) -> None:
    methods = ["generateContent", "countTokens"]
    entry = {"name": "models/m", "displayName": "m", "supportedGenerationMethods": methods}
    assert (await site.client.get(path, headers=headers)).json() == {"models": [entry]}
    assert (await site.client.get(path.replace("models", "models/m"), headers=headers)).json() == entry


async def test_who_asks_for_an_unknown_model_is_told_what_no_list_has(site: Site) -> None:
    told = (await site.client.get("/v1/models/nobody", headers=AUTH)).json()["error"]["message"]
    assert "GET /v1/models lists yours, beside all that fit 'x-*'." in told


@pytest.mark.parametrize(("path", "title"), [("/schema/config.json", "configuration"), ("/schema/policy.json", "policy")])
async def test_the_schemas_are_served(site: Site, path: str, title: str) -> None:
    answer = await site.client.get(path)
    assert answer.headers["content-type"].startswith("application/schema+json")
    assert title in answer.json()["title"]


async def test_models_need_a_key(site: Site) -> None:
    answer = await site.client.get("/v1/models")
    assert answer.status_code == 401
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/chat/completions", "/v1/chat/completions/"])
async def test_an_unknown_path_is_a_404_in_the_envelope(site: Site, path: str) -> None:
    answer = await site.client.post(path, content=chat(), headers=AUTH)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_url"
    assert "/v1" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/embeddings", "POST"),
        ("POST", "/v1/models", "GET"),
        ("PUT", "/livez", "GET"),
    ],
)
async def test_a_wrong_method_is_a_405_that_lists_the_right_ones(site: Site, method: str, path: str, allow: str) -> None:
    answer = await site.client.request(method, path)
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_supported"
    assert allow in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/health", "/healthz", "/health/ready"])
async def test_health_needs_no_key(site: Site, path: str) -> None:
    assert (await site.client.get(path)).status_code == 200


async def test_a_stopping_process_lives_but_is_not_ready(site: Site) -> None:
    site.gateway.inflight.stopping = True
    assert (await site.client.get("/livez")).status_code == 200
    assert (await site.client.get("/readyz")).json() == {"status": "stopping"}
    assert (await site.client.get("/readyz")).status_code == 503


async def test_a_starting_process_is_neither_started_nor_ready(site: Site) -> None:
    site.started = False
    assert (await site.client.get("/startupz")).status_code == 503
    assert (await site.client.get("/readyz")).status_code == 503


async def test_the_metrics_count_what_happened(site: Site) -> None:
    await site.client.post("/v1/chat/completions", content=chat(), headers=AUTH)
    await site.client.post("/v1/chat/completions", content=b"{", headers=AUTH)
    text = (await site.client.get("/metrics")).text
    assert 'fleetgate_requests_total{ending="complete",operation="chat",status="200",target="p/m",tenant="acme"} 1.0' in text
    assert 'fleetgate_requests_total{ending="refused",operation="chat",status="400",target="-",tenant="acme"} 1.0' in text
    assert "fleetgate_request_duration_seconds_bucket" in text
    assert "process_resident_memory_bytes" in text


async def test_an_envelope_is_json_that_sdks_read(site: Site) -> None:
    answer = await site.client.post("/v1/chat/completions", content=b"{", headers=AUTH)
    assert answer.headers["content-type"] == "application/json"
    assert set(orjson.loads(answer.content)["error"]) == {"message", "type", "param", "code"}
