"""A whole message as the events of a stream, so that a plain answer and a streamed one are read by the same rules."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.shapes import Fields


def events_of(message: Mapping[str, Any]) -> Iterator[Fields]:
    """Its events, each block whole in the one that begins it."""
    content, usage = message.get("content"), message.get("usage")
    usage = usage if isinstance(usage, dict) else {"input_tokens": 0, "output_tokens": 0}
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": usage}}
    for index, block in enumerate(content if isinstance(content, list) else ()):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": _ending(message), "usage": usage}
    yield {"type": "message_stop"}


def _ending(message: Mapping[str, Any]) -> Fields:
    """What the last event says of the end; a message that is whole has ended, whether it says how or not."""
    ending = {name: message[name] for name in ("stop_sequence", "stop_details") if message.get(name) is not None}
    reason = message.get("stop_reason")
    return {"stop_reason": reason if isinstance(reason, str) and reason else "end_turn", **ending}
