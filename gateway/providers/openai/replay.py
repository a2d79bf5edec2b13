"""A whole completion as the events of a stream, for providers that answer at once although a stream was asked for."""

from collections.abc import Iterator
from typing import Any

Fields = dict[str, Any]


def events_of(completion: Fields, *, legacy: bool) -> Iterator[Fields]:
    """For each choice one event with all it says and one with its finish reason; the usage comes last."""
    kept = {key: value for key, value in completion.items() if key not in ("choices", "usage", "object")}
    for choice in completion["choices"]:
        finish = choice["finish_reason"]
        yield kept | {"choices": [_said(choice, legacy=legacy)]}
        yield kept | {"choices": [_finished(choice, finish, legacy=legacy)]}
    if completion.get("usage"):
        yield kept | {"choices": [], "usage": completion["usage"]}


def _said(choice: Fields, *, legacy: bool) -> Fields:
    said = {key: value for key, value in choice.items() if key != "message"} | {"finish_reason": None}
    if legacy:
        return said
    delta = dict(choice["message"])
    if delta.get("tool_calls"):
        delta["tool_calls"] = [entry | {"index": index} for index, entry in enumerate(delta["tool_calls"])]
    return said | {"delta": delta}


def _finished(choice: Fields, finish: str, *, legacy: bool) -> Fields:
    said: Fields = {"text": ""} if legacy else {"delta": {}}
    return {"index": choice["index"], **said, "finish_reason": finish}
