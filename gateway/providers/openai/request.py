"""Writes a request in OpenAI's dialect: the caller's bytes, unless the model's name or the stream's usage has to change."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.core.jsonscan import splice
from gateway.providers.transport.contract import Header, Outgoing

FORWARDED: Final = (b"idempotency-key", b"openai-beta", b"traceparent", b"tracestate")
"""The caller's headers that reach the provider. Not its credentials, nor the organisation that goes with them."""

_USER_AGENT: Final = (b"user-agent", b"fleetgate")
_JSON: Final = (b"content-type", b"application/json")
_ACCEPT: Final = {False: (b"accept", b"application/json"), True: (b"accept", b"text/event-stream")}


def write(
    request: ModelRequest, target: Target, spec: ProviderSpec, key: str | None, headers: Mapping[bytes, bytes]
) -> Outgoing:
    """The request for `target`; `headers` are the caller's."""
    head: list[Header] = [_JSON, _ACCEPT[request.stream], _USER_AGENT]
    if key is not None:
        head.append((b"authorization", b"Bearer " + key.encode()))
    head += [(name, headers[name]) for name in FORWARDED if name in headers]
    return Outgoing(b"POST", path(spec.base_url, request.operation), head, body(request, target))


@lru_cache(maxsize=1024)
def path(base_url: str, operation: Operation) -> bytes:
    """The operation's place below the base URL; a query of the base URL is kept."""
    place, mark, query = base_url.partition("://")[2].partition("/")[2].partition("?")
    root = f"/{place}".rstrip("/")
    return f"{root}{operation.value}{mark}{query}".encode("ascii", "replace")


def body(request: ModelRequest, target: Target) -> bytes:
    """The caller's body with only those fields changed that must be."""
    changes: dict[str, Any] = {}
    if target.model not in ("*", request.model):
        changes["model"] = target.model
    if request.stream and not request.wants_usage and request.operation is not Operation.EMBEDDINGS:
        # Accounting needs it; the stream's normaliser keeps it from a caller who did not ask.
        changes["stream_options"] = {**(request.fields.get("stream_options") or {}), "include_usage": True}
    if not changes:
        return request.body
    if changes.keys().isdisjoint(request.fields):
        return _added(request.body, changes)
    if request.canonical:
        return orjson.dumps({**request.fields, **changes})
    return splice(request.body, {key: _dumped(key, value) for key, value in changes.items()})


def _dumped(key: str, value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise InvalidValue(f"The field {key!r} is nested too deeply.", param=key) from error


def _added(text: bytes, fields: Mapping[str, Any]) -> bytes:
    """A JSON object that is not empty, with fields that it does not have yet behind its own."""
    end = text.rindex(b"}")
    return b"%b,%b%b" % (text[:end], orjson.dumps(fields)[1:-1], text[end:])
