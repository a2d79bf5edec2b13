"""What is kept of an exchange: its times, its attempts, its usage."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. `exact`: the provider said so; otherwise estimated from what was produced."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one target: how long it took to its first byte or its failure, and the failure's code."""

    target: str
    seconds: float
    error: str | None = None


@dataclass(slots=True)
class Record:
    """The account of an exchange. Times are readings of the clock's `now_s`; `trace_id` is W3C's, if one came."""

    opened_s: float
    wall_s: float
    trace_id: str | None = None
    first_byte_s: float | None = None
    attempts: list[Attempt] = field(default_factory=list)
