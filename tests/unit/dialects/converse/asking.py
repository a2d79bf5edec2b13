"""Converse requests, and its streams as clients read them: the shortest way to say either."""

import json
from typing import Any

from gateway.core.chat import ModelRequest, Operation
from gateway.dialects.converse.request import into_chat
from gateway.providers.bedrock.eventstream import Frames

Json = dict[str, Any]
TOOL: Json = {"toolSpec": {"name": "get", "description": "Gets.", "inputSchema": {"json": {"type": "object"}}}}


def converse(*turns: Json, stream: bool = False, **more: Any) -> ModelRequest:
    """A request for the model `m`, which stands in the URL."""
    fields: Json = {"messages": list(turns), **more}
    return ModelRequest(Operation.CONVERSE, json.dumps(fields).encode(), fields, True, "m", stream, False)


def user(*blocks: Any) -> Json:
    """A user's turn; a string is a block of text."""
    return {"role": "user", "content": [{"text": block} if isinstance(block, str) else block for block in blocks]}


def assistant(*blocks: Any) -> Json:
    """The same of the model's."""
    return {**user(*blocks), "role": "assistant"}


def chat(*turns: Json, **more: Any) -> Json:
    """What becomes of it."""
    return dict(into_chat(converse(*(turns or (user("Hi"),)), **more)).request.fields)


def dropped(*turns: Json, **more: Any) -> list[str]:
    """What was left out."""
    return list(into_chat(converse(*(turns or (user("Hi"),)), **more)).dropped)


def events_of(stream: bytes) -> list[tuple[str, Json]]:
    """The events of a stream, whose frames are sound."""
    frames = Frames()
    frames.feed(stream)
    events: list[tuple[str, Json]] = []
    while (frame := frames.cut()) is not None:
        assert frame.said(":message-type") == "event"
        assert frame.said(":content-type") == "application/json"
        events.append((frame.said(":event-type"), json.loads(frame.payload)))
    assert not frames.pending
    return events


def folded(stream: bytes) -> Json:
    """The answer that a client ends up with. Fails unless the stream keeps every rule."""
    events = events_of(stream)
    assert events[0] == ("messageStart", {"role": "assistant"})
    assert [kind for kind, _ in events[-2:]] == ["messageStop", "metadata"]
    content: list[Json] = []
    open_at: int | None = None
    for kind, event in events[1:-2]:
        index = event["contentBlockIndex"]
        if kind == "contentBlockStop":
            assert index == open_at
            open_at = None
            continue
        if open_at is None:
            assert index == len(content)
            content.append({})
            open_at = index
        assert index == open_at
        _take(content[index], kind, event)
    assert open_at is None
    for block in content:
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"].get("input") or "{}")
    return {"output": {"message": {"role": "assistant", "content": content}}, **events[-2][1], **events[-1][1]}


def _take(block: Json, kind: str, event: Json) -> None:
    if kind == "contentBlockStart":
        assert block == {}, "what has begun does not begin again"
        assert set(event["start"]) == {"toolUse"}
        block["toolUse"] = dict(event["start"]["toolUse"])
        return
    assert kind == "contentBlockDelta"
    ((name, said),) = event["delta"].items()
    if name == "text":
        assert said
        block["text"] = block.get("text", "") + said
    elif name == "toolUse":
        block["toolUse"]["input"] = block["toolUse"].get("input", "") + said["input"]
    else:
        _reason(block.setdefault("reasoningContent", {}), said)


def _reason(reasoned: Json, said: Json) -> None:
    ((name, piece),) = said.items()
    if name == "redactedContent":
        assert reasoned == {}
        reasoned[name] = piece
        return
    told = reasoned.setdefault("reasoningText", {"text": ""})
    assert "signature" not in told, "a signature is the last that comes of a block"
    told[name] = told.get(name, "") + piece
