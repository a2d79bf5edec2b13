"""One path of the admin API: its methods, with what holds for all of them around."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.core.snapshot import Snapshot
from gateway.web.admin.access import check_access
from gateway.web.admin.problems import Problem, rendered
from gateway.web.errors import new_id

Handler = Callable[[Request, Snapshot], Awaitable[Response]]

BODY_LIMIT: Final = 64 * 1024
"""Bytes of a body; an order of an operator is short."""


class Resource:
    """An ASGI application that asks for the admin key first, and answers every refusal with a problem."""

    def __init__(self, current: Callable[[], Snapshot], methods: Mapping[str, Handler]) -> None:
        self._current = current
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, request_id = Request(scope, receive), new_id()
        try:
            response = await self._answer(request)
        except Problem as problem:
            response = rendered(problem, request_id)
        except ClientDisconnect:
            return
        response.headers["x-request-id"] = request_id
        response.headers["cache-control"] = "no-store"
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        snapshot = self._current()
        check_access(request.headers.get("authorization"), snapshot)
        handler = self._methods.get("GET" if request.method == "HEAD" else request.method)
        if not self._methods:
            raise Problem(404, "no_resource", f"The admin API has no {request.url.path[:200]!r}.")
        if handler is None:
            raise wrong_method(request.method, self._methods)
        return await handler(request, snapshot)


def wrong_method(method: str, allowed: Iterable[str]) -> Problem:
    """The refusal of a method that the resource does not take."""
    names = ", ".join(allowed)
    return Problem(405, "method", f"This resource takes {names}, not {method}.", {"allow": names})


def answer(value: object, headers: Mapping[str, str] | None = None) -> Response:
    """A resource as JSON."""
    return Response(orjson.dumps(value), 200, headers, "application/json")


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that came. Raises a `Problem` for anything else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "media_type", "Send a JSON object with Content-Type: application/json.")
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > BODY_LIMIT:
            raise Problem(413, "too_large", f"The body is larger than {BODY_LIMIT} bytes.")
    try:
        value = orjson.loads(parts)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "invalid_json", f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Problem(400, "invalid_json", "The body must be a JSON object.")
    return value


def check_match(request: Request, tag: str) -> None:
    """Raises a `Problem` where `If-Match` names other versions than the one there is (RFC 9110, section 13.1.1)."""
    said = request.headers.get("if-match")
    if said is None or said.strip() == "*" or tag in [one.strip() for one in said.split(",")]:
        return
    raise Problem(412, "changed", "Somebody has changed this since you read it; read it again.", {"etag": tag})
