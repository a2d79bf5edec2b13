"""A whole response that came where a stream was asked for, as the events of one."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.responses import odd

Event = dict[str, Any]


def events_of(response: Mapping[str, Any]) -> Iterator[Event]:
    """In order, numbered."""
    for number, event in enumerate(_events(response)):
        yield {**event, "sequence_number": number}


def _events(response: Mapping[str, Any]) -> Iterator[Event]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(odd.objects(response.get("output"))):
        yield from _item(index, item)
    status = "incomplete" if response.get("status") == "incomplete" else "completed"
    yield {"type": f"response.{status}", "response": response}


def _item(index: int, item: Mapping[str, Any]) -> Iterator[Event]:
    if item.get("type") != "message":
        yield {"type": "response.output_item.added", "output_index": index, "item": item}
    else:
        yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "content": []}}
        for number, part in enumerate(odd.objects(item.get("content"))):
            yield from _part({"item_id": item.get("id"), "output_index": index, "content_index": number}, part)
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _part(place: Event, part: Mapping[str, Any]) -> Iterator[Event]:
    kind, slot = ("refusal", "refusal") if part.get("type") == "refusal" else ("output_text", "text")
    beside = {} if kind == "refusal" else {"logprobs": part.get("logprobs") or []}
    text = odd.string(part.get(slot)) or ""
    yield {"type": "response.content_part.added", **place, "part": {**part, slot: ""}}
    yield {"type": f"response.{kind}.delta", **place, "delta": text, **beside}
    yield {"type": f"response.{kind}.done", **place, slot: text, **beside}
    yield {"type": "response.content_part.done", **place, "part": part}
