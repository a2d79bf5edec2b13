"""What is no end of a response is a fault, whatever came before it; nonsense goes on or is a fault as well."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import UpstreamBroken, UpstreamCredentials, UpstreamFault, UpstreamRefused, UpstreamTruncated
from gateway.providers.openai.calls import CALL_LIMIT
from gateway.providers.openai.responses.stream import ResponsesStream
from tests.wires.responses.exchanges import (
    CHAT_USAGE,
    RAW,
    WHOLE,
    ask,
    call,
    driven,
    message,
    numbered,
    response,
    stream,
    text,
)

Json = dict[str, Any]


def failed(code: str, **more: Any) -> Json:
    return {**response(status="failed"), "usage": None, "error": {"code": code, "message": "It is so."}, **more}


@pytest.mark.parametrize("length", range(1, len(stream(WHOLE))))
def test_a_stream_without_its_end_is_truncated(length: int) -> None:
    left = driven(stream(WHOLE)[:length])
    assert isinstance(left.fault, UpstreamTruncated)


def test_a_stream_that_ends_in_an_event_is_truncated() -> None:
    assert isinstance(driven([RAW[:-20]]).fault, UpstreamTruncated)
    assert isinstance(driven([b""]).fault, UpstreamTruncated)


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [
        ("server_error", 502, True),
        ("rate_limit_exceeded", 429, True),
        ("server_is_overloaded", 503, True),
        ("invalid_prompt", 400, False),
        ("context_length_exceeded", 400, False),
        ("image_too_large", 400, False),
        ("bio_policy", 400, False),
        ("insufficient_quota", 429, True),
    ],
)
@pytest.mark.parametrize("content", [False, True])
def test_a_failed_response_is_a_fault(code: str, status: int, retryable: bool, content: bool) -> None:
    events = stream(response(message(text("hello"))))[: 6 if content else 2]
    left = driven([*events, *numbered([{"type": "response.failed", "response": failed(code)}])])
    assert isinstance(left.fault, UpstreamRefused)
    assert (left.fault.status, left.fault.code, left.fault.retryable) == (status, code, retryable)
    assert left.fault.message == "It is so."
    assert left.begun is content
    assert b"response.failed" not in left.data


def test_nothing_follows_a_fault() -> None:
    events = stream(response(message(text("hello"))))
    normaliser = ResponsesStream(ask())
    broken = b"".join((*events[:5], *numbered([{"type": "response.failed", "response": failed("server_error")}])))
    assert normaliser.feed(broken).data
    assert normaliser.fault is not None
    assert (normaliser.done, normaliser.complete) == (True, False)
    assert normaliser.feed(b"".join(events)).data == b""
    assert normaliser.end().data == b""


def test_the_usage_of_a_failed_response_counts() -> None:
    left = driven(numbered([{"type": "response.failed", "response": failed("server_error", usage=WHOLE["usage"])}]))
    assert left.transcript.usage == CHAT_USAGE


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": None},
        {"type": "error", "error": {"type": "requests", "code": "rate_limit_exceeded", "message": "Slow down."}},
        {"type": "", "error": {"type": "requests", "code": "rate_limit_exceeded", "message": "Slow down."}},
    ],
)
def test_an_error_event_is_a_fault(event: Json) -> None:
    for before in ([], stream(WHOLE)[:7]):
        left = driven([*before, *numbered([event])])
        assert isinstance(left.fault, UpstreamRefused)
        assert (left.fault.status, left.fault.code, left.fault.message) == (429, "rate_limit_exceeded", "Slow down.")
        assert b"Slow down" not in left.data


def test_a_refused_key_is_the_gateways_own_affair() -> None:
    event = {"type": "error", "code": "invalid_api_key", "message": "Incorrect API key sk-up", "param": None}
    assert isinstance(driven(numbered([event])).fault, UpstreamCredentials)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{",
        b"[]",
        b'{"error":{"message":"x"}}',
        b'{"object":"response"}',
        json.dumps(failed("server_error")).encode(),
    ],
)
def test_what_is_no_response_is_a_fault(body: bytes) -> None:
    assert isinstance(driven([body]).fault, UpstreamFault)


@pytest.mark.parametrize(
    "data", [b'event: error\ndata: {"message":"It is so."}', b'event: x\ndata: {"type":"error","message":"It is so."}']
)
def test_an_error_that_is_named_one_place_or_the_other(data: bytes) -> None:
    for before in ([], stream(WHOLE)[:7]):
        left = driven([*before, data + b"\n\n"])
        assert left.fault is not None
        assert left.fault.message == "It is so."


def test_an_event_is_not_the_type_of_its_error() -> None:
    event = {"type": "error", "code": "invalid_prompt", "message": "It is so.", "param": None}
    left = driven(numbered([event]))
    assert isinstance(left.fault, UpstreamRefused)
    assert (left.fault.status, left.fault.type) == (400, "invalid_request_error")


@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
@pytest.mark.parametrize("more", [{}, {"response": None}, {"response": []}, {"response": {}}])
def test_an_end_without_a_response_is_none(kind: str, more: Json) -> None:
    left = driven([*stream(WHOLE)[:5], *numbered([{"type": f"response.{kind}", **more}])])
    assert isinstance(left.fault, UpstreamFault)
    assert b"event: response.%b" % kind.encode() not in left.data


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: 5\n\n", b"data: []\n\n", b'data: [{"error":{"message":"x"}}]\n\n'])
def test_events_that_are_none_are_faults(data: bytes) -> None:
    assert isinstance(driven([*stream(WHOLE)[:3], data]).fault, UpstreamFault)


def test_calls_without_end_are_ended() -> None:
    events = [
        {"type": "response.output_item.added", "output_index": number, "item": call("f", "", number)}
        for number in range(CALL_LIMIT + 1)
    ]
    assert isinstance(driven(numbered(events)).fault, UpstreamBroken)


NONSENSE = st.recursive(
    st.none() | st.integers(-3, 3) | st.sampled_from(["", "x", "\ud83d", "function_call", "message", "resp_68f1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "item",
                    "type",
                    "output",
                    "content",
                    "usage",
                    "error",
                    "code",
                    "delta",
                    "output_index",
                    "arguments",
                    "name",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
KINDS = st.sampled_from([json.loads(event.partition(b"data: ")[2])["type"] for event in stream(WHOLE)] + ["error", "x", ""])


@given(st.lists(st.tuples(KINDS, st.dictionaries(st.sampled_from(["response", "item", "delta", "output_index"]), NONSENSE))))
def test_nonsense_goes_on_or_is_a_fault(told: list[tuple[str, Json]]) -> None:
    left = driven(numbered([{"type": kind, **event} for kind, event in told]))
    assert left.fault is None or isinstance(left.fault, UpstreamFault)
