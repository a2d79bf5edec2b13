"""A thousand calls whose primary fails at every stage of a call: no caller sees it, and no answer is made of two."""

import asyncio
import itertools
from collections import Counter

import pytest

from tests.faults.chains import Bench, Said
from tests.faults.dialects import DIALECTS, call
from tests.faults.provider import BEFORE_CONTENT
from tests.journeys.wire import ask

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


@pytest.mark.timeout(60)
async def test_the_same_holds_in_every_dialect(bench: Bench) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(way: str, dialect: str, stream: bool) -> tuple[str, str, bool, int, bytes] | None:
        async with room:
            answer = await ask(bench.gateway, call(dialect, way, stream=stream))
        told = answer.status, answer.headers.get("x-fleetgate-model"), answer.headers.get("x-fleetgate-attempts")
        right = told == (200, "good/ok", "2") and b"secondary" in answer.body and b"primary" not in answer.body
        return None if right else (way, dialect, stream, answer.status, answer.body[:200])

    for way in BEFORE_CONTENT:
        await bench.force(f"bad/{way}", "closed")
    plan = itertools.product(BEFORE_CONTENT, DIALECTS, (False, True))
    wrong = [told for told in await asyncio.gather(*(one(*each) for each in plan)) if told]
    assert not wrong, (len(wrong), wrong[:5])


async def test_an_answer_that_breaks_off_is_an_error_in_every_dialect_and_never_spliced(bench: Bench) -> None:
    signs = {
        "chat": b'data: {"error":',
        "responses": b"event: error",
        "messages": b"event: error",
        "gemini": b'data: {"error":',
        "converse": b":exception-type",
    }
    await bench.force("bad/truncated", "closed")
    for dialect, sign in signs.items():
        answer = await ask(bench.gateway, call(dialect, "truncated", stream=True))
        assert (answer.status, answer.headers["x-fleetgate-attempts"]) == (200, "1")
        assert b"primary says so" in answer.body
        assert sign in answer.body, (dialect, answer.body)
        assert b"secondary" not in answer.body
        assert not answer.body.rstrip().endswith(b"[DONE]")
        assert not any(end in answer.body for end in (b"message_stop", b"response.completed", b"messageStop", b"finishReason"))


async def _all(bench: Bench, plan: list[tuple[str, bool]]) -> list[Said]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(way: str, stream: bool) -> Said:
        async with room:
            return await bench.ask(way, stream=stream)

    answers = await asyncio.gather(*(one(*call) for call in plan))
    print(Counter(one.status for one in answers))
    return answers
