"""When a breaker opens, for how long, and who closes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.breaker import JITTER, LEAST, LONGEST_OPEN_S, OPEN_S, PROBE_S, STREAK, Breaker


def breaker(jitter: float = 0.0) -> Breaker:
    return Breaker(lambda: jitter)


def opened(at_s: float = 100.0, *, late: bool = False) -> Breaker:
    one = breaker()
    for _ in range(STREAK):
        one.failed("x", at_s, late=late)
    assert not one.closed
    return one


def test_it_opens_at_just_so_many_failures_in_a_row() -> None:
    one = breaker()
    assert [one.failed("x", 100.0 + at) for at in range(STREAK)] == [False] * (STREAK - 1) + [True]
    assert not one.passes(100.0 + STREAK)


def test_a_success_between_starts_the_row_anew() -> None:
    one = breaker()
    for at in range(STREAK - 1):
        one.failed("x", 100.0 + at)
    one.began("x", 104.0)
    assert not one.failed("x", 105.0)
    assert one.closed


def test_it_opens_when_half_of_enough_calls_fail() -> None:
    one, now_s = breaker(), 100.0
    for _ in range(LEAST // 2 - 1):
        one.began("x", now_s)
        assert not one.failed("x", now_s)
    one.began("x", now_s)
    assert one.failed("x", now_s)


def test_answers_that_take_long_do_not_hide_that_they_have_come() -> None:
    one = breaker()
    for at in range(100):  # streams that last for minutes, and now and then one that is turned away
        one.began("x", 100.0 + at / 50)
        if at % 10 == 0:
            assert not one.failed("x", 100.0 + at / 50)
    assert one.closed


def test_some_of_the_answers_that_run_side_by_side_may_break_off() -> None:
    one = breaker()
    for _ in range(20):
        one.began("x", 100.0)
    assert not any(one.failed("x", 101.0, late=True) for _ in range(9))
    assert one.failed("x", 101.0, late=True), "half of them may not"


def test_answers_that_all_break_off_open_it_though_each_had_begun() -> None:
    one, opened_at = breaker(), []
    for at in range(STREAK):
        one.began("x", 100.0 + at * 20)
        opened_at.append(one.failed("x", 101.0 + at * 20, late=True))
    assert opened_at == [False] * (STREAK - 1) + [True]


def test_a_whole_answer_makes_up_for_those_that_broke_off() -> None:
    one = breaker()
    for at in range(STREAK * 3):
        one.began("x", now_s := 100.0 + at * 20)
        if at % STREAK == 0:
            one.succeeded("x", now_s)
        else:
            assert not one.failed("x", now_s, late=True)


def test_fewer_than_half_never_open_it() -> None:
    one = breaker()
    for at in range(300):
        one.began("x", 100.0 + at / 10)
        one.began("x", 100.0 + at / 10)
        assert not one.failed("x", 100.0 + at / 10)


def test_what_is_older_than_the_window_does_not_count() -> None:
    one = breaker()
    for _ in range(3):
        one.failed("x", 100.0)
        one.began("x", 100.0)
    assert one.window(100.5) == (6, 3)
    assert one.window(112.0) == (0, 0)
    for at in range(4):  # ten calls, half of them failed, if the old ones counted
        one.began("x", 115.0 + at)
    assert not one.failed("x", 119.0)


def test_open_it_lets_nobody_through_until_its_time_is_over_and_then_one_at_a_time() -> None:
    one = opened(100.0)
    assert not one.passes(100.0 + OPEN_S - 0.1)
    then_s = 100.0 + OPEN_S
    assert one.passes(then_s)
    one.enter("probe", then_s)
    assert not one.passes(then_s)
    one.leave("somebody else")
    assert not one.passes(then_s)
    one.leave("probe")
    assert one.passes(then_s)


def test_a_probe_that_takes_long_keeps_nobody_out_for_ever_and_still_counts() -> None:
    one = opened(100.0, late=True)
    one.enter("long", 106.0)
    one.began("long", 107.0)
    assert not one.passes(106.0 + PROBE_S - 0.1)
    then_s = 106.0 + PROBE_S
    assert one.passes(then_s)
    one.enter("other", then_s)
    assert not one.passes(then_s), "again one at a time"
    one.leave("other")
    assert one.succeeded("long", then_s + 60.0)
    assert one.closed


def test_a_probe_that_succeeds_closes_it_and_one_that_fails_opens_it_for_twice_as_long() -> None:
    one, now_s = opened(100.0), 100.0
    for expected_s in (OPEN_S * 2, OPEN_S * 4, OPEN_S * 8, LONGEST_OPEN_S, LONGEST_OPEN_S):
        assert one.until_s is not None
        now_s = one.until_s
        one.enter("probe", now_s)
        assert one.failed("probe", now_s)
        assert one.until_s == now_s + expected_s
    one.enter("probe", now_s := one.until_s or 0.0)
    assert one.succeeded("probe", now_s)
    assert one.closed


def test_the_time_it_is_open_is_jittered() -> None:
    one = breaker(1.0)
    for _ in range(STREAK):
        one.failed("x", 100.0)
    assert one.until_s == pytest.approx(100.0 + OPEN_S * (1 + JITTER))


def test_calls_from_before_the_opening_decide_nothing() -> None:
    one = opened(100.0)
    until_s = one.until_s
    assert not one.failed("old", 101.0)
    assert not one.succeeded("old", 102.0)
    one.enter("probe", 106.0)
    assert not one.failed("old", 106.0)
    assert not one.succeeded("old", 106.0)
    assert (one.until_s, list(one.probes)) == (until_s, ["probe"])


def test_first_content_closes_it_unless_answers_had_broken_off() -> None:
    early, late = opened(), opened(late=True)
    for one in (early, late):
        one.enter("probe", 106.0)
    assert early.began("probe", 106.0)
    assert not late.began("probe", 106.0)
    assert not late.passes(107.0), "still one at a time"
    assert late.succeeded("probe", 108.0)


def test_after_a_calm_the_first_opening_is_short_again() -> None:
    one = opened(100.0)
    one.enter("p", 106.0)
    one.began("p", 106.0)
    for _ in range(STREAK):
        one.failed("x", 110.0)
    assert one.until_s == 110.0 + 2 * OPEN_S, "it had only just recovered"
    one.enter("p", 121.0)
    one.began("p", 121.0)
    for _ in range(STREAK):
        one.failed("x", 200.0)
    assert one.until_s == 200.0 + OPEN_S


@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["ok", "fail", "leave"])), max_size=200))
def test_whatever_happens_one_probe_at_a_time_and_never_shut_for_longer_than_the_longest(
    steps: list[tuple[float, str]],
) -> None:
    one, now_s = breaker(), 100.0
    for place, (wait_s, act) in enumerate(steps):
        now_s += wait_s
        if not one.passes(now_s):
            assert one.until_s is not None
            assert one.until_s <= now_s + LONGEST_OPEN_S * (1 + JITTER)
            continue
        call = f"{place}"
        one.enter(call, now_s)
        assert one.closed or not one.passes(now_s)
        if act == "ok":
            one.succeeded(call, now_s)
            assert one.closed
        elif act == "fail":
            one.failed(call, now_s)
        else:
            one.leave(call)
        assert not one.probes
