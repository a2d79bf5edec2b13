"""How long a caller is willing to wait for the whole chain, and what is left of that for one try. Pure."""

import math
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from gateway.core.catalog import Timeouts
from gateway.core.errors import InvalidValue

REQUEST_TIMEOUT: Final = b"x-request-timeout"
STAINLESS_TIMEOUT: Final = b"x-stainless-timeout"

LEAST_S: Final = 0.2
"""What must be left for another try to be worth it."""

_DURATION: Final = re.compile(rb"\s*(\d{1,9}(?:\.\d{0,9})?)\s*(ms|s|m)?\s*", re.ASCII)
_UNITS: Final = {b"ms": 0.001, b"s": 1.0, b"m": 60.0}


class Deadline(NamedTuple):
    """Until when the answer has to begin and to end, as readings of `now_s`; and what the caller called its limit."""

    begins_s: float
    ends_s: float
    limit_s: float


def deadline_of(headers: Mapping[bytes, bytes], born_s: float, *, stream: bool) -> Deadline | None:
    """What the two headers say together; None without any. Raises `InvalidValue` for an `x-request-timeout` of nonsense.

    `x-request-timeout` bounds the whole answer. The SDKs' own header is their patience until an answer begins: a stream
    may go on for longer.
    """
    whole_s, sdk_s = math.inf, math.inf
    if (said := headers.get(REQUEST_TIMEOUT)) is not None:
        whole_s = _seconds(said)
        if not math.isfinite(whole_s):
            raise InvalidValue(
                "x-request-timeout must be a positive time such as 30, 30s or 1500ms.", param="x-request-timeout"
            )
    if (said := headers.get(STAINLESS_TIMEOUT)) is not None:
        sdk_s = _seconds(said)
    limit_s = min(whole_s, sdk_s)
    if limit_s == math.inf:
        return None
    return Deadline(born_s + limit_s, born_s + (whole_s if stream else limit_s), limit_s)


def presses(deadline: Deadline, own: Timeouts, now_s: float) -> bool:
    """Whether a call that takes as long as its provider may could outlast the deadline, with each phase in time."""
    return deadline.begins_s - now_s < own.connect_s + own.first_byte_s + own.first_token_s


def within(own: Timeouts, deadline: Deadline, now_s: float) -> Timeouts | None:
    """The provider's own patience, phase by phase, cut down to what is left; None where nothing has to be cut."""
    begin_s, end_s = deadline.begins_s - now_s, deadline.ends_s - now_s
    cut = Timeouts(
        connect_s=min(own.connect_s, begin_s),
        first_byte_s=min(own.first_byte_s, begin_s),
        between_bytes_s=min(own.between_bytes_s, end_s),
        total_s=min(own.total_s, end_s),
        first_token_s=min(own.first_token_s, begin_s),
    )
    return None if cut == own else cut


def _seconds(said: bytes) -> float:
    """Infinity for what is no positive time."""
    found = _DURATION.fullmatch(said)
    return (float(found[1]) * _UNITS[found[2] or b"s"] if found else 0.0) or math.inf
