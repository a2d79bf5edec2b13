"""What an error of a provider becomes: for whom it is, and what of its words goes on."""

from email.utils import formatdate
from typing import Any

import orjson
import pytest

from gateway.core.catalog import ProviderSpec
from gateway.core.errors import UpstreamBroken, UpstreamCredentials, UpstreamFault, UpstreamRefused
from gateway.providers.openai.faults import RETRY_LIMIT_S, fault, within

SPEC = ProviderSpec("p", "openai", "http://up/v1", ("sk-ours",))
WALL_S = 1_790_000_000.0
ENVELOPE = {"message": "no", "type": "invalid_request_error", "param": "messages", "code": "invalid_value"}


def of(status: int, body: Any = None, *headers: tuple[bytes, bytes]) -> UpstreamFault:
    raw = body if isinstance(body, bytes) else orjson.dumps({"error": ENVELOPE} if body is None else body)
    return fault(SPEC, status, headers, raw, WALL_S)


def refused(status: int, body: Any = None, *headers: tuple[bytes, bytes]) -> UpstreamRefused:
    found = of(status, body, *headers)
    assert isinstance(found, UpstreamRefused)
    return found


@pytest.mark.parametrize("status", [400, 404, 408, 409, 413, 422, 429])
def test_what_concerns_the_caller_keeps_status_and_words(status: int) -> None:
    found = refused(status)
    assert found.status == status
    assert (found.message, found.type, found.code, found.param) == ("no", "invalid_request_error", "invalid_value", "messages")
    assert found.retryable is (status in (408, 409, 429))


@pytest.mark.parametrize("status", [401, 403])
def test_our_own_credentials_are_not_the_callers_business(status: int) -> None:
    found = of(status, {"error": {"message": "Incorrect API key provided: sk-ours"}})
    assert isinstance(found, UpstreamCredentials)
    assert "sk-ours" not in found.message
    assert str(status) in found.message
    assert (found.status, found.should_retry) == (502, False)


@pytest.mark.parametrize(
    ("status", "told"),
    [(500, 500), (502, 502), (503, 503), (504, 504), (529, 503), (520, 502), (501, 502), (405, 502), (415, 502), (418, 502)],
)
def test_other_statuses_become_one_that_clients_know(status: int, told: int) -> None:
    found = refused(status, {"error": {"message": "no"}})
    assert found.status == told
    assert found.type == ("service_unavailable_error" if told == 503 else "server_error")
    assert found.retryable


@pytest.mark.parametrize("status", [100, 204, 301, 302, 307, 304])
def test_a_redirect_is_broken(status: int) -> None:
    assert isinstance(of(status, b""), UpstreamBroken)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "empty", "code": "insufficient_quota"}},
        {"error": {"message": "empty", "type": "insufficient_quota"}},
    ],
)
def test_an_empty_account_is_not_tried_again(body: Any) -> None:
    found = refused(429, body, (b"retry-after", b"1"))
    assert (found.status, found.should_retry, found.code, found.message) == (429, False, "insufficient_quota", "empty")


def test_payment_required_is_an_empty_account() -> None:
    found = refused(402, {"error": {"message": "Insufficient Balance"}})
    assert (found.status, found.should_retry, found.code, found.type) == (
        429,
        False,
        "insufficient_quota",
        "insufficient_quota",
    )


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"error": {"message": "no", "code": "c"}}, "no", "c"),
        ([{"error": {"message": "no", "code": 400, "status": "INVALID_ARGUMENT"}}], "no", "invalid_argument"),
        ({"object": "error", "message": "no", "code": 400}, "no", None),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, "no", None),
        ({"error": "no"}, "no", None),
        ({"error": "Bad Request", "message": "no"}, "no", None),
        ({"detail": "no"}, "no", None),
        ({"detail": [{"loc": ["body", "n"], "msg": "too big"}, {"msg": "odd"}]}, "body.n: too big; odd", None),
        ({"detail": {"message": "no"}}, "no", None),
        ({"message": "no"}, "no", None),
        ({"error": {"code": "c"}}, "The provider gave no message.", "c"),
        ({"error": {"message": {"error": "no"}}}, "no", None),
    ],
)
def test_every_known_shape_is_unwrapped(body: Any, message: str, code: str | None) -> None:
    found = refused(400, body)
    assert (found.message, found.code) == (message, code)
    assert found.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><h1>502</h1></html>", "web page"),
        (b"", "said nothing"),
        (b"upstream connect error", "upstream connect error"),
        (b'{"a":1}', "knows how to read"),
        (b"[]", "knows how to read"),
        (b"3", "3"),
    ],
)
def test_what_has_no_envelope_is_told_by_its_status(body: bytes, words: str) -> None:
    found = refused(502, body)
    assert words in found.message
    assert "502" in found.message
    assert "<" not in found.message


