"""The keys of one account."""

import pytest

from gateway.core.catalog import ProviderSpec
from gateway.core.clock import ManualClock
from gateway.core.errors import ProviderNotConfigured
from gateway.providers.keys import REST_S, Keys


def keys(*texts: str, clock: ManualClock | None = None) -> Keys:
    return Keys(ProviderSpec("p", "openai", api_keys=texts), clock or ManualClock())


def test_they_take_turns_and_empty_ones_are_none() -> None:
    ring = keys("one", "", "two")
    assert [ring.next() for _ in range(3)] == ["one", "two", "one"]


def test_a_refused_key_rests_while_another_works_and_comes_back() -> None:
    clock = ManualClock()
    ring = keys("one", "two", clock=clock)
    assert ring.reject("one")
    assert {ring.next() for _ in range(4)} == {"two"}
    clock.advance(REST_S)
    assert {ring.next() for _ in range(4)} == {"one", "two"}


def test_when_all_are_refused_nothing_is_left_to_try_but_later_calls_try_again() -> None:
    ring = keys("one", "two")
    assert ring.reject("one")
    assert not ring.reject("two")
    assert {ring.next() for _ in range(4)} == {"one", "two"}


def test_a_refused_key_is_told_by_its_place_once_until_it_has_rested(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    ring = keys("one-secret", "two-secret", clock=clock)
    for _ in range(3):
        ring.reject("two-secret")
    told = [(record.levelname, record.message, getattr(record, "fields", None)) for record in caplog.records]
    assert told == [("ERROR", "upstream_credentials_refused", {"provider": "p", "key": "2 of 2"})]
    assert not ring.reject("one-secret"), "whoever asked will tell"
    assert len(caplog.records) == 1
    clock.advance(REST_S)
    ring.next()
    ring.reject("two-secret")
    assert len(caplog.records) == 2
    assert "secret" not in repr([vars(record) for record in caplog.records])


def test_none_is_no_key_unless_one_is_needed() -> None:
    assert keys().next() is None
    with pytest.raises(ProviderNotConfigured, match="P_KEY"):
        Keys(ProviderSpec("p", "openai", key_needed=True, variable="P_KEY"), ManualClock()).next()
