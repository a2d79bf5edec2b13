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
from gateway.dialects.shapes import Dropped, Fields, Object, as_chat, items, mapping, objects, optional, text, written, wrong
from gateway.dialects.translation import Translated

_KNOWN: Final = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "cachedContent", "serviceTier", "model"}
)
_SAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        "temperature": "temperature",
        "topP": "top_p",
        "candidateCount": "n",
        "maxOutputTokens": "max_tokens",
        "seed": "seed",
        "presencePenalty": "presence_penalty",
        "frequencyPenalty": "frequency_penalty",
    }
)
"""Fields of `generationConfig` that a chat has under another name."""
_FORMED: Final = frozenset(
    {"responseMimeType", "responseSchema", "responseJsonSchema", "_responseJsonSchema", "responseFormat"}
)
_JSON: Final[Fields] = {"response_format": {"type": "json_object"}}
_CONFIGURED: Final = frozenset(_SAME) | _FORMED | {"topK", "stopSequences", "thinkingConfig", "responseModalities"}
_THINKING: Final = frozenset({"includeThoughts", "thinkingLevel", "thinkingBudget"})
_WORD: Final = "text/x.enum"
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
    config = config_of(request)
    chat: Fields = {"messages": system + _instruction(config) + messages_of(fields.get("contents"), dropped)}
    chat |= tools_of(fields, dropped)
    chat |= _configured(config, dropped)
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
    if (top_k := field(config, "topK")) is not None:  # Google's own SDKs write 40.0
        told["top_k"] = int(top_k) if isinstance(top_k, float) and top_k.is_integer() else top_k
    if stops := items(field(config, "stopSequences"), "generationConfig.stopSequences"):
        told["stop"] = [text(stop, f"generationConfig.stopSequences[{at}]") for at, stop in enumerate(stops)]
    told |= _format(config, dropped)
    told |= _effort(optional(field(config, "thinkingConfig"), "generationConfig.thinkingConfig"), dropped)
    for modality in items(field(config, "responseModalities"), "generationConfig.responseModalities"):
        if modality not in ("TEXT", "text"):
            dropped.add("generationConfig.responseModalities", modality)
    known = _CONFIGURED if field(config, "responseLogprobs") else _CONFIGURED | {"responseLogprobs"}
    drop_others(dropped, config, known, "generationConfig.")
    return told


def _format(config: Object, dropped: Dropped) -> Fields:
    media_type = field(config, "responseMimeType")
    if media_type == _WORD:
        if not _instruction(config):
            dropped.add("generationConfig.responseMimeType", media_type)
        return {}
    given = field(config, "responseJsonSchema") or config.get("_responseJsonSchema")
    if given is not None:
        return {"response_format": response_format(mapping(given, "generationConfig.responseJsonSchema"))}
    if (own := field(config, "responseSchema")) is not None:
        return {"response_format": response_format(json_schema(own, "generationConfig.responseSchema"))}
    return _JSON if media_type == "application/json" else _newer_format(config, dropped)


def _newer_format(config: Object, dropped: Dropped) -> Fields:
    """The same as newer versions say it: a list, with an entry for every kind of output."""
    told: Fields = {}
    for entry, place in objects(field(config, "responseFormat"), "generationConfig.responseFormat"):
        drop_others(dropped, entry, frozenset({"text"}), "generationConfig.responseFormat.")
        wanted = optional(entry.get("text"), f"{place}.text")
        if (schema := wanted.get("schema")) is not None:
            told = {"response_format": response_format(mapping(schema, f"{place}.text.schema"))}
        elif str(field(wanted, "mimeType")).lower() in ("application/json", "application_json"):
            told = _JSON
    return told


def _instruction(config: Object) -> list[Fields]:
    """A system message for an answer that is one word of some: a chat has no field for that."""
    schema = field(config, "responseSchema")
    words = schema.get("enum") if field(config, "responseMimeType") == _WORD and isinstance(schema, dict) else None
    if not isinstance(words, list) or not words:
        return []
    listed = ", ".join(written(word, "generationConfig.responseSchema.enum") for word in words)
    return [{"role": "system", "content": f"Answer with one of these and nothing else, without quotes: {listed}"}]


def _effort(thinking: Object, dropped: Dropped) -> Fields:
    drop_others(dropped, thinking, _THINKING, "generationConfig.thinkingConfig.")
    level, budget = field(thinking, "thinkingLevel"), field(thinking, "thinkingBudget")
    if level is not None:
        level = text(level, "generationConfig.thinkingConfig.thinkingLevel").lower()
        if level in _LEVELS:
            return {"reasoning_effort": level}
        if level != "thinking_level_unspecified":
            dropped.add("generationConfig.thinkingConfig.thinkingLevel", level)
        return {}
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
