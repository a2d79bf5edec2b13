"""The envelope that an error wears in each dialect, as the body of a reply or as an event in a stream that has begun."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from gateway.core.chat import Dialect, Operation
from gateway.core.errors import GatewayError
from gateway.dialects import eventstream

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

_BEDROCK: Final[Mapping[int, str]] = MappingProxyType(
    {
        401: "AccessDeniedException",
        402: "AccessDeniedException",
        403: "AccessDeniedException",
        404: "ResourceNotFoundException",
        408: "ModelTimeoutException",
        424: "ModelErrorException",
        429: "ThrottlingException",
        502: "ModelErrorException",
        503: "ServiceUnavailableException",
        504: "ModelTimeoutException",
        529: "ServiceUnavailableException",
    }
)
_BEDROCK_STREAMED: Final = frozenset({"validationException", "throttlingException", "serviceUnavailableException"})
"""Exceptions that a stream of Converse's can end with, beside the two for what the model or the server did."""


class Told(NamedTuple):
    """An error in the words that are meant for the caller, and the id of the request that met it, where it has one."""

    error: GatewayError
    message: str
    request_id: str | None = None


def envelope(told: Told, dialect: Dialect) -> bytes:
    """The body of a reply."""
    return _dumped(_ENVELOPES[dialect](told))


def element(told: Told, operation: Operation, *, first: bool) -> bytes:
    """The last element of an array that is streamed element by element, and the array's end."""
    return b"%b%b]" % (b"[" if first else b",\r\n", envelope(told, operation.dialect))


def event(told: Told, operation: Operation, sequence: int) -> bytes:
    """An event in a stream, `sequence` numbered events into it."""
    if operation is Operation.RESPONSES:
        words = _openai_words(told)
        said = {**words, "type": "error", "sequence_number": sequence, "error": words}  # SDKs raise at the last
        return b"event: error\ndata: %b\n\n" % _dumped(said)
    if operation.dialect is Dialect.BEDROCK:
        return _bedrock_event(told)
    body = envelope(told, operation.dialect)
    if operation.dialect is Dialect.ANTHROPIC:
        return b"event: error\ndata: %b\n\n" % body
    return b"data: %b\n\n" % body


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


def exception_of(status: int) -> str:
    """What AWS calls an error of this status; in a reply a header says it."""
    otherwise = "ValidationException" if status < 500 else "InternalServerException"
    return _BEDROCK.get(status, otherwise)


def _bedrock(told: Told) -> Fields:
    return {"message": told.message}


def _bedrock_event(told: Told) -> bytes:
    status = told.error.status
    name = exception_of(status)
    kind = name[0].lower() + name[1:]
    if kind in _BEDROCK_STREAMED or status == 500:
        return eventstream.exception(kind, _cleaned(_bedrock(told)))
    fields = {**_bedrock(told), "originalStatusCode": status, "originalMessage": told.message}
    return eventstream.exception("modelStreamErrorException", _cleaned(fields))


_ENVELOPES: Final[Mapping[Dialect, Callable[[Told], Fields]]] = MappingProxyType(
    {Dialect.OPENAI: _openai, Dialect.ANTHROPIC: _anthropic, Dialect.GEMINI: _gemini, Dialect.BEDROCK: _bedrock}
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
