"""A client that leaves, by farewell or reset, frees the upstream at once and is counted as abandoned; over bare sockets."""

import asyncio
import re

import pytest

from tests.journeys.configs import ACME, Starter, config_for
from tests.journeys.processes import Gateway, Upstream
from tests.journeys.wire import ask, chat, wire


@pytest.fixture(scope="module")
def quiet_gateway(start: Starter, upstream: Upstream) -> Gateway:
    """One whose metrics are only about this module."""
    return start(config_for(upstream, "heartbeat: 10s"))


def endings(gateway: Gateway, ending: str) -> int:
    """Calls that ended so."""
    lines = re.findall(r"^fleetgate_requests_total\{([^}]*)\} (\S+)$", gateway.metrics(), re.MULTILINE)
    return int(sum(float(value) for labels, value in lines if f'"{ending}"' in labels))


@pytest.mark.parametrize("reset", [False, True], ids=["farewell", "reset"])
@pytest.mark.parametrize(
    ("name", "stream", "reads"),
    [("endless", True, True), ("hang", True, False), ("hang", False, False), ("quiet", True, True)],
    ids=["streaming", "before the first byte of a stream", "plain", "in a pause"],
)
async def test_a_client_that_leaves_closes_the_upstream(
    quiet_gateway: Gateway, upstream: Upstream, tag: str, name: str, stream: bool, reads: bool, reset: bool
) -> None:
    before = endings(quiet_gateway, "abandoned")
    async with wire(quiet_gateway) as one:
        await one.send(chat(name + tag, ACME, stream=stream))
        assert await asyncio.to_thread(upstream.wait, name + tag, "running") == 1
        if reads:
            await one.head()
            await anext(one.chunks())
        if reset:
            one.reset()
    assert await asyncio.to_thread(upstream.wait, name + tag, "left") == 1
    quiet_gateway.until(lambda: endings(quiet_gateway, "abandoned") == before + 1, "the abandoned call in the metrics")


async def test_a_client_that_leaves_inside_its_own_body_is_not_carried_on(
    quiet_gateway: Gateway, upstream: Upstream, tag: str
) -> None:
    before = endings(quiet_gateway, "abandoned")
    async with wire(quiet_gateway) as one:
        await one.send(chat(f"plain{tag}", ACME)[:-5])
    quiet_gateway.until(lambda: endings(quiet_gateway, "abandoned") == before + 1, "the abandoned call in the metrics")
    assert upstream.requests(f"plain{tag}") == []


async def test_many_that_leave_together_leave_nothing_behind(quiet_gateway: Gateway, upstream: Upstream, tag: str) -> None:
    async def leave() -> None:
        async with wire(quiet_gateway) as one:
            await one.send(chat(f"endless{tag}", ACME, stream=True))
            await one.head()
            await anext(one.chunks())

    await asyncio.gather(*(leave() for _ in range(50)))
    quiet_gateway.until(lambda: "fleetgate_in_flight 0.0" in quiet_gateway.metrics(), "nothing in flight")
    quiet_gateway.until(
        lambda: {one.state for one in upstream.requests(f"endless{tag}")} == {"left"}, "every upstream call left"
    )
    assert (await ask(quiet_gateway, chat("plain", ACME))).status == 200


async def test_a_stream_that_was_whole_is_not_counted_as_abandoned(quiet_gateway: Gateway) -> None:
    before = endings(quiet_gateway, "abandoned"), endings(quiet_gateway, "complete")
    for stream in (False, True):
        await ask(quiet_gateway, chat("plain", ACME, stream=stream))
    quiet_gateway.until(lambda: endings(quiet_gateway, "complete") == before[1] + 2, "two complete calls")
    assert endings(quiet_gateway, "abandoned") == before[0]


async def test_a_reader_that_stops_stops_the_provider_and_fills_no_memory(
    quiet_gateway: Gateway, upstream: Upstream, tag: str
) -> None:
    async with wire(quiet_gateway) as one:
        await one.send(chat("plain", ACME))
        await one.answer()
        before = memory(quiet_gateway)
        await one.send(chat(f"flood{tag}", ACME, stream=True))
        assert await asyncio.to_thread(upstream.wait, f"flood{tag}", "blocked") == 1
        assert (await ask(quiet_gateway, chat("plain", ACME))).status == 200
        assert memory(quiet_gateway) - before < 48 * 1024 * 1024
        await one.head()
        pieces = one.chunks()
        for _ in range(500):  # reading sets it going again
            await anext(pieces)
    assert await asyncio.to_thread(upstream.wait, f"flood{tag}", "left") == 1


def memory(gateway: Gateway) -> float:
    """Resident bytes."""
    found = re.search(r"^process_resident_memory_bytes (\S+)$", gateway.metrics(), re.MULTILINE)
    assert found is not None
    return float(found[1])
