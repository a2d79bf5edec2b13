"""What is kept of an exchange: its times, its attempts, its usage.

What every call makes is a named tuple, which costs half of a frozen dataclass to make.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Usage(NamedTuple):
    """Tokens of one answer. `exact`: the provider said so; otherwise estimated from what was produced.

    `input_tokens` are all, of which `cached_tokens` were read from the provider's cache, and `cache_write_tokens` written to
    it, `cache_write_1h_tokens` of these for an hour.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    exact: bool = True
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0


class Attempt(NamedTuple):
    """One try at one target: how long it took to its first content or its failure, and the failure's code.

    `usage`: what a try has cost whose answer is not the caller's, such as that of a hedge which came second.
    """

    target: str
    seconds: float
    error: str | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class TraceContext:
    """W3C trace context: the trace that the call belongs to, and the id of our own span in it, in hexadecimal."""

    trace_id: str
    span_id: str
    sampled: bool

    def header(self) -> str:
        """The value of `traceparent` for whoever comes next."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


@dataclass(slots=True)
class Record:
    """The account of an exchange, in readings of the clock's `now_s`. `first_byte_s`: when the first chunk could leave.

    `dropped`: what the target could not take of the request, in words.
    """

    trace: TraceContext | None = None
    first_byte_s: float | None = None
    attempts: list[Attempt] = field(default_factory=list)
    dropped: Sequence[str] = ()
