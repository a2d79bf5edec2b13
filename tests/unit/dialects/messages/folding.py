"""A message's stream as the SDKs read it: events checked against the rules that they rely on, and gathered."""

import json
from typing import Any

Json = dict[str, Any]
_SLOTS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def events_of(stream: bytes) -> list[Json]:
    """The events; each has its `event` line, which says what its data is."""
    assert stream.endswith(b"\n\n")
    events: list[Json] = []
    for raw in stream.split(b"\n\n")[:-1]:
        name, data = raw.split(b"\n")
        assert name.startswith(b"event: ")
        assert data.startswith(b"data: ")
        events.append(json.loads(data[6:]))
        assert events[-1]["type"] == name[7:].decode()
    return events


def folded(stream: bytes) -> Json:
    """The message that a client ends up with. Fails unless the stream keeps every rule."""
    events = events_of(stream)
    assert [event["type"] for event in events].count("message_start") == 1
    assert events[0]["type"] == "message_start"
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    message: Json = events[0]["message"]
    assert message["content"] == []
    assert {"input_tokens", "output_tokens"} <= message["usage"].keys()
    open_at: int | None = None
    for event in events[1:-2]:
        open_at = _block(message["content"], event, open_at)
    assert open_at is None
    for block in message["content"]:
        if block["type"] == "tool_use":
            block["input"] = json.loads(block.pop("json", "") or "{}")
        assert block.get("text") != ""
    message |= events[-2]["delta"]
    message["usage"] |= events[-2]["usage"]
    return message


def _block(content: list[Json], event: Json, open_at: int | None) -> int | None:
    """Takes one event of a block in; the index of the block that is open then."""
    index = event["index"]
    if event["type"] == "content_block_start":
        assert open_at is None
        assert index == len(content)
        content.append(event["content_block"])
        return int(index)
    assert index == open_at
    block = content[index]
    if event["type"] == "content_block_stop":
        assert block["type"] != "thinking" or block.pop("signed", False)
        return None
    assert event["type"] == "content_block_delta"
    _delta(block, event["delta"])
    return open_at


def _delta(block: Json, delta: Json) -> None:
    assert not block.get("signed"), "a signature is the last that comes of a block"
    if delta["type"] == "input_json_delta":
        assert block["type"] == "tool_use"
        block["json"] = block.get("json", "") + delta["partial_json"]
        return
    slot = _SLOTS[delta["type"]]
    block[slot] += delta[slot]
    if slot == "signature":
        block["signed"] = True
