"""Requests and answers in short, and the checks that every Responses client relies on."""

import json
from typing import Any

import orjson

from gateway.core.chat import ModelRequest, Operation
from gateway.dialects.responses.record import RESPONSES
from gateway.dialects.translation import Delta

Json = dict[str, Any]

REQUIRED = {
    *("id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "previous_response_id"),
    *("instructions", "output", "error", "tools", "tool_choice", "truncation", "parallel_tool_calls", "text", "top_p"),
    *("presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "usage", "max_output_tokens"),
    *("max_tool_calls", "store", "background", "service_tier", "metadata", "safety_identifier", "prompt_cache_key"),
}
ENDS = ("response.completed", "response.incomplete")


def request(said: object = "hi", **more: Any) -> ModelRequest:
    """A request for a response of the model `m`."""
    fields: Json = {"model": "m", "input": said, **more}
    return ModelRequest(Operation.RESPONSES, orjson.dumps(fields), fields, True, "m", bool(more.get("stream")), False)


def chat(said: object = "hi", **more: Any) -> Json:
    """The fields of the chat that a request becomes."""
    return dict(RESPONSES.into_chat(request(said, **more)).request.fields)


def dropped(said: object = "hi", **more: Any) -> tuple[str, ...]:
    """What was left out on the way."""
    return RESPONSES.into_chat(request(said, **more)).dropped


def completion(message: Json, finish: str = "stop", **more: Any) -> Json:
    """A finished chat completion of one choice."""
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion", "created": 1_790_000_000, "model": "real", "choices": [choice], **more}


def answer(asked: ModelRequest, message: Json, finish: str = "stop", **more: Any) -> Json:
    """The plain response for it."""
    told: Json = json.loads(RESPONSES.answer(asked, completion(message, finish, **more)))
    return told


def delta(said: Json | None = None, finish: str | None = None, **more: Any) -> Json:
    """One event of a chat's stream."""
    choice = {"index": 0, "delta": said or {}, "finish_reason": finish, **more}
    return {"id": "c", "created": 1_790_000_000, "model": "real", "choices": [choice]}


def events(asked: ModelRequest, *feeds: list[Delta]) -> list[Json]:
    """The events of the response to a chat's stream, fed in these steps, checked."""
    renderer = RESPONSES.stream(asked)
    told = b"".join(renderer.feed(deltas) for deltas in feeds) + renderer.end()
    found = parsed(told)
    assert renderer.sequence == len(found)
    check(found)
    return found


def parsed(told: bytes) -> list[Json]:
    """The data of events, each named as its data says."""
    found = []
    for block in told.split(b"\n\n")[:-1]:
        name, data = block.split(b"\n")
        event = json.loads(data.removeprefix(b"data: "))
        assert name == b"event: " + event["type"].encode()
        found.append(event)
    return found


def check(found: list[Json]) -> None:
    """Fails unless these are a whole stream: numbered, every item begun, done and at its place, one event to end all."""
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    kinds = [event["type"] for event in found]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] in ENDS
    assert sum(kind in ENDS for kind in kinds) == 1
    for event in found:
        if "response" in event:
            assert event["response"].keys() >= REQUIRED
    added = [event for event in found if event["type"] == "response.output_item.added"]
    done = [event for event in found if event["type"] == "response.output_item.done"]
    assert [event["output_index"] for event in added] == list(range(len(added)))
    assert sorted(event["output_index"] for event in done) == list(range(len(added)))
    output = found[-1]["response"]["output"]
    for event in done:
        assert output[event["output_index"]] == event["item"]
        assert added[event["output_index"]]["item"]["id"] == event["item"]["id"]
    assert len(output) == len(added)
    _check_words(found, output)


def _check_words(found: list[Json], output: list[Json]) -> None:
    """What the deltas of an item add up to is what the item says."""
    words: dict[str, str] = {}
    for event in found:
        if event["type"].endswith(".delta"):
            words[event["item_id"]] = words.get(event["item_id"], "") + event["delta"]
    for item in output:
        said = [part.get("text") or part.get("refusal") or "" for part in item.get("content") or item.get("summary") or []]
        assert words.get(item["id"], "") == "".join(said) + item.get("arguments", "") + item.get("input", "")


def bare(output: list[Json]) -> list[Json]:
    """An output without the ids that are made up anew each time."""
    return [{key: value for key, value in item.items() if key != "id"} for item in output]
