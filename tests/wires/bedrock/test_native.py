"""Converse for callers who speak it: their bytes as they are, the answer's as they came, and a chat read along."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import UpstreamBroken, UpstreamRefused, UpstreamTruncated
from gateway.dialects.eventstream import MEDIA_TYPE
from gateway.dialects.thinking import seal
from gateway.providers.wire import WIRES
from tests.wires.bedrock.exchanges import HELLO, THOUGHT, TOOLS, USAGE, ended, metadata, plain, start, stop, text
from tests.wires.bedrock.frames import converse, exception
from tests.wires.driving import WALL_S, Left, ask, drive

Json = dict[str, Any]
SPEC = ProviderSpec("p", "bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com", location="us-east-1")
CLAUDE = Target("p", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "p/claude")
BODY = b'{ "messages": [{"role":"user","content":[{"text":"Hi"}]}],\n "guardrailConfig": {"guardrailIdentifier":"g"} }'


def native(body: bytes = BODY, *, stream: bool = True) -> ModelRequest:
    return ModelRequest(Operation.CONVERSE, body, json.loads(body), False, "alias", stream, False)


def sent(*pieces: bytes) -> Left:
    asked = native()
    return drive(pieces, asked, WIRES["bedrock"].stream(ask(asked, CLAUDE), WALL_S))


def told(left: Left) -> Json:
    choice: Json = left.transcript.completion()["choices"][0]
    return choice


@pytest.mark.parametrize(("stream", "operation"), [(False, b"converse"), (True, b"converse-stream")])
def test_the_callers_bytes_go_to_the_model_of_the_target(stream: bool, operation: bytes) -> None:
    headers = {b"authorization": b"AWS4-HMAC-SHA256 Credential=key/1/2/3/4", b"x-amz-date": b"1", b"x-amz-security-token": b"t"}
    outgoing = WIRES["bedrock"].write(native(stream=stream), CLAUDE, SPEC, None, headers)
    assert outgoing.body == BODY
    assert outgoing.path == b"/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/" + operation
    assert outgoing.dropped == ()
    assert {name for name, _ in outgoing.headers} == {b"content-type", b"accept", b"user-agent"}


def test_ids_that_another_wire_has_sealed_something_into_are_opened() -> None:
    sealed = seal("call_1", signature="s" * 200)
    turns = [
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": sealed, "name": "get", "input": {"toolUseId": sealed}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": sealed, "content": [{"text": sealed}]}}, {"text": "So?"}]},
    ]
    body = json.dumps({"messages": turns, "system": [{"text": "Hi"}], "inferenceConfig": {"maxTokens": 5}}).encode()
    outgoing = WIRES["bedrock"].write(native(body), CLAUDE, SPEC, None, {})
    expected = json.loads(body)
    expected["messages"][0]["content"][0]["toolUse"]["toolUseId"] = "call_1"
    expected["messages"][1]["content"][0]["toolResult"]["toolUseId"] = "call_1"
    assert json.loads(outgoing.body) == expected


def test_a_plain_answer_goes_on_as_it_came() -> None:
    body = json.dumps(plain({"text": "Hi"}, trace={"guardrail": {}}), indent=1).encode()
    chunk = WIRES["bedrock"].read(ask(native(stream=False), CLAUDE), body, WALL_S)
    assert chunk.data == body
    (completion,) = chunk.deltas
    assert not isinstance(completion, bytes)
    assert completion["choices"][0]["message"]["content"] == "Hi"
    assert completion["usage"]["prompt_tokens"] == USAGE["inputTokens"]


def test_a_plain_answer_that_is_none_is_broken() -> None:
    with pytest.raises(UpstreamBroken):
        WIRES["bedrock"].read(ask(native(stream=False), CLAUDE), b'{"message": "no"}', WALL_S)


@pytest.mark.parametrize("exchange", [HELLO, TOOLS, THOUGHT])
def test_frames_go_on_as_they_came(exchange: bytes) -> None:
    left = sent(exchange)
    assert left.data == exchange
    assert left.fault is None
    assert left.transcript.usage is not None


def test_a_chat_is_read_along() -> None:
    left = sent(TOOLS)
    message = told(left)["message"]
    assert message["content"] == "Let me look."
    assert [one["function"]["name"] for one in message["tool_calls"]] == ["get_weather", "get_time"]
    assert told(left)["finish_reason"] == "tool_calls"
    assert (left.transcript.usage or {})["completion_tokens"] == USAGE["outputTokens"]


@given(st.lists(st.integers(0, len(THOUGHT)), max_size=20))
def test_split_anywhere_it_is_the_same(cuts: list[int]) -> None:
    ends = sorted(cuts)
    left = sent(*(THOUGHT[a:b] for a, b in zip([0, *ends], [*ends, len(THOUGHT)], strict=True)))
    assert left.data == THOUGHT
    assert told(left)["message"]["tool_calls"][0]["function"]["arguments"] == '{"city":"Oslo"}'


def test_only_whole_frames_go_on_and_the_rest_is_a_fault() -> None:
    beginning = converse(start(), *text(0, "Hel"))
    left = sent(beginning + converse(ended())[:-3])
    assert left.data == beginning
    assert isinstance(left.fault, UpstreamTruncated)
    spoilt = bytearray(converse(ended()))
    spoilt[-6] ^= 1
    left = sent(beginning + bytes(spoilt))
    assert left.data == beginning
    assert isinstance(left.fault, UpstreamBroken)


def test_an_exception_is_a_fault_behind_what_came_before_it() -> None:
    beginning = converse(start(), *text(0, "Hel"), stop(0))
    left = sent(beginning + exception("throttlingException", "Slow down."))
    assert left.data == beginning
    assert isinstance(left.fault, UpstreamRefused)
    assert left.fault.status == 429
    left = sent(exception("throttlingException", "Slow down."))
    assert (left.data, left.begun) == (b"", False)
    assert isinstance(left.fault, UpstreamRefused)


def test_what_goes_wrong_behind_a_whole_answer_does_not_matter() -> None:
    whole = converse(start(), *text(0, "Hi"), ended())
    left = sent(whole + exception("internalServerException", "Oh."))
    assert (left.data, left.fault) == (whole, None)
    counted = converse(metadata())
    assert sent(whole, counted).data == whole + counted


def test_its_media_type_is_awss_own() -> None:
    assert WIRES["bedrock"].stream(ask(native(), CLAUDE), WALL_S).media_type == MEDIA_TYPE
