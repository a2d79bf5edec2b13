"""Tool loops over several turns, each answered by another provider: everyone gets its own thinking back, nobody another's."""

from typing import Any

import orjson
import pytest

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.providers.wire import WIRES
from tests.wires.driving import WALL_S, Json, ask

SPECS = {name: ProviderSpec(name, name, "https://x.test") for name in ("anthropic", "google", "openai")}
TARGETS = {
    "anthropic": Target("a", "claude-sonnet-4-5", "a/c"),
    "google": Target("g", "gemini-3.1-pro-preview", "g/g"),
    "openai": Target("o", "gpt-5", "o/o"),
}
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
KEEPS = pytest.mark.parametrize("keeps", [True, False], ids=["keeps all", "keeps what OpenAI has"])


def by_claude(turn: int) -> Json:
    thought = {"type": "thinking", "thinking": f"T{turn}", "signature": f"sig{turn}=="}
    called = {"type": "tool_use", "id": f"toolu_{turn}", "name": "look", "input": {}}
    return {"type": "message", "content": [thought, called], "stop_reason": "tool_use"}


def by_gemini(turn: int) -> Json:
    call = {"functionCall": {"name": "look", "args": {}, "id": f"g{turn}"}, "thoughtSignature": f"gsig{turn}"}
    return {"candidates": [{"content": {"parts": [{"text": f"T{turn}", "thought": True}, call]}, "finishReason": "STOP"}]}


def by_openai(turn: int) -> Json:
    call = {"id": f"call_{turn}", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "reasoning_content": f"T{turn}", "tool_calls": [call]}
    return {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}


ANSWERS = {"anthropic": by_claude, "google": by_gemini, "openai": by_openai}


def asking(messages: list[Json]) -> ModelRequest:
    fields: Json = {"model": "m", "messages": messages, "tools": TOOLS, "reasoning_effort": "high"}
    return ModelRequest(Operation.CHAT, orjson.dumps(fields), fields, True, "m", False, False)


def last_asked(providers: list[str], *, keeps: bool) -> Any:
    """What the last of these is sent, after the others have each called a tool. `keeps`: the client drops nothing."""
    messages: list[Json] = [{"role": "user", "content": "go"}]
    for turn, name in enumerate(providers[:-1]):
        chunk = WIRES[name].read(ask(asking(messages), TARGETS[name]), orjson.dumps(ANSWERS[name](turn)), WALL_S)
        message = orjson.loads(chunk.data)["choices"][0]["message"]
        if not keeps:
            message = {key: message[key] for key in ("role", "content", "tool_calls")}
            for one in message["tool_calls"]:
                one.pop("extra_content", None)
        messages += [message, *({"role": "tool", "tool_call_id": one["id"], "content": "r"} for one in message["tool_calls"])]
    name = providers[-1]
    return orjson.loads(WIRES[name].write(asking(messages), TARGETS[name], SPECS[name], None, {}).body)


@KEEPS
def test_claude_gets_its_own_thinking_before_its_calls(keeps: bool) -> None:
    body = last_asked(["anthropic", "anthropic", "anthropic"], keeps=keeps)
    for turn in (0, 1):
        thought, called = body["messages"][2 * turn + 1]["content"]
        assert thought == {"type": "thinking", "thinking": f"T{turn}", "signature": f"sig{turn}=="}
        assert called["id"] == f"toolu_{turn}"
        assert body["messages"][2 * turn + 2]["content"][0]["tool_use_id"] == f"toolu_{turn}"
    assert body["thinking"]["type"] == "enabled"


@KEEPS
@pytest.mark.parametrize("between", ["google", "openai"])
def test_claude_gets_nobody_elses_thinking_and_does_not_think_on_from_it(between: str, keeps: bool) -> None:
    body = last_asked(["anthropic", between, "anthropic"], keeps=keeps)
    assert [block["type"] for block in body["messages"][1]["content"]] == ["thinking", "tool_use"]
    assert [block["type"] for block in body["messages"][3]["content"]] == ["tool_use"]
    assert "thinking" not in body
    body = last_asked([between, "anthropic", "anthropic"], keeps=keeps)
    assert [block["type"] for block in body["messages"][3]["content"]] == ["thinking", "tool_use"]
    assert body["thinking"]["type"] == "enabled"


@KEEPS
def test_gemini_gets_its_signatures_and_the_stand_in_for_calls_of_others(keeps: bool) -> None:
    body = last_asked(["google", "anthropic", "openai", "google", "google"], keeps=keeps)
    calls = [part for turn in body["contents"] for part in turn["parts"] if "functionCall" in part]
    stand_in = "skip_thought_signature_validator"
    assert [one["thoughtSignature"] for one in calls] == ["gsig0", stand_in, stand_in, "gsig3"]
    assert [one["functionCall"]["id"] for one in calls] == ["g0", "toolu_1", "call_2", "g3"]
    answers = [part["functionResponse"] for turn in body["contents"] for part in turn["parts"] if "functionResponse" in part]
    assert [one["id"] for one in answers] == ["g0", "toolu_1", "call_2", "g3"]
    assert not any(part.get("text", "").startswith("T") for turn in body["contents"] for part in turn["parts"])


@KEEPS
def test_openai_gets_plain_ids(keeps: bool) -> None:
    body = last_asked(["anthropic", "google", "openai", "openai"], keeps=keeps)
    calls = [one["id"] for message in body["messages"] for one in message.get("tool_calls") or ()]
    assert calls == ["toolu_0", "g1", "call_2"]
    assert [message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"] == calls
    assert b"thinking_blocks" not in orjson.dumps(body)
