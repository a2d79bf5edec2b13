"""Values with their units, as users write them: `30s`, `20MiB`, `80%`, `400k`, `600/min`, `200 usd/day`. Pure.

Every reader takes text (or a number that YAML has read already) and raises `UnitError`, which says what was expected.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

NANO = 1_000_000_000
LIMIT = Decimal(10) ** 15
"""Above it a number is a slip of the hand, whatever its unit."""

SECONDS: Mapping[str, Decimal] = MappingProxyType(
    {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "min": Decimal(60), "h": Decimal(3600), "d": Decimal(86_400)}
)
BYTES: Mapping[str, int] = MappingProxyType(
    {"B": 1, "KB": 10**3, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
)
MULTIPLES: Mapping[str, int] = MappingProxyType({"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9})
PERIODS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("s", "sec", "second"), "second"),
        **dict.fromkeys(("m", "min", "minute"), "minute"),
        **dict.fromkeys(("h", "hour"), "hour"),
        **dict.fromkeys(("d", "day"), "day"),
        **dict.fromkeys(("w", "week"), "week"),
        "month": "month",
    }
)

DURATION = "a duration such as 500ms, 30s, 10m or 1h"
SIZE = "a size such as 512KiB or 20MiB"
SHARE = "a share such as 80%, from 0% to 100%"
COUNT = "a whole number such as 400, 400k or 2M"
RATE = "a rate such as 600/min or 2M/min (per s, min, h, day, week or month)"
USD = "an amount of dollars such as 2, 0.50 or 2 usd"
SPEND = "an amount of dollars and a period, such as 200/day or 200 usd/day (per h, day, week or month)"

_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,12})?)\s*([A-Za-z%]*)", re.ASCII)


class UnitError(ValueError):
    """A text is not the value that was expected; `expected` says which forms are."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"expected {expected}")
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in a period: second, minute, hour, day, week or (calendar) month."""

    amount: int
    period: str


@dataclass(frozen=True, slots=True)
class Spend:
    """So much money in a period, in billionths of a dollar."""

    nano_usd: int
    period: str


def duration(text: object) -> float:
    """Seconds."""
    number, unit = _quantity(text, DURATION)
    if unit not in SECONDS:
        raise UnitError(DURATION)
    return float(number * SECONDS[unit])


def size(text: object) -> int:
    """Bytes."""
    number, unit = _quantity(text, SIZE)
    if unit not in BYTES:
        raise UnitError(SIZE)
    return _whole(number * BYTES[unit], SIZE)


def share(text: object) -> float:
    """A fraction from 0 to 1, written in percent."""
    number, unit = _quantity(text, SHARE)
    if unit != "%" or number > 100:
        raise UnitError(SHARE)
    return float(number / 100)


def count(text: object) -> int:
    """A whole number, with `k`, `M` or `G` for its zeros."""
    return _count(text, COUNT)


def rate(text: object) -> Rate:
    """A number in a period."""
    amount, period = _halves(text, RATE)
    return Rate(_count(amount, RATE), period)


def usd(text: object) -> int:
    """Billionths of a dollar."""
    return _nano_usd(text, USD)


def spend(text: object) -> Spend:
    """Money in a period."""
    amount, period = _halves(text, SPEND)
    if period in ("second", "minute"):
        raise UnitError(SPEND)
    return Spend(_nano_usd(amount, SPEND), period)


def _count(text: object, expected: str) -> int:
    number, unit = _quantity(text, expected)
    if unit not in MULTIPLES:
        raise UnitError(expected)
    return _whole(number * MULTIPLES[unit], expected)


def _nano_usd(text: object, expected: str) -> int:
    number, unit = _quantity(text, expected)
    if unit.lower() not in ("", "usd"):
        raise UnitError(expected)
    return _whole(number * NANO, expected)


def _halves(text: object, expected: str) -> tuple[str, str]:
    amount, slash, period = _text(text).partition("/")
    if not slash or period.strip() not in PERIODS:
        raise UnitError(expected)
    return amount, PERIODS[period.strip()]


def _quantity(text: object, expected: str) -> tuple[Decimal, str]:
    found = _QUANTITY.fullmatch(_text(text))
    if found is None:
        raise UnitError(expected)
    number = Decimal(found[1])
    if number > LIMIT:
        raise UnitError(expected)
    return number, found[2]


def _text(value: object) -> str:
    """What was written: YAML has made numbers of some. A boolean is never a quantity."""
    return "" if isinstance(value, bool) else str(value).strip()


def _whole(number: Decimal, expected: str) -> int:
    if number != int(number):
        raise UnitError(expected)
    return int(number)