def test_a_key_of_ours_in_any_message_is_made_unreadable() -> None:
    assert refused(400, {"error": {"message": "bad header: Bearer sk-ours!"}}).message == "bad header: Bearer ***!"
    assert refused(400, b"bad header: Bearer sk-ours!").message.endswith("Bearer ***!")


@pytest.mark.parametrize("depth", [1, 5, 500, 1000])
def test_a_message_in_many_boxes_costs_no_stack(depth: int) -> None:
    for body in (
        b"[" * depth + b"]" * depth,
        b'{"message":' * depth + b'"no"' + b"}" * depth,
        b'{"detail":' + b"[" * depth + b"1" + b"]" * depth + b"}",
    ):
        assert refused(400, body).message


def test_a_message_has_a_bound() -> None:
    assert len(refused(400, {"error": {"message": "x" * 100_000}}).message) <= 4000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([(b"retry-after", b"7")], 7.0),
        ([(b"retry-after", b"1.5")], 1.5),
        ([(b"retry-after-ms", b"250"), (b"retry-after", b"1")], 0.25),
        ([(b"retry-after-ms", b"soon"), (b"retry-after", b"1")], 1.0),
        ([(b"retry-after", b"100000")], RETRY_LIMIT_S),
        ([(b"retry-after", b"-3")], 0.0),
        ([(b"retry-after", b"nan")], None),
        ([(b"retry-after", b"whenever")], None),
        ([(b"retry-after", formatdate(WALL_S + 20, usegmt=True).encode())], 20.0),
        ([(b"retry-after", formatdate(WALL_S + 7200, usegmt=True).encode())], RETRY_LIMIT_S),
        ([(b"retry-after", formatdate(WALL_S - 20, usegmt=True).encode())], 0.0),
        ([], None),
    ],
)
def test_the_wait_that_a_provider_asks_for_is_kept_within_a_minute(
    headers: list[tuple[bytes, bytes]], seconds: float | None
) -> None:
    assert refused(429, None, *headers).retry_after_s == seconds


def test_googles_wait_stands_in_the_body() -> None:
    error = {
        "code": 429,
        "message": "slow down",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "x"}, {"retryDelay": "13s"}],
    }
    assert refused(429, [{"error": error}]).retry_after_s == 13.0


def test_a_rate_limit_without_words_is_named() -> None:
    found = refused(429, b"")
    assert (found.type, found.code, found.should_retry) == ("requests", "rate_limit_exceeded", None)


@pytest.mark.parametrize(("said", "kept"), [(b"true", True), (b"false", False), (b"maybe", None)])
def test_the_providers_own_word_on_trying_again_is_kept(said: bytes, kept: bool | None) -> None:
    assert refused(409, None, (b"x-should-retry", said)).should_retry is kept


@pytest.mark.parametrize("code", ["\u00b2", "\u0664\u0662\u0669", "9" * 5000, "429" + "0" * 20])
def test_a_code_that_looks_like_a_number_and_is_no_status_does_no_harm(code: str) -> None:
    assert refused(400, {"error": {"message": "no", "code": code}}).status == 400


@pytest.mark.parametrize("place", ["type", "code", "param"])
def test_of_a_name_without_measure_a_short_and_printable_piece_is_kept(place: str) -> None:
    found = refused(400, {"error": {"message": "no", place: "a\n\x1b[31m\u2028b" + "z" * 200_000}})
    kept = getattr(found, place)
    assert kept.startswith("a[31mb")
    assert len(kept) <= 100
    assert kept.isprintable()


def test_halves_of_surrogate_pairs_in_an_error_can_be_written_again() -> None:
    found = within({"error": {"message": "x\ud800y", "type": "t\ud800", "code": "\ud800"}})
    assert (found.message, found.code) == ("x?y", None)
    assert isinstance(found, UpstreamRefused)
    assert found.type == "t"


def test_a_place_that_is_none_is_left_out() -> None:
    deep = b'{"detail":[{"loc":["body",' + b"[" * 900 + b"]" * 900 + b',3],"msg":"bad"}]}'
    assert refused(422, deep).message == "body.3: bad"
    assert refused(422, {"detail": [{"loc": 5, "msg": "bad"}]}).message == "bad"
