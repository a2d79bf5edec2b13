"""Tokens of one answer, from OpenAI's usage object or, for an answer that was cut, from its bytes."""

from collections.abc import Mapping
from typing import Any

from gateway.core.chat import ModelRequest
from gateway.core.record import Usage
from gateway.core.transcript import Transcript

BYTES_PER_TOKEN = 4
"""A rule of thumb for English text with byte-pair encodings; only for answers whose true usage never came."""


def usage_of(transcript: Transcript, request: ModelRequest) -> Usage:
    """What the provider said, else an estimate that says so."""
    said = transcript.usage
    if said is not None and (exact := _exact(said)) is not None:
        return exact
    return Usage(
        input_tokens=-(-len(request.body) // BYTES_PER_TOKEN),
        output_tokens=-(-transcript.produced // BYTES_PER_TOKEN),
        exact=False,
    )


def _exact(said: Mapping[str, Any]) -> Usage | None:
    total_in = _count(said.get("prompt_tokens"))
    if total_in is None:
        return None
    return Usage(
        input_tokens=total_in,
        output_tokens=_count(said.get("completion_tokens")) or 0,
        cached_tokens=_detail(said, "prompt_tokens_details", "cached_tokens"),
        reasoning_tokens=_detail(said, "completion_tokens_details", "reasoning_tokens"),
    )


def _detail(said: Mapping[str, Any], group: str, name: str) -> int:
    details = said.get(group)
    return (_count(details.get(name)) or 0) if isinstance(details, Mapping) else 0


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
