"""The body of a request in Gemini's form, made of a chat, and what of the chat it cannot say."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.errors import InvalidValue
from gateway.dialects.shapes import Dropped
from gateway.providers.google import generation, tools
from gateway.providers.google.contents import contents_of
from gateway.providers.google.family import Family

Fields = dict[str, Any]

_SAID: Final = frozenset(
    {
        *("messages", "model", "stream", "temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty", "n"),
        *("max_tokens", "max_completion_tokens", "stop", "logprobs", "top_logprobs", "modalities", "response_format"),
        *("reasoning_effort", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "extra_body"),
    }
)
_HINTS: Final = frozenset(
    {"stream_options", "prompt_cache_key", "prompt_cache_retention", "cache_control", "thinking", "metadata"}
)
"""These change no answer here, or stand beside something that says the same."""
_DEFAULTS: Final[Mapping[str, Any]] = {"store": False, "service_tier": "auto", "logit_bias": {}}
_OWN: Final = {
    "cached_content": "cachedContent",
    "safety_settings": "safetySettings",
    "thinking_config": "thinkingConfig",
}
"""What Google's own compatible endpoint takes in `extra_body.google`."""


def body(fields: Mapping[str, Any], family: Family) -> tuple[Fields, tuple[str, ...]]:
    """The body for a model of this family, and what was dropped, in words."""
    dropped = Dropped()
    for key, value in fields.items():
        if _is_lost(key, value):
            dropped.add(key)
    contents = contents_of(fields.get("messages"), family)
    written: Fields = {"contents": contents.turns}
    if contents.instruction:
        written["systemInstruction"] = {"parts": contents.instruction}
    written |= tools.write(fields, family, dropped)
    if config := generation.write(fields, family, dropped):
        written["generationConfig"] = config
    _own(fields.get("extra_body"), written, dropped)
    return written, dropped.words()


def _is_lost(key: str, value: Any) -> bool:
    if key in _SAID or key in _HINTS or value is None:
        return False
    return key not in _DEFAULTS or value != _DEFAULTS[key]


def _own(extra: Any, written: Fields, dropped: Dropped) -> None:
    """Google's own settings, which its compatible endpoint takes beside OpenAI's."""
    if extra is None:
        return
    google = extra.get("google") if isinstance(extra, Mapping) else None
    if not isinstance(google, Mapping):
        raise InvalidValue("extra_body should be an object with an object `google`.", param="extra_body")
    for key, value in google.items():
        if key not in _OWN:
            dropped.add(f"extra_body.google.{key}")
        elif key == "thinking_config":
            written.setdefault("generationConfig", {})[_OWN[key]] = value
        else:
            written[_OWN[key]] = value
