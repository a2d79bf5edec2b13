"""Streams and answers that are none: a typed fault, whatever the provider sends, and nothing of the error among the answer."""

import tracemalloc
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.chat import ModelRequest
from gateway.core.errors import (
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamFault,
    UpstreamRefused,
    UpstreamTruncated,
)
from tests.wires.anthropic.driven import ANTHROPIC, NATIVE, asked, read, streamed
from tests.wires.anthropic.exchanges import OVERLOADED, PING, STOP, STREAMS, block, call, end, event, start, text, thinking
from tests.wires.driving import WALL_S, ask

REQUESTS = pytest.mark.parametrize("request_", [NATIVE, asked()], ids=["native", "chat"])


@REQUESTS
def test_an_error_before_content_is_a_fault_that_can_be_tried_elsewhere(request_: ModelRequest) -> None:
    left = streamed([start() + PING + event(OVERLOADED)], request_)
    assert isinstance(left.fault, UpstreamRefused)
    assert left.fault.status == 503
    assert left.fault.retryable
    assert not left.begun


@REQUESTS
def test_an_error_after_content_is_a_fault_and_not_sent_on(request_: ModelRequest) -> None:
    left = streamed([start() + text(0, "a") + event(OVERLOADED) + STREAMS["text"]], request_)
    assert isinstance(left.fault, UpstreamRefused)
    assert left.begun
    assert b"Overloaded" not in left.data
    assert b"[DONE]" not in left.data
    assert b"message_stop" not in left.data
    assert left.transcript.completion()["choices"][0]["message"]["content"] == "a"


@REQUESTS
@pytest.mark.parametrize(
    "said",
    [
        b'event: error\ndata: {"type":"overloaded_error","message":"Overloaded"}\n\n',
        b'data: {"error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
    ],
)
def test_errors_of_other_shapes_are_errors(said: bytes, request_: ModelRequest) -> None:
    left = streamed([start() + said], request_)
    assert isinstance(left.fault, UpstreamRefused)
    assert left.fault.status == 503


@REQUESTS
@pytest.mark.parametrize("kept", [start(), start() + PING, start() + text(0, "Hel"), start() + text(0, "a") + STOP])
def test_a_stream_without_its_stop_reason_is_truncated(kept: bytes, request_: ModelRequest) -> None:
    left = streamed([kept], request_)
    assert isinstance(left.fault, UpstreamTruncated)
    assert b"[DONE]" not in left.data


@REQUESTS
def test_a_stream_that_ends_within_an_event_is_truncated(request_: ModelRequest) -> None:
    left = streamed([start() + text(0, "a") + b'event: content_block_start\ndata: {"type":"cont'], request_)
    assert isinstance(left.fault, UpstreamTruncated)


@REQUESTS
def test_an_answer_that_is_whole_does_not_suffer_from_what_breaks_off_behind_it(request_: ModelRequest) -> None:
    left = streamed([STREAMS["text"].removesuffix(STOP) + b'event: message_stop\ndata: {"ty'], request_)
    assert left.fault is None


@REQUESTS
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"<html><body>502</body></html>", UpstreamBroken),
        (orjson.dumps(OVERLOADED), UpstreamRefused),
        (orjson.dumps([OVERLOADED]), UpstreamRefused),
        (b'{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key sk-1"}}', UpstreamCredentials),
        (b'{"object":"list"}', UpstreamBroken),
        (b"[1]", UpstreamBroken),
        (b"", UpstreamTruncated),
        (b"event: message_start\ndata: nonsense\n\n", UpstreamBroken),
        (b"event: message_start\ndata: 3\n\n", UpstreamBroken),
        (text(0, "no start") + end(), UpstreamBroken),
        (end(), UpstreamBroken),
    ],
)
def test_what_is_no_stream_is_a_fault(body: bytes, fault: type[UpstreamFault], request_: ModelRequest) -> None:
    left = streamed([body], request_)
    assert isinstance(left.fault, fault)
    assert "sk-1" not in left.fault.message


@REQUESTS
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", UpstreamBroken),
        (b"<html>", UpstreamBroken),
        (b"event: ping\ndata: {}\n\n", UpstreamBroken),
        (b"[]", UpstreamBroken),
        (b'{"id":"msg_1"}', UpstreamBroken),
        (orjson.dumps(OVERLOADED), UpstreamRefused),
    ],
)
def test_what_is_no_answer_is_a_fault(body: bytes, fault: type[UpstreamFault], request_: ModelRequest) -> None:
    with pytest.raises(fault):
        read(body, request_)


@REQUESTS
@pytest.mark.parametrize(
    "idle", [b"event: ping\ndata:\n\n", b"event: ping\ndata:  \n\n", b"event: ping\n\n", b"data:\n\n", b": x\n\n"]
)
def test_events_without_data_are_no_event(idle: bytes, request_: ModelRequest) -> None:
    left = streamed([idle + start() + idle + text(0, "a") + idle + end()], request_)
    assert left.fault is None
    assert left.data.count(b"ping") == 0


@REQUESTS
@pytest.mark.parametrize(
    "said", [b'event:error\ndata:{"type":"overloaded_error","message":"busy"}\n\n', b'event: error\ndata: "busy"\n\n']
)
def test_an_event_named_error_is_one_whatever_it_says(said: bytes, request_: ModelRequest) -> None:
    left = streamed([start() + said], request_)
    assert isinstance(left.fault, UpstreamRefused)
    assert left.fault.message == "busy"


