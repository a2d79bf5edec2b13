"""What a provider says when it is asked something: pure functions, so that tests compare with what the server sends."""

import base64
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

PARTS = ("Gr", "\u00fc\u00dfe, ", "\u4e16\u754c ", "\U0001f30d ", "and all", " the rest.")
TEXT = "".join(PARTS)
CREATED = 1_790_000_000
USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
WEATHER = {"city": "Z\u00fcrich", "days": 3}
SCHEMA_ANSWER = {"name": "Ada", "age": 36}
CALLS = (("call_f", "f", '{"a": 1, "s": "\u00fc"}'), ("call_g", "g", '{"b": 2}'))
FINAL = "It is sunny."
Json = dict[str, Any]


def dumps(value: object) -> bytes:
    """JSON as real providers write it: compact, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def completion(model: str, message: Json, finish: str = "stop") -> Json:
    """A whole `chat.completion`."""
    choice = {"index": 0, "message": {"role": "assistant", "content": None, "refusal": None} | message, "logprobs": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [choice | {"finish_reason": finish}],
        "usage": USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    }


def tool_calls(calls: Iterable[tuple[str, str, str]]) -> list[Json]:
    """The `tool_calls` of a message."""
    return [{"id": one, "type": "function", "function": {"name": name, "arguments": text}} for one, name, text in calls]


def chunk(model: str, delta: Json | None, finish: str | None = None, **more: object) -> Json:
    """One `chat.completion.chunk`; without a delta it has no choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
        "choices": choices,
    } | more


def usage_chunk(model: str) -> Json:
    """The one chunk with usage that ends a stream whose caller asked for it."""
    return chunk(model, None, usage=USAGE)


def text_chunks(model: str, parts: Sequence[str] = PARTS, finish: str = "stop") -> list[Json]:
    """A stream of text up to its finish reason."""
    said = [chunk(model, {"content": part}) for part in parts]
    return [chunk(model, {"role": "assistant", "content": "", "refusal": None}), *said, chunk(model, {}, finish)]


def call_delta(index: int | None, arguments: str | Json, one: str | None = None, name: str | None = None) -> Json:
    """One delta of one tool call; the first of a call carries its id and name."""
    function: Json = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    head: Json = {} if index is None else {"index": index}
    return {"tool_calls": [head | ({} if one is None else {"id": one, "type": "function"}) | {"function": function}]}


def call_chunks(model: str, calls: Sequence[tuple[str, str, str]]) -> list[Json]:
    """A stream of tool calls, each cut into three deltas, up to its finish reason."""
    chunks = [chunk(model, {"role": "assistant", "content": None})]
    for index, (one, name, text) in enumerate(calls):
        middle = len(text) // 2
        deltas = [call_delta(index, "", one, name), call_delta(index, text[:middle]), call_delta(index, text[middle:])]
        chunks += [chunk(model, delta) for delta in deltas]
    return [*chunks, chunk(model, {}, "tool_calls")]


def message_for(fields: Mapping[str, Any]) -> tuple[Json, str]:
    """The message that answers a request, and its finish reason: a tool call, the JSON asked for, or the text."""
    if any(one.get("role") == "tool" for one in fields["messages"]):
        return {"content": FINAL}, "stop"
    if fields.get("tools"):
        parallel = len(fields["tools"]) > 1
        calls = CALLS if parallel else (("call_w", "weather", json.dumps(WEATHER, ensure_ascii=False)),)
        return {"tool_calls": tool_calls(calls)}, "tool_calls"
    if (fields.get("response_format") or {}).get("type") == "json_schema":
        return {"content": json.dumps(SCHEMA_ANSWER)}, "stop"
    return {"content": TEXT}, "stop"


def chunks_for(fields: Mapping[str, Any]) -> list[Json]:
    """The same answer as a stream, with its usage chunk where it was asked for."""
    model, (message, finish) = fields["model"], message_for(fields)
    if finish == "tool_calls":
        calls = [(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in message["tool_calls"]]
        chunks = call_chunks(model, calls)
    else:
        said = message["content"]
        chunks = text_chunks(model, PARTS if said == TEXT else (said[:5], said[5:]))
    return [*chunks, usage_chunk(model)] if (fields.get("stream_options") or {}).get("include_usage") else chunks


def vector(index: int) -> list[float]:
    """The vector of the input at this place; every number is exact in 32 bits."""
    return [index + 0.5, -0.25, 0.125, 1.0]


def embeddings(fields: Mapping[str, Any]) -> Json:
    """Vectors for a string, a list of strings or a list of token lists, as floats or base64."""
    given = fields["input"]
    count = len(given) if isinstance(given, list) and not isinstance(given[0], int) else 1
    packed = fields.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": at, "embedding": _packed(vector(at)) if packed else vector(at)} for at in range(count)
    ]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return {"object": "list", "data": data, "model": fields["model"], "usage": usage}


def _packed(numbers: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def legacy(model: str, text: str, finish: str | None = "stop") -> Json:
    """A `text_completion`, whole or one piece of a stream."""
    choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}
    return {"id": "cmpl-1", "object": "text_completion", "created": CREATED, "model": model, "choices": [choice]}


def error(message: str, kind: str, code: str | None = None, param: str | None = None) -> Json:
    """The OpenAI error envelope."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
