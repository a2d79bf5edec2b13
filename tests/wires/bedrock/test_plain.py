"""Converse's plain answer as a chat completion."""

import json
from typing import Any

import pytest

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import UpstreamBroken, UpstreamFault
from gateway.dialects.thinking import opened
from gateway.providers.remote import PlainReply
from gateway.providers.wire import WIRES
from tests.wires.bedrock.exchanges import CACHED, plain
from tests.wires.driving import WALL_S, ask, request

Json = dict[str, Any]
SPEC = ProviderSpec("p", "bedrock", "https://bedrock", location="us-east-1")
CLAUDE = Target("p", "anthropic.claude-sonnet-4-5-20250929-v1:0", "p/claude")
OLDER = Target("p", "anthropic.claude-3-5-sonnet-20241022-v2:0", "p/older")
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}


def read(answer: Any, asked: ModelRequest | None = None, target: Target = CLAUDE) -> Json:
    """The completion that goes to the caller, checked against what the transcript holds."""
    asked = asked or request(stream=False)
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    chunk = WIRES["bedrock"].read(ask(asked, target), body, WALL_S)
    completion: Json = json.loads(chunk.data)
    assert chunk.deltas == (completion,)
    folded = PlainReply(chunk).transcript.completion()
    message = completion["choices"][0]["message"]
    assert folded["choices"][0]["message"]["content"] == (message["content"] or None)
    assert folded["usage"] == completion["usage"]
    return completion


def test_text_and_usage() -> None:
    completion = read(plain({"text": "Hello, "}, {"text": "world"}, usage=CACHED, serviceTier={"type": "flex"}))
    assert completion.pop("id").startswith("chatcmpl-")
    assert completion == {
        "object": "chat.completion",
        "created": int(WALL_S),
        "model": CLAUDE.model,
        "service_tier": "flex",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello, world"},
                "logprobs": None,
                "finish_reason": "stop",
                "native_finish_reason": "end_turn",
            }
        ],
        "usage": {
            "prompt_tokens": 1614,
            "completion_tokens": 9,
            "total_tokens": 1623,
            "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 600, "cache_write_1h_tokens": 400},
        },
    }


