"""Writes chats as the wire does."""

from typing import Any

from gateway.core.chat import ModelRequest, Operation
from gateway.providers.anthropic.body import Body, messages_body

SONNET = "claude-sonnet-4-5"
Json = dict[str, Any]


def chat(*messages: Json, model: str = SONNET, **more: Any) -> ModelRequest:
    fields = {"model": model, "messages": list(messages), **more}
    return ModelRequest(Operation.CHAT, b"{}", fields, True, model, bool(more.get("stream")), False)


def body(*messages: Json, model: str = SONNET, version: str = "2023-06-01", **more: Any) -> Body:
    return messages_body(chat(*messages, model=model, **more), model, version)


def fields(*messages: Json, model: str = SONNET, **more: Any) -> Json:
    """The body's fields, and nothing may have been left out."""
    written = body(*messages, model=model, **more)
    assert written.dropped == ()
    return written.fields


def user(content: Any = "Hi") -> Json:
    return {"role": "user", "content": content}


def calling(*ids: str, content: Any = None, **more: Any) -> Json:
    calls = [{"id": one, "type": "function", "function": {"name": "look", "arguments": '{"x":1}'}} for one in ids]
    return {"role": "assistant", "content": content, "tool_calls": calls, **more}


def result(call_id: str, content: Any = "done", **more: Any) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def text(words: str) -> Json:
    return {"type": "text", "text": words}
