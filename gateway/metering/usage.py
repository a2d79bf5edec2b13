"""Tokens of one answer, from OpenAI's usage object or, for an answer that was cut, from its bytes."""

from collections.abc import Mapping
from typing import Any

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
    total_in = _count(said, "prompt_tokens")
    if total_in is None:
        return None
    details_in, details_out = said.get("prompt_tokens_details"), said.get("completion_tokens_details")
    usage = Usage(
        total_in,
        _count(said, "completion_tokens") or 0,
        _count(details_in, "cached_tokens") or 0 if details_in else 0,
        _count(details_out, "reasoning_tokens") or 0 if details_out else 0,
    )
    if not isinstance(details_in, dict) or not details_in.get("cache_write_tokens"):
        return usage
    written, written_1h = _count(details_in, "cache_write_tokens"), _count(details_in, "cache_write_1h_tokens")
    return usage._replace(cache_write_tokens=written or 0, cache_write_1h_tokens=written_1h or 0) if written else usage


def _count(said: object, name: str) -> int | None:
    value = said.get(name) if isinstance(said, dict) else None
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else None  # exactly int: JSON's true is none
