"""Why an answer ended, in OpenAI's words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.dialects.shapes import Fields

_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "pause_turn": "stop",
        "tool_use": "tool_calls",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "refusal": "content_filter",
    }
)
REFUSED: Final = "The model refused to answer."


def ending(told: Mapping[str, object], *, called: bool) -> Fields:
    """What a choice says at its end. `told`: `stop_reason` and what stands beside it. `called`: there are calls of tools."""
    reason = told.get("stop_reason")
    finish = _REASONS.get(reason, "stop") if isinstance(reason, str) else "stop"
    if finish in ("stop", "tool_calls"):
        finish = "tool_calls" if called else "stop"
    said: Fields = {"finish_reason": finish}
    if isinstance(reason, str):
        said["native_finish_reason"] = reason
    if isinstance(stop := told.get("stop_sequence"), str):
        said["stop_sequence"] = stop
    return said


def refusal(told: Mapping[str, object]) -> str | None:
    """The words of a refusal, the provider's if it has some; None where it is none."""
    if told.get("stop_reason") != "refusal":
        return None
    details = told.get("stop_details")
    words = details.get("explanation") if isinstance(details, Mapping) else None
    return words if isinstance(words, str) and words else REFUSED
