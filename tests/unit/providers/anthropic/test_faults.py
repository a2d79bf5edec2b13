"""What an error of Anthropic's means to the caller."""

from typing import Any

import orjson
import pytest

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import UpstreamBroken, UpstreamCredentials, UpstreamFault, UpstreamRefused
from gateway.providers.anthropic.faults import fault, within

SPEC = ProviderSpec("a", "anthropic", "https://api.anthropic.com", api_keys=("sk-secret",))


def told(kind: str, message: str = "words") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def faulted(status: int, body: Any, *headers: tuple[bytes, bytes]) -> UpstreamFault:
    return fault(SPEC, status, headers, body if isinstance(body, bytes) else orjson.dumps(body), 0.0)


@pytest.mark.parametrize(
    ("status", "kind", "as_status", "as_type", "as_code", "retryable"),
    [
        (400, "invalid_request_error", 400, "invalid_request_error", None, False),
        (404, "not_found_error", 404, "invalid_request_error", "model_not_found", False),
        (413, "request_too_large", 413, "invalid_request_error", "request_too_large", False),
        (429, "rate_limit_error", 429, "requests", "rate_limit_exceeded", True),
        (500, "api_error", 500, "server_error", None, True),
        (504, "timeout_error", 504, "server_error", None, True),
        (529, "overloaded_error", 503, "service_unavailable_error", None, True),
        (402, "billing_error", 429, "insufficient_quota", "insufficient_quota", True),
    ],
)
def test_each_type_has_its_meaning(
    status: int, kind: str, as_status: int, as_type: str, as_code: str | None, retryable: bool
) -> None:
    for seen in (faulted(status, told(kind)), within(told(kind))):
        assert isinstance(seen, UpstreamRefused)
        assert (seen.status, seen.type, seen.code, seen.retryable) == (as_status, as_type, as_code, retryable)
        assert seen.message == "words"


@pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (403, "permission_error")])
def test_a_key_that_is_refused_is_the_gateways_fault_and_not_repeated(status: int, kind: str) -> None:
    for seen in (faulted(status, told(kind, "bad sk-secret")), within(told(kind, "bad sk-secret"))):
        assert isinstance(seen, UpstreamCredentials)
        assert "sk-secret" not in seen.message
    assert "sk-secret" not in faulted(400, told("invalid_request_error", "bad sk-secret")).message


@pytest.mark.parametrize(
    "words",
    [
        "prompt is too long: 214315 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000",
    ],
)
def test_a_prompt_that_is_too_long_says_so_in_a_code(words: str) -> None:
    for seen in (faulted(400, told("invalid_request_error", words)), within(told("invalid_request_error", words))):
        assert isinstance(seen, UpstreamRefused)
        assert (seen.status, seen.type, seen.code) == (400, "invalid_request_error", "context_length_exceeded")
        assert not seen.retryable


def test_an_account_without_credit_is_no_mistake_of_the_callers() -> None:
    seen = faulted(400, told("invalid_request_error", "Your credit balance is too low to access the Anthropic API."))
    assert (seen.status, seen.code, seen.should_retry) == (429, "insufficient_quota", False)


def test_how_long_to_wait_is_told() -> None:
    assert faulted(429, told("rate_limit_error"), (b"retry-after", b"17")).retry_after_s == 17
    assert faulted(529, told("overloaded_error"), (b"x-should-retry", b"true")).should_retry is True


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"3", b"\xff", b'{"a":1}'])
def test_an_error_without_words_keeps_its_status(body: bytes) -> None:
    assert faulted(529, body).status == 503
    assert faulted(404, body).status == 404
    assert isinstance(faulted(302, body), UpstreamBroken)


@pytest.mark.parametrize("odd", [{"type": "error"}, {"type": "error", "error": 3}, {"error": {"type": []}}, None])
def test_errors_of_odd_shapes_are_faults(odd: Any) -> None:
    assert isinstance(within(odd), UpstreamFault)
