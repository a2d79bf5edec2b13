"""Makes every event of one stream what OpenAI's own would be, in place, knowing what went before.

Nothing is done to an event that is sound: its bytes go on as they came.
"""

import os
from typing import Any, Final

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken
from gateway.providers.openai.calls import CALL_LIMIT, Calls

Fields = dict[str, Any]

OBJECTS: Final = {Operation.CHAT: "chat.completion.chunk", Operation.COMPLETIONS: "text_completion"}

_HEADING: Final = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint", "obfuscation"}
)
_REASONS: Final = {
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "tool_use": "tool_calls",
}
_ABSENT: Final = object()

CHOICE_LIMIT: Final = 1024
"""Choices of one answer."""


def finish_reason(said: object, *, called: bool) -> str | None:
    """OpenAI's word for a finish reason; None for none. `called`: the choice calls tools."""
    if not said:
        return None
    reason = _REASONS.get(said, said) if isinstance(said, str) else "stop"
    return "tool_calls" if called and reason == "stop" else reason


def fresh_id(operation: Operation) -> str:
    """An id for an answer that came without one."""
    return f"{'cmpl' if operation is Operation.COMPLETIONS else 'chatcmpl'}-{os.urandom(12).hex()}"


def says_more(event: Fields) -> bool:
    """Whether an event without choices and usage is still worth sending: moderation, or whatever a vendor adds."""
    return not _HEADING.issuperset(event)


class Begun:
    """A choice that has begun."""

    __slots__ = ("calls", "finished", "role")

    def __init__(self) -> None:
        self.role = False
        self.finished = False
        self.calls: Calls | None = None


class Mending:
    """What later events of one stream must agree with. `model` and `created_s` stand in where the provider has none."""

    __slots__ = ("_called", "_created", "_id", "_legacy", "_model", "_object", "_unfinished", "choices")

    def __init__(self, operation: Operation, model: str, created_s: int) -> None:
        self._legacy = operation is Operation.COMPLETIONS
        self._object = OBJECTS[operation]
        self._id: str | None = None
        self._model = model
        self._created = created_s
        self._called = self._unfinished = 0
        self.choices: dict[int, Begun] = {}

    @property
    def identified(self) -> bool:
        """The id that every event carries is known."""
        return self._id is not None

    @property
    def finished(self) -> bool:
        """Every choice that began has its finish reason, and there is one."""
        return not self._unfinished and bool(self.choices)

    def heading(self, event: Fields) -> bool:
        """One id, one time, one model through the whole stream; True where that changed the event."""
        if self._id is None:
            self._identify(event)
        if (
            event.get("id") == self._id
            and event.get("created") == self._created
            and event.get("model") == self._model
            and event.get("object") == self._object
        ):
            return False
        event |= {"id": self._id, "object": self._object, "created": self._created, "model": self._model}
        return True

    def _identify(self, event: Fields) -> None:
        said = event.get("id")
        operation = Operation.COMPLETIONS if self._legacy else Operation.CHAT
        self._id = said if isinstance(said, str) and said else fresh_id(operation)
        model, created = event.get("model"), event.get("created")
        self._model = model if isinstance(model, str) and model else self._model
        self._created = int(created) if isinstance(created, int | float) and 0 < created < 2**53 else self._created

    def choice(self, choice: Any, position: int) -> tuple[bool, bool]:
        """Mends one choice; tells whether that changed it, and whether it says anything."""
        if not isinstance(choice, dict):
            raise UpstreamBroken("A choice in the provider's stream is not an object.")
        index, changed = choice.get("index"), False
        if not isinstance(index, int) or isinstance(index, bool):
            choice["index"] = index = int(index) if isinstance(index, str) and _is_small(index) else position
            changed = True
        begun = self.choices.get(index)
        if begun is None:
            begun = self._begin(index)
        mended, says = (self._text if self._legacy else self._delta)(choice, begun)
        finished = self._finish(choice, begun)
        return changed or mended or finished, says or bool(choice["finish_reason"])

    def _begin(self, index: int) -> Begun:
        if len(self.choices) >= CHOICE_LIMIT:
            raise UpstreamBroken(f"The provider's answer has more than {CHOICE_LIMIT} choices.")
        self._unfinished += 1
        begun = self.choices[index] = Begun()
        return begun

    def _delta(self, choice: Fields, begun: Begun) -> tuple[bool, bool]:
        delta, changed = choice.get("delta"), False
        if not isinstance(delta, dict):
            whole = choice.pop("message", None)  # some send the last event, or the only one, in the plain form
            choice["delta"] = delta = whole if isinstance(whole, dict) else {}
            changed = True
        if "text" in choice:
            changed = _from_text(choice, delta) or changed
        if not begun.role:
            begun.role = True
            if not delta.get("role") or not isinstance(delta["role"], str):
                choice["delta"] = delta = {**delta, "role": "assistant"}
                changed = True
        if _reasons_by_new_name(delta):
            # The field's older name is the one that most clients read.
            delta["reasoning_content"], changed = delta["reasoning"], True
        if delta.get("tool_calls"):
            changed = self._call(delta["tool_calls"], begun) or changed
        return changed, any(value for key, value in delta.items() if key != "role")

    def _text(self, choice: Fields, begun: Begun) -> tuple[bool, bool]:
        begun.role = True
        if isinstance(choice.get("text"), str):
            return False, bool(choice["text"])
        choice["text"] = text = _from_delta(choice)
        return True, bool(text)

    def _call(self, entries: Any, begun: Begun) -> bool:
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise UpstreamBroken("The tool calls in the provider's stream are not a list of objects.")
        if begun.calls is None:
            begun.calls = Calls()
        known = len(begun.calls)
        changed = begun.calls.mend(entries)
        self._called += len(begun.calls) - known
        if self._called > CALL_LIMIT:
            raise UpstreamBroken(f"The provider's answer calls more than {CALL_LIMIT} tools.")
        return changed

    def _finish(self, choice: Fields, begun: Begun) -> bool:
        said = choice.get("finish_reason", _ABSENT)
        if said is None:
            return False
        right = None
        if said is not _ABSENT and not begun.finished:
            right = finish_reason(said, called=begun.calls is not None)
            if right is not None:
                begun.finished = True
                self._unfinished -= 1
        choice["finish_reason"] = right
        return bool(right != said)


def _reasons_by_new_name(delta: Fields) -> bool:
    return isinstance(delta.get("reasoning"), str) and "reasoning_content" not in delta


def _is_small(digits: str) -> bool:
    return digits.isdecimal() and len(digits) < 10


def _from_text(choice: Fields, delta: Fields) -> bool:
    """Some say on a chat what belongs to the older operation; True where the delta had nothing and takes the text."""
    text = choice["text"]
    if not isinstance(text, str) or any(value for key, value in delta.items() if key != "role"):
        return False
    del choice["text"]
    if text:
        delta["content"] = text
    return True


def _from_delta(choice: Fields) -> str:
    """The text of a choice that has none: what a chat's delta says. Raises `UpstreamBroken` for what is no text at all."""
    said = choice.pop("delta", None) or choice.pop("message", None) or {}
    if not isinstance(said, dict):
        raise UpstreamBroken("A choice in the provider's stream has no text.")
    text = said.pop("content", None)
    if any(value for key, value in said.items() if key != "role") or not isinstance(text or "", str):
        raise UpstreamBroken("A choice in the provider's stream is a chat's, and says more than a text can.")
    return text or ""
