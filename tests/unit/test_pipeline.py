"""Journey and Inflight, apart from the stages that ship."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway import pipeline as pipeline_module
from gateway.core.chat import Operation
from gateway.core.errors import InvalidValue
from gateway.core.exchange import Ending, Exchange, FactMissing, FactRewritten
from gateway.core.record import Record
from gateway.core.transcript import Chunk
from gateway.pipeline import Inflight, Journey, Pipeline, Shape, shape_of
from gateway.telemetry.tasks import Tasks
from tests.house import Gateway, ScriptedReply


def exchange() -> Exchange:
    gateway = Gateway()

    class Nobody:
        async def request(self, snapshot: object) -> object:
            raise AssertionError("no stage here reads a body")

    return Exchange("req_1", Operation.CHAT, {}, Nobody(), gateway.snapshot, 0.0)  # type: ignore[arg-type]


class Plain:
    def run(self, exchange: Exchange) -> None:
        exchange.record = Record()


class Waits:
    async def run(self, exchange: Exchange) -> None:
        await asyncio.sleep(0)


class Settles:
    def __init__(self, told: list[str], name: str = "settles") -> None:
        self.told = told
        self.name = name

    def run(self, exchange: Exchange) -> Iterator[None]:
        yield
        self.told.append(self.name)


class SettlesWaiting:
    def __init__(self, told: list[str]) -> None:
        self.told = told

    async def run(self, exchange: Exchange) -> AsyncIterator[None]:
        yield
        await asyncio.sleep(0)
        self.told.append("waiting")


class Replies:
    def __init__(self, reply: ScriptedReply) -> None:
        self.reply = reply

    def run(self, exchange: Exchange) -> None:
        exchange.reply = self.reply


class Never:
    def run(self, exchange: Exchange) -> None:
        raise AssertionError("behind the reply nothing runs")


def journey(*stages: object) -> Journey:
    return Pipeline(stages, Tasks()).journey(exchange())  # type: ignore[arg-type]


def test_the_shape_of_a_stage_is_how_its_run_is_written() -> None:
    shapes = [shape_of(stage) for stage in (Plain(), Waits(), Settles([]), SettlesWaiting([]))]
    assert shapes == [Shape.PLAIN, Shape.WAITS, Shape.SETTLES, Shape.SETTLES_WAITING]


async def test_a_reply_ends_the_way_in() -> None:
    way = journey(Replies(ScriptedReply([], streaming=False)), Never())
    await way.enter()
    await way.settle()


async def test_all_shapes_settle_in_reverse_and_only_once() -> None:
    told: list[str] = []
    way = journey(Settles(told, "first"), Waits(), SettlesWaiting(told), Settles(told, "last"))
    await way.enter()
    await way.settle()
    await way.settle()
    assert told == ["last", "waiting", "first"]


async def test_a_settlement_that_hangs_does_not_cost_the_others_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_module, "SETTLEMENT_S", 0.05)
    told: list[str] = []

    class Hangs:
        async def run(self, exchange: Exchange) -> AsyncIterator[None]:
            yield
            await asyncio.Event().wait()

    way = journey(Settles(told), Hangs())
    await way.enter()
    await way.settle()
    assert told == ["settles"]


async def test_a_stage_that_yields_twice_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    class Twice:
        def run(self, exchange: Exchange) -> Iterator[None]:
            yield
            yield

    class TwiceWaiting:
        async def run(self, exchange: Exchange) -> AsyncIterator[None]:
            yield
            yield

    way = journey(Twice(), TwiceWaiting())
    await way.enter()
    await way.settle()
    assert sum("yields twice" in message for message in caplog.messages) == 2


async def test_a_tap_that_refuses_ends_the_stream_as_truncated() -> None:
    way = journey(Replies(ScriptedReply([b"one", b"two"], streaming=True)))
    await way.enter()
    seen: list[bytes] = []

    def tap(chunk: Chunk) -> None:
        seen.append(chunk.data)
        if chunk.data == b"two":
            raise InvalidValue("enough")

    way.exchange.taps.append(tap)
    assert await way.carry() is not None
    with pytest.raises(InvalidValue):
        await way.carry()
    await way.settle()
    assert seen == [b"one", b"two"]
    assert way.exchange.outcome is not None
    assert way.exchange.outcome.ending is Ending.TRUNCATED


async def test_a_fact_is_written_once_and_names_its_stage_when_read_too_early() -> None:
    asked = exchange()
    with pytest.raises(FactMissing, match=r"'record'.*'trace'"):
        _ = asked.record
    asked.record = Record()
    with pytest.raises(FactRewritten, match=r"'record'.*'trace'"):
        asked.record = Record()


class Heard:
    """A call in flight that notes what it is told."""

    def __init__(self, inflight: Inflight) -> None:
        self.inflight = inflight
        self.pulses: list[float] = []
        self.stopped = 0

    def pulse(self, now_s: float) -> None:
        self.pulses.append(now_s)

    def stop(self) -> None:
        self.stopped += 1
        self.inflight.leave(self)


async def test_draining_waits_for_the_last_call() -> None:
    inflight = Inflight()
    call = Heard(inflight)
    inflight.join(call)
    asyncio.get_running_loop().call_later(0.05, inflight.leave, call)
    await inflight.drain(10)
    assert inflight.stopping
    assert call.stopped == 0


async def test_draining_ends_what_is_left_at_its_bound() -> None:
    inflight = Inflight()
    calls = [Heard(inflight) for _ in range(3)]
    for call in calls:
        inflight.join(call)
    await inflight.drain(0.01)
    assert [call.stopped for call in calls] == [1, 1, 1]
    assert len(inflight) == 0


async def test_a_pulse_reaches_every_call() -> None:
    inflight = Inflight()
    call = Heard(inflight)
    inflight.join(call)
    inflight.pulse(7.0)
    assert call.pulses == [7.0]