def test_parallel_calls_behind_thinking() -> None:
    thought = {"reasoningText": {"text": "Hm.", "signature": "sig"}}
    completion = read(
        plain(
            {"reasoningContent": thought},
            {"reasoningContent": {"redactedContent": "ZW5j"}},
            {"text": "Let me look."},
            {"toolUse": {"toolUseId": "t1", "name": "get_weather", "input": {"city": "Oslo"}}},
            {"toolUse": {"toolUseId": "t2", "name": "get_time", "input": {}}},
            stop="tool_use",
        )
    )
    (choice,) = completion["choices"]
    message = choice["message"]
    blocks = [{"type": "thinking", "thinking": "Hm.", "signature": "sig"}, {"type": "redacted_thinking", "data": "ZW5j"}]
    assert (choice["finish_reason"], message["content"], message["reasoning_content"]) == ("tool_calls", "Let me look.", "Hm.")
    assert message["thinking_blocks"] == blocks
    first, second = message["tool_calls"]
    assert opened(first["id"]) == ("t1", tuple(blocks), None)
    assert first["function"] == {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    assert second == {"id": "t2", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}


def test_a_call_alone_has_no_content() -> None:
    completion = read(plain({"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}, stop="tool_use"))
    assert completion["choices"][0]["message"]["content"] is None


def test_free_text_and_names_come_back_as_they_were_given() -> None:
    tools = [{"type": "custom", "custom": {"name": "patch"}}, {"type": "function", "function": {"name": "a.b"}}]
    asked = request(stream=False, tools=tools, messages=[{"role": "user", "content": "Hi"}])
    body = json.loads(WIRES["bedrock"].write(asked, CLAUDE, SPEC, None, {}).body)
    names = [one["toolSpec"]["name"] for one in body["toolConfig"]["tools"]]
    blocks = [{"toolUse": {"toolUseId": f"t{at}", "name": name, "input": {"input": "x"}}} for at, name in enumerate(names)]
    calls = read(plain(*blocks, stop="tool_use"), asked)["choices"][0]["message"]["tool_calls"]
    assert calls == [
        {"id": "t0", "type": "custom", "custom": {"name": "patch", "input": "x"}},
        {"id": "t1", "type": "function", "function": {"name": "a.b", "arguments": '{"input":"x"}'}},
    ]


def test_the_input_of_the_answering_tool_is_the_answer() -> None:
    tool = {"toolUse": {"toolUseId": "t1", "name": "answer_in_json", "input": {"a": [1]}}}
    answer = plain({"text": "Here:"}, tool, {"text": "Done"}, stop="tool_use")
    (choice,) = read(answer, request(stream=False, response_format=SCHEMA), OLDER)["choices"]
    assert (choice["message"], choice["finish_reason"]) == ({"role": "assistant", "content": '{"a":[1]}'}, "stop")


def test_cited_text_is_text() -> None:
    cited = {"citationsContent": {"content": [{"text": "As said "}, {"text": "there."}], "citations": [{"title": "t"}]}}
    assert read(plain(cited))["choices"][0]["message"]["content"] == "As said there."


def test_a_guardrail_is_a_content_filter() -> None:
    (choice,) = read(plain({"text": "Sorry."}, stop="guardrail_intervened"))["choices"]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("content_filter", "guardrail_intervened")


def test_which_stop_sequence_matched() -> None:
    answer = plain({"text": "a"}, stop="stop_sequence", additionalModelResponseFields={"stop_sequence": "END"})
    assert read(answer)["choices"][0]["stop_sequence"] == "END"


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"<html>", b"[]", b"null", b"{}", b'{"output":5}', b'{"output":{"message":{"content":"x"}}}'),
        b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}',
        b'{"message":"dressed as success"}',
        plain({"toolUse": {"name": "f"}}, stop="malformed_tool_use"),
    ],
)
def test_what_is_no_answer_is_a_fault(answer: Any) -> None:
    with pytest.raises(UpstreamBroken):
        read(answer)


@pytest.mark.parametrize("odd", [None, 5, "x", [], [5], {"a": 5}])
def test_odd_types_do_not_break_an_answer(odd: Any) -> None:
    blocks = [odd, {"text": odd}, {"toolUse": odd}, {"reasoningContent": odd}, {"citationsContent": {"content": odd}}]
    answer = plain(*blocks, {"reasoningContent": {"reasoningText": odd}}, stop=odd, usage=odd, serviceTier=odd)
    try:
        read(answer | {"additionalModelResponseFields": odd})
    except UpstreamFault as fault:
        pytest.fail(str(fault))


def test_a_call_with_odd_parts_is_a_call() -> None:
    calls = read(plain({"toolUse": {"toolUseId": 5, "name": None, "input": [1]}}))["choices"][0]["message"]["tool_calls"]
    assert calls[0]["id"].startswith("call_")
    assert calls[0]["function"] == {"name": "", "arguments": "[1]"}


def test_half_of_a_surrogate_pair_does_not_break_an_answer() -> None:
    body = json.dumps(
        plain(
            {"reasoningContent": {"reasoningText": {"text": "\ud83d", "signature": "s"}}},
            {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}},
        )
    ).encode()
    chunk = WIRES["bedrock"].read(ask(request(stream=False), CLAUDE), body, WALL_S)
    assert json.loads(chunk.data)["choices"][0]["message"]["tool_calls"][0]["id"] == "t1"


def test_what_the_wire_speaks() -> None:
    speaks = WIRES["bedrock"].speaks
    assert speaks(SPEC, "amazon.nova-lite-v1:0") == {Operation.CHAT, Operation.CONVERSE}
    everything = {Operation.CHAT, Operation.CONVERSE, Operation.MESSAGES, Operation.COUNT_TOKENS}
    assert speaks(SPEC, "us.anthropic.claude-sonnet-4-5-v1:0") == everything
