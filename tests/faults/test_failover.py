"""A thousand calls whose primary fails at every stage of a call: no caller sees it, and no answer is made of two."""

import asyncio
from collections import Counter

import pytest

from tests.faults.chains import Bench, Said
from tests.faults.provider import BEFORE_CONTENT

CALLS = 1000
AT_ONCE = 24


@pytest.mark.timeout(60)
async def test_a_thousand_calls_through_a_failing_primary_all_succeed_and_none_is_spliced(bench: Bench) -> None:
    ways = [*BEFORE_CONTENT, "unreachable"]
    for way in ways:  # or the breakers would soon spare the primaries
        await bench.force("gone/x" if way == "unreachable" else f"bad/{way}", "closed")
    plan = [(ways[place % len(ways)], bool(place // len(ways) % 2)) for place in range(CALLS)]
    answers = await _all(bench, plan)
    wrong = [(call, one) for call, one in zip(plan, answers, strict=True) if one.text != "secondary says so" or not one.whole]
    assert not wrong, wrong[:5]
    assert {one.model for one in answers} == {"good/ok"}
    assert {one.attempts for one in answers} == {2}, "every call met the failing primary"
    assert bench.good.calls["ok"] == CALLS
    assert bench.bad.calls.total() == sum(way != "unreachable" for way, _ in plan)


@pytest.mark.timeout(60)
async def test_after_the_first_content_a_failure_is_an_error_and_never_the_words_of_another(bench: Bench) -> None:
    await bench.force("bad/truncated", "closed")
    streams = await _all(bench, [("truncated", True)] * 60)
    assert {(one.text, one.whole) for one in streams} == {("primary says so", False)}
    plain = await _all(bench, [("truncated", False)] * 60)
    assert {(one.text, one.whole) for one in plain} == {("secondary says so", True)}


async def _all(bench: Bench, plan: list[tuple[str, bool]]) -> list[Said]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(way: str, stream: bool) -> Said:
        async with room:
            return await bench.ask(way, stream=stream)

    answers = await asyncio.gather(*(one(*call) for call in plan))
    print(Counter(one.status for one in answers))
    return answers
