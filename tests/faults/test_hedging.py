"""Two at once over real connections: the slower one's is closed at once, and every failure is still one answer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.chains import Said, said
from tests.faults.provider import Provider
from tests.journeys.processes import Gateway
from tests.journeys.wire import ask, chat, wire

CALLS = 40


def config_for(bad: Provider, good: Provider) -> str:
    """Models whose first target is slow, by how it goes on with the second."""
    chains = {
        "answered": "bad/stream-hang, good/ok",
        "breaking": "bad/hang, bad/truncated",
        "refused": "bad/hang, bad/error-500, good/ok",
        "dead": "bad/slow-500, bad/error-503",
    }
    models = "\n".join(f"  {name}: {{ chain: [ {_ordered(chain)} ], hedge: 100ms }}" for name, chain in chains.items())
    timeouts = "{ first_byte: 700ms, first_token: 700ms }"
    return f"""
server: {{ heartbeat: 5s }}
providers:
  bad: {{ wire: openai, base_url: "http://127.0.0.1:{bad.port}/v1", api_keys: [ x ], timeouts: {timeouts} }}
  good: {{ wire: openai, base_url: "http://127.0.0.1:{good.port}/v1", api_keys: [ x ] }}
models:
{models}
"""


def _ordered(chain: str) -> str:
    return ", ".join(f"{{ target: {one}, priority: {place} }}" for place, one in enumerate(chain.split(", "), 1))


@pytest.fixture
async def providers() -> AsyncIterator[tuple[Provider, Provider]]:
    async with Provider("primary") as bad, Provider("secondary") as good:
        yield bad, good


@pytest.fixture
async def gateway(tmp_path: Path, providers: tuple[Provider, Provider]) -> AsyncIterator[Gateway]:
    gateway = await asyncio.to_thread(Gateway, tmp_path, config_for(*providers), None)
    try:
        yield gateway
    finally:
        code = await asyncio.to_thread(gateway.stop)
        log = gateway.log.read_text(errors="replace")
        assert (code, "Traceback" in log) == (0, False), log[-3000:]


async def several(gateway: Gateway, model: str, *, stream: bool, calls: int = CALLS) -> list[Said]:
    answers = await asyncio.gather(*(ask(gateway, chat(model, None, stream=stream)) for _ in range(calls)))
    return [said(one, stream=stream) for one in answers]


async def until(provider: Provider, busy: int) -> None:
    """Waits until so many connections of the provider are in use."""
    async with asyncio.timeout(2):
        while provider.busy != busy:
            await asyncio.sleep(0.01)


async def test_the_slower_ones_connection_is_closed_at_once(gateway: Gateway, providers: tuple[Provider, Provider]) -> None:
    bad, _ = providers
    answers = await several(gateway, "answered", stream=True)
    assert {(one.text, one.whole, one.model, one.attempts) for one in answers} == {("secondary says so", True, "good/ok", 2)}
    assert bad.calls["stream-hang"] == CALLS
    await until(bad, 0)
    metrics = await asyncio.to_thread(gateway.metrics)
    assert f'fleetgate_hedges_total{{result="won",target="good/ok"}} {CALLS}.0' in metrics
    assert f'fleetgate_attempts_total{{result="hedged",target="bad/stream-hang"}} {CALLS}.0' in metrics


async def test_a_caller_that_leaves_closes_both_connections(gateway: Gateway, providers: tuple[Provider, Provider]) -> None:
    bad, _ = providers
    bad.ways["error-500"] = bad.ways["hang"]
    async with wire(gateway) as one:
        await one.send(chat("refused", None, stream=True))
        await until(bad, 2)
        one.reset()
        await until(bad, 0)


async def test_a_winner_that_breaks_off_is_an_error_and_not_the_words_of_another(gateway: Gateway) -> None:
    answers = await several(gateway, "breaking", stream=True, calls=3)
    assert {(one.status, one.text, one.whole, one.model) for one in answers} == {
        (200, "primary says so", False, "bad/truncated")
    }


async def test_when_both_fail_a_third_is_asked_and_no_more_than_three(
    gateway: Gateway, providers: tuple[Provider, Provider]
) -> None:
    bad, good = providers
    answers = await several(gateway, "refused", stream=False, calls=4)
    assert {(one.text, one.attempts) for one in answers} == {("secondary says so", 3)}
    assert (bad.calls.total(), good.calls.total()) == (8, 4)


async def test_when_all_fail_the_caller_hears_it_once_and_after_three_tries(
    gateway: Gateway, providers: tuple[Provider, Provider]
) -> None:
    bad, _ = providers
    answers = await several(gateway, "dead", stream=False, calls=2)
    assert {one.status for one in answers} <= {500, 503}
    assert all(2 <= one.attempts <= 3 for one in answers)
    assert bad.calls.total() == sum(one.attempts for one in answers)
