"""What Gemini, or what poses as it, sends in place of an answer: typed faults, with bounded memory."""

import json
import time
import tracemalloc
from typing import Any

import orjson
import pytest

from gateway.core.errors import UpstreamBroken, UpstreamCredentials, UpstreamFault, UpstreamRefused, UpstreamTruncated
from gateway.providers.openai.mending import CHOICE_LIMIT
from gateway.providers.wire import GOOGLE
from tests.wires.driving import WALL_S, Left, request
from tests.wires.google.asking import SPEC, asked, native, read, told
from tests.wires.google.exchanges import MALFORMED, PLAIN, candidate, events, response

Json = dict[str, Any]
KEY_INVALID: Json = {
    "error": {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            }
        ],
    }
}
EXHAUSTED: Json = {
    "error": {
        "code": 429,
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "PerMinute"}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "13s"},
        ],
    }
}
OVERLOADED: Json = {
    "error": {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}
}
TOO_LONG: Json = {
    "error": {
        "code": 400,
        "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "status": "INVALID_ARGUMENT",
    }
}


def refused(status: int, error: Any) -> UpstreamFault:
    body = error if isinstance(error, bytes) else orjson.dumps(error)
    return GOOGLE.fault(SPEC, status, (), body, WALL_S)


@pytest.mark.parametrize("shape", [lambda one: one, lambda one: [one]], ids=["object", "array"])
def test_errors_by_status(shape: Any) -> None:
    limited = refused(429, shape(EXHAUSTED))
    assert isinstance(limited, UpstreamRefused)
    assert (limited.status, limited.code, limited.retry_after_s, limited.retryable) == (429, "rate_limit_exceeded", 13.0, True)
    busy = refused(503, shape(OVERLOADED))
    assert (busy.status, busy.code, busy.retryable) == (503, "server_is_overloaded", True)
    long = refused(400, shape(TOO_LONG))
    assert (long.status, long.code, long.retryable) == (400, "context_length_exceeded", False)
    assert "1048576" in long.message


@pytest.mark.parametrize("shape", [lambda one: one, lambda one: [one]], ids=["object", "array"])
def test_a_key_that_is_no_good_is_the_gateways_fault(shape: Any) -> None:
    fault = refused(400, shape(KEY_INVALID))
    assert isinstance(fault, UpstreamCredentials)
    assert "pass a valid" not in fault.message
    assert isinstance(told([events(shape(KEY_INVALID))]).fault, UpstreamCredentials)


def test_who_may_not_is_the_gateway_but_not_where_the_caller_named_a_file() -> None:
    assert isinstance(
        refused(403, {"error": {"code": 403, "message": "denied", "status": "PERMISSION_DENIED"}}), UpstreamCredentials
    )
    words = "You do not have permission to access the File abc or it may not exist."
    fault = refused(403, {"error": {"code": 403, "message": words, "status": "PERMISSION_DENIED"}})
    assert (fault.status, fault.message) == (404, words)


def test_a_place_that_is_not_served_may_be_tried_elsewhere() -> None:
    words = "User location is not supported for the API use."
    fault = refused(400, {"error": {"code": 400, "message": words, "status": "FAILED_PRECONDITION"}})
    assert isinstance(fault, UpstreamBroken)
    assert fault.retryable


def test_a_model_that_is_not_there() -> None:
    fault = refused(
        404, {"error": {"code": 404, "message": "models/x is not found for API version v1beta", "status": "NOT_FOUND"}}
    )
    assert (fault.status, fault.code) == (404, "model_not_found")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"[]", b"[7]", b'{"error":7}', b"\xff", b'{"error":{"message":7,"details":7}}']
)
@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_errors_without_sense_have_their_status(status: int, body: bytes) -> None:
    assert refused(status, body).status == status


def test_a_key_in_the_providers_words_is_not_passed_on() -> None:
    assert (
        "AIzaKey"
        not in refused(400, {"error": {"code": 400, "message": "bad key=AIzaKey", "status": "INVALID_ARGUMENT"}}).message
    )


@pytest.mark.parametrize("asking", [request(), native(), native("")], ids=["chat", "events", "array"])
@pytest.mark.parametrize("error", [OVERLOADED, EXHAUSTED, [EXHAUSTED]])
def test_an_error_in_a_stream_is_that_error(error: Any, asking: Any) -> None:
    for body in (events(error), json.dumps(error).encode()):
        left = told([body], asking)
        assert isinstance(left.fault, UpstreamRefused)
        assert left.fault.status in (429, 503)
        assert not left.begun
    later = told([events(response(candidate({"text": "a"})), error)], asking)
    assert isinstance(later.fault, UpstreamRefused)
    assert later.begun
    assert b"error" not in later.data


