"""GET /v1/models: the models that the caller may ask for, in the shape of the dialect: OpenAI's, Anthropic's or Google's."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.core.catalog import Model
from gateway.core.errors import ModelNotFound
from gateway.core.snapshot import Snapshot
from gateway.identity.callers import principal_of
from gateway.web.errors import new_id


class Listed(NamedTuple):
    """A model as a caller sees it: the name it asked for, who answers, and since when (Unix time)."""

    name: str
    owner: str
    created_s: int


def model_routes(current: Callable[[], Snapshot]) -> list[Route]:
    """The list, and one model by its id, which may contain slashes."""

    async def every(request: Request) -> Response:
        if _speaks_google(request):
            return await every_googles(request)
        listed = visible(current(), dict(request.scope["headers"]))
        return _told(_anthropic_page(listed) if _speaks_anthropic(request) else _openai_page(listed))

    async def one(request: Request) -> Response:
        if _speaks_google(request):
            return await one_googles(request)
        found = find(current(), dict(request.scope["headers"]), request.path_params["name"])
        return _told(_anthropic_entry(found) if _speaks_anthropic(request) else _openai_entry(found))

    async def every_googles(request: Request) -> Response:
        listed = visible(current(), googles_headers(request))
        return _told({"models": [_google_entry(model) for model in listed]})

    async def one_googles(request: Request) -> Response:
        return _told(_google_entry(find(current(), googles_headers(request), request.path_params["name"])))

    return [
        Route("/v1/models", every),
        Route("/v1/models/{name:path}", one),
        Route("/v1beta/models", every_googles),
        Route("/v1beta/models/{name:path}", one_googles),
    ]


def googles_headers(request: Request) -> dict[bytes, bytes]:
    """The headers, with the key that Google's clients may put into the query."""
    headers = dict(request.scope["headers"])
    key = request.query_params.get("key")
    return {b"x-goog-api-key": key.encode(), **headers} if key else headers


def visible(snapshot: Snapshot, headers: dict[bytes, bytes]) -> list[Listed]:
    """Every model with a name of its own that the caller may use. Raises as `principal_of` does."""
    allowed = principal_of(headers, snapshot).tenant.models
    catalog = snapshot.catalog
    return [
        _listed(model, model.name, snapshot) for model in catalog.models.values() if allowed is None or model.name in allowed
    ]


def find(snapshot: Snapshot, headers: dict[bytes, bytes], name: str) -> Listed:
    """One model by its name, patterns included. Raises `ModelNotFound`, and as `principal_of` does."""
    allowed = principal_of(headers, snapshot).tenant.models
    model = snapshot.catalog.find(name) if name else None
    if model is None or (allowed is not None and name not in allowed and model.name not in allowed):
        raise ModelNotFound(name, snapshot.catalog.nearest(name, allowed), snapshot.catalog.told(allowed))
    return _listed(model, name, snapshot)


def _listed(model: Model, name: str, snapshot: Snapshot) -> Listed:
    return Listed(name, model.targets[0].provider, snapshot.catalog.created_s)


def _speaks_google(request: Request) -> bool:
    """google-genai asks below /v1 since its version 3."""
    return "x-goog-api-client" in request.headers or "x-goog-api-key" in request.headers


def _speaks_anthropic(request: Request) -> bool:
    return "anthropic-version" in request.headers


def _openai_page(listed: list[Listed]) -> dict[str, Any]:
    return {"object": "list", "data": [_openai_entry(one) for one in listed]}


def _openai_entry(one: Listed) -> dict[str, Any]:
    return {"id": one.name, "object": "model", "created": one.created_s, "owned_by": one.owner}


def _anthropic_page(listed: list[Listed]) -> dict[str, Any]:
    names = [one.name for one in listed]
    ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
    return {"data": [_anthropic_entry(one) for one in listed], "has_more": False, **ends}


def _anthropic_entry(one: Listed) -> dict[str, Any]:
    created = datetime.fromtimestamp(one.created_s, UTC).isoformat().replace("+00:00", "Z")
    return {"type": "model", "id": one.name, "display_name": one.name, "created_at": created}


def _google_entry(one: Listed) -> dict[str, Any]:
    methods = ["generateContent", "countTokens"]
    return {"name": f"models/{one.name}", "displayName": one.name, "supportedGenerationMethods": methods}


def _told(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers={"x-request-id": new_id()})
