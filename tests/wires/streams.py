"""Events as providers write them, for streams made up by tests."""

from typing import Any

Json = dict[str, Any]


def chunk(delta: Json, finish: str | None = None, *, index: int = 0, **more: Any) -> Json:
    """One chat chunk, sound but for the role that the first one should have."""
    return {
        "id": "chatcmpl-9",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "m-1",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish}],
        **more,
    }


def call(index: int | None, arguments: Any, call_id: str | None = None, name: str | None = None) -> Json:
    """The delta of one tool call."""
    function = {"arguments": arguments} | ({} if name is None else {"name": name})
    entry: Json = {"function": function} | ({} if index is None else {"index": index})
    return {"tool_calls": [entry | ({} if call_id is None else {"id": call_id, "type": "function"})]}
