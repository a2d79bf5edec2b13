"""Decisions along a chain: who is asked, what follows a failure, and what the caller hears. No event loop."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.core.catalog import Model, Target, Timeouts
from gateway.core.errors import (
    GatewayError,
    InvalidValue,
    NoTargetLeft,
    ProviderNotConfigured,
    TargetsCooling,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.routing.chain import COSTLY_S, Asked, Chain, Step
from gateway.routing.deadline import Deadline
from gateway.routing.health import Health
from gateway.routing.standing import Forced
from gateway.telemetry.metrics import Metrics

NOW = 1000.0
OWN = Timeouts()
DOWN = UpstreamUnreachable("no")


def refused(status: int, code: str | None = None, retry_after_s: float | None = None) -> UpstreamRefused:
    return UpstreamRefused(status, "no", error_type="t", error_code=code, retry_after_s=retry_after_s)


def target(name: str, priority: int = 1, model: str = "m") -> Target:
    return Target(name, model, f"{name}/{model}", 1, priority)


A, B, C, D = (target(name, place) for place, name in enumerate("abcd", 1))


class Scene:
    """A chain with its health, at a time that stands still."""

    def __init__(self, *targets: Target, attempts: int = 3, others: Sequence[Model] = (), **failover: str) -> None:
        self.health = Health(Metrics(), lambda: 0.5)
        self.model = Model("chat", targets, attempts, failover)
        self.others = {other.name: other for other in others}

    def chain(self, **asked: object) -> Chain:
        return Chain(self.model, Asked("chat", **asked), self.health, self.others.get)  # type: ignore[arg-type]

    def fail(
        self, chain: Chain, step: Step | None, error: GatewayError, now_s: float = NOW, took_s: float = 0.1
    ) -> Step | None:
        assert step is not None
        self.health.failed(step.target, "chat", "call", error, OWN, now_s)
        chain.note(step.target, error, took_s)
        return chain.after(now_s)

    def open(self, *targets: Target, now_s: float = NOW) -> None:
        for one in targets:
            for _ in range(5):
                self.health.failed(one, "chat", "other", DOWN, OWN, now_s)

    def cool(self, one: Target, seconds: float) -> None:
        self.health.failed(one, "chat", "other", refused(429, retry_after_s=seconds), OWN, NOW)


def test_the_next_target_follows_at_once_until_the_tries_are_over() -> None:
    scene = Scene(A, B, C, D)
    chain = scene.chain()
    step: Step | None = chain.begin(NOW)
    assert step == Step(A)
    step = scene.fail(chain, step, UpstreamBroken("1"))
    assert step == Step(B)
    step = scene.fail(chain, step, UpstreamBroken("2"))
    assert step == Step(C)
    assert scene.fail(chain, step, UpstreamBroken("3")) is None
    verdict = chain.verdict().error
    assert (verdict.message, verdict.should_retry) == ("3", False)


def test_what_costs_no_try_is_not_counted_as_one() -> None:
    scene = Scene(A, B, C, D, attempts=1)
    chain = scene.chain()
    step: Step | None = chain.begin(NOW)
    for expected in (B, C, D):
        step = scene.fail(chain, step, ProviderNotConfigured("no key"))
        assert step == Step(expected)


def test_a_callers_own_mistake_ends_it_at_once_and_as_it_is() -> None:
    for error in (refused(400), refused(422), refused(413), refused(400, "context_length_exceeded"), InvalidValue("no")):
        scene = Scene(A, B)
        chain = scene.chain()
        assert scene.fail(chain, chain.begin(NOW), error) is None
        assert chain.verdict().error is error
        assert error.should_retry is None


def test_a_mistake_that_the_second_target_finds_is_told_rather_than_the_fault_of_the_first() -> None:
    scene = Scene(A, B)
    chain = scene.chain()
    step, mistake = scene.fail(chain, chain.begin(NOW), DOWN), InvalidValue("no")
    assert scene.fail(chain, step, mistake) is None
    assert chain.verdict().error is mistake


def test_the_fault_of_a_target_is_told_rather_than_that_another_has_no_key() -> None:
    scene = Scene(A, B, attempts=2)
    chain = scene.chain()
    step = scene.fail(chain, chain.begin(NOW), UpstreamTimeout("total", OWN.total_s))
    assert scene.fail(chain, step, ProviderNotConfigured("no key")) is None
    assert isinstance(chain.verdict().error, UpstreamTimeout)


def test_open_and_cooling_targets_are_skipped() -> None:
    scene = Scene(A, B, C)
    scene.open(A)
    scene.cool(B, 10)
    assert scene.chain().begin(NOW) == Step(C)


def test_targets_of_one_account_cool_together() -> None:
    other = target("a", 2, "other")
    scene = Scene(A, other, C)
    scene.cool(A, 10)
    assert scene.chain().begin(NOW) == Step(C)
    assert Scene(A, other, C).chain().begin(NOW) == Step(A)
    lone = Scene(A, other)
    lone.cool(A, 10)
    assert lone.chain().begin(NOW) == Step(other), "rather than refused: its limit may be another"


def test_with_every_target_open_it_says_what_was_tried_why_and_when_to_come_back() -> None:
    scene = Scene(A, B)
    scene.open(A, now_s=NOW - 2)
    scene.open(B)
    with pytest.raises(NoTargetLeft, match=r"a/m \(open: it kept failing, with .*, for 4 s more\), b/m \(open") as caught:
        scene.chain().begin(NOW)
    assert caught.value.retry_after_s == pytest.approx(3.5)
    assert (caught.value.status, caught.value.code) == (503, "all_targets_unavailable")


def test_with_every_account_cooling_it_is_a_429_with_the_true_retry_after_and_no_call() -> None:
    scene = Scene(A, B)
    scene.cool(A, 30)
    scene.cool(B, 20)
    with pytest.raises(TargetsCooling, match="rate limit") as caught:
        scene.chain().begin(NOW + 5)
    assert (caught.value.status, caught.value.retry_after_s) == (429, 15.0)


def test_a_single_target_cools_and_opens_as_well() -> None:
    scene = Scene(A)
    scene.cool(A, 30)
    with pytest.raises(TargetsCooling):
        scene.chain().begin(NOW)
    scene = Scene(A)
    scene.open(A)
    with pytest.raises(NoTargetLeft):
        scene.chain().begin(NOW)


def test_a_half_open_target_gets_one_probe_and_the_others_go_on() -> None:
    scene = Scene(A, B)
    scene.open(A)
    then_s = NOW + 6
    assert scene.chain().begin(then_s) == Step(A)
    scene.health.of(A, "chat").breaker.enter("probe", then_s)
    assert scene.chain().begin(then_s) == Step(B)


def test_what_an_operator_says_goes() -> None:
    scene = Scene(A, B)
    scene.health.at(A).force(Forced("open", NOW + 10))
    assert scene.chain().begin(NOW) == Step(B)
    assert scene.chain().begin(NOW + 10) == Step(A)
    scene.open(A)
    scene.health.at(A).force(Forced("closed", None))
    assert scene.chain().begin(NOW) == Step(A)
    scene.health.at(A).force(None)
    assert scene.chain().begin(NOW) == Step(B)


# ---------------------------------------------------------------- the same target again


def test_the_only_target_is_asked_again_after_a_jittered_exponential_wait() -> None:
    scene = Scene(A)
    chain = scene.chain()
    first = scene.fail(chain, chain.begin(NOW), UpstreamBroken("1"))
    assert first == Step(A, 0.125, True)
    second = scene.fail(chain, first, refused(500))
    assert second == Step(A, 0.25, True)
    assert scene.fail(chain, second, refused(500)) is None
    assert chain.verdict().error.should_retry is False


def test_once_every_target_has_failed_the_one_that_is_ready_first_is_asked_again() -> None:
    scene = Scene(A, B)
    chain = scene.chain()
    step = scene.fail(chain, chain.begin(NOW), refused(503, retry_after_s=5))
    assert step == Step(B)
    assert scene.fail(chain, step, DOWN) == Step(B, 0.125, True)


def test_retry_after_is_waited_for_where_it_fits_into_the_deadline() -> None:
    error = refused(429, retry_after_s=3)
    for rest_s, expected in ((10.0, Step(A, 3.125, True)), (3.2, None)):
        scene = Scene(A)
        chain = scene.chain(deadline=Deadline(NOW + rest_s, NOW + rest_s, rest_s))
        assert scene.fail(chain, chain.begin(NOW), error) == expected


def test_a_long_retry_after_is_the_callers_to_wait_for() -> None:
    scene = Scene(A)
    chain = scene.chain()
    assert scene.fail(chain, chain.begin(NOW), refused(429, retry_after_s=300)) is None
    verdict = chain.verdict().error
    assert (verdict.should_retry, verdict.retry_after_s) == (None, 60.0)


def test_after_several_tries_only_a_known_retry_after_lets_the_caller_come_back() -> None:
    scene = Scene(A, B, attempts=2)
    chain = scene.chain()
    step = scene.fail(chain, chain.begin(NOW), DOWN)
    assert scene.fail(chain, step, refused(429, retry_after_s=20)) is None
    verdict = chain.verdict().error
    assert (verdict.should_retry, verdict.retry_after_s) == (None, 20.0)


def test_the_same_target_is_not_asked_again_without_budget_after_long_tries_or_for_what_must_not_start_twice() -> None:
    scene = Scene(A)
    while scene.health.budget.take():
        pass
    chain = scene.chain()
    assert scene.fail(chain, chain.begin(NOW), DOWN) is None
    assert DOWN.should_retry is None, "there was one try only: the caller may make its own"
    for asked, error, took_s in (
        ({}, refused(504), COSTLY_S + 1),
        ({}, UpstreamTimeout("first_byte", OWN.first_byte_s), 60.0),
        ({"once": True}, DOWN, 0.1),
    ):
        scene = Scene(A)
        chain = scene.chain(**asked)
        assert scene.fail(chain, chain.begin(NOW), error, took_s=took_s) is None


def test_another_target_takes_nothing_from_the_budget() -> None:
    scene = Scene(A, B)
    while scene.health.budget.take():
        pass
    chain = scene.chain()
    assert scene.fail(chain, chain.begin(NOW), DOWN) == Step(B)


def test_a_background_call_goes_on_only_where_nothing_has_begun() -> None:
    for error, goes_on in ((DOWN, True), (refused(429), True), (refused(500), False), (UpstreamBroken("x"), False)):
        scene = Scene(A, B)
        chain = scene.chain(once=True)
        assert (scene.fail(chain, chain.begin(NOW), error) is not None) is goes_on


def test_a_target_that_has_opened_meanwhile_is_not_asked_again() -> None:
    scene = Scene(A)
    chain = scene.chain()
    step = scene.fail(chain, chain.begin(NOW), DOWN)
    assert step is not None
    assert chain.still(step, NOW + 1)
    scene.open(A)
    assert not chain.still(step, NOW + 1)


# ---------------------------------------------------------------- deadlines, hedges, other models, owners


def test_nothing_is_begun_past_the_deadline() -> None:
    scene = Scene(A, B)
    with pytest.raises(UpstreamTimeout, match="'deadline' is 7 s"):
        scene.chain(deadline=Deadline(NOW, NOW, 7.0)).begin(NOW)
    chain = scene.chain(deadline=Deadline(NOW + 0.1, NOW + 0.1, 7.0))
    assert scene.fail(chain, chain.begin(NOW), DOWN) is None


def test_a_hedge_goes_to_another_healthy_target_and_counts_as_a_try() -> None:
    scene = Scene(A, B, C)
    scene.open(B, now_s=NOW - 30)  # half-open now
    chain = scene.chain()
    chain.begin(NOW)
    assert chain.beside(NOW) == C
    assert Scene(A).chain().beside(NOW) == A
    lone = Scene(A, B, attempts=1).chain()
    lone.begin(NOW)
    assert lone.beside(NOW) is None


def test_policy_leads_to_another_models_chain_but_never_in_a_circle() -> None:
    large = Model("large", (target("big", 1, "*"),), 3, {"context_length": "chat"})
    scene = Scene(A, B, others=(large,), context_length="large")
    scene.others["chat"] = scene.model
    chain = scene.chain()
    too_long = refused(400, "context_length_exceeded")
    step = scene.fail(chain, chain.begin(NOW), too_long)
    assert step is not None
    assert step.target == replace(large.targets[0], model="large"), "a target that passes names on is told of the other name"
    assert scene.fail(chain, step, too_long) is None
    assert chain.verdict().error is too_long


def test_policy_may_name_the_next_target_and_a_model_that_is_gone_ends_it() -> None:
    filtered = refused(400, "content_filter")
    scene = Scene(A, B, content_filter="next")
    chain = scene.chain()
    assert scene.fail(chain, chain.begin(NOW), filtered) == Step(B)
    scene = Scene(A, B, content_filter="gone")
    chain = scene.chain()
    assert scene.fail(chain, chain.begin(NOW), filtered) is None


def test_only_the_provider_that_made_what_is_referred_to_is_asked() -> None:
    scene = Scene(A, B)
    chain = scene.chain(provider="b")
    step = chain.begin(NOW)
    assert step == Step(B)
    again = scene.fail(chain, step, DOWN)
    assert again is not None
    assert again.target == B


# ---------------------------------------------------------------- probes, and what is told


def test_a_call_probes_one_target_at_most_while_others_are_well() -> None:
    scene = Scene(A, B, C, D)
    scene.open(A, B, C, now_s=NOW - 10)  # half-open now
    chain = scene.chain()
    step = chain.begin(NOW)
    assert step == Step(A)
    assert scene.fail(chain, step, DOWN) == Step(D), "rather than three probes, and no try left for the one that is well"


def test_with_no_other_left_a_second_one_is_probed() -> None:
    scene = Scene(A, B)
    scene.open(A, B, now_s=NOW - 10)
    chain = scene.chain()
    assert scene.fail(chain, chain.begin(NOW), DOWN) == Step(B)


def test_nobody_is_asked_beside_another_when_there_is_no_time_left() -> None:
    scene = Scene(A, B)
    chain = scene.chain(deadline=Deadline(NOW + 1, NOW + 1, 1.0))
    chain.begin(NOW)
    assert chain.beside(NOW + 0.9) is None
    assert chain.beside(NOW + 0.5) == B


def test_a_model_that_the_provider_does_not_know_is_looked_for_elsewhere() -> None:
    scene = Scene(A, B)
    chain = scene.chain()
    step = scene.fail(chain, chain.begin(NOW), refused(404, "model_not_found"))
    assert step == Step(B)
    lone = Scene(A).chain()
    assert scene.fail(lone, lone.begin(NOW), absent := refused(404, "model_not_found")) is None
    assert (lone.verdict().error, absent.should_retry) == (absent, None)


def test_a_fault_is_told_rather_than_that_another_does_not_know_the_model() -> None:
    scene = Scene(A, B, attempts=2)
    chain = scene.chain()
    step = scene.fail(chain, chain.begin(NOW), fault := refused(503))
    assert scene.fail(chain, step, refused(404, "model_not_found")) is None
    assert chain.verdict()[:2] == (A, fault)


def test_behind_a_star_a_name_that_the_provider_does_not_know_is_the_callers() -> None:
    scene = Scene(target("a", 1, "*"), B)
    chain = scene.chain()
    absent = refused(404, "model_not_found")
    assert scene.fail(chain, chain.begin(NOW), absent) is None
    assert chain.verdict().error is absent


def test_a_star_may_lead_to_another_name_of_its_own_once() -> None:
    star = target("a", 1, "*")
    scene = Scene(star, context_length="large")
    scene.others["large"] = scene.model
    chain = scene.chain()
    too_long = refused(400, "context_length_exceeded")
    step = scene.fail(chain, chain.begin(NOW), too_long)
    assert step == Step(replace(star, model="large"))
    assert scene.fail(chain, step, too_long) is None


def test_a_target_that_has_refused_is_not_asked_again_for_another_models_sake() -> None:
    other = replace(A, weight=7, priority=3)
    scene = Scene(A, others=(Model("large", (other, B)),), context_length="large")
    chain = scene.chain()
    assert scene.fail(chain, chain.begin(NOW), refused(400, "context_length_exceeded")) == Step(B)


def test_what_a_target_cannot_do_is_no_reason_to_tell_the_caller_not_to_come_back() -> None:
    scene = Scene(A, B, attempts=1)
    chain = scene.chain()
    step = scene.fail(chain, chain.begin(NOW), ProviderNotConfigured("no key"))
    assert scene.fail(chain, step, refused(500)) is None
    assert chain.verdict().error.should_retry is None
