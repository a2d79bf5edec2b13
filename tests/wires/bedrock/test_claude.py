"""Claude through InvokeModel, for callers who speak Anthropic's own API."""

import base64
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamTruncated
from gateway.providers.transport.contract import Outgoing
from gateway.providers.wire import WIRES
from tests.wires.bedrock.frames import exception, frame, wrapped
from tests.wires.driving import WALL_S, Left, ask, drive

Json = dict[str, Any]

CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
CURRENT = "global.anthropic.claude-opus-4-7"
SPEC = ProviderSpec("p", "bedrock", "https://bedrock", location="us-east-1")
FIELDS: Json = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}


def asked(operation: Operation = Operation.MESSAGES, *, stream: bool = False, **more: Any) -> ModelRequest:
    fields = {**FIELDS, **({"stream": True} if stream else {}), **more}
    return ModelRequest(operation, json.dumps(fields).encode(), fields, False, "m", stream, False)


def sent(request: ModelRequest, model: str = CLAUDE, betas: str = "") -> Outgoing:
    return WIRES["bedrock"].write(request, Target("p", model, "p/m"), SPEC, "key", {b"anthropic-beta": betas.encode()})


def body(model: str = CLAUDE, betas: str = "", **more: Any) -> Json:
    written: Json = json.loads(sent(asked(**more), model, betas).body)
    return written


# ---------------------------------------------------------------- the request


def test_the_model_is_in_the_path() -> None:
    plain, stream = sent(asked()), sent(asked(stream=True))
    assert plain.path == b"/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke"
    assert stream.path.endswith(b"/invoke-with-response-stream")
    expected = {"max_tokens": 64, "messages": FIELDS["messages"], "anthropic_version": "bedrock-2023-05-31"}
    assert json.loads(plain.body) == json.loads(stream.body) == expected
    assert b"anthropic-beta" not in dict(plain.headers)


def test_beta_flags_are_in_the_body_as_far_as_they_are_known() -> None:
    betas = "claude-code-20250219, interleaved-thinking-2025-05-14,advanced-tool-use-2025-11-20"
    written = sent(asked(context_management={"edits": []}), betas=f"{betas},context-management-2025-06-27")
    assert json.loads(written.body)["anthropic_beta"] == [
        "interleaved-thinking-2025-05-14",
        "tool-search-tool-2025-10-19",
        "context-management-2025-06-27",
    ]
    assert json.loads(written.body)["context_management"] == {"edits": []}
    assert written.dropped == ("anthropic-beta (claude-code-20250219)",)
    assert body(anthropic_beta=["effort-2025-11-24"])["anthropic_beta"] == ["effort-2025-11-24"]


def test_what_needs_a_flag_stays_behind_with_it() -> None:
    request = asked(context_management={"edits": []}, mcp_servers=[{}], service_tier="auto")
    written = sent(request, CURRENT, "context-management-2025-06-27,interleaved-thinking-2025-05-14")
    assert json.loads(written.body).keys() == {"max_tokens", "messages", "anthropic_version", "anthropic_beta"}
    assert json.loads(written.body)["anthropic_beta"] == ["interleaved-thinking-2025-05-14"]
    assert written.dropped == ("anthropic-beta (context-management-2025-06-27)", "context_management", "mcp_servers")


def test_scopes_of_caches_are_left_out() -> None:
    hint = {"type": "ephemeral", "ttl": "1h", "scope": "global"}
    block = {"type": "text", "text": "a", "cache_control": hint}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [block], "cache_control": hint}
    written = body(
        system=[block], messages=[{"role": "user", "content": [result]}], tools=[{"name": "f", "cache_control": hint}]
    )
    assert "scope" not in json.dumps(written)
    assert json.dumps(written).count('"1h"') == 4


def test_a_system_among_the_messages_is_said_by_the_user() -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
        {"role": "system", "content": "Hurry"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}, {"type": "text", "text": "b"}]},
    ]
    turns = body(messages=messages)["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert [block["type"] for block in turns[2]["content"]] == ["tool_result", "text", "text"]
    assert turns[2]["content"][1]["text"] == "<system>\nHurry\n</system>"
    assert turns[:2] == messages[:2]


def test_what_newer_versions_of_the_api_say_amid_the_messages_is_said_in_older_words() -> None:
    added = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {"name": "g", "input_schema": {}}}}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Once", "clear_at": "next_user_message"},
        {"role": "system", "content": [added]},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "More"},
        {"role": "system", "content": "Now", "clear_at": "next_user_message"},
    ]
    written = body(messages=messages, tools=[{"name": "f", "input_schema": {}}])
    assert [(turn["role"], turn["content"]) for turn in written["messages"]] == [
        ("user", "Hi"),
        ("assistant", "Yes?"),
        ("user", [{"type": "text", "text": "More"}, {"type": "text", "text": "<system>\nNow\n</system>"}]),
    ]
    assert all(turn.keys() == {"role", "content"} for turn in written["messages"])
    assert [tool["name"] for tool in written["tools"]] == ["f", "g"]


@pytest.mark.parametrize("display", ["summarized", "omitted", "updates"])
def test_thinking_is_shown_in_a_way_that_there_is(display: str) -> None:
    written = sent(asked(thinking={"type": "adaptive", "display": display}))
    assert json.loads(written.body)["thinking"]["display"] == {"updates": "summarized"}.get(display, display)
    assert written.dropped == (("thinking.display (updates)",) if display == "updates" else ())


