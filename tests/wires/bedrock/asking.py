"""Chats for Converse, and the rules that every request to it has to keep."""

import json
import re
from collections.abc import Mapping
from typing import Any

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.providers.transport.contract import Outgoing
from gateway.providers.wire import WIRES

Json = dict[str, Any]

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OLDER = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ADAPTIVE = "anthropic.claude-opus-4-6-v1"
CURRENT = "global.anthropic.claude-opus-4-7"
BUDGET = "anthropic.claude-3-7-sonnet-20250219-v1:0"
NOVA = "amazon.nova-lite-v1:0"
LLAMA = "meta.llama3-3-70b-instruct-v1:0"
GPT = "openai.gpt-oss-120b-1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6"
SPEC = ProviderSpec("p", "bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com", location="us-east-1")

HI: Json = {"role": "user", "content": "Hi"}
PNG = "iVBORw0KGgoAAAANSUhEUg=="
WEATHER: Json = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
FORM: Json = {
    "type": "json_schema",
    "json_schema": {"name": "person", "schema": {"type": "object", "properties": {"age": {"type": "integer"}}}},
}


def sent(
    model: str = CLAUDE, *, stream: bool = False, spec: ProviderSpec = SPEC, key: str | None = None, **more: Any
) -> Outgoing:
    fields = {"model": model, "messages": [HI], **more}
    asked = ModelRequest(Operation.CHAT, json.dumps(fields).encode(), fields, False, model, stream, False)
    return WIRES["bedrock"].write(
        asked, Target("p", model, f"p/{model}"), spec, key, {b"traceparent": b"00-1", b"cookie": b"c"}
    )


def body(model: str = CLAUDE, **more: Any) -> Json:
    """What is sent, which the service model allows."""
    outgoing = sent(model, **more)
    written: Json = json.loads(outgoing.body)
    check(written)
    return written


def dropped(model: str = CLAUDE, **more: Any) -> list[str]:
    return [one.partition(" ")[0] for one in sent(model, **more).dropped]


def check(written: Mapping[str, Any]) -> None:
    """The rules of Converse that its users have run into."""
    turns = written["messages"]
    assert [turn["role"] for turn in turns] == [("user", "assistant")[at % 2] for at in range(len(turns))]
    blocks = [block for turn in turns for block in turn["content"]]
    results = [block["toolResult"] for block in blocks if "toolResult" in block]
    for block in [*blocks, *written.get("system", []), *(one for result in results for one in result["content"])]:
        assert len(block) == 1
        if "text" in block:
            assert block["text"].strip()
    assert all(turn["content"] for turn in turns)
    assert all(result["content"] for result in results)
    asked: list[str] = []
    for turn in turns:
        answered = [block["toolResult"]["toolUseId"] for block in turn["content"] if "toolResult" in block]
        assert sorted(answered) == sorted(asked)
        assert all("toolResult" in block for block in turn["content"][: len(answered)] if "cachePoint" not in block)
        asked = [block["toolUse"]["toolUseId"] for block in turn["content"] if "toolUse" in block]
    used = [block["toolUse"] for block in blocks if "toolUse" in block]
    assert all(re.fullmatch(r"[a-zA-Z0-9_.:-]{1,64}", one["toolUseId"]) for one in used)
    assert all(isinstance(one["input"], dict) for one in used)
    if used:
        assert "toolConfig" in written
    specs = [one["toolSpec"] for one in written.get("toolConfig", {"tools": []})["tools"] if "toolSpec" in one]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", one["name"]) for one in [*specs, *used])
    assert all(one["inputSchema"]["json"]["type"] == "object" for one in specs)
    if "toolConfig" in written:
        assert specs


THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
REDACTED = {"type": "redacted_thinking", "data": "ZW5j"}
HINT = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def hinted(hint: Json) -> Json:
    return {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Long", "cache_control": hint}]},
            {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": hint}]},
            called("a"),
            result("a", [{"type": "text", "text": "ok", "cache_control": hint}]),
        ],
        "tools": [{**WEATHER, "cache_control": hint}],
    }


def called(*ids: str, **more: Any) -> Json:
    calls = [{"id": one, "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}} for one in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}


def result(call_id: str, content: Any = "ok", **more: Any) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def part(kind: str, told: Any) -> list[Json]:
    return [{"role": "user", "content": [{"type": "text", "text": "See"}, {"type": kind, kind: told}]}]
