"""What depends on the model within one vendor: parameters that OpenAI's and xAI's reasoning models do not take.

Told by the model's name, as far as the vendors have named theirs; a new name is taken for a reasoning model at OpenAI, because
all since 2025 are.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.providers.vendors import Vendor

Fields = dict[str, Any]

_WITHOUT_REASONING: Final = ("gpt-3.5", "gpt-35", "gpt-4", "chatgpt-", "davinci", "babbage", "ft:gpt-3.5", "ft:gpt-4")
_ALSO_WITHOUT: Final = ("-chat-latest", "-search-preview", "-audio-preview")
_SAMPLING: Final = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias")
_DEFAULTS: Final[Mapping[str, object]] = MappingProxyType(
    {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0, "logprobs": False}
    | {"logit_bias": {}, "store": False}
)

# docs.x.ai/docs/guides/reasoning: an error for reasoning models.
_GROK_REFUSES: Final = ("presence_penalty", "frequency_penalty", "stop")
_GROK_WITH_EFFORT: Final = ("grok-3-mini", "grok-4.20-multi-agent")
_GROK_WITHOUT_EFFORT: Final = ("grok-2", "grok-3", "grok-4-", "grok-4.1", "grok-4.20", "grok-code", "grok-build")
"""NousResearch/hermes-agent#23435 and docs.x.ai: `grok-4.3` and later take an effort, what thinks before does not."""


def reasons(model: str) -> bool:
    """Whether this is one of OpenAI's reasoning models, by its name."""
    name = model.rpartition("/")[2].lower()
    return not name.startswith(_WITHOUT_REASONING) and not name.endswith(_ALSO_WITHOUT)


def fitted(fields: Fields, model: str, vendor: Vendor, dropped: list[str]) -> None:
    """Leaves out what this model of the vendor does not take."""
    if vendor.families == "o":
        _openai(fields, model, dropped)
    elif vendor.families == "grok":
        _grok(fields, model.rpartition("/")[2].lower(), dropped)


def _openai(fields: Fields, model: str, dropped: list[str]) -> None:
    if not reasons(model):
        drop(fields, ("reasoning_effort", "verbosity"), dropped)
        return
    # Documented with the parameter: `stop` is not supported by the latest reasoning models.
    drop(fields, ("stop",), dropped)
    if fields.get("reasoning_effort") != "none":
        drop(fields, _SAMPLING, dropped)


def _grok(fields: Fields, name: str, dropped: list[str]) -> None:
    if name.endswith("non-reasoning") or (name.startswith(("grok-2", "grok-3")) and not name.startswith("grok-3-mini")):
        drop(fields, ("reasoning_effort",), dropped)
        return
    drop(fields, _GROK_REFUSES, dropped)
    if name == "grok-4" or (name.startswith(_GROK_WITHOUT_EFFORT) and not name.startswith(_GROK_WITH_EFFORT)):
        drop(fields, ("reasoning_effort",), dropped)


def drop(fields: Fields, names: Iterable[str], dropped: list[str]) -> None:
    """Leaves these out; one that only says what holds anyway is not worth a word."""
    for name in names:
        if name in fields:
            value = fields.pop(name)
            if value is not None and value != _DEFAULTS.get(name):
                dropped.append(name)
