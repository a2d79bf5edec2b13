"""A provider that is not ours and fails by chance: it drops, garbles, disconnects and limits, on every wire."""

import asyncio
import itertools
from pathlib import Path

import pytest

from tests.faults.dialects import DIALECTS, call
from tests.faults.provider import Provider
from tests.journeys import aimock
from tests.journeys.aimock import WIRES, Aimock, config_for_mock, text
from tests.journeys.processes import Gateway
from tests.journeys.wire import ask

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(300),
    pytest.mark.skipif(aimock.missing() is not None, reason=aimock.missing() or ""),
]

CHAOS = ("drop", "malformed", "disconnect", "ratelimit")
ROUNDS = 3
AT_ONCE = 16


def config_for(mock: Aimock, good: Provider) -> str:
    """The mock's providers, each with one that is well behind it."""
    spare = f'  good: {{ wire: openai, base_url: "http://127.0.0.1:{good.port}/v1", api_keys: [ x ] }}\n'
    models = "\n".join(f"  {one}: {{ chain: [ {one}/m, {{ target: good/ok, priority: 2 }} ] }}" for one in WIRES)
    head, _, _ = config_for_mock(mock).partition("models:")
    return f"{head.rstrip()}\n{spare}models:\n{models}\n"


@pytest.mark.parametrize("chaos", CHAOS)
async def test_chance_fails_no_call_while_another_target_is_well(tmp_path: Path, chaos: str) -> None:
    await asyncio.to_thread(aimock.install)
    more = (f"--chaos-{chaos}", "0.5")
    mock = await asyncio.to_thread(lambda: Aimock(tmp_path, [text("hi", "the mock says so")], more=more))
    async with Provider("secondary") as good:
        try:
            gateway = await asyncio.to_thread(Gateway, tmp_path, config_for(mock, good), None)
            try:
                wrong = await _wrong(gateway)
                asked = len(mock.paths())
            finally:
                code = await asyncio.to_thread(gateway.stop)
        finally:
            mock.stop()
        log = gateway.log.read_text(errors="replace")
        assert (code, "Traceback" in log) == (0, False), log[-3000:]
        assert not wrong, (len(wrong), wrong[:4])
        assert good.calls["ok"] > 0 < asked


async def _wrong(gateway: Gateway) -> list[object]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(wire: str, dialect: str, stream: bool) -> object:
        async with room:
            answer = await ask(gateway, call(dialect, wire, stream=stream))
        mocks, ours = b"mock" in answer.body, b"secondary" in answer.body
        right = answer.status == 200 and mocks is not ours
        return None if right else (wire, dialect, stream, answer.status, answer.body[:300])

    plan = list(itertools.product(WIRES, DIALECTS, (False, True))) * ROUNDS
    return [told for told in await asyncio.gather(*(one(*each) for each in plan)) if told]
