"""Tokens of one answer, from OpenAI's usage object or, for an answer that was cut, from its bytes."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from gateway.core.record import Usage
from gateway.core.transcript import Transcript

BYTES_PER_TOKEN = 4
"""A rule of thumb for English text with byte-pair encodings; only for answers whose true usage never came."""

MOST_TOKENS = 10**9
"""Of one answer; a provider that says more is wrong, and one such number would spoil a counter for good."""


def usage_of(transcript: Transcript, asked_bytes: int) -> Usage:
    """What the provider said, else an estimate that says so. `asked_bytes`: the size of the request's body."""
    said = transcript.usage
    if said is not None and (exact := _exact(said)) is not None:
        return exact
    return Usage(
        input_tokens=-(-asked_bytes // BYTES_PER_TOKEN),
        output_tokens=-(-transcript.produced // BYTES_PER_TOKEN),
        exact=False,
    )


def _exact(said: Mapping[str, Any]) -> Usage | None:
    total_in, total_out = said.get("prompt_tokens"), said.get("completion_tokens", 0)
    if not _is_count(total_in):
        return None
    details_in, details_out = said.get("prompt_tokens_details"), said.get("completion_tokens_details")
    usage = Usage(
        total_in,
        total_out if _is_count(total_out) else 0,
        _detail(details_in, "cached_tokens") if details_in else 0,
        _detail(details_out, "reasoning_tokens") if details_out else 0,
    )
    written = _detail(details_in, "cache_write_tokens") if details_in else 0
    if not written:
        return usage
    return usage._replace(cache_write_tokens=written, cache_write_1h_tokens=_detail(details_in, "cache_write_1h_tokens"))


def _detail(details: object, name: str) -> int:
    value = details.get(name) if isinstance(details, dict) else None
    return value if _is_count(value) else 0


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MOST_TOKENS  # exactly int: JSON's true is none
