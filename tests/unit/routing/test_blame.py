"""Whom a failure is blamed on, and what may follow it."""

import pytest

from gateway.core.catalog import Target, Timeouts
from gateway.core.errors import (
    GatewayError,
    InvalidValue,
    ProviderNotConfigured,
    UnsupportedOperation,
    UnsupportedParameter,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamTruncated,
    UpstreamUnreachable,
)
from gateway.routing.blame import Blame, blame, cool_s, may_cost, nothing_began, onwards, reason_of, repeatable, result_of

OWN = Timeouts()
ONE, ANY = Target("p", "m", "p/m"), Target("p", "*", "p/*")


def refused(status: int, code: str | None = None, **more: object) -> UpstreamRefused:
    return UpstreamRefused(status, "no", error_type="t", error_code=code, **more)  # type: ignore[arg-type]


ROWS: list[tuple[GatewayError, Blame, str | None, bool, bool]] = [
    # the error; whom it blames; what follows; the same target again; nothing began
    (UpstreamUnreachable("x"), Blame.TARGET, "next", True, True),
    (UpstreamBroken("x"), Blame.TARGET, "next", True, False),
    (UpstreamTruncated("x"), Blame.TARGET, "next", True, False),
    (UpstreamTimeout("connect", OWN.connect_s), Blame.TARGET, "next", True, True),
    (UpstreamTimeout("first_byte", OWN.first_byte_s), Blame.TARGET, "next", False, False),
    (UpstreamTimeout("first_token", OWN.first_token_s), Blame.TARGET, "next", False, False),
    (UpstreamTimeout("total", OWN.total_s), Blame.TARGET, "next", False, False),
    (UpstreamTimeout("first_byte", 1.0), Blame.NOBODY, "next", False, False),
    (UpstreamTimeout("deadline", 900.0), Blame.NOBODY, "next", False, False),
    (UpstreamCredentials("x"), Blame.TARGET, "next", False, True),
    (refused(500), Blame.TARGET, "next", True, False),
    (refused(503, should_retry=False), Blame.TARGET, "next", False, False),
    (refused(408), Blame.TARGET, "next", True, False),
    (refused(409), Blame.NOBODY, "next", True, False),
    (refused(429), Blame.ACCOUNT, "next", True, True),
    (refused(429, "insufficient_quota", should_retry=False), Blame.ACCOUNT, "next", False, True),
    (refused(400), Blame.NOBODY, None, False, False),
    (refused(400, "context_length_exceeded"), Blame.NOBODY, None, False, False),
    (refused(404), Blame.NOBODY, None, False, False),
    (refused(422), Blame.NOBODY, None, False, False),
    (ProviderNotConfigured("x"), Blame.NOBODY, "next", False, True),
    (UnsupportedOperation("x"), Blame.NOBODY, "next", False, True),
    (UnsupportedParameter("x"), Blame.NOBODY, None, False, True),
    (InvalidValue("x"), Blame.NOBODY, None, False, True),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{type(row[0]).__name__} {row[0].status} {row[0].code}")
def test_what_a_failure_means(row: tuple[GatewayError, Blame, str | None, bool, bool]) -> None:
    error, whom, way, again, nothing = row
    assert blame(error, OWN) is whom
    assert onwards(error, ANY, {}) == way
    assert repeatable(error) == again
    assert nothing_began(error) == nothing


def test_policy_adds_what_else_may_follow() -> None:
    failover = {"context_length": "large", "content_filter": "next"}
    for error, way in (
        (refused(400, "context_length_exceeded"), "large"),
        (refused(422, "context_length_exceeded"), "large"),
        (refused(400, "string_above_max_length"), "large"),
        (refused(413, "request_too_large"), "large"),
        (refused(413, "rate_limit_exceeded"), "large"),
        (refused(400, "content_filter"), "next"),
        (refused(400, "content_policy_violation"), "next"),
        (refused(400, "invalid_value"), None),
        (refused(422, None), None),
        (refused(400, None), None),
    ):
        assert onwards(error, ONE, failover) == way
        assert onwards(error, ONE, {}) is None


def test_a_model_that_the_provider_does_not_know_is_the_mistake_of_whoever_named_it() -> None:
    absent = refused(404, "model_not_found")
    assert onwards(absent, ONE, {}) == "next", "the configuration"
    assert onwards(absent, ANY, {}) is None, "the caller"
    assert blame(absent, OWN) is Blame.NOBODY


def test_what_may_have_cost_something_is_neither_what_was_refused_nor_what_never_arrived() -> None:
    free = (refused(500), refused(429), UpstreamUnreachable("x"), UpstreamTimeout("connect", 5), UpstreamCredentials("x"))
    assert not any(may_cost(one) for one in (*free, ProviderNotConfigured("x")))
    assert all(may_cost(one) for one in (UpstreamBroken("x"), UpstreamTruncated("x"), UpstreamTimeout("first_token", 60)))


def test_the_reason_of_a_failure_has_no_words_of_the_provider() -> None:
    assert reason_of(refused(503, "own-code")) == "status 503"
    assert reason_of(UpstreamTimeout("first_byte", 60)) == "a timeout (first_byte)"
    assert reason_of(UpstreamBroken("secret")) == "upstream_broken"


def test_a_caller_that_reads_slowly_does_not_blame_the_target() -> None:
    assert blame(UpstreamTimeout("total", OWN.total_s), OWN, late=True) is Blame.NOBODY
    assert blame(UpstreamTimeout("between_bytes", OWN.between_bytes_s), OWN, late=True) is Blame.TARGET
    assert blame(UpstreamTruncated("x"), OWN, late=True) is Blame.TARGET


def test_how_long_an_account_rests() -> None:
    assert cool_s(refused(429, retry_after_s=7.0)) == 7.0
    assert cool_s(refused(429, retry_after_s=0.0)) == 0.0
    assert cool_s(refused(429, retry_after_s=900.0)) == 60.0
    assert 0 < cool_s(refused(429)) <= 5.0
    assert cool_s(refused(429, "insufficient_quota", retry_after_s=1.0)) == 60.0


def test_results_are_few_whatever_providers_call_their_errors() -> None:
    assert {result_of(refused(status, f"own-code-{status}")) for status in range(400, 600)} == {
        "refused",
        "rate_limited",
        "failed",
    }
    assert result_of(UpstreamTimeout("connect", 5)) == "upstream_timeout"
