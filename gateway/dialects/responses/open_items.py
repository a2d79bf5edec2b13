"""The items of a response while they grow: each says its own events, and what it is when it is done."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from gateway.dialects.responses import odd, output
from gateway.dialects.responses.freeform import input_of
from gateway.dialects.responses.resource import fresh_id
from gateway.dialects.responses.sealing import Held
from gateway.dialects.responses.tools import Name

Fields = dict[str, Any]
Emit = Callable[[str, Mapping[str, Any]], None]
"""Sends an event of a kind."""


class Item(Protocol):
    """An item of the output. `done`: as it stands in the finished response."""

    done: Fields


class Message:
    """A message: text, or a refusal, or one behind the other."""

    def __init__(self, output_index: int) -> None:
        self._id = fresh_id("msg")
        self._at: Fields = {"output_index": output_index}
        self._content: list[Fields] = []
        self._part: Fields | None = None
        self._words: list[str] = []
        self.done: Fields = {}

    def begin(self, emit: Emit) -> None:
        """Announces it."""
        emit("response.output_item.added", {**self._at, "item": output.said(self._id, [], "in_progress")})

    def say(self, emit: Emit, text: str, logprobs: Sequence[Any] = ()) -> None:
        """More text."""
        part = self._in("output_text", emit)
        self._words.append(text)
        part["logprobs"] += logprobs
        emit("response.output_text.delta", {**self._place, "delta": text, "logprobs": list(logprobs)})

    def annotate(self, emit: Emit, annotation: Fields) -> None:
        """A citation of the text."""
        part = self._in("output_text", emit)
        said = {**self._place, "annotation_index": len(part["annotations"]), "annotation": annotation}
        part["annotations"].append(annotation)
        emit("response.output_text.annotation.added", said)

    def refuse(self, emit: Emit, refusal: str) -> None:
        """More of a refusal."""
        self._in("refusal", emit)
        self._words.append(refusal)
        emit("response.refusal.delta", {**self._place, "delta": refusal})

    def close(self, emit: Emit, status: str) -> None:
        """Nothing more will come."""
        self._close_part(emit)
        self.done = output.said(self._id, self._content, status)
        emit("response.output_item.done", {**self._at, "item": self.done})

    @property
    def _place(self) -> Fields:
        return {"item_id": self._id, **self._at, "content_index": len(self._content)}

    def _in(self, kind: str, emit: Emit) -> Fields:
        """The part of this kind, begun where the last one was of another."""
        if self._part is not None and self._part["type"] == kind:
            return self._part
        self._close_part(emit)
        self._part = output.text_part("") if kind == "output_text" else {"type": kind, kind: ""}
        emit("response.content_part.added", {**self._place, "part": self._part})
        return self._part

    def _close_part(self, emit: Emit) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        words, self._words = "".join(self._words), []
        if part["type"] == "refusal":
            part["refusal"] = words
            emit("response.refusal.done", {**self._place, "refusal": words})
        else:
            part["text"] = words
            emit("response.output_text.done", {**self._place, "text": words, "logprobs": part["logprobs"]})
        emit("response.content_part.done", {**self._place, "part": part})
        self._content.append(part)


class Reasoning:
    """What is thought: a summary of one part, and what is sealed beside it."""

    def __init__(self, output_index: int) -> None:
        self._id = fresh_id("rs")
        self._at: Fields = {"output_index": output_index}
        self._place: Fields = {"item_id": self._id, **self._at, "summary_index": 0}
        self._words: list[str] = []
        self._blocks: list[Mapping[str, Any]] = []
        self._signatures: dict[str, str] = {}
        self.done: Fields = {}

    def begin(self, emit: Emit) -> None:
        """Announces it."""
        item = output.reasoning(self._id, "", Held(), "in_progress")
        emit("response.output_item.added", {**self._at, "item": item})

    def think(self, emit: Emit, text: str) -> None:
        """More of it."""
        if not self._words:
            part = {"type": "summary_text", "text": ""}
            emit("response.reasoning_summary_part.added", {**self._place, "part": part})
        self._words.append(text)
        emit("response.reasoning_summary_text.delta", {**self._place, "delta": text})

    def keep(self, block: Mapping[str, Any]) -> None:
        """A block that its provider wants back."""
        self._blocks.append(block)

    def sign(self, signatures: Mapping[str, str]) -> None:
        """Signatures of calls that their provider wants back."""
        self._signatures |= signatures

    def close(self, emit: Emit, status: str) -> None:
        """Nothing more will come."""
        words = "".join(self._words)
        if words:
            emit("response.reasoning_summary_text.done", {**self._place, "text": words})
            part = {"type": "summary_text", "text": words}
            emit("response.reasoning_summary_part.done", {**self._place, "part": part})
        self.done = output.reasoning(self._id, words, Held(tuple(self._blocks), self._signatures), status)
        emit("response.output_item.done", {**self._at, "item": self.done})


class Call:
    """A call of a tool. Free text that came as a function's arguments is given at once, when they are whole."""

    def __init__(self, output_index: int, entry: Mapping[str, Any], known: Mapping[str, Name]) -> None:
        function, custom = odd.mapping(entry.get("function")), odd.mapping(entry.get("custom"))
        self._name = output.name_of(function or custom, known, custom=not function and bool(custom))
        self._id = fresh_id("ctc" if self._name.custom else "fc")
        self._call_id = odd.string(entry.get("id")) or fresh_id("call")
        self._at: Fields = {"output_index": output_index}
        self._wrapped = self._name.custom and bool(function)
        self._event = "custom_tool_call_input" if self._name.custom else "function_call_arguments"
        self._words: list[str] = []
        self.done: Fields = {}

    def begin(self, emit: Emit) -> None:
        """Announces it."""
        emit("response.output_item.added", {**self._at, "item": self._item("", "in_progress")})

    def go_on(self, emit: Emit, words: str) -> None:
        """More of its arguments or input."""
        if not words:
            return
        self._words.append(words)
        if not self._wrapped:
            self._emit_delta(emit, words)

    def close(self, emit: Emit, status: str) -> None:
        """Nothing more will come."""
        words = "".join(self._words)
        if self._wrapped:
            words = input_of(words)
            self._emit_delta(emit, words)
        slot = "input" if self._name.custom else "arguments"
        emit(f"response.{self._event}.done", {"item_id": self._id, **self._at, slot: words, **self._named()})
        self.done = self._item(words, status)
        emit("response.output_item.done", {**self._at, "item": self.done})

    def _emit_delta(self, emit: Emit, words: str) -> None:
        emit(f"response.{self._event}.delta", {"item_id": self._id, **self._at, "delta": words})

    def _named(self) -> Fields:
        return {} if self._name.custom else {"name": self._name.name}

    def _item(self, words: str, status: str) -> Fields:
        return output.call(self._id, self._call_id, self._name, words, status)
