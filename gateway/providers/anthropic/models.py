"""What the families of Claude models can do, as far as a request has to be written differently for it.

A table, since the API does not say: a parameter that a model does not have is a 400. The longest prefix of the name wins, so
that dated names and aliases find their family; a name that is none of Claude's gets what every server of this API takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal

_LONGEST: Final = 200
"""Characters of a name that are looked at."""
_EVERY: Final = frozenset({"low", "medium", "high", "xhigh", "max"})
_NOT_XHIGH: Final = _EVERY - {"xhigh"}


@dataclass(frozen=True, slots=True)
class Family:
    """What models of one family take.

    `answer_tokens` is the limit of an answer that is asked for where the caller names none, `most_tokens` the greatest
    there is. `thinking`: not at all, with a budget, adaptive, or either. `always_thinks`: it cannot be turned off.
    `efforts`: the levels of `output_config.effort`, none where there is no such field. `samples`: temperature, top_p and
    top_k. `formats`: `output_config.format`. `prefills`: the last message may be the assistant's. `forces`: a tool call
    may be forced.
    """

    answer_tokens: int
    most_tokens: int
    thinking: Literal["none", "budget", "either", "adaptive"] = "none"
    always_thinks: bool = False
    efforts: frozenset[str] = frozenset()
    samples: bool = True
    formats: bool = False
    prefills: bool = True
    forces: bool = True

    @property
    def adapts(self) -> bool:
        """Whether it knows adaptive thinking."""
        return self.thinking in ("either", "adaptive")


_CLAUDE_3: Final = Family(4096, 4096)
_CLAUDE_3_5: Final = Family(8192, 8192)
_OPUS_4: Final = Family(32_000, 32_000, thinking="budget")
_SONNET_4: Final = replace(_OPUS_4, most_tokens=64_000)
_CLAUDE_4_5: Final = Family(64_000, 64_000, thinking="budget", formats=True)
_OPUS_4_5: Final = replace(_CLAUDE_4_5, efforts=frozenset({"low", "medium", "high"}))
_CLAUDE_4_6: Final = Family(128_000, 128_000, thinking="either", efforts=_NOT_XHIGH, formats=True, prefills=False)
_CURRENT: Final = replace(_CLAUDE_4_6, thinking="adaptive", efforts=_EVERY, samples=False)
_ALWAYS: Final = replace(_CURRENT, always_thinks=True)
_UNFORCED: Final = replace(_ALWAYS, forces=False)
_UNKNOWN: Final = Family(16_000, 64_000, thinking="budget")

_FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        "claude": _CURRENT,
        "claude-instant": _CLAUDE_3,
        "claude-2": _CLAUDE_3,
        "claude-3": _CLAUDE_3,
        "claude-3-5": _CLAUDE_3_5,
        "claude-3-7": _SONNET_4,
        "claude-4-opus": _OPUS_4,
        "claude-4-sonnet": _SONNET_4,
        "claude-opus-4": _OPUS_4,
        "claude-sonnet-4": _SONNET_4,
        "claude-sonnet-4-5": _CLAUDE_4_5,
        "claude-haiku-4-5": _CLAUDE_4_5,
        "claude-opus-4-5": _OPUS_4_5,
        "claude-opus-4-6": _CLAUDE_4_6,
        "claude-sonnet-4-6": _CLAUDE_4_6,
        "claude-opus-4-7": _CURRENT,
        "claude-opus-4-8": _CURRENT,
        "claude-mythos-preview": _ALWAYS,
        "claude-fable-5": _ALWAYS,
        "claude-mythos-5": _ALWAYS,
        "claude-fable-5-": _UNFORCED,
        "claude-mythos-5-": _UNFORCED,
        "claude-opus-5-5": _UNFORCED,
        "claude-sonnet-5-5": _UNFORCED,
    }
)


def family(model: str) -> Family:
    """The family of a model, however its provider writes the name (`us.anthropic.claude-...-v1:0`, `claude-...@date`)."""
    return _family(model[:_LONGEST])  # callers may make names up, and what is remembered is to be small


@lru_cache(maxsize=1024)
def _family(model: str) -> Family:
    name = model.casefold().replace(".", "-")
    at = name.find("claude")
    if at < 0:
        return _UNKNOWN
    return max(((prefix, known) for prefix, known in _FAMILIES.items() if name.startswith(prefix, at)), key=_length)[1]


def _length(row: tuple[str, Family]) -> int:
    return len(row[0])
