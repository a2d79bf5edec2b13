"""What a provider's error means to the caller: from a status and a body, or from an error inside a stream or a 200."""

import math
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import UpstreamBroken, UpstreamCredentials, UpstreamFault, UpstreamRefused
from gateway.providers.openai.complaints import WITHHELD, complaint, is_about_the_prompt
from gateway.providers.openai.envelope import Told, told_by
from gateway.providers.transport.contract import Header

RETRY_LIMIT_S: Final = 60.0
"""Longer waits make some SDKs hang and others give up (protocol: Retry-After stays at or under a minute)."""

_CALLERS: Final = frozenset({400, 404, 408, 409, 413, 422, 429})
"""Statuses that concern the caller and keep their meaning on the way through."""
_CALLERS_OWN: Final = frozenset({400, 422})
_PROVIDERS: Final[Mapping[int, int]] = {500: 500, 502: 502, 503: 503, 504: 504, 529: 503}
_TYPES: Final[Mapping[int, tuple[str, str | None]]] = {
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("requests", "rate_limit_exceeded"),
    503: ("service_unavailable_error", None),
}
_KEY_CODES: Final = frozenset({"invalid_api_key", "authentication_error", "permission_error", "unauthorized"})
_EMPTY_CODES: Final = frozenset({"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"})
_STATUS_OF: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "overloaded_error": 503,
    "server_is_overloaded": 503,
    "service_unavailable_error": 503,
}


def fault(spec: ProviderSpec, status: int, headers: Sequence[Header], body: bytes, wall_s: float) -> UpstreamFault:
    """The fault of an answer whose status is no success. `wall_s`: Unix time, for a `Retry-After` that is a date."""
    told = told_by(_parsed(body))
    if status in (401, 403):
        return _denied(status, told)
    if status < 400:
        return UpstreamBroken(
            f"The provider answered with status {status}, which is no answer to a call; check the base URL of {spec.name!r}."
        )
    if told is None:
        told = Told(_without_envelope(status, body))
    return _refused(status, told.without(spec.api_keys), dict(headers), wall_s)


def within(value: object) -> UpstreamFault:
    """The fault of an error that came inside a stream, or dressed as success: its status is read from its words."""
    told = told_by(value)
    if told is None:
        return UpstreamBroken("The provider sent an error without saying which.")
    status = told.status or _STATUS_OF.get(told.code or "") or _STATUS_OF.get(told.type or "")
    if status is None:
        status = 400 if is_about_the_prompt(told.message, told.code) else 502
    if status in (401, 403) or _KEY_CODES & {told.code, told.type}:
        return _denied(status, told)
    return _refused(status, told, {}, 0.0)


def credentials(status: int) -> UpstreamCredentials:
    """The fault of a key that the provider does not take; its own words may hold the key."""
    return UpstreamCredentials(f"The provider refused the gateway's own credentials (status {status}).")


def _denied(status: int, told: Told | None) -> UpstreamFault:
    """What a 401 or a 403 means: the key, but where it is about what was asked (OpenRouter, xAI), whose words name the key."""
    if status == 403 and told is not None and complaint(told.message) == WITHHELD:
        words = "The provider's filter refuses the request."
        return UpstreamRefused(400, words, error_type="invalid_request_error", error_code=WITHHELD)
    return credentials(status)


def _refused(status: int, told: Told, headers: Mapping[bytes, bytes], wall_s: float) -> UpstreamRefused:
    empty = status == 402 or bool(_EMPTY_CODES & {told.code, told.type})
    if empty:
        status = 429
    elif status not in _CALLERS:
        status = _PROVIDERS.get(status, 502)
    error_type, error_code = _TYPES.get(status, ("invalid_request_error" if status < 500 else "server_error", None))
    if empty:
        error_type = error_code = "insufficient_quota"
    named = complaint(told.message, told.code) if status in _CALLERS_OWN else None
    retry_after_s = told.retry_after_s if told.retry_after_s is not None else _retry_after_s(headers, wall_s)
    return UpstreamRefused(
        status,
        told.message,
        error_type=told.type or error_type,
        # A type of the provider's own comes with its own code, even where that is none.
        error_code=named or told.code or (None if told.type and not empty else error_code),
        param=told.param,
        retry_after_s=None if retry_after_s is None else min(max(retry_after_s, 0.0), RETRY_LIMIT_S),
        should_retry=False if empty else {b"true": True, b"false": False}.get(headers.get(b"x-should-retry", b"")),
    )


def _retry_after_s(headers: Mapping[bytes, bytes], wall_s: float) -> float | None:
    if (wait_ms := _number(headers.get(b"retry-after-ms"))) is not None:
        return wait_ms / 1000
    said = headers.get(b"retry-after")
    if said is None or (wait_s := _number(said)) is not None:
        return None if said is None else wait_s
    try:
        return parsedate_to_datetime(said.decode("latin-1")).timestamp() - wall_s
    except (ValueError, OverflowError):
        return None


def _number(text: bytes | None) -> float | None:
    try:
        value = float(text or b"")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _without_envelope(status: int, body: bytes) -> str:
    words = body[:300].decode("utf-8", "replace").strip()
    if not words:
        return f"The provider answered with status {status} and said nothing."
    if words.startswith("<"):
        return f"The provider answered with status {status} and a web page."
    if words[0] in "{[":
        return f"The provider answered with status {status} and no error that the gateway knows how to read."
    return f"The provider answered with status {status}: {words}"
