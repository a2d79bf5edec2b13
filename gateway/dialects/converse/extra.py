"""What stands in `additionalModelRequestFields`: the model's own parameters, as Claude, Nova and others name them.

    thinking, reasoning_config             `thinking`
    reasoning_effort, output_config        `reasoning_effort`; Converse has a field of its own for it as well
    reasoningConfig (Nova)                 the same
    top_k, inferenceConfig.topK (Nova)     `top_k`
    tool_choice                            whether calls may be parallel

Whatever else there is is left out and named.
"""

from typing import Final

from gateway.dialects.shapes import Dropped, Fields, Object, mapping, optional, wrong

_FIELD: Final = "additionalModelRequestFields"
_KNOWN: Final = frozenset(
    {
        *("thinking", "reasoning_config", "reasoning_effort", "output_config", "reasoningConfig"),
        *("top_k", "topK", "inferenceConfig", "tool_choice"),
    }
)
_EFFORTS: Final = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})


def extra_of(fields: Object, choice: object, dropped: Dropped) -> Fields:
    """The same, as fields of Messages. `choice`: the `tool_choice` so far."""
    extra = optional(fields.get(_FIELD), _FIELD)
    dropped.others(extra, _KNOWN, f"{_FIELD}.")
    told: Fields = {}
    thinking = extra.get("thinking") if extra.get("thinking") is not None else extra.get("reasoning_config")
    if thinking is not None:
        told["thinking"] = mapping(thinking, f"{_FIELD}.thinking")
    dropped.others(_inner(extra, "output_config"), ("effort",), f"{_FIELD}.output_config.")
    if (top_k := _top_k(extra, dropped)) is not None:
        told["top_k"] = top_k
    return told | _choice(extra, choice, dropped)


def effort_of(fields: Object) -> Fields:
    """The chat's field for how hard to think, where a word says it."""
    extra = optional(fields.get(_FIELD), _FIELD)
    levels = (
        optional(fields.get("outputConfig"), "outputConfig").get("effort"),
        _inner(extra, "output_config").get("effort"),
        extra.get("reasoning_effort"),
        _novas(_inner(extra, "reasoningConfig")),
    )
    level = next((one for one in levels if one is not None), None)
    if level is None:
        return {}
    if not isinstance(level, str) or level not in _EFFORTS:
        raise wrong("outputConfig.effort", f"one of {', '.join(sorted(_EFFORTS))}")
    return {"reasoning_effort": "xhigh" if level == "max" else level}


def _novas(config: Object) -> object:
    """Nova's, which thinks only where it is told to."""
    return config.get("maxReasoningEffort", "medium") if config.get("type") == "enabled" else None


def _top_k(extra: Object, dropped: Dropped) -> object:
    inner = _inner(extra, "inferenceConfig")
    dropped.others(inner, ("topK",), f"{_FIELD}.inferenceConfig.")
    for value in (extra.get("top_k"), extra.get("topK"), inner.get("topK")):
        if value is not None:
            return value
    return None


def _choice(extra: Object, choice: object, dropped: Dropped) -> Fields:
    """Claude's own field beside Converse's, for the one thing that Converse has no word for."""
    own = _inner(extra, "tool_choice")
    if own.get("disable_parallel_tool_use") is not True:
        if own and own.get("type") != "auto":
            dropped.add(f"{_FIELD}.tool_choice", own.get("type"))
        return {}
    so_far = choice if isinstance(choice, dict) else {"type": "auto"}
    return {"tool_choice": {**so_far, "disable_parallel_tool_use": True}}


def _inner(extra: Object, name: str) -> Object:
    return optional(extra.get(name), f"{_FIELD}.{name}")
