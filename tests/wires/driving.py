"""Drives a stream's normaliser without I/O, and checks what leaves it against the rules that every client relies on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.core.catalog import Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import UpstreamFault
from gateway.core.transcript import Transcript
from gateway.core.upstream import Ask
from gateway.providers.wire import OPENAI, Normaliser

Json = dict[str, Any]
WALL_S = 1_790_000_000.0
TARGET = Target("p", "*", "p/*")


def request(operation: Operation = Operation.CHAT, *, stream: bool = True, usage: bool = False, **more: Any) -> ModelRequest:
    """A request for the model `m`."""
    fields: Json = {"model": "m", "stream": stream, **more}
    if usage:
        fields["stream_options"] = {"include_usage": True}
    return ModelRequest(operation, orjson.dumps(fields), fields, True, "m", stream, usage)


def ask(asked: ModelRequest, target: Target = TARGET) -> Ask:
    """One try of `asked`, without headers."""
    return Ask(asked, target, {})


@dataclass(slots=True)
class Left:
    """What left the normaliser: bytes, the transcript, and the fault that ended it, if one did."""

    data: bytes = b""
    transcript: Transcript = field(default_factory=Transcript)
    fault: UpstreamFault | None = None
    begun: bool = False

    @property
    def events(self) -> list[Json]:
        """The parsed events, `[DONE]` apart."""
        return [json.loads(one[6:]) for one in self.data.split(b"\n\n")[:-1] if one != b"data: [DONE]"]


def drive(pieces: Iterable[bytes], asked: ModelRequest | None = None, stream: Normaliser | None = None) -> Left:
    """Feeds the pieces as blocks, and the end."""
    stream = stream or OPENAI.stream(ask(asked or request(usage=True)), WALL_S)
    left = Left()
    try:
        for block in pieces:
            if not block or stream.done:
                continue
            _take(stream.feed(block), left)
        if not stream.done:
            _take(stream.end(), left)
    except UpstreamFault as fault:
        left.fault = fault
    left.fault = left.fault or stream.fault
    left.begun = stream.begun
    return left


def _take(chunk: Any, left: Left) -> None:
    left.data += chunk.data
    left.transcript.fold(chunk)


def check(left: Left, *, usage: bool = True, legacy: bool = False) -> None:
    """Fails unless what left is a stream as protocol section 3 wants it."""
    assert left.fault is None, left.fault
    assert left.data.endswith(b"data: [DONE]\n\n")
    assert left.data.count(b"data: [DONE]") == 1
    raws = left.data.split(b"\n\n")[:-1]
    assert all(raw.startswith(b"data:") and b"\n" not in raw and b"\r" not in raw for raw in raws)
    events = [json.loads(raw[5:]) for raw in raws[:-1]]
    for key in ("id", "created", "model", "object"):
        assert len({event[key] for event in events}) == 1, key
    assert events[0]["object"] == ("text_completion" if legacy else "chat.completion.chunk")
    _check_usage(events, usage)
    choices = [choice for event in events for choice in event["choices"]]
    for index in {choice["index"] for choice in choices}:
        mine = [choice for choice in choices if choice["index"] == index]
        assert sum(choice["finish_reason"] is not None for choice in mine) == 1
        if legacy:
            assert all(isinstance(choice["text"], str) for choice in mine)
        else:
            assert mine[0]["delta"]["role"] == "assistant"
            _check_calls([call for choice in mine for call in choice["delta"].get("tool_calls") or ()])


def _check_usage(events: list[Json], usage: bool) -> None:
    told = [bool(event.get("usage")) for event in events]
    assert sum(told) == usage
    if usage:
        assert told[-1]
        assert events[-1]["choices"] == []
    else:
        assert not any("usage" in event and event["usage"] for event in events)


def _check_calls(deltas: list[Json]) -> None:
    begun: set[int] = set()
    for delta in deltas:
        assert type(delta["index"]) is int
        if delta["index"] in begun:
            assert delta.keys() <= {"index", "function", "custom", "extra_content"}
            continue
        assert delta["index"] == len(begun)
        begun.add(delta["index"])
        assert delta["id"]
        assert delta["type"] in ("function", "custom")
        assert isinstance(delta[delta["type"]]["name"], str)
        assert isinstance(delta[delta["type"]].get("arguments", ""), str)
