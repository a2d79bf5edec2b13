"""A provider that fails for every call gets next to none of them, and all of them again once it is back."""

import asyncio
import time

import pytest

from tests.faults.chains import Bench, Said

WAYS = ("error-500", "reset", "hang", "html")
EACH_S = 0.02
FAILING_S = 4.0
UNKNOWN_S = 0.4
"""Until the patience with a call that hangs is over, nobody can know that it does."""
RECOVERY_S = 10.0


@pytest.mark.timeout(60)
async def test_a_failing_provider_gets_a_twentieth_of_the_traffic_at_most_and_recovers_by_itself(bench: Bench) -> None:
    await asyncio.gather(*(_fails_and_recovers(bench, way) for way in WAYS))
    events = bench.gateway.log.read_text()
    assert all(f"breaker_opened target=bad/{way}" in events for way in WAYS)
    assert all(f"breaker_closed target=bad/{way}" in events for way in WAYS)


async def _fails_and_recovers(bench: Bench, way: str) -> None:
    early = await _traffic(bench, way, UNKNOWN_S) if way == "hang" else []
    before = bench.bad.calls[way]
    texts = await _traffic(bench, way, FAILING_S)
    assert {*early, *texts} == {"secondary says so"}, "nobody sees it"
    assert bench.bad.calls[way] - before <= len(texts) * 0.05, (way, bench.bad.calls[way], before, len(texts))
    assert (await bench.target(f"bad/{way}"))["state"] == "open"
    bench.bad.healed.add(way)
    ends = time.monotonic() + RECOVERY_S
    while (await bench.ask(way)).text != "primary says so":
        assert time.monotonic() < ends, way
        await asyncio.sleep(EACH_S)
    assert set(await _traffic(bench, way, 0.5)) == {"primary says so"}


async def _traffic(bench: Bench, way: str, seconds: float) -> list[str]:
    """A steady stream of calls, whether those before have been answered or not; what each heard."""
    tasks: list[asyncio.Task[Said]] = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        tasks.append(asyncio.create_task(bench.ask(way, stream=len(tasks) % 2 == 1)))
        await asyncio.sleep(EACH_S)
    return [one.text for one in await asyncio.gather(*tasks)]
