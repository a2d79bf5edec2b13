"""What the events of a response say, as a chat's: for the transcript, and for whoever asks whether there is content yet."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.errors import UpstreamBroken
from gateway.dialects.responses import odd
from gateway.dialects.translation import Delta
from gateway.providers.openai.calls import CALL_LIMIT
from gateway.providers.openai.responses import resource

Event = Mapping[str, Any]

_TEXTS: Final = {
    "response.output_text.delta": "content",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning_content",
    "response.reasoning_summary_text.delta": "reasoning_content",
}
_WORDS: Final = {"response.function_call_arguments.delta": "function", "response.custom_tool_call_input.delta": "custom"}
_SLOTS: Final = {"function": "arguments", "custom": "input"}
_SILENT: Final = ("message", "reasoning")
"""Items that begin before they have content."""

ADDED: Final = "response.output_item.added"
DONE: Final = "response.output_item.done"


class _Known:
    """A call that has begun: its index in a chat, and whether its words have."""

    __slots__ = ("index", "spoke")

    def __init__(self, index: int) -> None:
        self.index = index
        self.spoke = False


class Telling:
    """Takes events, one by one; `begun`: one of them was content."""

    __slots__ = ("_calls", "_heard", "begun")

    def __init__(self) -> None:
        self.begun = False
        self._calls: dict[object, _Known] = {}
        self._heard: object = None

    def take(self, kind: str, event: Event) -> Delta | None:
        """What the event says in a chat; None for nothing."""
        if (name := _TEXTS.get(kind)) is not None:
            return self._text(name, event)
        if (name := _WORDS.get(kind)) is not None:
            return self._words(name, event)
        if kind in (ADDED, DONE):
            return self._item(kind, event)
        self.begun = self.begun or kind.endswith(".delta")
        return None

    def end(self, response: Event) -> list[Delta]:
        """What the last event says: the finish reason, and the usage."""
        choice = {"index": 0, "delta": {}, "finish_reason": resource.finish(response, called=bool(self._calls))}
        told: dict[str, Any] = {
            **resource.heading(response),
            "choices": [choice],
            "usage": resource.usage(response.get("usage")),
        }
        return [told]

    def _text(self, name: str, event: Event) -> Delta | None:
        text = event.get("delta")
        if not text or not isinstance(text, str):
            return None
        self.begun = True
        self._heard = event.get("output_index")
        if name != "content":
            return _delta({name: text})
        try:
            return text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return _delta({name: text})

    def _words(self, kind: str, event: Event) -> Delta | None:
        self.begun = True
        known = self._calls.get(_key(event))
        words = event.get("delta")
        if known is None or not words or not isinstance(words, str):
            return None
        known.spoke = True
        return _delta({"tool_calls": [{"index": known.index, kind: {_SLOTS[kind]: words}}]})

    def _item(self, kind: str, event: Event) -> Delta | None:
        item = odd.mapping(event.get("item"))
        self.begun = self.begun or kind == DONE or item.get("type") not in _SILENT
        call = resource.call_of(item)
        if call is not None:
            return self._call(_key(event), call, whole=kind == DONE)
        if kind == DONE and self._heard != event.get("output_index"):
            return _whole(item)
        return None

    def _call(self, key: object, call: dict[str, Any], *, whole: bool) -> Delta | None:
        """Its beginning, with words that come at once; or words that came only at its end."""
        kind = call["type"]
        known = self._calls.get(key)
        if known is None:
            if len(self._calls) >= CALL_LIMIT:
                raise UpstreamBroken(f"The provider's answer calls more than {CALL_LIMIT} tools.")
            known = self._calls[key] = _Known(len(self._calls))
            known.spoke = bool(call[kind][_SLOTS[kind]])
            return _delta({"tool_calls": [{"index": known.index, **call}]})
        words = call[kind][_SLOTS[kind]]
        if not whole or known.spoke or not words:
            return None
        known.spoke = True
        return _delta({"tool_calls": [{"index": known.index, kind: {_SLOTS[kind]: words}}]})


def _key(event: Event) -> object:
    """What the events of one item have in common."""
    key = event.get("output_index")
    return (
        key
        if isinstance(key, int)
        else odd.string(event.get("item_id")) or odd.string(odd.mapping(event.get("item")).get("id"))
    )


def _whole(item: Event) -> Delta | None:
    """What an item says that came without deltas."""
    said = {
        "content": resource.texts([item], "output_text", "text"),
        "refusal": resource.texts([item], "refusal", "refusal"),
        "reasoning_content": resource.thought_in(item),
    }
    said = {name: text for name, text in said.items() if text}
    return _delta(said) if said else None


def _delta(said: Mapping[str, Any]) -> Delta:
    return {"choices": [{"index": 0, "delta": said}]}
