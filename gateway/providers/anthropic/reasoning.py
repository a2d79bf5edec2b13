"""How much a model is to think: an effort in words, or Anthropic's own parameter, as the model at hand takes it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.dialects.shapes import Dropped, Fields, Object, wrong
from gateway.providers.anthropic.models import Family

LEAST_BUDGET: Final = 1024
ROOM: Final = 4096
"""Tokens for the answer beside the thinking, where the caller sets no limit."""

_BUDGETS: Final[Mapping[str, int]] = MappingProxyType(
    {"minimal": LEAST_BUDGET, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576, "max": 31_000}
)
_CLOSEST: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "minimal": ("low",),
        "low": ("low",),
        "medium": ("medium",),
        "high": ("high",),
        "xhigh": ("xhigh", "high"),
        "max": ("max", "xhigh", "high"),
    }
)
_ADAPTIVE: Final = MappingProxyType({"type": "adaptive", "display": "summarized"})  # without display, it comes empty


class Reasoning(NamedTuple):
    """The fields `thinking` and `output_config.effort`, where they have to be sent, and `max_tokens`."""

    thinking: Fields | None
    effort: str | None
    max_tokens: int

    @property
    def on(self) -> bool:
        """Whether thinking is asked for, which rules out sampling, forced calls and prefilled answers."""
        return self.thinking is not None and self.thinking.get("type") != "disabled"


def reasoning(fields: Object, model: Family, dropped: Dropped, *, forced: bool, replayed: bool) -> Reasoning:
    """What to send for a chat.

    `forced`: a tool call is. `replayed`: the calls that the chat goes on from stand behind the thinking that led to them.
    A model that thinks with a budget refuses the one, and whatever is without the other; an adaptive one does not mind.
    """
    limit = _limit(fields)
    level = _level(fields, dropped)
    thinking = _thinking(fields, level, model, dropped)
    if thinking is not None and thinking["type"] == "enabled":
        thinking, limit = _within(thinking, limit, model)
        why = "max_tokens leaves no room" if thinking is None else "a tool call is forced" if forced else ""
        why = why or ("" if replayed else "the last tool calls came without it")
        if why:
            thinking = None
            dropped.add(_source(fields), why)
    effort = next((one for one in _CLOSEST.get(level or "", ()) if one in model.efforts), None)
    if thinking is None and effort in ("xhigh", "max") and not model.always_thinks:
        effort = "high"  # what is more needs thinking
    return Reasoning(thinking, effort, limit if limit is not None else model.answer_tokens)


def _source(fields: Object) -> str:
    """Which field asked for thinking."""
    return "thinking" if isinstance(fields.get("thinking"), dict) else "reasoning_effort"


def _limit(fields: Object) -> int | None:
    """The caller's limit. Raises `InvalidValue` for what is none."""
    for name in ("max_completion_tokens", "max_tokens"):
        value = fields.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise wrong(name, "an integer over 0")
        return value
    return None


def _level(fields: Object, dropped: Dropped) -> str | None:
    """The effort in words; None for none, `none` included."""
    level = fields.get("reasoning_effort")
    if level is None or level == "none":
        return None
    if isinstance(level, str) and level in _CLOSEST:
        return level
    dropped.add("reasoning_effort", level)
    return None


def _thinking(fields: Object, level: str | None, model: Family, dropped: Dropped) -> Fields | None:
    """Anthropic's parameter as it came, or else from the effort, in a form that the model has."""
    told = fields.get("thinking")
    if isinstance(told, dict) and isinstance(told.get("type"), str):
        return _given(told, level, model, dropped)
    if told is not None:
        dropped.add("thinking")
    if model.thinking == "none":
        if level is not None and level not in model.efforts:
            dropped.add("reasoning_effort")
        return None
    if level is not None:
        return dict(_ADAPTIVE) if model.adapts else {"type": "enabled", "budget_tokens": _BUDGETS[level]}
    if fields.get("reasoning_effort") == "none" and model.adapts and not model.always_thinks:
        return {"type": "disabled"}  # some think unless they are told not to
    return None


def _given(told: Object, level: str | None, model: Family, dropped: Dropped) -> Fields | None:
    kind = told["type"]
    if kind == "disabled":
        return None if model.always_thinks or model.thinking == "none" else dict(told)
    if model.thinking == "none":
        dropped.add("thinking")
        return None
    kept = {key: value for key, value in told.items() if key != "budget_tokens"}
    if kind == "enabled" and model.thinking == "adaptive":
        return {**_ADAPTIVE, **kept, "type": "adaptive"}
    if kind == "adaptive" and not model.adapts:
        return {**kept, "type": "enabled", "budget_tokens": _BUDGETS[level or "high"]}
    return dict(told)


def _within(thinking: Fields, limit: int | None, model: Family) -> tuple[Fields | None, int | None]:
    """Thinking with a budget that is under the limit of the answer, which counts both; None where there is no room."""
    told = thinking.get("budget_tokens")
    budget = told if isinstance(told, int) and not isinstance(told, bool) else _BUDGETS["high"]
    if limit is None:
        limit = min(max(model.answer_tokens, budget + ROOM), model.most_tokens)
    if budget >= limit:
        budget = min(limit - 1, max(LEAST_BUDGET, limit // 2))
    if budget < LEAST_BUDGET:
        return None, limit
    return {**thinking, "budget_tokens": budget}, limit
