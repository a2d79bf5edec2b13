"""From a path to its endpoint: a dictionary for the hot paths, Starlette for the others, an envelope for what is neither."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.core.chat import Operation
from gateway.core.errors import GatewayError, MethodNotSupported, UnknownRoute
from gateway.web.asking import by_model, by_path, by_query, conversing, generating
from gateway.web.conversation import Conversation, House
from gateway.web.errors import refused

OPENAIS = (Operation.CHAT, Operation.COMPLETIONS, Operation.EMBEDDINGS, Operation.RESPONSES)
ANTHROPICS = (Operation.MESSAGES, Operation.COUNT_TOKENS)
GEMINIS = (Operation.GENERATE, Operation.COUNT_CONTENT)

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


class Routes:
    """The ASGI application: POSTs to a model go straight to their conversation."""

    def __init__(self, hot: Mapping[str, ASGIApp], rest: ASGIApp) -> None:
        self._hot = hot
        self._rest = rest

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["method"] == "POST":
            path = scope["path"]
            return (self._hot.get(path) or self._named(path))(scope, receive, send)
        return self._rest(scope, receive, send)

    def _named(self, path: str) -> ASGIApp:
        """Paths in Gemini's form and Bedrock's have the model in them."""
        operation = generating(path) or conversing(path)
        return self._rest if operation is None else self._hot[operation.value]


def routes(house: House, cold: Sequence[BaseRoute], lifespan: Lifespan) -> Routes:
    """Puts the application together. Paths with a model in them are found by their operation's value, which is no path."""
    hot: dict[str, ASGIApp] = {f"/v1{operation.value}": Conversation(operation, house) for operation in OPENAIS}
    for operation in ANTHROPICS:
        endpoint = Conversation(operation, house, by_query)
        hot |= {f"{root}{operation.value}": endpoint for root in ("/v1", "", "/v1/v1")}  # as clients put base URLs together
    posts = [Route(path, _only_post, methods=["POST"]) for path in hot]
    hot |= {operation.value: Conversation(operation, house, by_path) for operation in GEMINIS}
    hot[Operation.CONVERSE.value] = Conversation(Operation.CONVERSE, house, by_model)
    rest = Starlette(
        routes=[*cold, *posts],
        exception_handlers={GatewayError: _refused, 404: _unknown, 405: _wrong_method},
        lifespan=lifespan,
    )
    rest.router.redirect_slashes = False
    return Routes(hot, rest)


async def _only_post(request: Request) -> Response:
    """Never reached: POSTs are hot. It makes Starlette know the path, so that another method is a 405 and not a 404."""
    raise UnknownRoute(request.url.path)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)  # registered for nothing else
    return reply(error, request.url.path)


async def _unknown(request: Request, _: Exception) -> Response:
    path = request.url.path[:200]
    return reply(UnknownRoute(f"There is no {request.method} {path!r} here. {_hint(path)}"), path)


async def _wrong_method(request: Request, error: Exception) -> Response:
    allowed = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
    path = request.url.path[:200]
    methods = [method for method in allowed.split(", ") if method]
    message = f"{path!r} does not take {request.method}; it takes {' or '.join(methods)}."
    return reply(MethodNotSupported(message, methods), path)


def _hint(path: str) -> str:
    if path.startswith("/model/"):
        return "Of Bedrock's operations, /model/MODEL/converse and /model/MODEL/converse-stream are served."
    if not path.startswith(("/v1/", "/v1beta/")):
        return (
            "The API stands below /v1: set the base URL to http://HOST:PORT/v1 (Anthropic's and Google's clients: without /v1)."
        )
    served = ", ".join("/v1" + operation.value for operation in (*OPENAIS, *ANTHROPICS))
    return f"Served are {served}, /v1/models and /v1beta/models/MODEL:generateContent."


def reply(error: GatewayError, path: str) -> Response:
    """An error as a Starlette response."""
    status, headers, body = refused(error, path)
    return Response(body, status, {name.decode(): value.decode("latin-1") for name, value in headers})
