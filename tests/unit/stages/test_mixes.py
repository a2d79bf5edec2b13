"""Whatever the targets of a chain do, together and in whichever order: few tries, one answer, and nothing left behind."""

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import ProviderNotConfigured, UpstreamBroken, UpstreamTruncated, UpstreamUnreachable
from tests.house import Client, chat
from tests.unit.stages.chains import PAUSE, Behaviour, Chained, Provider, refused

DOES: dict[str, Behaviour] = {
    "answers": (b"one ", b"two"),
    "breaks off": (b"one ", UpstreamTruncated("cut")),
    "breaks": UpstreamBroken("x"),
    "is away": UpstreamUnreachable("x"),
    "fails": refused(500),
    "limits": refused(429, retry_after_s=0.0),
    "refuses": refused(400),
    "does not know": refused(404, "model_not_found"),
    "has no key": ProviderNotConfigured("x"),
    "is slow": PAUSE,
}
NOTHING_SENT = frozenset({"provider_not_configured"})


async def ask(doings: Sequence[Sequence[str]], attempts: int, hedge_s: float | None, leaves: bool, stream: bool) -> None:
    providers = [Provider(chr(97 + at), *(DOES[one] for one in each)) for at, each in enumerate(doings)]
    scene = Chained(*providers, attempts=attempts, hedge_s=hedge_s)
    scene.gateway.health.draw = lambda: 0.0  # no waits
    scene.open("a")  # so that it is probed; the others are well
    task = scene.gateway.start(client := Client(chat(stream=stream)))
    for turn in range(400):
        if task.done():
            break
        await asyncio.sleep(0 if turn < 20 else 0.001)
        if turn == 6 and leaves:
            client.leave()
        if turn == 12:
            for one in providers:
                one.release.set()
    await asyncio.wait_for(task, 1)
    await scene.check_settled()
    tried = scene.tried()
    assert sum(error not in NOTHING_SENT for _, error in tried) <= attempts
    assert sum(len(one.asks) for one in providers) == len(tried), "every try is on the record"
    assert sum(error is None for _, error in tried) <= 1
    assert not any(scene.gateway.health.at(scene.target(one.name)).breaker.probes for one in providers)
    if not leaves:
        assert client.ended
        assert len({text for text in (b"one ", b"late a", b"late b", b"late c", b"late d") if text in client.received}) <= 1
        assert client.received.count(b"one ") <= 1


@settings(max_examples=150, deadline=None)
@given(
    doings=st.lists(st.lists(st.sampled_from([*DOES, *["is slow"] * 5]), min_size=1, max_size=3), min_size=1, max_size=4),
    attempts=st.integers(1, 4),
    hedge_s=st.sampled_from([None, 0.0, 0.001]),
    leaves=st.booleans(),
    stream=st.booleans(),
)
def test_any_mix_of_failures_hedges_and_retries_keeps_its_bounds(
    doings: list[list[str]],
    attempts: int,
    hedge_s: float | None,
    leaves: bool,
    stream: bool,
) -> None:
    asyncio.run(ask(doings, attempts, hedge_s, leaves, stream))
