"""Gemini's count of tokens in OpenAI's form."""

from collections.abc import Mapping
from typing import Any, Final

Fields = dict[str, Any]

_DETAILS: Final = (("prompt_tokens_details", "promptTokensDetails"), ("completion_tokens_details", "candidatesTokensDetails"))


def usage_of(value: Mapping[str, Any]) -> Fields | None:
    """The usage that an answer carries; None where it has none, or one without any input, which no call is without.

    `candidatesTokenCount` is without the thoughts, but for servers where it is with them: the total tells. What tools of
    Google's own have put into the prompt is counted apart, what came from a cache is not.
    """
    said = value.get("usageMetadata")
    if not isinstance(said, dict):
        return None
    prompt, tools = _count(said, "promptTokenCount"), _count(said, "toolUsePromptTokenCount")
    candidates, thoughts = _count(said, "candidatesTokenCount"), _count(said, "thoughtsTokenCount")
    if prompt + tools == 0:
        return None
    together = thoughts and _count(said, "totalTokenCount") in (prompt + candidates, prompt + tools + candidates)
    output = candidates if together and candidates >= thoughts else candidates + thoughts
    found: Fields = {
        "prompt_tokens": prompt + tools,
        "completion_tokens": output,
        "total_tokens": prompt + tools + output,
        "prompt_tokens_details": {"cached_tokens": _count(said, "cachedContentTokenCount")},
        "completion_tokens_details": {"reasoning_tokens": thoughts},
    }
    for key, theirs in _DETAILS:
        if audio := _of_sound(said.get(theirs)):
            found[key]["audio_tokens"] = audio
    return found


def _of_sound(details: object) -> int:
    every = details if isinstance(details, list) else []
    return sum(_count(one, "tokenCount") for one in every if isinstance(one, dict) and one.get("modality") == "AUDIO")


def _count(said: Mapping[str, Any], key: str) -> int:
    value = said.get(key)
    return value if type(value) is int and value >= 0 else 0
