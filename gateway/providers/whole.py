"""The message that the deltas of a choice make: so that a plain answer and a stream are read by the same rules."""

from collections.abc import Mapping
from typing import Any, Final

Fields = dict[str, Any]

_WORDS: Final = ("content", "reasoning_content", "refusal")
_LISTS: Final = ("thinking_blocks", "images")


class Message:
    """One message, delta by delta; `fields` gives it."""

    __slots__ = ("_calls", "_rest", "_words")

    def __init__(self) -> None:
        self._words: dict[str, list[str]] = {}
        self._calls: list[Fields] = []
        self._rest: Fields = {}

    def take(self, delta: Mapping[str, Any]) -> None:
        """Takes a delta in."""
        for key, value in delta.items():
            if key in _WORDS:
                if value:
                    self._words.setdefault(key, []).append(value)
            elif key == "tool_calls":
                for call in value:
                    self._call(call)
            elif key in _LISTS:
                self._rest.setdefault(key, []).extend(value)
            elif value is not None:
                self._rest[key] = value

    def fields(self) -> Fields:
        """The message. Without words its content is null beside calls or a refusal, else empty."""
        said = {key: "".join(pieces) for key, pieces in self._words.items()}
        silent = None if self._calls or "refusal" in said else ""
        message: Fields = {"role": "assistant", "content": silent, **self._rest, **said}
        return {**message, "tool_calls": self._calls} if self._calls else message

    def _call(self, said: Mapping[str, Any]) -> None:
        """A call that begins, or more of the words of one that has begun."""
        index = said["index"]
        if index == len(self._calls):
            self._calls.append({key: value for key, value in said.items() if key != "index"})
            return
        for kind in ("function", "custom"):
            for slot, words in said.get(kind, {}).items():
                self._calls[index][kind][slot] += words
