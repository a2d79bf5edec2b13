"""ConverseStream as every client of OpenAI's sees it: split anywhere, broken off anywhere."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest
from gateway.core.errors import UpstreamBroken, UpstreamRefused, UpstreamTruncated
from gateway.dialects.thinking import opened
from gateway.providers.wire import WIRES
from tests.wires.bedrock.exchanges import CACHED, HELLO, THOUGHT, TOOLS, delta, ended, metadata, start, stop, text, tool
from tests.wires.bedrock.frames import converse, exception, frame, header, packed
from tests.wires.driving import WALL_S, Left, ask, check, drive, request

SPEC = ProviderSpec("p", "bedrock", "https://bedrock", location="us-east-1")
CLAUDE = Target("p", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "p/claude")
OLDER = Target("p", "anthropic.claude-3-5-sonnet-20241022-v2:0", "p/older")
THINKING = {"type": "thinking", "thinking": "First I think.", "signature": "EqQBCkgIARABGAIiQL8s"}
REDACTED = {"type": "redacted_thinking", "data": "RW5jcnlwdGVk"}


def sent(*pieces: bytes, asked: ModelRequest | None = None, target: Target = CLAUDE) -> Left:
    asked = asked or request(usage=True)
    return drive(pieces, asked, WIRES["bedrock"].stream(ask(asked, target), WALL_S))


def said(left: Left) -> dict[str, Any]:
    choice: dict[str, Any] = left.transcript.completion()["choices"][0]
    return choice


def deltas(left: Left) -> list[dict[str, Any]]:
    return [choice["delta"] for event in left.events for choice in event["choices"]]


def test_text() -> None:
    left = sent(HELLO)
    check(left)
    assert said(left) == {
        "index": 0,
        "message": {"role": "assistant", "content": 'Hello, wörld "quoted"\n'},
        "finish_reason": "stop",
    }
    assert "".join(one.get("content") or "" for one in deltas(left)) == 'Hello, wörld "quoted"\n'
    assert left.events[0]["model"] == CLAUDE.model
    assert left.events[-2]["choices"][0]["native_finish_reason"] == "end_turn"


def test_an_arn_does_not_tell_the_account() -> None:
    target = Target("p", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0", "p/m")
    assert {event["model"] for event in sent(HELLO, target=target).events} == {"us.amazon.nova-lite-v1:0"}


def test_usage_comes_behind_the_end_and_is_the_whole_of_the_input() -> None:
    left = sent(converse(start(), *text(0, "Hi"), ended(), metadata(CACHED)))
    check(left)
    usage = {
        "prompt_tokens": 1614,
        "completion_tokens": 9,
        "total_tokens": 1623,
        "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 600, "cache_write_1h_tokens": 400},
    }
    assert left.events[-1]["usage"] == usage
    assert left.transcript.usage == usage


def test_usage_that_was_not_asked_for_is_still_counted() -> None:
    left = sent(HELLO, asked=request())
    check(left, usage=False)
    assert left.transcript.usage is not None
    assert left.transcript.usage["prompt_tokens"] == 14


def test_parallel_calls() -> None:
    left = sent(TOOLS)
    check(left)
    calls = said(left)["message"]["tool_calls"]
    assert [(one["id"], one["function"]) for one in calls] == [
        ("tooluse_kZJMlvQmRJ6eAyJE5GIl7Q", {"name": "get_weather", "arguments": '{"city": "Oslo"}'}),
        ("tooluse_9sJMlvQmRJ6eAyJE5GIl7R", {"name": "get_time", "arguments": "{}"}),
    ]
    assert said(left)["finish_reason"] == "tool_calls"
    assert said(left)["message"]["content"] == "Let me look."


def test_thinking_is_told_whole_and_sealed_into_the_first_call() -> None:
    left = sent(THOUGHT)
    check(left)
    assert said(left)["message"]["reasoning_content"] == "First I think."
    told = [block for one in deltas(left) for block in one.get("thinking_blocks", ())]
    assert told == [{"index": 0, **THINKING}, {"index": 1, **REDACTED}]
    (call,) = said(left)["message"]["tool_calls"]
    assert opened(call["id"]).id == "tooluse_1"
    assert opened(call["id"]).blocks == (THINKING, REDACTED)


def test_a_signature_without_words_survives() -> None:
    left = sent(
        converse(start(), delta(0, {"reasoningContent": {"signature": "sig"}}), stop(0), *text(1, "Hi"), ended(), metadata())
    )
    check(left)
    assert [one["thinking_blocks"] for one in deltas(left) if "thinking_blocks" in one] == [
        [{"index": 0, "type": "thinking", "thinking": "", "signature": "sig"}]
    ]


def test_reasoning_that_nobody_signed_is_told_as_text_alone() -> None:
    left = sent(converse(start(), delta(0, {"reasoningContent": {"text": "Hm."}}), stop(0), *text(1, "Hi"), ended()))
    assert said(left)["message"]["reasoning_content"] == "Hm."
    assert not any("thinking_blocks" in one for one in deltas(left))


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("tool_use", "stop"),  # tools of the provider's own
        ("something_new", "stop"),
        (None, "stop"),
    ],
)
def test_why_it_ended(reason: str | None, finish: str) -> None:
    left = sent(converse(start(), *text(0, "Hi"), ("messageStop", {"stopReason": reason}), metadata()))
    check(left)
    assert said(left)["finish_reason"] == finish


def test_which_stop_sequence_matched() -> None:
    left = sent(
        converse(start(), *text(0, "Hi"), ended("stop_sequence", additionalModelResponseFields={"stop_sequence": "END"}))
    )
    assert left.events[-1]["choices"][0]["stop_sequence"] == "END"


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_an_answer_that_makes_no_sense_is_a_fault(reason: str) -> None:
    assert isinstance(sent(converse(start(), *text(0, "Hi"), ended(reason), metadata())).fault, UpstreamBroken)


def test_a_tool_is_called_by_the_callers_own_name() -> None:
    tools = [{"type": "function", "function": {"name": "files.read/all", "parameters": {}}}]
    asked = request(usage=True, tools=tools, messages=[{"role": "user", "content": "Hi"}])
    written = json.loads(WIRES["bedrock"].write(asked, CLAUDE, SPEC, None, {}).body)
    name = written["toolConfig"]["tools"][0]["toolSpec"]["name"]
    assert name != "files.read/all"
    left = sent(converse(start(), *tool(0, "t1", name, "{}"), ended("tool_use"), metadata()), asked=asked)
    check(left)
    assert said(left)["message"]["tool_calls"][0]["function"]["name"] == "files.read/all"


def test_a_tool_for_free_text_gets_text() -> None:
    asked = request(usage=True, tools=[{"type": "custom", "custom": {"name": "patch"}}])
    left = sent(
        converse(start(), *tool(0, "t1", "patch", '{"inp', 'ut": "a\\nb"}'), ended("tool_use"), metadata()), asked=asked
    )
    check(left)
    assert said(left)["message"]["tool_calls"] == [{"id": "t1", "type": "custom", "custom": {"name": "patch", "input": "a\nb"}}]


SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}


def test_the_input_of_the_answering_tool_is_the_answer() -> None:
    asked = request(usage=True, response_format=SCHEMA)
    stream = converse(
        start(),
        *text(0, "Here it is:"),
        *tool(1, "t1", "answer_in_json", '{"a"', ":1}"),
        *text(2, "Done."),
        ended("tool_use"),
        metadata(),
    )
    left = sent(stream, asked=asked, target=OLDER)
    check(left)
    assert said(left) == {"index": 0, "message": {"role": "assistant", "content": '{"a":1}'}, "finish_reason": "stop"}


def test_an_answer_in_words_is_not_lost_where_the_tool_was_not_called() -> None:
    left = sent(
        converse(start(), *text(0, "No", "!"), ended(), metadata()), asked=request(response_format=SCHEMA), target=OLDER
    )
    assert said(left)["message"]["content"] == "No!"


def test_tools_of_the_providers_own_are_not_the_callers_business() -> None:
    own = {"contentBlockIndex": 0, "start": {"toolUse": {"name": "search", "toolUseId": "s1", "type": "server_tool_use"}}}
    result = {"contentBlockIndex": 1, "start": {"toolResult": {"toolUseId": "s1"}}}
    stream = converse(
        start(),
        ("contentBlockStart", own),
        delta(0, {"toolUse": {"input": "{}"}}),
        stop(0),
        ("contentBlockStart", result),
        delta(1, {"toolResult": [{"text": "found"}]}),
        stop(1),
        *text(2, "Hi"),
        delta(2, {"citation": {"title": "t"}}),
        ("somethingNew", {"a": 1}),
        ended("end_turn"),
        metadata(serviceTier={"type": "priority"}),
    )
    left = sent(stream)
    check(left)
    assert said(left)["message"] == {"role": "assistant", "content": "Hi"}
    assert left.transcript.service_tier == "priority"


# ---------------------------------------------------------------- split, cut and broken


@pytest.mark.parametrize("whole", [HELLO, TOOLS, THOUGHT])
def test_every_byte_may_come_alone(whole: bytes) -> None:
    split, at_once = sent(*(whole[at : at + 1] for at in range(len(whole)))), sent(whole)
    check(split)
    assert deltas(split) == deltas(at_once)
    assert split.transcript.completion() | {"id": ""} == at_once.transcript.completion() | {"id": ""}


@given(st.data())
def test_blocks_may_be_split_anywhere(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([HELLO, TOOLS, THOUGHT]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    left = sent(*(whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)))
    check(left)
    assert deltas(left) == deltas(sent(whole))


@given(st.integers(0, len(TOOLS) - 1))
def test_a_stream_that_is_cut_is_a_fault_until_its_answer_is_whole(at: int) -> None:
    left = sent(TOOLS[:at])
    if at < len(TOOLS) - len(converse(metadata())):
        assert isinstance(left.fault, UpstreamTruncated)
        assert b"[DONE]" not in left.data
    else:
        check(left, usage=False)


@given(st.integers(0, 8 * len(TOOLS) - 1))
def test_no_bit_may_turn(bit: int) -> None:
    text_ = bytearray(TOOLS)
    text_[bit // 8] ^= 1 << bit % 8
    left = sent(bytes(text_))
    if bit // 8 < len(TOOLS) - len(converse(metadata())):
        assert isinstance(left.fault, UpstreamBroken)
        assert b"[DONE]" not in left.data
    else:
        check(left, usage=False)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("throttlingException", 429),
        ("modelStreamErrorException", 502),
        ("validationException", 400),
        ("internalServerException", 500),
        ("serviceUnavailableException", 503),
        ("modelTimeoutException", 408),
    ],
)
def test_exceptions_behind_a_200(kind: str, status: int) -> None:
    at_once = sent(converse(start()), exception(kind, "no more"))
    assert isinstance(at_once.fault, UpstreamRefused)
    assert (at_once.fault.status, at_once.fault.message, at_once.begun) == (status, "no more", False)
    later = sent(converse(start(), *text(0, "Hi")) + exception(kind, "no more"))
    assert later.fault is not None
    assert later.fault.status == status
    assert said(later)["message"]["content"] == "Hi"
    assert b"[DONE]" not in later.data


def test_an_error_that_is_no_exception() -> None:
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "An internal error."}
    left = sent(packed(b"".join(header(*one) for one in headers.items()), b""))
    assert left.fault is not None
    assert (left.fault.status, left.fault.message) == (500, "An internal error.")


def test_what_goes_wrong_behind_a_whole_answer_does_not_spoil_it() -> None:
    whole = converse(start(), *text(0, "Hi"), ended())
    for rest in (exception("throttlingException", "late"), b"\xff" * 40, frame("metadata", []), frame("metadata", {})):
        check(sent(whole, rest), usage=False)
        check(sent(whole + rest), usage=False)


@pytest.mark.parametrize(
    "odd",
    [
        ("contentBlockDelta", []),
        ("contentBlockDelta", "text"),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{}"}}}),
    ],
)
def test_events_that_are_none_break_the_stream(odd: tuple[str, Any]) -> None:
    assert isinstance(sent(converse(start(), *text(9, "Hi"), odd)).fault, UpstreamBroken)


def test_a_payload_that_is_no_json_breaks_the_stream() -> None:
    assert isinstance(sent(packed(header(":event-type", "messageStart"), b"{")).fault, UpstreamBroken)


@pytest.mark.parametrize("odd", [None, 5, "x", [], {}, {"text": 5}, {"toolUse": 5}, {"reasoningContent": 5}, {"text": None}])
def test_odd_types_say_nothing(odd: Any) -> None:
    stream = converse(
        ("messageStart", {}),
        ("contentBlockStart", {"contentBlockIndex": "x", "start": odd}),
        ("contentBlockDelta", {"contentBlockIndex": [1], "delta": odd}),
        ("contentBlockStop", {"contentBlockIndex": {}}),
        *text(0, "Hi"),
        ("messageStop", {"stopReason": "end_turn", "additionalModelResponseFields": odd}),
        ("metadata", {"usage": {"inputTokens": odd, "outputTokens": -1, "cacheDetails": odd}, "serviceTier": odd}),
    )
    left = sent(stream)
    check(left)
    assert said(left)["message"]["content"] == "Hi"


def test_no_role_and_no_end_of_blocks_is_mended() -> None:
    begun = {"contentBlockIndex": 0, "start": {"toolUse": {"name": "f", "toolUseId": "t"}}}
    left = sent(converse(("contentBlockStart", begun), ended("tool_use"), metadata()))
    check(left)
    assert said(left)["message"]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_what_is_kept_is_bounded() -> None:
    blocks = [("contentBlockStart", {"contentBlockIndex": at, "start": {}}) for at in range(100)]
    assert isinstance(sent(converse(*blocks)).fault, UpstreamBroken)
    endless = frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "x" * 1_000_000}}})
    assert isinstance(sent(*[endless] * 12).fault, UpstreamBroken)
    assert isinstance(sent(frame("contentBlockStop", {"contentBlockIndex": 0}) * 20_000).fault, UpstreamBroken)
    calls = [event for at in range(1100) for event in tool(at, f"t{at}", "f")]
    assert isinstance(sent(converse(*calls)).fault, UpstreamBroken)
