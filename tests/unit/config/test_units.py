"""Values with units: what is right is read exactly, and what is not says what would be."""

import contextlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import units
from gateway.config.units import Rate, Spend, UnitError

READERS: dict[str, Callable[[object], Any]] = {
    "duration": units.duration,
    "size": units.size,
    "share": units.share,
    "count": units.count,
    "rate": units.rate,
    "usd": units.usd,
    "spend": units.spend,
}


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        ("duration", "500ms", 0.5),
        ("duration", "30s", 30.0),
        ("duration", "1.5h", 5400.0),
        ("duration", "10m", 600.0),
        ("duration", "10 min", 600.0),
        ("duration", "2d", 172_800.0),
        ("size", "20MiB", 20 * 2**20),
        ("size", "512 KiB", 512 * 1024),
        ("size", "1.5kB", 1500),
        ("size", "0B", 0),
        ("share", "80%", 0.8),
        ("share", "0%", 0.0),
        ("share", "0.5%", 0.005),
        ("count", "400k", 400_000),
        ("count", "2M", 2_000_000),
        ("count", 400, 400),
        ("count", "1.5k", 1500),
        ("rate", "600/min", Rate(600, "minute")),
        ("rate", "2M/min", Rate(2_000_000, "minute")),
        ("rate", "5 / s", Rate(5, "second")),
        ("rate", "500M/month", Rate(500_000_000, "month")),
        ("usd", 2, 2_000_000_000),
        ("usd", 0.1, 100_000_000),
        ("usd", "0.10 usd", 100_000_000),
        ("spend", "200/day", Spend(200_000_000_000, "day")),
        ("spend", "200 usd/day", Spend(200_000_000_000, "day")),
        ("spend", "0.5 USD/h", Spend(500_000_000, "hour")),
    ],
)
def test_a_value_with_its_unit_is_read(reader: str, text: object, value: object) -> None:
    assert READERS[reader](text) == value


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        ("duration", "30"),
        ("duration", 30),
        ("duration", "-1s"),
        ("duration", "1 hour and a bit"),
        ("duration", "1e3s"),
        ("duration", ""),
        ("duration", "infs"),
        ("duration", True),
        ("duration", None),
        ("duration", "9" * 400 + "s"),
        ("size", "20"),
        ("size", "20mib"),
        ("size", "0.5B"),
        ("share", "0.8"),
        ("share", "101%"),
        ("count", "4.5"),
        ("count", "400x"),
        ("count", True),
        ("count", "\u0664"),
        ("rate", "600"),
        ("rate", "600/fortnight"),
        ("rate", "600/min/min"),
        ("rate", "x/min"),
        ("usd", "2 eur"),
        ("usd", "0.0000000001"),
        ("spend", "200"),
        ("spend", "200/s"),
    ],
)
def test_anything_else_says_what_was_expected(reader: str, text: object) -> None:
    with pytest.raises(UnitError, match=r"^expected .*such as"):
        READERS[reader](text)


@given(st.sampled_from(sorted(READERS)), st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_no_text_breaks_a_reader(reader: str, text: object) -> None:
    with contextlib.suppress(UnitError):
        assert READERS[reader](text) is not None


@given(st.integers(0, 10**6), st.sampled_from(sorted(units.SECONDS)))
def test_a_duration_is_its_number_of_units(number: int, unit: str) -> None:
    assert units.duration(f"{number}{unit}") == float(number * units.SECONDS[unit])


@given(st.integers(0, 10**6), st.sampled_from(sorted(units.BYTES)))
def test_a_size_is_exact(number: int, unit: str) -> None:
    assert units.size(f"{number}{unit}") == number * units.BYTES[unit]


@given(st.integers(0, 10**15))
def test_money_is_exact_to_the_billionth(nano: int) -> None:
    assert units.usd(f"{Decimal(nano) / units.NANO:.9f}") == nano


@given(st.integers(0, 10**9), st.sampled_from(["", "k", "M"]), st.sampled_from(sorted(units.PERIODS)))
def test_a_rate_is_its_count_in_its_period(number: int, multiple: str, period: str) -> None:
    expected = Rate(number * units.MULTIPLES[multiple], units.PERIODS[period])
    assert units.rate(f"{number}{multiple}/{period}") == expected
