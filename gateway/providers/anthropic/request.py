"""Writes a Messages request: the caller's own bytes where it speaks the API, else one translated from its chat."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue, UpstreamBroken
from gateway.core.jsonscan import splice
from gateway.dialects import lenient
from gateway.providers.anthropic.body import messages_body
from gateway.providers.anthropic.history import readied
from gateway.providers.transport.contract import Header, Outgoing

VERSION: Final = "2023-06-01"
"""Of the API, where neither the caller nor the configuration names one."""
NATIVE: Final = frozenset({Operation.MESSAGES, Operation.COUNT_TOKENS})
SPOKEN: Final = NATIVE | {Operation.CHAT}

_FORWARDED: Final = (b"anthropic-beta", b"idempotency-key", b"traceparent", b"tracestate")
"""The caller's headers that reach the provider. Not its credentials."""
_FIXED: Final[Mapping[bool, tuple[Header, ...]]] = {
    streams: (
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream" if streams else b"application/json"),
        (b"user-agent", b"fleetgate"),
    )
    for streams in (False, True)
}


def speaks(_spec: ProviderSpec, _model: str) -> frozenset[Operation]:
    """What goes to any model: its own operations as they are, and chats, which it is the wire's to translate."""
    return SPOKEN


def write(
    request: ModelRequest, target: Target, spec: ProviderSpec, key: str | None, headers: Mapping[bytes, bytes]
) -> Outgoing:
    """The request for `target`; `headers` are the caller's."""
    native = request.operation in NATIVE
    version = headers.get(b"anthropic-version") if native else None
    head: list[Header] = [*_FIXED[request.stream], (b"anthropic-version", version or (spec.version or VERSION).encode())]
    if key is not None:
        head.append((b"x-api-key", key.encode()))
    head += [(name, headers[name]) for name in _FORWARDED if name in headers]
    place = path(spec.base_url, request.operation, request.query if native else "")
    if native:
        request, dropped = readied(request)
        return Outgoing(b"POST", place, with_headers(head, spec), native_body(request, target), dropped)
    body = messages_body(request, target.named(request.model), spec.version or VERSION)
    return Outgoing(b"POST", place, with_headers(head, spec), dumped(body.fields), body.dropped)


def path(base_url: str, operation: Operation, query: str) -> bytes:
    """The operation's place below the base URL, which may end in `/v1` or not; both their queries are kept."""
    place = _place(base_url, operation if operation is Operation.COUNT_TOKENS else Operation.MESSAGES)
    return place if not query else b"%b%b%b" % (place, b"&" if b"?" in place else b"?", query.encode("ascii", "replace"))


@lru_cache(maxsize=1024)
def _place(base_url: str, operation: Operation) -> bytes:
    place, _, configured = base_url.partition("://")[2].partition("/")[2].partition("?")
    root = f"/{place}".rstrip("/").removesuffix("/v1")
    return f"{root}/v1{operation.value}{'?' if configured else ''}{configured}".encode("ascii", "replace")


def with_headers(head: list[Header], spec: ProviderSpec) -> list[Header]:
    """The headers with those of the configuration: in place of one of ours, but for the beta flags, which add up."""
    for named, value in spec.headers:
        name, told = named.casefold().encode(), value.encode("latin-1", "replace")
        if name == b"anthropic-beta":
            told = b",".join([*(one for known, one in head if known == name), told])
        head = [*((known, one) for known, one in head if known != name), (name, told)]
    return head


def native_body(request: ModelRequest, target: Target) -> bytes:
    """The caller's bytes; where the target has another name for the model, with that name in place of the caller's."""
    model = target.named(request.model)
    if model == request.model:
        return request.body
    if request.canonical:
        return orjson.dumps({**request.fields, "model": model})
    return splice(request.body, {"model": orjson.dumps(model)})


def dumped(fields: Mapping[str, Any]) -> bytes:
    """A translated body as bytes. Raises `InvalidValue` for what nests too deeply."""
    try:
        return lenient.dumps(fields)
    except UpstreamBroken as error:
        raise InvalidValue("The request is nested too deeply.", param="messages") from error
