"""What a chat's usage says, once for all dialects that tell it in other sums (docs/translation.md)."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Usage(NamedTuple):
    """Tokens. `prompt` holds `read` and `written` (of which `written_1h`), `completion` holds `reasoning`."""

    prompt: int = 0
    read: int = 0
    written: int = 0
    written_1h: int = 0
    completion: int = 0
    reasoning: int = 0

    @property
    def uncached(self) -> int:
        """Input that no cache had a part in."""
        return max(0, self.prompt - self.read - self.written)


def usage_of(told: object) -> Usage:
    """The sums of a chat's `usage`; nothing where there is none, or what is no number."""
    if not isinstance(told, Mapping):
        return Usage()
    prompt, completion = _inner(told, "prompt_tokens_details"), _inner(told, "completion_tokens_details")
    return Usage(
        _count(told, "prompt_tokens"),
        _count(prompt, "cached_tokens"),
        _count(prompt, "cache_write_tokens"),
        _count(prompt, "cache_write_1h_tokens"),
        _count(told, "completion_tokens"),
        _count(completion, "reasoning_tokens"),
    )


def _inner(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = told.get(key)
    return inner if isinstance(inner, Mapping) else {}


def _count(told: Mapping[str, Any], key: str) -> int:
    count = told.get(key)
    return int(count) if isinstance(count, int | float) and 0 < count < 2**53 else 0
