"""GET /v1/models: the models that the caller may ask for, in OpenAI's shape."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.core.catalog import Catalog, Model
from gateway.core.errors import ModelNotFound
from gateway.core.snapshot import Snapshot
from gateway.identity.callers import principal_of
from gateway.web.errors import new_id


def model_routes(current: Callable[[], Snapshot]) -> list[Route]:
    """The list, and one model by its id, which may contain slashes."""

    def allowed(request: Request) -> tuple[Catalog, frozenset[str] | None]:
        snapshot = current()
        principal = principal_of(dict(request.scope["headers"]), snapshot)
        return snapshot.catalog, principal.tenant.models

    async def every(request: Request) -> Response:
        catalog, names = allowed(request)
        listed = [model for model in catalog.models.values() if names is None or model.name in names]
        return _told({"object": "list", "data": [_entry(catalog, model, model.name) for model in listed]})

    async def one(request: Request) -> Response:
        catalog, names = allowed(request)
        name = request.path_params["name"]
        model = catalog.find(name) if name else None
        if model is None or (names is not None and name not in names and model.name not in names):
            raise ModelNotFound(name, catalog.nearest(name, names))
        return _told(_entry(catalog, model, name))

    return [Route("/v1/models", every), Route("/v1/models/{name:path}", one)]


def _told(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers={"x-request-id": new_id()})


def _entry(catalog: Catalog, model: Model, name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": catalog.created_s, "owned_by": model.targets[0].provider}
