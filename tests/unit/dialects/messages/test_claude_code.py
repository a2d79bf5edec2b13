"""What Claude Code sends, measured: a large body with flags of many betas in it, which must come through whole."""

import json

import orjson

from gateway.core.chat import ModelRequest, Operation
from gateway.dialects.messages.request import into_chat
from tests.unit.dialects.speech import Json

HINT = {"type": "ephemeral", "ttl": "1h"}
SESSION = json.dumps({"device_id": "d" * 64, "account_uuid": "", "session_id": "8f3c2a6e-0000-4000-8000-000000000000"})


def tool(name: str) -> Json:
    properties = {f"{name}_{at}": {"type": "string", "description": "words " * 60} for at in range(8)}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": properties}
    described = f"{name} does things. " * 40
    return {"name": name, "description": described, "input_schema": {**schema, "additionalProperties": False}}


def body() -> Json:
    return {
        "model": "claude-opus",
        "max_tokens": 32_000,
        "stream": True,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.abc; cc_entrypoint=sdk-cli; cch=00000;"},
            {"type": "text", "text": "You are Claude Code.", "cache_control": HINT},
            {"type": "text", "text": "# Rules\n" + "rule\n" * 2000, "cache_control": HINT},
        ],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "<system-reminder>\ncontext\n</system-reminder>"},
                    {"type": "text", "text": "Fix the bug.", "cache_control": HINT},
                ],
            },
            {"role": "system", "content": [{"type": "text", "text": "Tools changed."}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "", "signature": "EqQBCkYI"},
                    {"type": "text", "text": "Looking."},
                    {"type": "tool_use", "id": "toolu_01", "name": "tool_1", "input": {"tool_1_0": "a"}},
                    {"type": "tool_use", "id": "toolu_02", "name": "tool_2", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_01", "content": "found"},
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_02",
                        "is_error": True,
                        "content": [{"type": "text", "text": "<tool_use_error>no</tool_use_error>"}],
                        "cache_control": HINT,
                    },
                ],
            },
        ],
        "tools": [tool(f"tool_{at}") for at in range(24)],
        "metadata": {"user_id": SESSION},
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "xhigh"},
    }


def test_a_body_of_claude_code_comes_through_whole() -> None:
    given = body()
    sent = orjson.dumps(given)
    assert 76_000 < len(sent) < 140_000
    asked, dropped = into_chat(ModelRequest(Operation.MESSAGES, sent, given, False, "claude-opus", True, False, "beta=true"))
    assert dropped == ("context_management",)
    fields = asked.fields
    assert orjson.loads(asked.body) == fields
    assert [message["role"] for message in fields["messages"]] == ["system", "user", "system", "assistant", "tool", "tool"]
    assert fields["messages"][0]["content"] == given["system"][1:]
    assert fields["messages"][3]["thinking_blocks"] == given["messages"][2]["content"][:1]
    assert [call["id"] for call in fields["messages"][3]["tool_calls"]] == ["toolu_01", "toolu_02"]
    assert fields["messages"][5]["is_error"] is True
    assert fields["messages"][5]["content"][0]["cache_control"] == HINT
    assert len(fields["tools"]) == 24
    assert (fields["thinking"], fields["reasoning_effort"]) == ({"type": "adaptive"}, "xhigh")
    assert len(fields["user"]) == 64
    assert given == body(), "the caller's own fields stay as they came"
