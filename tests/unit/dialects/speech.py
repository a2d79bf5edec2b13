"""Requests and streams for the tests of the dialects: the shortest way to say what a caller or a provider says."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.core.chat import ModelRequest, Operation
from gateway.core.transcript import Chunk, Transcript
from gateway.dialects.translation import Delta, Renderer

Json = dict[str, Any]
USAGE: Json = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3, "cache_write_1h_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 4},
}


def messages(*turns: Json, stream: Any = False, **more: Any) -> ModelRequest:
    """A Messages request."""
    fields: Json = {"model": "m", "max_tokens": 100, "messages": list(turns), "stream": stream, **more}
    return ModelRequest(Operation.MESSAGES, orjson.dumps(fields), fields, True, "m", stream, False)


def gemini(*contents: Json, stream: bool = False, query: str = "alt=sse", fields: Json | None = None) -> ModelRequest:
    """A `generateContent` request for the model `m`, which stands in the URL."""
    fields = {"contents": list(contents), **(fields or {})}
    return ModelRequest(Operation.GENERATE, orjson.dumps(fields), fields, True, "m", stream, False, query)


def user(*blocks: Any) -> Json:
    """A user's message; one string alone is its content."""
    return {"role": "user", "content": blocks[0] if len(blocks) == 1 and isinstance(blocks[0], str) else list(blocks)}


def assistant(*blocks: Any) -> Json:
    """The same of an assistant."""
    return {**user(*blocks), "role": "assistant"}


def said(delta: Json, finish: str | None = None, index: int = 0, **more: Any) -> Json:
    """An event of a chat's stream."""
    choice = {"index": index, "delta": delta, "finish_reason": finish, **more}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "p", "choices": [choice]}


def begun(index: int, call_id: str, name: str, words: str = "", **more: Any) -> Json:
    """The first delta of a call."""
    function = {"name": name, "arguments": words}
    return said({"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function, **more}]})


def more_of(index: int, words: str) -> Json:
    """A later delta of a call."""
    return said({"tool_calls": [{"index": index, "function": {"arguments": words}}]})


FIRST = said({"role": "assistant", "content": ""})


def rendered(renderer: Renderer, deltas: Sequence[Delta]) -> bytes:
    """The whole stream, delta by delta."""
    return b"".join([*(renderer.feed([delta]) for delta in deltas), renderer.end()])


def completion(deltas: Sequence[Delta], **message: Any) -> Json:
    """The plain answer that says the same as these deltas; `message` adds to it what no transcript keeps."""
    transcript = Transcript()
    transcript.fold(Chunk(b"", deltas))
    finished = transcript.completion()
    finished["choices"][0]["message"] |= message
    return finished


def parsed(body: bytes) -> Json:
    """JSON as the strictest reader sees it."""
    value: Json = json.loads(body)
    return value


def plain_completion(message: Mapping[str, Any], finish: str = "stop", **choice: Any) -> Json:
    """A chat completion of one message."""
    told = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish, **choice}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "p", "choices": [told], "usage": USAGE}
