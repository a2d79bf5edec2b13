"""What an answer says of itself in Converse's words, in OpenAI's: tokens, and why it ended."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.core.errors import UpstreamBroken

_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "pause_turn": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "guardrail_intervened": "content_filter",
        "content_filtered": "content_filter",
        "refusal": "content_filter",
    }
)
_MALFORMED: Final = frozenset({"malformed_model_output", "malformed_tool_use"})


def finish_reason(said: object, *, called: bool) -> str:
    """OpenAI's word. `called`: the answer calls tools. Raises `UpstreamBroken` where the model's words made no sense."""
    if isinstance(said, str) and said in _MALFORMED:
        raise UpstreamBroken(f"The model's answer is of no use: it ended with {said!r}.")
    reason = _REASONS.get(said, "stop") if isinstance(said, str) else "stop"
    if reason in ("stop", "tool_calls"):
        return "tool_calls" if called else "stop"
    return reason


def usage_of(said: object) -> dict[str, Any] | None:
    """OpenAI's usage: the input is all of it, where Converse counts apart what came from a cache or went into one."""
    if not isinstance(said, Mapping):
        return None
    read, written = _count(said, "cacheReadInputTokens"), _count(said, "cacheWriteInputTokens")
    prompt, completion = _count(said, "inputTokens") + read + written, _count(said, "outputTokens")
    details = {"cached_tokens": read, "cache_write_tokens": written}
    if for_an_hour := _for_an_hour(said.get("cacheDetails")):
        details["cache_write_1h_tokens"] = for_an_hour
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": details,
    }


def _for_an_hour(details: object) -> int:
    entries = details if isinstance(details, list) else []
    return sum(_count(one, "inputTokens") for one in entries if isinstance(one, Mapping) and one.get("ttl") == "1h")


def _count(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


def tier_of(said: object) -> str | None:
    """The tier that served the answer."""
    kind = said.get("type") if isinstance(said, Mapping) else None
    return kind if isinstance(kind, str) else None


def sequence_of(fields: object) -> str | None:
    """Which stop sequence matched, where the model tells."""
    matched = fields.get("stop_sequence") if isinstance(fields, Mapping) else None
    return matched if isinstance(matched, str) else None
