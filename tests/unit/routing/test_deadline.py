"""What callers say about their patience, and what is left of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import Timeouts
from gateway.core.errors import InvalidValue
from gateway.routing.deadline import deadline_of, within

OWN = Timeouts()


@pytest.mark.parametrize(
    ("said", "seconds"), [(b"30", 30), (b"30s", 30), (b"1500ms", 1.5), (b" 0.5 s ", 0.5), (b"2m", 120), (b"600.0", 600)]
)
def test_a_request_timeout_has_many_forms(said: bytes, seconds: float) -> None:
    found = deadline_of({b"x-request-timeout": said}, 100.0, stream=False)
    assert found is not None
    assert (found.begins_s, found.ends_s, found.limit_s) == (100.0 + seconds, 100.0 + seconds, seconds)


@pytest.mark.parametrize("said", [b"", b"0", b"-1", b"soon", b"nan", b"inf", b"1e3", b"30 hours", b"\xb2", b"9" * 400, b"0ms"])
def test_a_request_timeout_of_nonsense_is_refused_and_the_sdks_is_ignored(said: bytes) -> None:
    with pytest.raises(InvalidValue) as caught:
        deadline_of({b"x-request-timeout": said}, 0.0, stream=False)
    assert caught.value.param == "x-request-timeout"
    assert deadline_of({b"x-stainless-timeout": said}, 0.0, stream=False) is None


def test_without_headers_there_is_no_deadline() -> None:
    assert deadline_of({b"accept": b"*/*"}, 0.0, stream=True) is None


def test_the_sdks_patience_ends_when_a_stream_begins_but_a_request_timeout_bounds_all_of_it() -> None:
    both = {b"x-request-timeout": b"60", b"x-stainless-timeout": b"20"}
    assert deadline_of(both, 0.0, stream=False) == (20.0, 20.0, 20.0)
    assert deadline_of(both, 0.0, stream=True) == (20.0, 60.0, 20.0)
    sdk = deadline_of({b"x-stainless-timeout": b"20"}, 0.0, stream=True)
    assert sdk is not None
    cut = within(OWN, sdk, 5.0)
    assert cut is not None
    assert (cut.first_byte_s, cut.first_token_s, cut.connect_s) == (15.0, 15.0, 5.0)
    assert (cut.total_s, cut.between_bytes_s) == (OWN.total_s, OWN.between_bytes_s)


def test_nothing_is_cut_where_the_caller_has_more_patience_than_we() -> None:
    sdk = deadline_of({b"x-stainless-timeout": b"600"}, 0.0, stream=False)
    assert sdk is not None
    assert within(OWN, sdk, 0.0) is None
    assert within(OWN, sdk, 1.0) == Timeouts(total_s=599.0)


@given(st.floats(0.1, 1000), st.floats(0, 1000), st.booleans())
def test_no_phase_outlasts_the_deadline_nor_the_providers_own(limit_s: float, now_s: float, stream: bool) -> None:
    deadline = deadline_of({b"x-request-timeout": f"{limit_s:.3f}".encode()}, 0.0, stream=stream)
    assert deadline is not None
    cut = within(OWN, deadline, now_s)
    for name in OWN.__slots__:
        own_s, cut_s = getattr(OWN, name), getattr(cut or OWN, name)
        assert cut_s <= own_s
        assert cut_s <= max(deadline.ends_s - now_s, own_s if cut is None else cut_s)
        if cut is not None and name != "between_bytes_s":
            assert now_s + cut_s <= deadline.ends_s + 1e-6