@pytest.mark.parametrize("odd", [5, None, [5], [{"role": "system"}], [{"role": "system", "content": 5}, {"role": "user"}]])
def test_nonsense_does_not_break_it(odd: Any) -> None:
    request = asked(messages=odd, betas=odd, anthropic_beta=odd, system=odd, tools=odd)
    assert b"anthropic_version" in sent(request).body


def test_tokens_are_counted_at_the_model_itself() -> None:
    written = sent(asked(Operation.COUNT_TOKENS))
    assert written.path == b"/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens"
    inner = json.loads(base64.b64decode(json.loads(written.body)["input"]["invokeModel"]["body"]))
    assert inner == {"max_tokens": 64, "messages": FIELDS["messages"], "anthropic_version": "bedrock-2023-05-31"}
    chunk = WIRES["bedrock"].read(ask(asked(Operation.COUNT_TOKENS), Target("p", CLAUDE, "p/m")), b'{"inputTokens":17}', WALL_S)
    assert chunk.data == b'{"input_tokens":17}'
    with pytest.raises(UpstreamBroken):
        WIRES["bedrock"].read(ask(asked(Operation.COUNT_TOKENS), Target("p", CLAUDE, "p/m")), b"{}", WALL_S)


# ---------------------------------------------------------------- the answer

USAGE: Json = {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 0, "output_tokens": 1}
MESSAGE: Json = {
    "id": "msg_bdrk_01",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {**USAGE, "output_tokens": 7},
}
METRICS = {"inputTokenCount": 10, "outputTokenCount": 7, "invocationLatency": 900, "firstByteLatency": 400}
EVENTS: list[Json] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None, "usage": USAGE}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 7}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS},
]
STREAM = b"".join(map(wrapped, EVENTS))


def streamed(*pieces: bytes) -> Left:
    request = asked(stream=True)
    return drive(pieces, request, WIRES["bedrock"].stream(ask(request, Target("p", CLAUDE, "p/m")), WALL_S))


def events(left: Left) -> list[Json]:
    """What left, each event under its name."""
    found = []
    for raw in left.data.split(b"\n\n")[:-1]:
        name, data = raw.split(b"\n")
        event = json.loads(data.removeprefix(b"data: "))
        assert name == b"event: " + event["type"].encode()
        found.append(event)
    return found


def test_a_message_goes_on_as_it_came() -> None:
    text = json.dumps(MESSAGE).encode()
    chunk = WIRES["bedrock"].read(ask(asked(), Target("p", CLAUDE, "p/m")), text, WALL_S)
    assert chunk.data == text
    (completion,) = chunk.deltas
    assert isinstance(completion, dict)
    assert completion["choices"][0]["message"]["content"] == "Hello"
    assert completion["usage"]["prompt_tokens"] == 15


def test_a_stream_is_framed_as_anthropics() -> None:
    left = streamed(STREAM)
    assert left.fault is None
    assert events(left) == EVENTS
    completion = left.transcript.completion()
    assert completion["choices"][0]["message"]["content"] == "Hello"
    assert (completion["usage"]["prompt_tokens"], completion["usage"]["completion_tokens"]) == (15, 7)


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_blocks_may_be_split_anywhere(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    left = streamed(*(STREAM[begin:end] for begin, end in itertools.pairwise(places)))
    assert left.fault is None
    assert events(left) == EVENTS


def test_every_byte_may_come_alone() -> None:
    assert events(streamed(*(STREAM[at : at + 1] for at in range(len(STREAM))))) == EVENTS


@given(st.integers(0, len(STREAM) - 1))
def test_a_stream_that_is_cut_is_a_fault_until_its_answer_is_whole(at: int) -> None:
    left = streamed(STREAM[:at])
    if at < len(STREAM) - len(wrapped(EVENTS[-1])):
        assert isinstance(left.fault, UpstreamTruncated)
        assert b"message_stop" not in left.data
    else:
        assert left.fault is None
        assert events(left)[-1] == {"type": "message_stop"}


def test_exceptions_behind_a_200() -> None:
    begun = b"".join(map(wrapped, EVENTS[:4]))
    at_once = streamed(exception("throttlingException", "wait"))
    later = streamed(begun + exception("modelTimeoutException", "late"))
    assert isinstance(at_once.fault, UpstreamFault)
    assert (at_once.fault.status, at_once.begun, at_once.data) == (429, False, b"")
    assert isinstance(later.fault, UpstreamFault)
    assert (later.fault.status, events(later)) == (408, EVENTS[:4])


def test_what_goes_wrong_behind_a_whole_answer_does_not_spoil_it() -> None:
    whole = b"".join(map(wrapped, EVENTS[:-1]))
    for rest in (exception("internalServerException", "late"), b"\xff" * 40):
        left = streamed(whole + rest)
        assert left.fault is None
        assert events(left)[-1] == {"type": "message_stop"}


@pytest.mark.parametrize(
    "payload",
    [{}, [], *({"bytes": said} for said in (5, "!", "AAA", "eyI=", "NQ==", base64.b64encode(b'{"type":{}}').decode()))],
)
def test_chunks_that_hold_no_event_break_the_stream(payload: Any) -> None:
    assert isinstance(streamed(frame("chunk", payload)).fault, UpstreamBroken)


def test_frames_of_other_kinds_say_nothing() -> None:
    assert events(streamed(frame("initial-response", {}) + STREAM)) == EVENTS


def test_an_event_without_aws_s_wrapping_is_read_as_well() -> None:
    bare = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "c", "content": [], "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    left = streamed(b"".join(frame("chunk", event) for event in bare))
    assert left.fault is None
    assert left.transcript.completion()["choices"][0]["message"]["content"] == "hi"
