"""Why Gemini stopped, in OpenAI's words."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.errors import UpstreamBroken

_UNSAID: Final = "FINISH_REASON_UNSPECIFIED"
_REASONS: Final[Mapping[str, str]] = {
    "STOP": "stop",
    "FUNCTION_CALL": "stop",  # of servers that imitate Google's
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(
        (
            *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "ESCALATION", "MODEL_ARMOR"),
            *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "PUP_LIMITED_DISABLED"),
        ),
        "content_filter",
    ),
}
"""All others are failures: MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, OTHER, and what Google may add to them."""


def named(candidate: Mapping[str, Any]) -> str | None:
    """Google's own word for it; None as long as the candidate goes on."""
    said = candidate.get("finishReason")
    return said if isinstance(said, str) and said and said != _UNSAID else None


def reason(said: str, *, called: bool) -> str | None:
    """OpenAI's word; None for a failure, which has none. `called`: the candidate calls tools."""
    found = _REASONS.get(said)
    return "tool_calls" if called and found == "stop" else found


def failed(said: str, words: object) -> UpstreamBroken:
    """The fault of a candidate that ended in a failure. `words`: Google's explanation, where there is one."""
    more = f" {words[:500]}" if isinstance(words, str) and words else ""
    return UpstreamBroken(f"The model's answer failed with {said[:100]!r}.{more}")


def blocked(value: Mapping[str, Any]) -> str | None:
    """Why the prompt was not answered at all; None where it was."""
    feedback = value.get("promptFeedback")
    said = feedback.get("blockReason") if isinstance(feedback, dict) else None
    return said if isinstance(said, str) and said else None


def refusal(said: str, words: object = None) -> str:
    """What the caller is told in place of an answer that was filtered."""
    return words if isinstance(words, str) and words else f"The provider's filter stopped the answer ({said})."
