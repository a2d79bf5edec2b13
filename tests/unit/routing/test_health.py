"""What the health of targets remembers, and for how long."""

import logging
from dataclasses import replace

import pytest

from gateway.core.catalog import Target, Timeouts
from gateway.core.errors import (
    GatewayError,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.routing.health import NAME_LIMIT, NAMES, Health
from gateway.routing.standing import Forced
from gateway.telemetry.metrics import Metrics

OWN = Timeouts()
ONE, ANY = Target("p", "m", "p/m"), Target("p", "*", "p/*")
BROKEN = UpstreamBroken("x")


def health() -> Health:
    return Health(Metrics(), lambda: 0.0)


def fail(
    one: Health, target: Target, asked: str = "m", times: int = 5, now_s: float = 100.0, error: GatewayError = BROKEN
) -> None:
    for _ in range(times):
        one.failed(target, asked, "call", error, OWN, now_s)


def test_a_target_is_clear_once_somebody_has_looked_and_until_something_happens() -> None:
    one = health()
    standing = one.of(ONE, "m")
    clear = [standing.clear]
    assert standing.look(100.0).passes
    clear.append(standing.clear)
    fail(one, ONE)
    clear.append(standing.clear)
    assert not standing.look(100.0).passes
    standing.breaker.enter("probe", 106.0)
    one.began(standing, "probe", 106.0)
    assert standing.look(106.0).state == "closed"
    clear.append(standing.clear)
    assert clear == [True, True, False, True]


def test_what_rests_or_is_forced_is_not_clear_until_that_is_over() -> None:
    one = health()
    standing, sibling = one.of(ONE, "m"), one.of(replace(ONE, label="p/n", model="n"), "n")
    for each in (standing, sibling):
        each.look(100.0)
    one.failed(ONE, "m", "call", UpstreamRefused(429, "x", error_type="t", retry_after_s=5), OWN, 100.0)
    clear = [standing.clear, sibling.clear]
    assert standing.look(104.9)[:2] == ("cooling", False)
    assert sibling.look(104.9)[:2] == ("cooling", True), "asked, but not first"
    assert sibling.look(105.0).state == "closed"
    clear.append(sibling.clear)
    sibling.force(Forced("closed", 110.0))
    sibling.look(106.0)
    clear.append(sibling.clear)
    sibling.look(110.0)
    clear.append(sibling.clear)
    assert clear == [False, False, True, False, True]


def test_behind_a_star_a_model_that_fails_does_not_speak_for_the_others() -> None:
    one = health()
    fail(one, ANY, "bad")
    assert not one.of(ANY, "bad").look(100.0).passes
    assert one.of(ANY, "good").look(100.0).passes
    assert one.states(100.0) == {("p/*",): 3}, "the gauge shows the worst"


def test_names_that_callers_make_up_take_no_memory() -> None:
    one = health()
    for at in range(10_000):
        one.of(ANY, f"made-up-{at}")
    assert not one.at(ANY).names
    for at in range(1000):
        fail(one, ANY, f"made-up-{at}", times=1)
    assert len(one.at(ANY).names or ()) == NAMES
    assert len(one.metrics.counter("fleetgate_attempts_total").cells) < 5


def test_a_name_that_is_not_well_is_not_forgotten_for_one_that_is() -> None:
    one = health()
    fail(one, ANY, "bad")
    for at in range(NAMES * 2):
        fail(one, ANY, f"made-up-{at}", times=1)
    assert not one.of(ANY, "bad").look(100.0).passes


def test_names_are_told_apart_by_their_beginning() -> None:
    one = health()
    fail(one, ANY, "x" * 10_000_000)
    assert [len(name) for name in one.at(ANY).names or ()] == [NAME_LIMIT]
    assert not one.of(ANY, "x" * 10_000_000).look(100.0).passes


def test_a_provider_that_cannot_be_reached_is_out_for_every_name_behind_a_star() -> None:
    one = health()
    fail(one, ANY, "bad", times=1)
    for at in range(5):
        fail(one, ANY, f"made-up-{at}", times=1, error=UpstreamUnreachable("x"))
    assert not one.of(ANY, "never asked for").look(100.0).passes
    assert not one.of(ANY, "bad").look(100.0).passes
    standing = one.of(ANY, "any")
    standing.breaker.enter("probe", 106.0)
    one.failed(ANY, "bad", "probe", BROKEN, OWN, 106.0)
    assert one.of(ANY, "any").look(106.0).passes, "it can be reached, though this name is not well"


def test_a_name_that_is_not_well_does_not_hide_that_others_can_be_reached() -> None:
    one = health()
    fail(one, ANY, "bad", times=1)
    for at in range(50):
        fail(one, ANY, "bad", times=1, now_s=100.0 + 30 * at, error=UpstreamUnreachable("x"))
        one.began(one.of(ANY, "bad"), "call", 101.0 + 30 * at)
    assert one.of(ANY, "good").look(2000.0).passes


def test_what_an_operator_says_of_a_star_holds_for_its_names() -> None:
    one = health()
    fail(one, ANY, "bad")
    one.at(ANY).force(Forced("closed", None))
    assert one.of(ANY, "bad").look(100.0).passes
    one.at(ANY).force(Forced("open", None))
    assert not one.of(ANY, "bad").look(100.0).passes
    assert not one.of(ANY, "good").look(100.0).passes


def test_a_caller_cannot_open_a_breaker_by_its_impatience_or_its_mistakes() -> None:
    one = health()
    for error in (UpstreamTimeout("first_byte", 0.1), UpstreamRefused(400, "x", error_type="t")):
        for _ in range(100):
            one.failed(ONE, "m", "call", error, OWN, 100.0)
    assert one.of(ONE, "m").look(100.0).passes


def test_a_call_that_tells_nothing_frees_the_place_of_the_probe() -> None:
    one = health()
    fail(one, ONE)
    standing = one.of(ONE, "m")
    standing.breaker.enter("call", 106.0)
    one.left(standing, "call")
    assert standing.look(106.0).passes
    standing.breaker.enter("call", 106.0)
    one.failed(ONE, "m", "call", UpstreamRefused(400, "x", error_type="t"), OWN, 106.0)
    assert standing.look(106.0).passes


def test_a_new_configuration_keeps_what_is_known_of_the_targets_it_has() -> None:
    one = health()
    gone = Target("q", "m", "q/m")
    for target in (ONE, gone):
        fail(one, target)
    one.keep({"p/m"})
    assert not one.of(ONE, "m").look(100.0).passes
    assert one.states(100.0) == {("p/m",): 3}
    assert one.of(gone, "m").look(100.0).passes


def test_a_target_that_no_configuration_has_any_more_is_not_remembered() -> None:
    one = health()
    fail(one, ONE)
    one.keep(set())
    fail(one, ONE)  # a call from before
    assert one.states(100.0) == {}
    one.keep({"p/m"})
    assert one.of(ONE, "m").look(100.0).passes


def test_a_provider_that_has_changed_starts_anew_but_an_operators_word_stays() -> None:
    one = health()
    other = Target("q", "m", "q/m")
    for target in (ONE, ANY, other):
        fail(one, target)
    one.failed(replace(ONE, label="p/n", model="n"), "n", "call", UpstreamRefused(429, "x", error_type="t"), OWN, 100.0)
    one.at(ANY).force(Forced("open", None))
    one.keep({"p/m", "p/*", "p/n", "q/m"}, renewed={"p"})
    assert one.states(100.0) == {("p/m",): 0, ("p/n",): 0, ("p/*",): 3, ("q/m",): 3}
    one.at(ANY).force(None)
    assert one.of(ANY, "m").look(100.0).state == "closed"


def test_the_log_says_which_name_of_a_star_is_not_well(caplog: pytest.LogCaptureFixture) -> None:
    one = health()
    fail(one, ANY, "bad")
    fields = caplog.records[0].__dict__["fields"]
    assert fields == {"target": "p/*", "model": "bad", "why": "upstream_broken", "seconds": 5.0}


def test_events_tell_of_breakers_and_of_refused_credentials_without_words_of_the_provider(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "fleetgate.routing")
    one = health()
    for _ in range(5):
        one.failed(ONE, "m", "call", UpstreamCredentials("sk-secret"), OWN, 100.0)
    standing = one.of(ONE, "m")
    standing.breaker.enter("probe", 106.0)
    one.succeeded(standing, "probe", 106.0)
    told = [(record.levelname, record.message) for record in caplog.records]
    assert told == [("ERROR", "upstream_credentials_refused")] * 5 + [("WARNING", "breaker_opened"), ("INFO", "breaker_closed")]
    assert all("secret" not in str(record.__dict__) for record in caplog.records)
    assert caplog.records[0].__dict__["fields"] == {"provider": "p"}
    assert one.metrics.counter("fleetgate_upstream_credentials_refused_total").at("p").value == 5
