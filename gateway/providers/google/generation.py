"""A chat's settings as Gemini's `generationConfig`."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.errors import InvalidValue
from gateway.dialects.shapes import Dropped
from gateway.providers.google import schema
from gateway.providers.google.family import Family

Fields = dict[str, Any]

_SAME: Final = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "n": "candidateCount",
}
_STOPS: Final = 5
_LEVELS: Final = {"none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}
_BUDGETS: Final = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
"""As Google's own compatible endpoint has them."""
_HIGHEST: Final = ("xhigh", "max")
_LEAST_PRO: Final = 128
"""Tokens; Gemini 2.5 Pro cannot do without thinking."""


def write(fields: Mapping[str, Any], family: Family, dropped: Dropped) -> Fields:
    """The configuration; what cannot be said is added to `dropped`."""
    config: Fields = {theirs: fields[ours] for ours, theirs in _SAME.items() if fields.get(ours) is not None}
    limit = fields.get("max_completion_tokens")
    if (limit := fields.get("max_tokens") if limit is None else limit) is not None:
        config["maxOutputTokens"] = limit
    _stops(fields.get("stop"), config, dropped)
    _probabilities(fields, config)
    _modalities(fields.get("modalities"), config)
    _format(fields, family, config, dropped)
    _thinking(fields.get("reasoning_effort"), family, config, dropped)
    return config


def _stops(said: Any, config: Fields, dropped: Dropped) -> None:
    every = said if isinstance(said, list) else [said]
    stops = [one for one in every if one not in (None, "")]
    if len(stops) > _STOPS:
        dropped.add("stop", f"all but {_STOPS}")
    if stops:
        config["stopSequences"] = stops[:_STOPS]


def _probabilities(fields: Mapping[str, Any], config: Fields) -> None:
    if fields.get("logprobs") is True:
        config["responseLogprobs"] = True
        if fields.get("top_logprobs"):
            config["logprobs"] = fields["top_logprobs"]


def _modalities(said: Any, config: Fields) -> None:
    if isinstance(said, list) and said != ["text"] and all(isinstance(one, str) for one in said):
        config["responseModalities"] = [one.upper() for one in said]


def _format(fields: Mapping[str, Any], family: Family, config: Fields, dropped: Dropped) -> None:
    said = fields.get("response_format")
    if said is None:
        return
    kind = said.get("type") if isinstance(said, Mapping) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise InvalidValue("response_format should have the type text, json_object or json_schema.", param="response_format")
    if kind == "text":
        return
    if fields.get("tools") and not family.levels:
        dropped.add("response_format", "beside tools")
        return
    config["responseMimeType"] = "application/json"
    if kind == "json_schema":
        _schema(said.get("json_schema"), family, config)


def _schema(said: Any, family: Family, config: Fields) -> None:
    wanted = said.get("schema") if isinstance(said, Mapping) else None
    if not isinstance(wanted, Mapping):
        raise InvalidValue("response_format.json_schema should have a schema.", param="response_format")
    if family.schemas:
        config["responseJsonSchema"] = schema.without_dialect(dict(wanted))
    else:
        config["responseSchema"] = schema.subset(wanted)


def _thinking(effort: Any, family: Family, config: Fields, dropped: Dropped) -> None:
    if effort is None:
        return
    if effort in _HIGHEST:
        effort = "high"
    known = isinstance(effort, str) and effort in _LEVELS
    if not known or not (family.levels or family.budgets):
        dropped.add("reasoning_effort")
        return
    thinking: Fields = {}
    if family.levels:
        thinking["thinkingLevel"] = _level(effort, family)
    else:
        thinking["thinkingBudget"] = _budget(effort, family)
    if effort != "none":
        thinking["includeThoughts"] = True
    elif family.levels or family.pro:
        dropped.add("reasoning_effort", "none: this model always thinks")
    config["thinkingConfig"] = thinking


def _level(effort: str, family: Family) -> str:
    level = _LEVELS[effort]
    if family.pro and level == "MINIMAL":
        return "LOW"
    if family.pro and level == "MEDIUM" and family.version == (3, 0):
        return "HIGH"
    return level


def _budget(effort: str, family: Family) -> int:
    return max(_BUDGETS[effort], _LEAST_PRO) if family.pro else _BUDGETS[effort]
