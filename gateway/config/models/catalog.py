"""What callers may ask for: models and their chains, and what a token costs."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from gateway.config.models.section import Duration, Positive, Section, Usd


class ChainTarget(Section):
    """One place that can answer."""

    target: str = Field(description="provider/model; the model may contain slashes, or be * for the name that was asked.")
    weight: int = Field(default=1, ge=1, le=1_000_000, description="Its share among targets of the same priority.")
    priority: int = Field(default=1, ge=1, le=1_000, description="Lower first; the next only when those before are out.")


class Failover(Section):
    """Who is asked instead where an error is the caller's own: `next`, for the next target, or another model."""

    context_length: str | None = Field(default=None, description="Where the request is longer than the target takes.")
    content_filter: str | None = Field(default=None, description="Where the target's filter refuses the request.")


class ModelEntry(Section):
    """A name that callers may ask for, and who answers."""

    chain: list[ChainTarget] = Field(description="The targets that can answer.")
    attempts: int = Field(default=3, ge=1, le=10, description="Tries in all that one call may make.")
    failover: Failover = Field(
        default_factory=Failover, description="Which of the caller's own errors go on: to next, or to another model."
    )
    hedge: Annotated[Duration, Positive] | None = Field(
        default=None, description="After so long without a first token a second target is asked beside the first."
    )
    unsupported: Literal["drop", "refuse"] = Field(
        default="drop", description="Parameters that a target cannot take: left out and named in a header, or refused."
    )


def _bare(given: Any) -> Any:
    """`provider/model` stands for a chain of one."""
    return {"chain": [{"target": given}]} if isinstance(given, str) else given


def _bare_targets(given: Any) -> Any:
    entry = _bare(given)
    if isinstance(entry, dict) and isinstance(entry.get("chain"), list):
        return {**entry, "chain": [{"target": one} if isinstance(one, str) else one for one in entry["chain"]]}
    return entry


ModelOrTarget = Annotated[ModelEntry, BeforeValidator(_bare_targets, json_schema_input_type=str | ModelEntry)]

_PRICE = "USD a million"


class Price(Section):
    """What a million tokens of a target cost."""

    input: Usd = Field(description=f"{_PRICE} input tokens.")
    output: Usd = Field(description=f"{_PRICE} output tokens.")
    cached_input: Usd | None = Field(default=None, description=f"{_PRICE} input tokens that the provider had cached.")
    cache_write: Usd | None = Field(default=None, description=f"{_PRICE} input tokens that the provider writes to its cache.")
