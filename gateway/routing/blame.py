"""What the failure of a try says: of the target, of the account behind it, and about trying again. Pure."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from gateway.core.catalog import Target, Timeouts
from gateway.core.errors import (
    GatewayError,
    ProviderNotConfigured,
    Refusal,
    UnsupportedOperation,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamFault,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamTruncated,
    UpstreamUnreachable,
)

NEXT: Final = "next"
"""In `Model.failover`: the next target of the chain."""
ANY: Final = "*"
"""The model of a target that passes names on."""
CONTEXT_LENGTH: Final = "context_length"
CONTENT_FILTER: Final = "content_filter"

_POLICIES: Final[Mapping[str, str]] = {
    "context_length_exceeded": CONTEXT_LENGTH,
    "string_above_max_length": CONTEXT_LENGTH,
    "content_filter": CONTENT_FILTER,
    "content_policy_violation": CONTENT_FILTER,
    "moderation_blocked": CONTENT_FILTER,
    "invalid_prompt": CONTENT_FILTER,
}
"""Codes of a provider's refusal, and the key of `Model.failover` that says what follows them."""
_TOO_LARGE: Final = 413
_EMPTY: Final = "insufficient_quota"

COOL_S: Final = 2.0
"""How long an account rests that says it is asked too often, but not until when."""
LONGEST_S: Final = 60.0
"""The longest that an account rests, and that a caller is told to wait: SDKs give up, or hang, on longer waits."""


class Blame(Enum):
    """Whom a failure speaks of."""

    TARGET = "target"
    ACCOUNT = "account"
    NOBODY = "nobody"


def blame(error: GatewayError, own: Timeouts, *, late: bool = False) -> Blame:
    """Whom to blame. `own`: the provider's own patience; a shorter one was the caller's. `late`: after the first content.

    A caller must not be able to open a breaker: not with what it asks, how long it waits, nor how slowly it reads.
    """
    if not isinstance(error, UpstreamFault):
        return Blame.NOBODY
    if isinstance(error, UpstreamTimeout):
        return Blame.NOBODY if _callers(error, own, late=late) else Blame.TARGET
    if isinstance(error, UpstreamRefused):
        if error.status == 429:
            return Blame.ACCOUNT
        return Blame.TARGET if error.status >= 500 or error.status == 408 else Blame.NOBODY
    return Blame.TARGET


def _callers(error: UpstreamTimeout, own: Timeouts, *, late: bool) -> bool:
    if error.phase == "deadline" or (late and error.phase == "total"):
        return True
    return error.limit_s < min(getattr(own, f"{error.phase}_s", 0.0), own.total_s)


def cool_s(error: GatewayError) -> float:
    """How long the account of a 429 rests. One without money needs somebody to pay: it rests for as long as can be."""
    if error.code == _EMPTY:
        return LONGEST_S
    return COOL_S if error.retry_after_s is None else min(error.retry_after_s, LONGEST_S)


def onwards(error: GatewayError, target: Target, failover: Mapping[str, str]) -> str | None:
    """What follows the failure: `NEXT`, a model's name, or None where the caller has to hear of it."""
    if isinstance(error, ProviderNotConfigured | UnsupportedOperation):
        return NEXT
    if not isinstance(error, UpstreamFault):
        return None
    if error.retryable or is_absent(error, target):
        return NEXT
    return failover.get(CONTEXT_LENGTH if error.status == _TOO_LARGE else _POLICIES.get(error.code or "", ""))


def is_absent(error: GatewayError, target: Target) -> bool:
    """The provider does not know the model, which is the caller's mistake only where the caller named it (`*`)."""
    return isinstance(error, UpstreamRefused) and error.status == 404 and target.model != ANY


def nothing_began(error: GatewayError) -> bool:
    """Surely nothing was started at the provider: what must not happen twice may be tried elsewhere."""
    if isinstance(error, Refusal | UpstreamCredentials) or unreached(error):
        return True
    return isinstance(error, UpstreamRefused) and error.status == 429


def repeatable(error: GatewayError) -> bool:
    """Whether the same target may be asked again: not where that has cost much time already, or is of no use."""
    if error.should_retry is False:
        return False
    if isinstance(error, UpstreamRefused):
        return error.retryable
    return isinstance(error, UpstreamBroken | UpstreamTruncated) or unreached(error)


def may_cost(error: GatewayError) -> bool:
    """The provider may have worked on it, and not said what that costs: it neither refused it nor was out of reach."""
    return not (isinstance(error, UpstreamRefused) or nothing_began(error))


def unreached(error: GatewayError) -> bool:
    """There was not even a connection: that is not about the model."""
    return isinstance(error, UpstreamUnreachable) or (isinstance(error, UpstreamTimeout) and error.phase == "connect")


def reason_of(error: GatewayError) -> str:
    """The failure in a few words, none of them the provider's."""
    if isinstance(error, UpstreamTimeout):
        return f"a timeout ({error.phase})"
    return f"status {error.status}" if isinstance(error, UpstreamRefused) else error.code or type(error).__name__


def result_of(error: GatewayError) -> str:
    """The failure as a label: the codes of providers have no bound."""
    if isinstance(error, UpstreamRefused):
        if error.status == 429:
            return "rate_limited"
        return "failed" if error.status >= 500 else "refused"
    return error.code or type(error).__name__
