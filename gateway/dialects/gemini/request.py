"""A `generateContent` request, field by field, as a chat. The model's name stands in the URL, not in the body."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.core.chat import ModelRequest
from gateway.core.errors import InvalidValue
from gateway.dialects.gemini.names import drop_others, field
from gateway.dialects.gemini.schema import json_schema
from gateway.dialects.gemini.tools import tools_of
from gateway.dialects.gemini.turns import messages_of, system_of
from gateway.dialects.schemas import effort, response_format
from gateway.dialects.shapes import Dropped, Fields, Object, as_chat, items, mapping, optional, text, wrong
from gateway.dialects.translation import Translated

_KNOWN: Final = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "cachedContent", "serviceTier", "model"}
)
_SAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        "temperature": "temperature",
        "topP": "top_p",
        "topK": "top_k",
        "candidateCount": "n",
        "maxOutputTokens": "max_tokens",
        "seed": "seed",
        "presencePenalty": "presence_penalty",
        "frequencyPenalty": "frequency_penalty",
        "responseLogprobs": "logprobs",
        "logprobs": "top_logprobs",
    }
)
"""Fields of `generationConfig` that a chat has under another name."""
_FORMED: Final = frozenset({"responseMimeType", "responseSchema", "responseJsonSchema", "_responseJsonSchema"})
_CONFIGURED: Final = frozenset(_SAME) | _FORMED | {"stopSequences", "thinkingConfig", "responseModalities"}
_TIERS: Final[Mapping[str, str]] = MappingProxyType({"standard": "default", "flex": "flex", "priority": "priority"})
_LEVELS: Final = frozenset({"minimal", "low", "medium", "high", "xhigh"})


def into_chat(request: ModelRequest) -> Translated:
    """See `Translation`."""
    fields, dropped = request.fields, Dropped()
    if field(fields, "cachedContent") is not None:
        raise InvalidValue(
            "The field 'cachedContent' names something that lies at Google, and this model is not Google's.",
            param="cachedContent",
        )
    system = system_of(field(fields, "systemInstruction"), dropped)
    chat: Fields = {"messages": system + messages_of(fields.get("contents"), dropped)}
    chat |= tools_of(fields, dropped)
    chat |= _configured(config_of(request), dropped)
    if (tier := field(fields, "serviceTier")) is not None:
        chat |= _tier(tier, dropped)
    drop_others(dropped, fields, _KNOWN)
    return as_chat(request, chat, dropped)


def config_of(request: ModelRequest) -> Object:
    """The `generationConfig`."""
    return optional(field(request.fields, "generationConfig"), "generationConfig")


def shows_thoughts(request: ModelRequest) -> bool:
    """Whether the caller wants to see what the model thinks."""
    thinking = field(config_of(request), "thinkingConfig")
    return isinstance(thinking, dict) and field(thinking, "includeThoughts") is True


def _configured(config: Object, dropped: Dropped) -> Fields:
    told: Fields = {}
    for name, own in _SAME.items():
        if (value := field(config, name)) is not None:
            told[own] = value
    if stops := items(field(config, "stopSequences"), "generationConfig.stopSequences"):
        told["stop"] = [text(stop, f"generationConfig.stopSequences[{at}]") for at, stop in enumerate(stops)]
    told |= _format(config, dropped)
    told |= _effort(optional(field(config, "thinkingConfig"), "generationConfig.thinkingConfig"))
    for modality in items(field(config, "responseModalities"), "generationConfig.responseModalities"):
        if modality not in ("TEXT", "text"):
            dropped.add("generationConfig.responseModalities", modality)
    drop_others(dropped, config, _CONFIGURED, "generationConfig.")
    return told


def _format(config: Object, dropped: Dropped) -> Fields:
    media_type = field(config, "responseMimeType")
    if media_type == "text/x.enum":
        dropped.add("generationConfig.responseMimeType", media_type)
        return {}
    given = field(config, "responseJsonSchema") or config.get("_responseJsonSchema")
    if given is not None:
        return {"response_format": response_format(mapping(given, "generationConfig.responseJsonSchema"))}
    if (own := field(config, "responseSchema")) is not None:
        return {"response_format": response_format(json_schema(own, "generationConfig.responseSchema"))}
    return {"response_format": {"type": "json_object"}} if media_type == "application/json" else {}


def _effort(thinking: Object) -> Fields:
    level, budget = field(thinking, "thinkingLevel"), field(thinking, "thinkingBudget")
    if level is not None:
        level = text(level, "generationConfig.thinkingConfig.thinkingLevel").lower()
        return {"reasoning_effort": level} if level in _LEVELS else {}
    if budget is None:
        return {}
    if not isinstance(budget, int) or isinstance(budget, bool):
        raise wrong("generationConfig.thinkingConfig.thinkingBudget", "a number of tokens")
    if budget < 0:  # as the model sees fit
        return {}
    return {"reasoning_effort": effort(budget) if budget else "none"}


def _tier(tier: object, dropped: Dropped) -> Fields:
    own = tier.lower().removeprefix("service_tier_") if isinstance(tier, str) else ""
    if own in _TIERS:
        return {"service_tier": _TIERS[own]}
    if own != "unspecified":
        dropped.add("serviceTier", tier)
    return {}
