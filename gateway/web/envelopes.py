"""The envelope that an error wears in each dialect, as the body of a reply or as an event in a stream that has begun."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from gateway.core.chat import Dialect, Operation
from gateway.core.errors import GatewayError

Fields = dict[str, Any]

_ANTHROPIC: Final[Mapping[int, str]] = MappingProxyType(
    {
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        503: "overloaded_error",
        504: "timeout_error",
    }
)
_GEMINI: Final[Mapping[int, str]] = MappingProxyType(
    {
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        405: "UNIMPLEMENTED",
        408: "DEADLINE_EXCEEDED",
        409: "ABORTED",
        429: "RESOURCE_EXHAUSTED",
        500: "INTERNAL",
        502: "UNAVAILABLE",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
    }
)


class Told(NamedTuple):
    """An error in the words that are meant for the caller, and the id of the request that met it, where it has one."""

    error: GatewayError
    message: str
    request_id: str | None = None


def envelope(told: Told, dialect: Dialect) -> bytes:
    """The body of a reply."""
    return _dumped(_ENVELOPES[dialect](told))


def event(told: Told, operation: Operation, sequence: int, *, framed: bool = True) -> bytes:
    """An event in a stream, `sequence` numbered events into it. `framed`: the stream is one of server-sent events."""
    if operation is Operation.RESPONSES:
        words = _openai_words(told)
        said = {**words, "type": "error", "sequence_number": sequence, "error": words}  # SDKs raise at the last
        return b"event: error\ndata: %b\n\n" % _dumped(said)
    body = envelope(told, operation.dialect)
    if operation.dialect is Dialect.ANTHROPIC:
        return b"event: error\ndata: %b\n\n" % body
    return b"data: %b\n\n" % body if framed else b",\r\n%b]" % body


def _openai(told: Told) -> Fields:
    return {"error": _openai_words(told)}


def _openai_words(told: Told) -> Fields:
    """All four keys; `code` is a string or null."""
    error = told.error
    return {"message": told.message, "type": error.type, "param": error.param, "code": error.code}


def _anthropic(told: Told) -> Fields:
    otherwise = "invalid_request_error" if told.error.status < 500 else "api_error"
    kind = _ANTHROPIC.get(told.error.status, otherwise)
    return {"type": "error", "error": {"type": kind, "message": told.message}, "request_id": told.request_id}


def _gemini(told: Told) -> Fields:
    error = told.error
    reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": (error.code or error.type).upper(),
        "domain": "fleetgate",
    }
    details: list[Fields] = [reason]
    if error.retry_after_s is not None:
        delay = f"{max(0.0, error.retry_after_s):g}s"
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    status = _GEMINI.get(error.status, "INVALID_ARGUMENT")
    return {"error": {"code": error.status, "message": told.message, "status": status, "details": details}}


_ENVELOPES: Final[Mapping[Dialect, Callable[[Told], Fields]]] = MappingProxyType(
    {Dialect.OPENAI: _openai, Dialect.ANTHROPIC: _anthropic, Dialect.GEMINI: _gemini}
)


def _dumped(fields: Fields) -> bytes:
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError:  # half surrogates, of the caller's or the provider's
        return orjson.dumps(_cleaned(fields))


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
