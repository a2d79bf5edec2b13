"""Contents of the conversation, as messages of a chat.

    user, function    functionResponse parts become tool messages, before the rest
    model             one assistant message; contents in a row are one turn, for SDKs keep every chunk of a stream as one

Which response answers which call is found in `calls`.
"""

from typing import Any, Final

from gateway.dialects.gemini.calls import Calls
from gateway.dialects.gemini.names import drop_others, field
from gateway.dialects.gemini.parts import part_of, plain
from gateway.dialects.shapes import Dropped, Fields, Object, mapping, objects, optional, written, wrong

_RESULTS: Final = ("output", "result")
"""Names under which Google's SDKs wrap what a function returned."""
_KNOWN: Final = frozenset({"text", "inlineData", "fileData", "functionCall", "functionResponse", "thought", "thoughtSignature"})


def system_of(instruction: object, dropped: Dropped) -> list[Fields]:
    """The system instruction as messages: none or one."""
    if instruction is None:
        return []
    place = "systemInstruction"
    if isinstance(instruction, str):
        return [{"role": "system", "content": instruction}]
    told = []
    for part, where in objects(mapping(instruction, place).get("parts"), f"{place}.parts"):
        drop_others(dropped, part, _KNOWN, f"{place}.parts.")
        if (found := part_of(part, where)) is not None:
            told.append(found)
    return [{"role": "system", "content": plain(told)}] if told else []


def messages_of(contents: object, dropped: Dropped) -> list[Fields]:
    """The conversation. Raises `InvalidValue` for what is none."""
    told = _Conversation(dropped)
    for content, place in objects([contents] if isinstance(contents, dict) else contents, "contents"):
        role = content.get("role")
        parts = [(part, where) for part, where in objects(content.get("parts"), f"{place}.parts")]
        if role == "model":
            told.model(parts)
        elif role in (None, "", "user", "function", "tool"):
            told.user(parts)
        else:
            raise wrong(f"{place}.role", "'user' or 'model'")
    return told.messages()


Placed = list[tuple[Object, str]]


class _Turn:
    """A turn of the model's, part by part. `calls` are the chat's entries."""

    __slots__ = ("_reasoning", "_texts", "calls")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self.calls: list[Fields] = []

    def say(self, words: str, *, thinks: bool) -> None:
        """More text, or more of what was thought."""
        (self._reasoning if thinks else self._texts).append(words)

    def message(self) -> Fields:
        """The whole turn."""
        words = "".join(self._texts)
        told: Fields = {"role": "assistant", "content": words or (None if self.calls else "")}
        if self._reasoning:
            told["reasoning_content"] = "".join(self._reasoning)
        if self.calls:
            told["tool_calls"] = self.calls
        return told


class _Conversation:
    """The messages so far, and the calls in them that no response has come for."""

    __slots__ = ("_calls", "_dropped", "_messages", "_turn")

    def __init__(self, dropped: Dropped) -> None:
        self._dropped = dropped
        self._calls = Calls()
        self._turn: _Turn | None = None
        self._messages: list[Fields] = []

    def messages(self) -> list[Fields]:
        """All of them."""
        self._end_turn()
        return self._messages

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            self._messages.append(turn.message())

    # ------------------------------------------------------------ model

    def model(self, parts: Placed) -> None:
        """A turn of the model's, or more of one."""
        turn = self._turn = self._turn or _Turn()
        for part, place in parts:
            drop_others(self._dropped, part, _KNOWN, "contents.parts.")
            if (call := field(part, "functionCall")) is not None:
                turn.calls.append(self._calls.begin(mapping(call, f"{place}.functionCall"), part, f"{place}.functionCall"))
            elif (found := part_of(part, place)) is None:
                continue
            elif found["type"] == "text":
                turn.say(found["text"], thinks=part.get("thought") is True)
            else:
                self._dropped.add(place, found["type"])  # what a model drew or spoke: no other takes that back

    # ------------------------------------------------------------ user

    def user(self, parts: Placed) -> None:
        """What the user says, and what the tools have found."""
        self._end_turn()
        rest: list[Fields] = []
        results: list[Fields] = []
        for part, place in parts:
            drop_others(self._dropped, part, _KNOWN, "contents.parts.")
            if (given := field(part, "functionResponse")) is not None:
                results.append(self._result(mapping(given, f"{place}.functionResponse"), f"{place}.functionResponse"))
            elif (found := part_of(part, place)) is not None:
                rest.append(found)
        self._messages += results
        if rest or not results:
            self._messages.append({"role": "user", "content": plain(rest)})

    def _result(self, response: Object, place: str) -> Fields:
        value = optional(response.get("response"), f"{place}.response")
        told: Fields = {"role": "tool", "tool_call_id": self._calls.answered(response, place)}
        failed = value.keys() == {"error"}
        words = _words(value["error"] if failed else _unwrapped(value), f"{place}.response")
        shown = [part_of(part, where) for part, where in objects(response.get("parts"), f"{place}.parts")]
        pictures = [part for part in shown if part is not None]
        told["content"] = [{"type": "text", "text": words}, *pictures] if pictures else words
        if failed:
            told["is_error"] = True
        return told


def _unwrapped(value: Object) -> Any:
    (key,) = value if len(value) == 1 else ("",)
    return value[key] if key in _RESULTS else value


def _words(value: object, place: str) -> str:
    return value if isinstance(value, str) else written(value, place)
