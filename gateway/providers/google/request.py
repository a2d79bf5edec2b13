"""Writes a request for Gemini's API: a Gemini caller's bytes as they are, or a chat in Gemini's form."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue, UpstreamBroken
from gateway.dialects import lenient
from gateway.providers.google import history, place
from gateway.providers.google.body import body
from gateway.providers.google.family import Family, family_of
from gateway.providers.openai.request import configured
from gateway.providers.transport.contract import Header, Outgoing

FORWARDED: Final = (b"traceparent", b"tracestate")
"""The caller's headers that reach the provider."""

SPOKEN: Final = frozenset({Operation.CHAT, Operation.GENERATE, Operation.COUNT_CONTENT})

_USER_AGENT: Final = (b"user-agent", b"fleetgate")
_JSON: Final = (b"content-type", b"application/json")
_ACCEPT: Final = {False: (b"accept", b"application/json"), True: (b"accept", b"text/event-stream")}


def speaks(_spec: ProviderSpec, _model: str) -> frozenset[Operation]:
    """See `Wire`."""
    return SPOKEN


def write(
    request: ModelRequest, target: Target, spec: ProviderSpec, key: str | None, headers: Mapping[bytes, bytes]
) -> Outgoing:
    """See `Wire`."""
    model = target.named(request.model)
    sent, dropped = payload(request, model, family_of(model))
    path = place.path(spec.base_url, model, place.verb(request))
    return Outgoing(b"POST", path, head(request, spec, key, headers), sent, dropped)


def head(request: ModelRequest, spec: ProviderSpec, key: str | None, headers: Mapping[bytes, bytes]) -> list[Header]:
    """The headers; a key goes into its header, never into the URL, which is logged on its way."""
    found: list[Header] = [_JSON, _ACCEPT[request.stream and request.operation.streams], _USER_AGENT]
    if key is not None:
        found.append((b"x-goog-api-key", key.encode()))
    found += [(name, headers[name]) for name in FORWARDED if name in headers]
    return configured(found, spec.headers) if spec.headers else found


def payload(request: ModelRequest, model: str, family: Family) -> tuple[bytes, tuple[str, ...]]:
    """The body, and what was dropped of the request."""
    if request.operation is Operation.CHAT:
        fields, dropped = body(request.fields, family)
        return _dumped(fields), dropped
    return _native(request, model, family), ()


def _native(request: ModelRequest, model: str, family: Family) -> bytes:
    """The caller's bytes, unless other models have had a part in them, or the request to be counted names the model again."""
    mended = history.restored(request.body, request.fields, family)
    if mended is not None:
        return _dumped(mended)
    inner = request.fields.get("generateContentRequest")
    if not isinstance(inner, Mapping) or "model" not in inner or model == request.model:
        return request.body
    return _dumped({**request.fields, "generateContentRequest": {**inner, "model": f"models/{model}"}})


def _dumped(fields: Mapping[str, Any]) -> bytes:
    try:
        return lenient.dumps(fields)
    except UpstreamBroken as error:  # said of what providers send; this came from the caller
        raise InvalidValue("The request is nested too deeply, or holds a number that JSON has not.") from error
