"""Exchanges with the Messages API, written from its published format: events as they stand on the wire, and whole messages."""

import json
from typing import Any

Json = dict[str, Any]

SIGNATURE = "EqQBCgIYAhIkMDE5ZGE1+/==sig"
USAGE: Json = {
    "input_tokens": 12,
    "cache_creation_input_tokens": 30,
    "cache_read_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 1,
    "service_tier": "standard",
}
ENDED: Json = {"output_tokens": 40, "output_tokens_details": {"thinking_tokens": 7}}


def event(said: Json, *, name: str | None = None, tail: str = "") -> bytes:
    """One event on the wire. `tail`: the spaces that Anthropic pads with."""
    words = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
    return f"event: {name or said['type']}\ndata: {words}{tail}\n\n".encode()


def start(usage: Json | None = USAGE, **more: Any) -> bytes:
    message: Json = {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-6",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        **({} if usage is None else {"usage": usage}),
        **more,
    }
    return event({"type": "message_start", "message": message}, tail="   ")


def block(index: int, begun: Json, *deltas: Json) -> bytes:
    """A content block from its start to its stop."""
    return b"".join(
        [
            event({"type": "content_block_start", "index": index, "content_block": begun}),
            *(event({"type": "content_block_delta", "index": index, "delta": delta}, tail="  ") for delta in deltas),
            event({"type": "content_block_stop", "index": index}),
        ]
    )


def text(index: int, *pieces: str) -> bytes:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def thinking(index: int, *pieces: str, signature: str = SIGNATURE) -> bytes:
    deltas: list[Json] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    if signature:
        deltas.append({"type": "signature_delta", "signature": signature})
    return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas)


def redacted(index: int, data: str = "EmwKAhgB==") -> bytes:
    return block(index, {"type": "redacted_thinking", "data": data})


def call(index: int, call_id: str, name: str, *pieces: str) -> bytes:
    begun = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
    return block(index, begun, *({"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)))


def end(reason: str = "end_turn", usage: Json | None = ENDED, **more: Any) -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    return event({"type": "message_delta", "delta": delta, **({} if usage is None else {"usage": usage})}) + STOP


STOP = event({"type": "message_stop"})
PING = event({"type": "ping"})
SEARCH: Json = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
FOUND: Json = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}

STREAMS: dict[str, bytes] = {
    "text": start() + text(0, "Hello", ", ", "w\u00f6rld \U0001f30d", "\n\"'\\") + end(),
    "pings": PING + start() + PING + text(0, "Hi") + PING + end(),
    "reasoning": start() + thinking(0, "Let me ", "see.") + text(1, "42") + end(),
    "tools": start() + text(0, "I look.") + call(1, "toolu_01A", "look", '{"place"', ': "K\u00f6ln"}') + end("tool_use"),
    "parallel tools": start()
    + thinking(0, "Both.")
    + redacted(1)
    + text(2, "Well")
    + call(3, "toolu_01A", "look", '{"place":', '"Rome"}')
    + call(4, "toolu_01B", "list")
    + end("tool_use"),
    "hidden thinking": start() + thinking(0) + call(1, "toolu_01A", "look", "{}") + end("tool_use"),
    "server tools": start()
    + block(0, SEARCH, {"type": "input_json_delta", "partial_json": '{"query":"x"}'})
    + block(1, FOUND)
    + text(2, "Found.")
    + end("pause_turn"),
    "refusal": start() + text(0, "I ca") + end("refusal", stop_details={"type": "refusal", "explanation": "Not that."}),
    "stop sequence": start() + text(0, "1 2 ") + end("stop_sequence", stop_sequence="3"),
    "length": start() + text(0, "On and") + end("max_tokens"),
    "unknown events": start() + event({"type": "novelty", "x": 1}) + text(0, "a") + event({"type": "novelty"}) + end(),
}

MESSAGE: Json = {
    "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-6",
    "content": [
        {"type": "thinking", "thinking": "Both.", "signature": SIGNATURE},
        {"type": "redacted_thinking", "data": "EmwKAhgB=="},
        {"type": "text", "text": "Well", "citations": None},
        {"type": "tool_use", "id": "toolu_01A", "name": "look", "input": {"place": "Rome"}},
        {"type": "tool_use", "id": "toolu_01B", "name": "list", "input": {}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {**USAGE, **ENDED},
}
OVERLOADED: Json = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
