"""What OpenAI sends for a response, written from its published formats: plain bodies and streams of numbered events."""

import json
from typing import Any

import orjson

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.upstream import Ask, Owner
from gateway.dialects.ownership import mark
from gateway.providers.wire import OPENAI
from tests.wires.driving import Left, drive

Json = dict[str, Any]

OWNER = Owner("acme", b"secret")
SPEC = ProviderSpec("openai", "openai", "https://api.openai.com/v1", ("sk-up",))
TARGET = Target("openai", "*", "openai/*")
USAGE = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 2},
    "output_tokens": 12,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 32,
}
THOUGHT = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Think."}],
    "encrypted_content": "gAAAAAB",
}


def message(*parts: Json, item_id: str = "msg_1") -> Json:
    """A finished message."""
    return {"id": item_id, "type": "message", "status": "completed", "role": "assistant", "content": list(parts)}


def text(said: str) -> Json:
    """Text in it."""
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": []}


def call(name: str, words: str, number: int = 1, **more: Any) -> Json:
    """A finished call of a function."""
    ids = {"id": f"fc_{number}", "call_id": f"call_{number}"}
    return {**ids, "type": "function_call", "status": "completed", "name": name, "arguments": words, **more}


def custom(name: str, words: str, number: int = 1) -> Json:
    """A finished call of a tool that takes free text."""
    ids = {"id": f"ctc_{number}", "call_id": f"call_{number}"}
    return {**ids, "type": "custom_tool_call", "status": "completed", "name": name, "input": words}


def response(*output: Json, **more: Any) -> Json:
    """The whole resource."""
    return {
        "id": "resp_68f1",
        "object": "response",
        "created_at": 1790000000,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": "gpt-5.6-2026-08-01",
        "output": list(output),
        "previous_response_id": None,
        "service_tier": "default",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": USAGE,
        **more,
    }


def stream(whole: Json, *, deltas: bool = True, end: str | None = None) -> list[bytes]:
    """The events that say it, each its bytes; `deltas`: items come bit by bit; `end`: the last event, if another."""
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    told: list[Json] = [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun}]
    for index, item in enumerate(whole["output"]):
        told.append({"type": "response.output_item.added", "output_index": index, "item": _empty(item)})
        if deltas:
            told += _deltas(item, {"item_id": item["id"], "output_index": index})
        told.append({"type": "response.output_item.done", "output_index": index, "item": item})
    told.append({"type": end or f"response.{whole['status']}", "response": whole})
    return numbered(told)


def numbered(told: list[Json]) -> list[bytes]:
    """Events as they go over the wire."""
    return [
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), json.dumps({**event, "sequence_number": number}).encode())
        for number, event in enumerate(told)
    ]


def _empty(item: Json) -> Json:
    gone = {"content": [], "summary": [], "arguments": "", "input": ""}
    return {key: gone.get(key, value) for key, value in item.items()}


def _deltas(item: Json, place: Json) -> list[Json]:
    if item["type"] == "reasoning":
        said = item["summary"][0]["text"]
        return [{"type": "response.reasoning_summary_text.delta", **place, "summary_index": 0, "delta": said}]
    if item["type"] == "function_call":
        words = item["arguments"]
        return [{"type": "response.function_call_arguments.delta", **place, "delta": one} for one in (words[:3], words[3:])]
    if item["type"] == "custom_tool_call":
        return [{"type": "response.custom_tool_call_input.delta", **place, "delta": item["input"]}]
    told: list[Json] = []
    for number, part in enumerate(item.get("content", ())):
        at = {**place, "content_index": number}
        kind, words = ("refusal", part["refusal"]) if part["type"] == "refusal" else ("output_text", part["text"])
        told.append({"type": "response.content_part.added", **at, "part": {**part, "text": ""}})
        told += [{"type": f"response.{kind}.delta", **at, "delta": one} for one in (words[:4], words[4:])]
        told.append({"type": f"response.{kind}.done", **at, "text": words})
    return told


def request(*, streaming: bool = True, **more: Any) -> ModelRequest:
    """A caller's request."""
    fields: Json = {"model": "m", "input": "q", "stream": streaming, **more}
    return ModelRequest(Operation.RESPONSES, orjson.dumps(fields), fields, True, "m", streaming, False)


def ask(asked: ModelRequest | None = None) -> Ask:
    """A try of it, for a tenant."""
    return Ask(asked or request(), TARGET, {}, owner=OWNER)


def driven(pieces: list[bytes]) -> Left:
    """What leaves the normaliser."""
    return drive(pieces, stream=OPENAI.stream(ask(), 0.0))


def told(left: Left) -> Json:
    """What the transcript says of its message, and how it ended."""
    (choice,) = left.transcript.completion()["choices"]
    return {**choice["message"], "finish_reason": choice["finish_reason"]}


WHOLE = response(THOUGHT, message(text('say "\u00fc\U0001f30d"\n')), call("f", '{"a":1}'), custom("patch", "*** x", 2))
RAW = b"".join(stream(WHOLE))
SHOWN = mark("resp_68f1", "openai", OWNER)
CHAT_USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 12,
    "total_tokens": 32,
    "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
"""`USAGE` in the words of a chat."""
