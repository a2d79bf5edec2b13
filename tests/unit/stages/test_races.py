"""Two targets at once: who wins, what becomes of the other, and that nothing stays behind."""

import asyncio

import pytest

from gateway.core.errors import UpstreamBroken, UpstreamUnreachable
from gateway.core.record import Usage
from tests.house import KEY, Client, chat
from tests.unit.stages.chains import PAUSE, Chained, Provider, refused

AUTH = (b"authorization", b"Bearer " + KEY.encode())
DOWN = UpstreamUnreachable("no")

SLOW_S = 0.02


@pytest.mark.parametrize("stream", [False, True])
async def test_a_slow_start_is_raced_and_the_slower_is_cut_off_with_its_cost_on_the_record(stream: bool) -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", (b"from b",)), hedge_s=SLOW_S)
    client = await scene.ask(stream=stream)
    assert client.received == b"from b"
    assert client.head[b"x-fleetgate-attempts"] == b"2"
    assert client.head[b"x-fleetgate-model"] == b"b/m"
    assert scene.providers[0].cancelled == 1
    lost, won = scene.attempts
    assert (lost.target, lost.error, won.target, won.error) == ("a/m", "hedged", "b/m", None)
    assert lost.usage == Usage(-(-len(chat(stream=stream)) // 4), 0, exact=False)
    assert lost.seconds >= SLOW_S * 0.9
    assert scene.gateway.metrics.counter("fleetgate_hedges_total").at("b/m", "won").value == 1
    await asyncio.sleep(0)
    await scene.check_settled()


async def test_the_first_may_still_win() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", PAUSE), hedge_s=SLOW_S)
    task = scene.gateway.start(client := Client(chat()))
    await scene.providers[1].waiting.wait()
    scene.providers[0].release.set()
    await task
    assert client.received == b"late a"
    assert scene.tried() == [("b/m", "hedged"), ("a/m", None)]
    assert scene.providers[1].cancelled == 1
    assert scene.gateway.metrics.counter("fleetgate_hedges_total").at("b/m", "lost").value == 1
    await scene.check_settled()


async def test_when_both_come_at_once_the_second_reply_is_closed() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", PAUSE), hedge_s=SLOW_S)
    task = scene.gateway.start(client := Client(chat()))
    await scene.providers[1].waiting.wait()
    for one in scene.providers:
        one.release.set()
    await task
    assert client.received in (b"late a", b"late b")
    assert sorted(str(error) for _, error in scene.tried()) == ["None", "hedged"]
    await scene.check_settled()


async def test_a_quick_answer_or_a_quick_failure_starts_no_race() -> None:
    scene = Chained(Provider("a", (b"from a",)), Provider("b", (b"from b",)), hedge_s=1.0)
    assert (await scene.ask()).received == b"from a"
    assert scene.providers[1].asks == []
    scene = Chained(Provider("a", DOWN), Provider("b", (b"from b",)), hedge_s=1.0)
    assert (await scene.ask()).received == b"from b"
    assert scene.gateway.metrics.counter("fleetgate_hedges_total").cells == {}


async def test_a_hedge_that_fails_leaves_the_first_its_time_and_both_failing_go_on() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", DOWN), Provider("c", (b"from c",)), hedge_s=SLOW_S)
    task = scene.gateway.start(client := Client(chat()))
    while not scene.providers[1].asks:
        await asyncio.sleep(SLOW_S / 4)
    scene.providers[0].release.set()
    await task
    assert client.received == b"late a"
    assert scene.tried() == [("b/m", "upstream_unreachable"), ("a/m", None)]


async def test_when_both_fail_the_chain_goes_on() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", DOWN), Provider("c", (b"from c",)), hedge_s=SLOW_S)
    first = scene.providers[0]
    first.late = UpstreamBroken("late")
    task = scene.gateway.start(client := Client(chat()))
    while not scene.providers[1].asks:
        await asyncio.sleep(SLOW_S / 4)
    first.release.set()
    await task
    assert client.received == b"from c"
    assert [target for target, _ in scene.tried()] == ["b/m", "a/m", "c/m"]
    assert scene.gateway.metrics.counter("fleetgate_hedges_total").at("b/m", "failed").value == 1


async def test_the_one_that_fails_as_the_other_answers_is_on_the_record() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", PAUSE), hedge_s=SLOW_S)
    scene.providers[1].late = UpstreamBroken("late")
    task = scene.gateway.start(client := Client(chat()))
    await scene.providers[1].waiting.wait()
    for one in scene.providers:
        one.release.set()
    await task
    assert client.received == b"late a"
    assert sorted(scene.tried()) == [("a/m", None), ("b/m", "upstream_broken")]


async def test_with_nobody_to_race_against_the_first_has_its_time() -> None:
    scene = Chained(Provider("a", PAUSE), hedge_s=SLOW_S)
    task = scene.gateway.start(client := Client(chat(), headers=[AUTH, (b"x-request-timeout", b"30s")]))
    await scene.providers[0].waiting.wait()
    await asyncio.sleep(SLOW_S * 2)
    scene.providers[0].release.set()
    await task
    assert client.received == b"late a"


async def test_a_callers_own_mistake_ends_a_race() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", refused(400, "invalid_value")), hedge_s=SLOW_S)
    client = await scene.ask()
    assert client.status == 400
    assert scene.providers[0].cancelled == 1
    assert dict(scene.tried()) == {"a/m": "hedged", "b/m": "invalid_value"}
    await scene.check_settled()


async def test_a_caller_that_leaves_cuts_both_off() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", PAUSE), hedge_s=SLOW_S)
    client = Client(chat())
    task = scene.gateway.start(client)
    await scene.providers[1].waiting.wait()
    client.leave()
    await task
    await asyncio.sleep(0)
    assert [one.cancelled for one in scene.providers] == [1, 1]
    assert scene.tried() == [("a/m", "abandoned"), ("b/m", "abandoned")]
    assert scene.gateway.endings() == {"abandoned": 1}
    await scene.check_settled()


async def test_a_defect_in_a_race_is_the_gateways_and_the_other_is_cut_off() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", ZeroDivisionError()), hedge_s=SLOW_S)
    client = await scene.ask()
    assert client.status == 500
    await asyncio.sleep(0)
    assert scene.providers[0].cancelled == 1
    await scene.check_settled()


async def test_a_hundred_calls_that_come_at_once_send_one_probe() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", (b"from b",)), hedge_s=5.0)
    scene.open("a")
    clients = [Client(chat()) for _ in range(100)]
    tasks = [scene.gateway.start(one) for one in clients]
    await asyncio.wait(tasks, timeout=0.5, return_when=asyncio.FIRST_EXCEPTION)
    assert len(scene.providers[0].asks) == 1
    assert sum(one.received == b"from b" for one in clients) == 99
    scene.providers[0].release.set()
    await asyncio.wait(tasks)
    await scene.check_settled()


async def test_a_caller_that_leaves_as_an_answer_comes_leaves_no_probe_behind() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", PAUSE), hedge_s=5.0)
    breaker = scene.open("a", late=True).breaker
    client = Client(chat())
    task = scene.gateway.start(client)
    await scene.providers[0].waiting.wait()
    assert breaker.probes
    scene.providers[0].release.set()
    while not scene.providers[0].replies:
        await asyncio.sleep(0)
    client.leave()
    await task
    assert not breaker.probes
    assert [(one.target, one.error, one.usage is not None) for one in scene.attempts] == [("a/m", "abandoned", True)]
    await scene.check_settled()


async def test_two_at_once_do_not_count_the_time_twice() -> None:
    scene = Chained(Provider("a", PAUSE), Provider("b", PAUSE), hedge_s=SLOW_S)
    task = scene.gateway.start(client := Client(chat()))
    await scene.providers[1].waiting.wait()
    await asyncio.sleep(0.05)
    scene.providers[1].release.set()
    await task
    times = dict(one.strip().split(b";dur=") for one in client.head[b"server-timing"].split(b","))
    assert float(times[b"upstream"]) <= float(times[b"total"])