def test_an_error_in_a_plain_answer_is_that_error() -> None:
    for error in (OVERLOADED, [OVERLOADED]):
        with pytest.raises(UpstreamRefused) as caught:
            read(error)
        assert caught.value.status == 503


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", UpstreamTruncated),
        (b"<html><body>no</body></html>", UpstreamBroken),
        (b'[{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}]', UpstreamTruncated),
        (b'[{"candidates"', UpstreamBroken),
        (b"[]", UpstreamTruncated),
        (b"data: {\r\n\r\n", UpstreamBroken),
        (b"data: 7\r\n\r\n", UpstreamBroken),
        (b"data: []\r\n\r\n", UpstreamBroken),
        (b'data: {"candidates":7}\r\n\r\n', UpstreamBroken),
        (b'data: {"candidates":[7]}\r\n\r\n', UpstreamBroken),
        (b"data: [DONE]\r\n\r\n", UpstreamTruncated),
        (events(response(candidate({"text": "a"}))), UpstreamTruncated),
        (events(PLAIN)[:-20], UpstreamTruncated),
        (events(response(candidate({"text": "a"}))) + b'data: {"candi', UpstreamTruncated),
        (events(MALFORMED), UpstreamBroken),
    ],
)
def test_what_is_no_whole_stream_is_a_fault(body: bytes, fault: type[UpstreamFault]) -> None:
    for left in (told([body]), told([body[at : at + 1] for at in range(len(body))])):
        assert type(left.fault) is fault
        assert b"[DONE]" not in left.data
        assert b'"finish_reason":"stop"' not in left.data


def test_a_failed_call_is_a_fault_before_anything_was_said() -> None:
    left = told([events(MALFORMED)])
    assert not left.begun
    assert left.data == b""


@pytest.mark.parametrize("body", [b"", b"<html>", b"data: {}", b"{", b"nonsense"])
def test_a_plain_answer_that_is_none(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        GOOGLE.read(asked(request(stream=False)), body, WALL_S)


def test_one_event_is_bounded() -> None:
    left: Left = told([b"data: " + b"x" * 1024 * 1024] * 10)
    assert isinstance(left.fault, UpstreamBroken)


def test_signs_of_life_without_content_end() -> None:
    left = told([events(response(candidate({"text": ""}))) * 1000] * 17)
    assert isinstance(left.fault, UpstreamBroken)


def test_more_calls_than_any_answer_has() -> None:
    calls = [{"functionCall": {"name": "f"}}] * 1025
    assert isinstance(told([events(response(candidate(*calls, finish="STOP")))]).fault, UpstreamBroken)


def test_more_candidates_than_any_answer_has() -> None:
    several = [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}] * (CHOICE_LIMIT + 1)
    assert isinstance(told([events(response(*several))]).fault, UpstreamBroken)


def test_half_surrogates_survive() -> None:
    left = told([b'data: {"candidates":[{"content":{"parts":[{"text":"\\ud83c"}]},"finishReason":"STOP"}]}\n\n'])
    assert left.fault is None
    assert b"\\ud83c" in left.data


def test_a_key_in_an_error_within_a_stream_is_not_passed_on() -> None:
    said = {
        "error": {
            "code": 400,
            "message": "Bad AIzaSyD-abcdefghijklmnop and ya29.a0AfH6SMBxyz0123",
            "status": "INVALID_ARGUMENT",
        }
    }
    for fault in (told([events(said)]).fault, refused(400, said)):
        assert isinstance(fault, UpstreamRefused)
        assert fault.message == "Bad *** and ***"


def test_a_thousand_thousand_parts_are_read_at_once() -> None:
    many = [{"text": "a"}] * 300_000
    mixed = [{"text": "a"}, {"text": "b", "thought": True}] * 40_000
    started = time.perf_counter()
    for parts, content in ((many, "a" * 300_000), (mixed, "a" * 40_000)):
        answer = response(candidate(*parts, finish="STOP"))
        plain = read(answer).deltas[0]
        assert isinstance(plain, dict)
        assert plain["choices"][0]["message"]["content"] == content
        assert told([events(answer)]).transcript.choices[0].text.decode() == content
    assert time.perf_counter() - started < 10  # text that is copied for every part: minutes


@pytest.mark.parametrize("asking", [request(), native(), native("")], ids=["chat", "events", "array"])
def test_little_is_held_of_an_answer(asking: Any) -> None:
    stream = GOOGLE.stream(asked(asking), WALL_S)
    piece = events(response(candidate({"text": "x" * 1024 * 1024, "thoughtSignature": "s" * 1024 * 1024})))
    stream.feed(piece)
    tracemalloc.start()
    for _ in range(32):
        stream.feed(piece)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 8 * 1024 * 1024