@REQUESTS
@pytest.mark.parametrize("words", ["key sk-ant-api03-AbCd_efGh-1234", "token ya29.a0AfH6SMBxyz0123", "Bearer abcdef0123456789"])
def test_a_key_in_an_error_within_a_stream_is_not_passed_on(words: str, request_: ModelRequest) -> None:
    told = {"type": "error", "error": {"type": "invalid_request_error", "message": f"Refused: {words}."}}
    left = streamed([start() + event(told)], request_)
    assert isinstance(left.fault, UpstreamRefused)
    assert left.fault.message.startswith("Refused: ")
    assert words.split()[1] not in left.fault.message


def test_one_event_is_bounded() -> None:
    assert isinstance(streamed([b"data: " + b"x" * 1024 * 1024] * 10).fault, UpstreamBroken)


MIB = "x" * 1024 * 1024


def left_open(at: int, begun: Any, *deltas: Any) -> bytes:
    return block(at, begun, *deltas).partition(b"event: content_block_stop")[0]


@REQUESTS
@pytest.mark.parametrize(
    "piece",
    [
        lambda at: block(at, {"type": "redacted_thinking", "data": MIB}),
        lambda at: thinking(at, MIB),
        lambda at: thinking(at, "a", signature=MIB),
        lambda at: left_open(at, {"type": "thinking"}, {"type": "thinking_delta", "thinking": MIB}),
        lambda at: left_open(0, {"type": "thinking"}, {"type": "signature_delta", "signature": MIB}),
    ],
    ids=["redacted", "thoughts", "signatures", "open thoughts", "one signature"],
)
def test_what_is_held_of_an_answer_is_bounded(piece: Any, request_: ModelRequest) -> None:
    stream = ANTHROPIC.stream(ask(request_), WALL_S)
    stream.feed(start())
    tracemalloc.start()
    for at in range(64):
        stream.feed(piece(at))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 24 * 1024 * 1024


@REQUESTS
def test_blocks_that_are_left_open_are_bounded(request_: ModelRequest) -> None:
    begun = b"".join(left_open(at, {"type": "text", "text": ""}) for at in range(1025))
    assert isinstance(streamed([start() + begun], request_).fault, UpstreamBroken)


def test_free_text_of_a_call_is_bounded() -> None:
    tools = [{"type": "custom", "custom": {"name": "patch"}}]
    pieces = [{"type": "input_json_delta", "partial_json": MIB}] * 9
    whole = start() + block(0, {"type": "tool_use", "id": "t", "name": "patch", "input": {}}, *pieces)
    assert isinstance(streamed([whole], asked(tools=tools)).fault, UpstreamBroken)


def test_thinking_that_there_is_no_room_for_is_shown_and_not_given() -> None:
    left = streamed([start() + thinking(0, *[MIB] * 8) + thinking(1, "b") + call(2, "toolu_1", "look", "{}") + end("tool_use")])
    assert left.fault is None
    assert left.data.count(b"x") > 8 * 1024 * 1024
    assert b"thinking_blocks" not in left.data
    assert left.transcript.choices[0].calls[0].id == "toolu_1"


def test_half_a_surrogate_pair_in_the_thinking_is_no_defect() -> None:
    half = block(0, {"type": "thinking"}, {"type": "signature_delta", "signature": "Eq=="}).decode()
    said = half.replace('"signature":"Eq=="', '"thinking":"\\ud83d","signature":"Eq=="').encode()
    left = streamed([start() + said + call(1, "toolu_1", "look", "{}") + end("tool_use")])
    assert left.fault is None
    assert left.transcript.choices[0].calls[0].id == "toolu_1"


def test_a_stream_that_never_says_anything_ends() -> None:
    left = streamed([start(), *[PING * 1024] * 20])
    assert isinstance(left.fault, UpstreamBroken)


def test_calls_without_end_are_refused() -> None:
    called = b"".join(block(at, {"type": "tool_use", "id": f"t{at}", "name": "x", "input": {}}) for at in range(1025))
    assert isinstance(streamed([start() + called]).fault, UpstreamBroken)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "text", "thinking", "tool_use", "refusal", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "index",
                    "delta",
                    "content_block",
                    "message",
                    "usage",
                    "text",
                    "thinking",
                    "signature",
                    "stop_reason",
                    "input",
                    "id",
                    "name",
                    "partial_json",
                    "data",
                    "content",
                    "iterations",
                    "stop_details",
                    "input_tokens",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
KINDS = st.sampled_from(
    ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop", "y"]
)


@REQUESTS
@given(junk=st.lists(st.tuples(KINDS, st.dictionaries(st.text(max_size=3), JUNK, max_size=2), JUNK, JUNK), max_size=6))
def test_events_of_any_content_give_an_answer_or_a_fault(junk: list[Any], request_: ModelRequest) -> None:
    events = [
        event({**more, "type": kind, "index": index, "delta": said, "content_block": said, "message": said, "usage": index})
        for kind, more, said, index in junk
    ]
    left = streamed([start() + b"".join(events) + end()], request_)
    assert left.fault is None or isinstance(left.fault, UpstreamFault)


@REQUESTS
@given(content=st.lists(JUNK, max_size=4), usage=JUNK, reason=JUNK)
def test_messages_of_any_content_give_an_answer_or_a_fault(
    content: list[Any], usage: Any, reason: Any, request_: ModelRequest
) -> None:
    message = {"type": "message", "content": content, "usage": usage, "stop_reason": reason, "stop_details": usage}
    try:
        chunk = read(message, request_)
    except UpstreamFault:
        return
    (said,) = chunk.deltas
    assert not isinstance(said, bytes)
    assert said["choices"][0]["finish_reason"]
