"""Every stage of THE ORDER and of that of passages, driven through every way in which a call can end.

New stages are picked up by themselves.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from gateway.core.clock import SystemClock
from gateway.core.errors import InvalidValue, UpstreamBroken, UpstreamTruncated, UpstreamUnreachable
from gateway.core.exchange import Exchange
from gateway.pipeline import Inflight, Shape, Stage, shape_of
from gateway.routing.health import Health
from gateway.stages import order, passage_order
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.tasks import Tasks
from tests.house import PAUSE, Client, Gateway, Step, chat
from tests.passages import PassingGateway, ScriptedCourier

METRICS = Metrics()
STAGES: dict[str, tuple[Stage, ...]] = {
    "chat": order(METRICS, Inflight(), SystemClock(), Health(METRICS), Tasks()),
    "passage": passage_order(METRICS, Inflight(), SystemClock(), Health(METRICS)),
}
NAMES = {way: [type(stage).__name__ for stage in stages] for way, stages in STAGES.items()}
PLACES = [(way, place) for way, names in NAMES.items() for place in range(len(names))]
PATHS = {"chat": "/v1/chat/completions", "passage": "/v1/images/generations"}


@dataclass
class Witness:
    """What happened to the stages, in order."""

    entered: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)


class Watched:
    """A stage with a witness around it; of the same shape as the stage, so that it is driven alike."""

    def __init__(self, stage: Stage, witness: Witness) -> None:
        self.stage = stage
        self.name = type(stage).__name__
        self.witness = witness
        self.run = getattr(self, f"_{shape_of(stage).name.lower()}")

    def _plain(self, exchange: Exchange) -> None:
        self.stage.run(exchange)
        self.witness.entered.append(self.name)

    async def _waits(self, exchange: Exchange) -> None:
        await self.stage.run(exchange)
        self.witness.entered.append(self.name)

    def _settles(self, exchange: Exchange) -> Iterator[None]:
        step = self.stage.run(exchange)
        next(step)
        self.witness.entered.append(self.name)
        yield
        self.witness.settled.append(self.name)
        with pytest.raises(StopIteration):
            next(step)

    async def _settles_waiting(self, exchange: Exchange) -> AsyncIterator[None]:
        step = self.stage.run(exchange)
        await anext(step)
        self.witness.entered.append(self.name)
        yield
        self.witness.settled.append(self.name)
        with pytest.raises(StopAsyncIteration):
            await anext(step)


class Refuses:
    """A stage that refuses, to be put anywhere."""

    def run(self, exchange: Exchange) -> None:
        raise InvalidValue("no")


class Breaks:
    """A stage with a defect on the way in."""

    def run(self, exchange: Exchange) -> None:
        raise ZeroDivisionError


class BreaksLater:
    """A stage whose settlement has a defect."""

    def run(self, exchange: Exchange) -> Iterator[None]:
        yield
        raise ZeroDivisionError


class SettlesSlowly:
    """A stage whose settlement waits."""

    def __init__(self) -> None:
        self.settling = asyncio.Event()
        self.go_on = asyncio.Event()
        self.settled = 0

    async def run(self, exchange: Exchange) -> AsyncIterator[None]:
        yield
        self.settling.set()
        await self.go_on.wait()
        self.settled += 1


class Scene:
    """One gateway whose stages are watched, and one client."""

    def __init__(
        self, way: str, steps: tuple[Step, ...] = (b"a", b"b"), head: Step | None = None, *, stream: bool = False
    ) -> None:
        self.way = way
        self.witness = Witness()
        self.upstream = ScriptedCourier(steps, head)
        self.extra: list[tuple[int, Stage]] = []
        self.client = Client(chat(stream=stream), PATHS[way])

    def gateway(self) -> Gateway:
        def watched(stages: list[Stage]) -> list[Stage]:
            all_stages: list[Stage] = [Watched(stage, self.witness) for stage in stages]
            for place, stage in self.extra:
                all_stages.insert(place, stage)
            return all_stages

        return Gateway(self.upstream, stages=watched) if self.way == "chat" else PassingGateway(self.upstream, watched)

    def check(self, gateway: Gateway, ending: str) -> None:
        settling = {type(stage).__name__ for stage in STAGES[self.way] if shape_of(stage).value.endswith("yield")}
        expected = [name for name in reversed(self.witness.entered) if name in settling]
        assert self.witness.settled == expected, "every entered stage settles once, in reverse"
        assert gateway.endings() == {ending: 1}
        assert len(gateway.inflight) == 0
        assert all(reply.closed == 1 for reply in self.upstream.replies)


Drive = Callable[[Scene, Gateway], Awaitable[None]]


async def to_the_end(scene: Scene, gateway: Gateway) -> None:
    await gateway.ask(scene.client)


Moment = Callable[[Scene], Awaitable[object]]


def then(act: Callable[[Scene, Gateway], None], moment: Moment) -> Drive:
    """A drive that starts the call, waits for the moment, and acts on it from beside."""

    async def drive(scene: Scene, gateway: Gateway) -> None:
        task = gateway.start(scene.client)
        await moment(scene)
        act(scene, gateway)
        await task
        assert not task.cancelling(), "a cancellation of ours is taken back, so that no timeout around it is misled"

    return drive


def leaves(scene: Scene, _: Gateway) -> None:
    scene.client.leave()


def stops(_: Scene, gateway: Gateway) -> None:
    gateway.inflight.stop_all()


async def body_is_awaited(scene: Scene) -> None:
    scene.client.hold_body = True
    await asyncio.sleep(0)


async def upstream_is_awaited(scene: Scene) -> None:
    await scene.upstream.waiting.wait()


async def answer_pauses(scene: Scene) -> None:
    while not scene.upstream.replies:
        await asyncio.sleep(0)
    await scene.upstream.replies[0].paused.wait()


async def client_does_not_read(scene: Scene) -> None:
    scene.client.send_blocks = True
    await scene.client.wrote.wait()


async def task_is_cancelled_by_a_stranger(scene: Scene, gateway: Gateway) -> None:
    task = gateway.start(scene.client)
    await scene.upstream.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def wrong_key(scene: Scene, gateway: Gateway) -> None:
    scene.client.headers = [(b"authorization", b"Bearer wrong")]
    await gateway.ask(scene.client)


async def unknown_model(scene: Scene, gateway: Gateway) -> None:
    scene.client.body = chat(model="nobody")
    await gateway.ask(scene.client)


async def broken_socket(scene: Scene, gateway: Gateway) -> None:
    scene.client.send_raises = OSError("gone")
    with pytest.raises(OSError, match="gone"):
        await gateway.ask(scene.client)


SCENES: dict[str, tuple[Callable[[str], Scene], Drive, str]] = {
    "complete, plain": (lambda on: Scene(on, (b"{}",)), to_the_end, "complete"),
    "complete, stream": (lambda on: Scene(on, stream=True), to_the_end, "complete"),
    "refused, wrong key": (Scene, wrong_key, "refused"),
    "refused, unknown model": (Scene, unknown_model, "refused"),
    "upstream fails before the first byte": (lambda on: Scene(on, head=UpstreamUnreachable("no")), to_the_end, "failed"),
    "upstream fails before the first chunk": (lambda on: Scene(on, (UpstreamBroken("no"),)), to_the_end, "failed"),
    "upstream fails mid-stream": (
        lambda on: Scene(on, (b"a", UpstreamTruncated("cut")), stream=True),
        to_the_end,
        "truncated",
    ),
    "upstream has a defect": (lambda on: Scene(on, head=ZeroDivisionError()), to_the_end, "failed"),
    "wire has a defect mid-stream": (lambda on: Scene(on, (b"a", ZeroDivisionError()), stream=True), to_the_end, "truncated"),
    "client leaves before its body": (Scene, then(leaves, body_is_awaited), "abandoned"),
    "client leaves before the first byte": (lambda on: Scene(on, head=PAUSE), then(leaves, upstream_is_awaited), "abandoned"),
    "client leaves a plain answer": (lambda on: Scene(on, (PAUSE,)), then(leaves, answer_pauses), "abandoned"),
    "client leaves mid-stream": (lambda on: Scene(on, (b"a", PAUSE), stream=True), then(leaves, answer_pauses), "abandoned"),
    "client leaves while it does not read": (
        lambda on: Scene(on, stream=True),
        then(leaves, client_does_not_read),
        "abandoned",
    ),
    "shutdown before the first byte": (lambda on: Scene(on, head=PAUSE), then(stops, upstream_is_awaited), "shutdown"),
    "shutdown mid-stream": (lambda on: Scene(on, (b"a", PAUSE), stream=True), then(stops, answer_pauses), "shutdown"),
    "cancelled by a stranger": (lambda on: Scene(on, head=PAUSE), task_is_cancelled_by_a_stranger, "abandoned"),
    "the socket breaks under a write": (lambda on: Scene(on, stream=True), broken_socket, "abandoned"),
}


@pytest.mark.parametrize("way", STAGES)
@pytest.mark.parametrize("name", SCENES)
async def test_every_entered_stage_settles_once_in_reverse(way: str, name: str) -> None:
    make, drive, ending = SCENES[name]
    scene = make(way)
    gateway = scene.gateway()
    await drive(scene, gateway)
    scene.check(gateway, ending)


def told(value: object) -> str:
    return f"{value[0]} {NAMES[value[0]][value[1]]}" if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("where", PLACES, ids=told)
@pytest.mark.parametrize(("culprit", "ending"), [(Refuses, "refused"), (Breaks, "failed")])
async def test_a_stage_that_ends_the_way_in_costs_those_before_it_nothing(
    where: tuple[str, int], culprit: type[Stage], ending: str
) -> None:
    way, place = where
    scene = Scene(way)
    scene.extra = [(place + 1, culprit())]
    gateway = scene.gateway()
    await gateway.ask(scene.client)
    if place + 1 == len(STAGES[way]):  # behind the stage that sets the reply nothing is entered
        assert gateway.endings() == {"complete": 1}
        return
    assert scene.witness.entered == NAMES[way][: place + 1]
    scene.check(gateway, ending)


@pytest.mark.parametrize("where", PLACES, ids=told)
async def test_a_settlement_that_breaks_costs_the_others_nothing(where: tuple[str, int]) -> None:
    way, place = where
    scene = Scene(way, stream=True)
    scene.extra = [(place, BreaksLater())]
    gateway = scene.gateway()
    await gateway.ask(scene.client)
    scene.check(gateway, "complete")


@pytest.mark.parametrize("where", PLACES, ids=told)
async def test_a_settlement_that_waits_is_shielded_from_cancellation(where: tuple[str, int]) -> None:
    way, place = where
    scene = Scene(way, stream=True)
    slow = SettlesSlowly()
    scene.extra = [(place, slow)]
    gateway = scene.gateway()
    task = gateway.start(scene.client)
    await slow.settling.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert len(gateway.inflight) == 1, "in flight until it has settled"
    slow.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slow.settled == 1
    scene.check(gateway, "complete")


def test_the_orders_are_what_the_plan_says() -> None:
    assert NAMES == {
        "chat": ["Trace", "Admit", "Identify", "Read", "Meter", "Report", "Call"],
        "passage": ["Trace", "Admit", "Identify", "Read", "Tally", "Forward"],
    }
    for stages in STAGES.values():
        assert shape_of(stages[0]) is Shape.SETTLES, "Trace settles last, without waiting"
