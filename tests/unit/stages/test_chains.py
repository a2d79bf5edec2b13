"""Calls along chains: who answers, what the caller sees, what the record says, and that nothing stays behind."""

import asyncio
import gc
import json
from types import MappingProxyType

import pytest

from gateway.core.catalog import Model, Target
from gateway.core.errors import (
    ProviderNotConfigured,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamTruncated,
    UpstreamUnreachable,
)
from gateway.core.exchange import Exchange
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.routing.chain import BACKOFF_S
from gateway.routing.standing import Forced
from tests.house import KEY, Client, ScriptedReply, Step, chat
from tests.unit.stages.chains import PAUSE, Chained, Provider, refused

AUTH = (b"authorization", b"Bearer " + KEY.encode())
DOWN = UpstreamUnreachable("no")


@pytest.mark.parametrize(
    "fault",
    [
        DOWN,
        UpstreamBroken("x"),
        UpstreamTruncated("x"),
        refused(500),
        refused(503),
        refused(429),
        refused(408),
        UpstreamCredentials("x"),
        ProviderNotConfigured("x"),
    ],
    ids=lambda fault: f"{type(fault).__name__} {fault.status}",
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_before_content_is_not_the_callers(fault: Exception, stream: bool) -> None:
    scene = Chained(Provider("a", fault), Provider("b", (b"from b",)))
    client = await scene.ask(stream=stream)
    assert (client.status, client.received) == (200, b"from b")
    assert client.head[b"x-fleetgate-attempts"] == b"2"
    assert client.head[b"x-fleetgate-model"] == b"b/m"
    assert [target for target, _ in scene.tried()] == ["a/m", "b/m"]
    assert scene.attempts[1].error is None
    await scene.check_settled()


async def test_after_the_first_content_a_failure_is_told_in_the_stream_and_nobody_else_is_asked() -> None:
    scene = Chained(Provider("a", (b"from a", UpstreamTruncated("cut"))), Provider("b", (b"from b",)))
    client = await scene.ask(stream=True)
    assert client.received.startswith(b"from a")
    assert b"upstream_truncated" in client.received
    assert b"from b" not in client.received
    assert scene.providers[1].asks == []
    await scene.check_settled()


async def test_streams_that_break_off_open_the_breaker() -> None:
    scene = Chained(Provider("a", (b"from a", UpstreamTruncated("cut"))), Provider("b", (b"from b",)))
    for _ in range(5):
        await scene.ask(stream=True)
    client = await scene.ask(stream=True)
    assert client.received == b"from b"
    assert len(scene.providers[0].asks) == 5


async def test_where_answers_broke_off_only_a_whole_one_closes_the_breaker() -> None:
    cut: tuple[Step, ...] = (b"from a", UpstreamTruncated("cut"))
    scene = Chained(Provider("a", *[cut] * 5, (b"from a", PAUSE), (b"from a",)), Provider("b", (b"from b",)))
    for _ in range(5):
        await scene.ask(stream=True)
    breaker = scene.gateway.health.at(scene.gateway.snapshot.catalog.models["m"].targets[0]).breaker
    breaker.until_s = 0.0  # it is time to try
    task = scene.gateway.start(client := Client(chat(stream=True)))
    await client.wrote.wait()
    assert (await scene.ask(stream=True)).received == b"from b", "one at a time, until that has ended"
    client.leave()
    await task
    assert (await scene.ask(stream=True)).received == b"from a"
    assert breaker.closed


async def test_a_target_that_fails_is_soon_left_alone() -> None:
    scene = Chained(Provider("a", refused(500)), Provider("b", (b"from b",)))
    for _ in range(100):
        assert (await scene.ask()).received == b"from b"
    assert len(scene.providers[0].asks) == 5
    assert scene.gateway.metrics.counter("fleetgate_failovers_total").at("a/m", "b/m").value == 5
    assert scene.gateway.metrics.counter("fleetgate_attempts_total").at("a/m", "failed").value == 5
    assert scene.gateway.metrics.counter("fleetgate_attempts_total").at("b/m", "ok").value == 100


async def test_the_only_target_is_asked_again_and_after_three_tries_the_caller_is_told_not_to() -> None:
    scene = Chained(Provider("a", refused(500), refused(500), (b"third",)))
    assert (await scene.ask()).received == b"third"
    assert scene.tried() == [("a/m", "UpstreamRefused"), ("a/m", "UpstreamRefused"), ("a/m", None)]
    assert scene.gateway.metrics.counter("fleetgate_retries_total").at("a/m").value == 2
    scene = Chained(Provider("a", refused(500)))
    client = await scene.ask()
    assert (client.status, client.head[b"x-should-retry"]) == (500, b"false")
    assert len(scene.providers[0].asks) == 3


async def test_a_single_target_that_is_down_is_not_called_any_more() -> None:
    scene = Chained(Provider("a", DOWN))
    statuses = [(await scene.ask()).status for _ in range(4)]
    assert statuses == [502, 502, 503, 503]
    client = await scene.ask()
    error = json.loads(client.received)["error"]
    assert error["code"] == "all_targets_unavailable"
    assert "a/m" in error["message"]
    assert 1 <= int(client.head[b"retry-after"]) <= 6
    assert len(scene.providers[0].asks) == 5
    assert scene.gateway.endings() == {"failed": 2, "refused": 3}


async def test_a_rate_limit_reaches_the_caller_with_its_true_retry_after_and_without_further_calls() -> None:
    scene = Chained(Provider("a", refused(429, retry_after_s=30)))
    first, second = await scene.ask(), await scene.ask()
    assert (first.status, second.status) == (429, 429)
    assert [int(one.head[b"retry-after"]) for one in (first, second)] == [30, 30]
    assert b"x-should-retry" not in second.head
    assert len(scene.providers[0].asks) == 1


async def test_a_deadline_cuts_every_phase_and_ends_the_chain() -> None:
    scene = Chained(Provider("a", DOWN), Provider("b", (b"from b",)))
    await scene.ask(Client(chat(), headers=[AUTH, (b"x-request-timeout", b"20s")]))
    timeouts = scene.providers[1].asks[0].timeouts
    assert timeouts is not None
    assert timeouts.total_s <= 20
    client = await scene.ask(Client(chat(), headers=[AUTH, (b"x-request-timeout", b"0.001ms")]))
    assert client.status == 504
    client = await scene.ask(Client(chat(), headers=[AUTH, (b"x-request-timeout", b"soon")]))
    assert client.status == 400
    assert len(scene.providers[0].asks) == 1


@pytest.mark.parametrize("others", [(), (Provider("b", PAUSE),)], ids=["straight", "chain"])
async def test_a_deadline_ends_a_try_whose_phases_are_each_in_time(others: tuple[Provider, ...]) -> None:
    scene = Chained(Provider("a", PAUSE), *others)
    headers = [AUTH, (b"x-stainless-timeout", b"0.3")]
    client = Client(chat(stream=True), headers=headers)
    await asyncio.wait_for(scene.gateway.ask(client), 2)
    assert client.status == 504
    assert b"'deadline' is 0.3 s" in client.received
    assert scene.tried() == [("a/m", "upstream_timeout")]
    for _ in range(5):
        await scene.gateway.ask(Client(chat(stream=True), headers=headers))
    assert scene.gateway.health.at(scene.target("a")).breaker.closed, "it is the caller that is impatient"
    await scene.check_settled()


async def test_a_timeout_that_is_not_the_deadlines_is_a_defect_of_the_gateway() -> None:
    scene = Chained(Provider("a", TimeoutError()), Provider("b", (b"from b",)))
    client = await scene.ask(Client(chat(), headers=[AUTH, (b"x-request-timeout", b"20s")]))
    assert client.status == 500


async def test_who_has_failed_is_told_rather_than_who_could_not_be_asked() -> None:
    scene = Chained(Provider("a", refused(503)), Provider("b", ProviderNotConfigured("x")), attempts=1)
    scene.gateway.health.budget.calls = -10_000  # no retries
    client = await scene.ask()
    assert (client.status, client.head[b"x-fleetgate-model"]) == (503, b"a/m")


async def test_what_was_given_up_may_have_cost_something_and_what_was_refused_has_not() -> None:
    scene = Chained(Provider("a", UpstreamTruncated("cut")), Provider("b", refused(500)), Provider("c", PAUSE))
    client = Client(chat())
    task = scene.gateway.start(client)
    await scene.providers[2].waiting.wait()
    client.leave()
    await task
    assert [(one.error, one.usage is not None) for one in scene.attempts] == [
        ("upstream_truncated", True),
        ("UpstreamRefused", False),
        ("abandoned", True),
    ]


async def test_without_a_deadline_the_providers_own_patience_holds() -> None:
    scene = Chained(Provider("a", (b"{}",)))
    await scene.ask()
    await scene.ask()
    assert [one.timeouts for one in scene.providers[0].asks] == [None, None]


async def test_a_sign_of_life_between_two_tries_opens_the_stream_and_the_answer_follows() -> None:
    scene = Chained(Provider("a", refused(503, retry_after_s=0.05), (b"second",)))
    task = scene.gateway.start(client := Client(chat(stream=True)))
    while not (scene.witness.exchanges and scene.attempts):
        await asyncio.sleep(0)
    scene.gateway.inflight.pulse(scene.witness.exchanges[0].born_s + 1000)
    await task
    assert client.received == b": keep-alive\n\nsecond"
    assert b"x-fleetgate-model" not in client.head, "nobody has answered yet"


async def test_a_caller_that_leaves_between_two_tries_ends_them() -> None:
    scene = Chained(Provider("a", refused(503, retry_after_s=5)))
    client = Client(chat())
    task = scene.gateway.start(client)
    while not (scene.witness.exchanges and scene.attempts):
        await asyncio.sleep(0)
    client.leave()
    await asyncio.wait_for(task, 1)
    assert scene.gateway.endings() == {"abandoned": 1}
    assert len(scene.providers[0].asks) == 1
    await scene.check_settled()


async def test_a_target_that_others_find_broken_during_the_wait_is_not_asked_again() -> None:
    scene = Chained(Provider("a", refused(503, retry_after_s=0.05)))
    standing = scene.gateway.health.at(scene.gateway.snapshot.catalog.models["m"].targets[0])
    task = scene.gateway.start(client := Client(chat()))
    while not (scene.witness.exchanges and scene.attempts):
        await asyncio.sleep(0)
    standing.force(Forced("open", None))
    await task
    assert client.status == 503
    assert len(scene.providers[0].asks) == 1


async def test_a_retry_after_of_nothing_makes_nobody_rest() -> None:
    scene = Chained(Provider("a", refused(429, retry_after_s=0.0), (b"second",)))
    assert (await scene.ask()).received == b"second"


async def test_a_caller_that_leaves_during_a_probe_frees_its_place() -> None:
    scene = Chained(Provider("a", PAUSE))
    standing = scene.gateway.health.at(scene.gateway.snapshot.catalog.models["m"].targets[0])
    for _ in range(5):
        standing.breaker.failed("x", 0.0)
    standing.unsettle()
    client = Client(chat())
    task = scene.gateway.start(client)
    await scene.providers[0].waiting.wait()
    probes = [list(standing.breaker.probes)]
    client.leave()
    await task
    probes.append(list(standing.breaker.probes))
    assert probes == [[scene.witness.exchanges[0].id], []]
    assert scene.tried() == [("a/m", "abandoned")]


@pytest.mark.parametrize("hedge_s", [None, 0.0])
async def test_what_a_call_leaves_behind_needs_no_collector_of_cycles(hedge_s: float | None) -> None:
    scene = Chained(
        Provider("a", DOWN, PAUSE), Provider("b", refused(500)), Provider("c", UpstreamBroken("x")), hedge_s=hedge_s
    )
    scene.providers[0].late = UpstreamBroken("late")
    scene.providers[0].release.set()
    gc.collect()
    gc.disable()
    try:
        before = living_exchanges()
        await scene.ask(user="x" * 1000)
        await scene.ask(user="x" * 1000)
        await scene.check_settled()
        scene.witness.exchanges.clear()
        assert living_exchanges() == before
    finally:
        gc.enable()


async def test_a_deadline_that_is_over_leaves_nothing_to_the_collector_either() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", PAUSE))
    gc.collect()
    gc.disable()
    try:
        before = living_exchanges()
        assert (await scene.ask(Client(chat(), headers=[AUTH, (b"x-request-timeout", b"50ms")]))).status == 504
        await scene.check_settled()
        scene.witness.exchanges.clear()
        assert living_exchanges() == before
    finally:
        gc.enable()


def living_exchanges() -> int:
    return sum(isinstance(one, Exchange) for one in gc.get_objects())


# ---------------------------------------------------------------- what policy adds


class Withholding(Provider):
    """Answers, but with nothing: the finish reason is `content_filter`."""

    async def call(self, ask: Ask) -> ScriptedReply:
        reply = await super().call(ask)
        delta = {"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]}
        inner = reply.__anext__

        async def marked() -> Chunk:
            chunk = await inner()
            chunk = Chunk(chunk.data, (delta,))
            reply.transcript.fold(chunk)
            return chunk

        return Marked(reply, marked)  # type: ignore[return-value]


class Marked:
    """A reply whose chunks come from elsewhere."""

    def __init__(self, reply: ScriptedReply, marked: object) -> None:
        self._reply, self._marked = reply, marked

    def __getattr__(self, name: str) -> object:
        return getattr(self._reply, name)

    def __aiter__(self) -> "Marked":
        return self

    async def __anext__(self) -> Chunk:
        return await self._marked()  # type: ignore[operator,no-any-return]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_was_withheld_is_asked_for_elsewhere_where_policy_says_so(stream: bool) -> None:
    a, b = Withholding("a", (b"nothing",)), Provider("b", (b"from b",))
    scene = Chained(a, b, failover={"content_filter": "next"})
    assert (await scene.ask(stream=stream)).received == b"from b"
    assert [(one.target, one.error, one.usage is not None) for one in scene.attempts] == [
        ("a/m", "content_filter", True),
        ("b/m", None, False),
    ]
    await scene.check_settled()
    assert (await Chained(a, b).ask(stream=stream)).received == b"nothing", "without a policy it is the answer"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_withheld_answer_that_nobody_else_may_give_is_the_answer(stream: bool) -> None:
    scene = Chained(Withholding("a", (b"nothing",)), failover={"content_filter": "next"})
    assert (await scene.ask(stream=stream)).received == b"nothing"
    assert scene.tried() == [("a/m", None)]
    await scene.check_settled()


@pytest.mark.parametrize(
    ("steps", "received"),
    [((b"a", b"b"), b"ab"), ((UpstreamBroken("x"),), b"from b")],
    ids=["more than one chunk", "breaks at once"],
)
async def test_looking_at_an_answer_first_changes_nothing_else(steps: tuple[Step, ...], received: bytes) -> None:
    scene = Chained(Provider("a", steps), Provider("b", (b"from b",)), failover={"content_filter": "next"})
    client = await scene.ask(stream=True)
    assert (client.status, client.received) == (200, received)
    await scene.check_settled()


async def test_a_failure_in_a_stream_that_was_looked_at_is_told_with_its_place() -> None:
    scene = Chained(Provider("a", (b"a", UpstreamTruncated("cut"))), failover={"content_filter": "next"})
    client = await scene.ask(stream=True)
    assert b"upstream_truncated" in client.received


async def test_too_long_a_context_goes_to_the_model_that_policy_names() -> None:
    too_long = refused(400, "context_length_exceeded")
    a, b = Provider("a", too_long), Provider("b", (b"from b",))
    large = Model("large", (Target("b", "*", "b/*"),), 3, MappingProxyType({"context_length": "m"}))
    scene = Chained(a, b, failover={"context_length": "large"}, others=(large,))
    client = await scene.ask()
    assert client.received == b"from b"
    assert scene.providers[1].asks[0].target.named("m") == "large"
    assert client.head[b"x-fleetgate-model"] == b"b/large"
    circle = Chained(Provider("a", too_long), Provider("b", too_long), failover={"context_length": "large"}, others=(large,))
    client = await circle.ask()
    assert client.status == 400
    assert [len(one.asks) for one in circle.providers] == [1, 1]


def test_waits_are_short_enough_for_tests() -> None:
    assert BACKOFF_S <= 0.25
