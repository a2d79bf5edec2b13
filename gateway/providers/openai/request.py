"""Writes a request in OpenAI's dialect: the caller's bytes, unless something in it has to change.

That is the model's name, the stream's usage, and whatever the vendor does not take (`cleaning`).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.core.jsonscan import splice
from gateway.providers.azure.credential import credential as azures
from gateway.providers.openai.cleaning import cleaned, is_marked
from gateway.providers.transport.contract import Header, Outgoing
from gateway.providers.vendors import Vendor, vendor_at

FORWARDED: Final = (b"idempotency-key", b"openai-beta", b"traceparent", b"tracestate")
"""The caller's headers that reach the provider. Not its credentials, nor the organisation that goes with them."""

_USER_AGENT: Final = (b"user-agent", b"fleetgate")
_JSON: Final = (b"content-type", b"application/json")
_ACCEPT: Final = {False: (b"accept", b"application/json"), True: (b"accept", b"text/event-stream")}


def write(
    request: ModelRequest, target: Target, spec: ProviderSpec, key: str | None, headers: Mapping[bytes, bytes]
) -> Outgoing:
    """The request for `target`; `headers` are the caller's."""
    vendor, place = _plan(spec.vendor, spec.base_url, request.operation)
    dropped: Sequence[str] = ()
    if vendor.particular or request.foreign or is_marked(request.fields):
        text, dropped = fitted(request, target, vendor)
    else:
        text = body(request, target)
    head = heading(request, spec, None if key is None else credential(vendor, key), headers)
    return Outgoing(b"POST", place, head, text, dropped)


def credential(vendor: Vendor, key: str) -> Header:
    """The key where the vendor looks for it."""
    return (b"authorization", b"Bearer " + key.encode()) if vendor.auth == "bearer" else azures(key)


def heading(
    request: ModelRequest, spec: ProviderSpec, credential: Header | None, headers: Mapping[bytes, bytes]
) -> list[Header]:
    """The headers: ours, the key, and those of the caller's that go on; where the configuration has some, it wins."""
    head: list[Header] = [_JSON, _ACCEPT[request.stream], _USER_AGENT]
    if credential is not None:
        head.append(credential)
    for name in FORWARDED:
        if name in headers:
            head.append((name, headers[name]))  # noqa: PERF401  # a comprehension is a call, and mostly there are none
    return configured(head, spec.headers) if spec.headers else head


def configured(head: Sequence[Header], headers: Sequence[tuple[str, str]]) -> list[Header]:
    """A head with the provider's configured headers in place of any of the same name."""
    own = dict(_encoded(tuple(headers)))
    return [*(one for one in head if one[0] not in own), *own.items()]


@lru_cache(maxsize=256)
def _encoded(headers: tuple[tuple[str, str], ...]) -> tuple[Header, ...]:
    return tuple((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers)


@lru_cache(maxsize=1024)
def _plan(name: str, base_url: str, operation: Operation) -> tuple[Vendor, bytes]:
    """The vendor and the operation's place there: looked up once, for every call needs both."""
    return vendor_at(name, base_url), path(base_url, operation)


def path(base_url: str, operation: Operation) -> bytes:
    """The operation's place below the base URL; a query of the base URL is kept."""
    place, mark, query = base_url.partition("://")[2].partition("/")[2].partition("?")
    root = f"/{place}".rstrip("/")
    return f"{root}{operation.value}{mark}{query}".encode("ascii", "replace")


def body(request: ModelRequest, target: Target, *, usage: bool = True) -> bytes:
    """The caller's body with only those fields changed that must be. `usage`: the vendor takes `stream_options`."""
    if (not request.stream or request.wants_usage) and target.named(request.model) == request.model:
        return request.body
    changes = _changes(request, target, request.fields, usage=usage)
    if not changes:
        return request.body
    if changes.keys().isdisjoint(request.fields):
        return _added(request.body, changes)
    if request.canonical:
        return orjson.dumps({**request.fields, **changes})
    return splice(request.body, {key: _dumped(value, key) for key, value in changes.items()})


def fitted(request: ModelRequest, target: Target, vendor: Vendor) -> tuple[bytes, Sequence[str]]:
    """The body as this vendor takes it, and what was left out; the caller's own bytes where they are just that."""
    clean = cleaned(request, target.named(request.model), vendor)
    if clean is None:
        return body(request, target, usage=vendor.usage), ()
    return _dumped(clean.fields | _changes(request, target, clean.fields, usage=vendor.usage)), clean.dropped


def _changes(request: ModelRequest, target: Target, fields: Mapping[str, Any], *, usage: bool) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if (name := target.named(request.model)) != request.model:
        changes["model"] = name
    if request.stream and not request.wants_usage and usage and request.operation is not Operation.EMBEDDINGS:
        # Accounting needs it; the stream's normaliser keeps it from a caller who did not ask.
        changes["stream_options"] = {**(fields.get("stream_options") or {}), "include_usage": True}
    return changes


def _dumped(value: object, key: str | None = None) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        named = f"The field {key!r}" if key else "The request"
        raise InvalidValue(f"{named} is nested too deeply.", param=key) from error


def _added(text: bytes, fields: Mapping[str, Any]) -> bytes:
    """A JSON object that is not empty, with fields that it does not have yet behind its own."""
    end = text.rindex(b"}")
    return b"%b,%b%b" % (text[:end], orjson.dumps(fields)[1:-1], text[end:])
