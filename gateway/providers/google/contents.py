"""A chat's messages as Gemini's contents: the instruction apart, the turns by two roles, the first the user's."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.errors import InvalidValue
from gateway.providers.google import media, toolwork
from gateway.providers.google.family import Family

Part = dict[str, Any]

_BLANK: Final = " "
"""What the user says where the chat has nothing to begin with; a text without any character is refused."""
_INSTRUCTING: Final = ("system", "developer")
_MEDIA: Final = {
    "image_url": media.picture,
    "input_audio": media.sound,
    "file": media.document,
    "video_url": media.film,
}


class Contents:
    """The contents so far. `instruction`: the parts of the leading system messages."""

    def __init__(self, family: Family) -> None:
        self.instruction: list[Part] = []
        self.turns: list[dict[str, Any]] = []
        self._work = toolwork.Toolwork(family)
        self._said: list[Part] = []

    def add(self, message: Any, where: str) -> None:
        """Takes the next message in."""
        role = message.get("role") if isinstance(message, Mapping) else None
        if role in _INSTRUCTING and not self.turns and not self._said:
            self.instruction += content(message.get("content"), f"{where}.content")
        elif role in ("user", *_INSTRUCTING):
            self._said += content(message.get("content"), f"{where}.content")
        elif role == "assistant":
            self._answer(message, where)
        elif role in ("tool", "function"):  # the latter is the form of before there were ids
            self._said += self._work.result(message, where)
        else:
            raise InvalidValue(
                "A message should be an object with the role system, developer, user, assistant or tool.", param=where
            )

    def close(self) -> None:
        """After the last message."""
        self._end_users_turn()
        if not self.turns:
            self.turns.append({"role": "user", "parts": [{"text": _BLANK}]})

    def _answer(self, message: Mapping[str, Any], where: str) -> None:
        parts = content(message.get("content"), f"{where}.content")
        if isinstance(refusal := message.get("refusal"), str) and refusal:
            parts.append({"text": refusal})
        if parts and (signature := toolwork.signature_in(message)):
            parts[-1]["thoughtSignature"] = signature
        entries = message.get("tool_calls") or _older(message)
        if not parts and not entries:
            return
        if self._said or self._work.answered:
            self._end_users_turn()
        if entries:
            parts += self._work.calls(entries, f"{where}.tool_calls")
        if not self.turns:
            self.turns.append({"role": "user", "parts": [{"text": _BLANK}]})
        if self.turns[-1]["role"] == "model":
            self.turns[-1]["parts"] += parts
        else:
            self.turns.append({"role": "model", "parts": parts})

    def _end_users_turn(self) -> None:
        """Results come first: Gemini looks for them right behind the calls."""
        if parts := [*self._work.results(), *self._said]:
            self.turns.append({"role": "user", "parts": parts})
            self._said = []


def _older(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The one call of a message in the form of before there were several."""
    call = message.get("function_call")
    return [{"function": call}] if call else []


def contents_of(messages: Any, family: Family) -> Contents:
    """All of a chat's messages."""
    if not isinstance(messages, list):
        raise InvalidValue("messages should be a list.", param="messages")
    found = Contents(family)
    for place, message in enumerate(messages):
        found.add(message, f"messages[{place}]")
    found.close()
    return found


def content(said: Any, where: str) -> list[Part]:
    """The parts of a message's content; what is empty gives none, for Gemini refuses it."""
    if said is None or isinstance(said, str):
        return [{"text": said}] if said else []
    if not isinstance(said, list):
        raise InvalidValue("content should be text or a list of parts.", param=where)
    return [one for part in said for one in _part(part, where)]


def _part(part: Any, where: str) -> list[Part]:
    if isinstance(part, str):
        return [{"text": part}] if part else []
    kind = part.get("type") if isinstance(part, Mapping) else None
    if isinstance(kind, str) and kind in _MEDIA:
        return [_MEDIA[kind](part, where)]
    text = part.get("refusal" if kind == "refusal" else "text") if isinstance(part, Mapping) else None
    if not isinstance(text, str):
        raise InvalidValue(f"This model takes parts of text, {', '.join(_MEDIA)}, not {kind!r}.", param=where)
    return [{"text": text}] if text else []
