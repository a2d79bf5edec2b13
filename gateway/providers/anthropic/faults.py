"""What an error of the Messages API means to the caller, from a status and a body or from an event in a stream.

The envelope is `{"type": "error", "error": {"type", "message"}}`; its type says what a status would, and the rest is read as
of any provider. Three errors hide in a plain 400: a prompt that is too long, an account without credit, a body too large.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import UpstreamFault
from gateway.dialects import lenient
from gateway.providers.openai import faults
from gateway.providers.openai.envelope import Told, told_by
from gateway.providers.transport.contract import Header

_STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "api_error": 500,
        "timeout_error": 504,
        "overloaded_error": 529,
    }
)
_TOO_LONG: Final = ("prompt is too long", "exceed context limit", "exceeds the context window", "maximum context length")
_NO_CREDIT: Final = "credit balance is too low"


def fault(spec: ProviderSpec, status: int, headers: Sequence[Header], body: bytes, wall_s: float) -> UpstreamFault:
    """The fault of an answer whose status is no success. `wall_s`: Unix time, for a `Retry-After` that is a date."""
    told = None if status < 400 else told_by(_parsed(body))
    if told is None:
        return faults.fault(spec, status, headers, body, wall_s)
    status = _status_of(told, status)
    return faults.fault(spec, status, headers, _enveloped(told, status), wall_s)


def within(value: object) -> UpstreamFault:
    """The fault of an error that came inside a stream, or dressed as success."""
    told = told_by(value)
    if told is None:
        return faults.within(value)
    status = _status_of(told, told.status or _STATUSES.get(told.type or "", 502))
    return faults.fault(_NOBODY, status, (), _enveloped(told, status), 0.0)


_NOBODY: Final = ProviderSpec("", "anthropic")


def _status_of(told: Told, status: int) -> int:
    return 402 if status == 400 and _NO_CREDIT in told.message.casefold() else status


def _enveloped(told: Told, status: int) -> bytes:
    """In OpenAI's words, which the errors of all providers are told in; those of the type are Anthropic's own."""
    code = told.code
    if status == 400 and any(words in told.message.casefold() for words in _TOO_LONG):
        code = "context_length_exceeded"
    error_type = told.type if told.type not in _STATUSES or code is not None else None
    words = replace(told, type="invalid_request_error" if code == "context_length_exceeded" else error_type, code=code)
    return lenient.dumps({"error": {"message": words.message, "type": words.type, "code": code, "param": words.param}})


def _parsed(body: bytes) -> Any:
    try:
        return lenient.loads(body)
    except ValueError:
        return None
