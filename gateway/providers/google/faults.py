"""What Google's errors mean: OpenAI's rules, and what only Google's words and details tell.

A key that is no good is a 400, a prompt that is too long has no code of its own, and a 403 may be about a file.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamRefused
from gateway.dialects import lenient
from gateway.providers.openai import faults
from gateway.providers.openai.envelope import is_error
from gateway.providers.transport.contract import Header

_KEY_REASONS: Final = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED", "SERVICE_DISABLED"})
_KEY_WORDS: Final = ("api key not valid", "api key expired", "api_key_invalid")
_PLACE_WORDS: Final = ("location is not supported", "free tier is not available")
_LENGTH_WORDS: Final = ("input token count", "maximum number of tokens allowed")
_CALLERS_FILES: Final = ("permission to access the file", "cachedcontent not found")
"""Words of a 403 that is about something that the caller named."""
_CODES: Final[Mapping[int, tuple[str, str]]] = {
    429: ("requests", "rate_limit_exceeded"),
    503: ("service_unavailable_error", "server_is_overloaded"),
}


def fault(spec: ProviderSpec, status: int, headers: Sequence[Header], body: bytes, wall_s: float) -> UpstreamFault:
    """See `Wire`."""
    error = _error_in(_parsed(body))
    words = _words(error)
    if status == 403 and any(one in words for one in _CALLERS_FILES):
        status = 404
    return _special(status, error, words) or _renamed(faults.fault(spec, status, headers, body, wall_s), words)


def check(value: object) -> None:
    """Raises the fault of an error that came inside a stream, or dressed as success."""
    if is_error(value):
        raise within(value)


def within(value: object) -> UpstreamFault:
    """The fault of an error that came with a status of success: its status stands in its words."""
    error = _error_in(value)
    words = _words(error)
    code = error.get("code")
    status = code if isinstance(code, int) else 0
    return _special(status, error, words) or _renamed(faults.within(value), words)


def _special(status: int, error: Mapping[str, Any], words: str) -> UpstreamFault | None:
    """What is not the caller's fault although its status says so."""
    if status == 400 and (_KEY_REASONS & set(_reasons(error)) or any(one in words for one in _KEY_WORDS)):
        return faults.credentials(status)
    if status == 400 and any(one in words for one in _PLACE_WORDS):
        return UpstreamBroken("The provider does not serve the place that this gateway calls from.")
    return None


def _renamed(found: UpstreamFault, words: str) -> UpstreamFault:
    """The same in OpenAI's words, which is what clients look for."""
    if not isinstance(found, UpstreamRefused):
        return found
    kind, code = _CODES.get(found.status, (found.type, found.code))
    if found.status == 404 and "model" in words:
        code = "model_not_found"
    if found.status in (400, 413) and any(one in words for one in _LENGTH_WORDS):
        code = "context_length_exceeded"
    return UpstreamRefused(
        found.status,
        found.message,
        error_type=kind,
        error_code=code,
        param=found.param,
        retry_after_s=found.retry_after_s,
        should_retry=found.should_retry,
    )


def _parsed(body: bytes) -> object:
    try:
        return lenient.loads(body)
    except ValueError:
        return None


def _error_in(value: object) -> Mapping[str, Any]:
    """The error object; of a list, the first one's."""
    value = value[0] if isinstance(value, list) and value else value
    error = value.get("error") if isinstance(value, Mapping) else None
    return error if isinstance(error, Mapping) else {}


def _words(error: Mapping[str, Any]) -> str:
    message = error.get("message")
    return message.lower() if isinstance(message, str) else ""


def _reasons(error: Mapping[str, Any]) -> Iterator[str]:
    details = error.get("details")
    for one in details if isinstance(details, list) else ():
        reason = one.get("reason") if isinstance(one, Mapping) else None
        if isinstance(reason, str):
            yield reason
