"""Waits, faults and endings of the echo provider."""

import asyncio
import contextlib

import pytest

from gateway.core.catalog import Timeouts
from gateway.core.errors import UpstreamBroken, UpstreamTimeout
from gateway.providers.echo.transport import EchoReply
from tests.unit.providers.echo.asking import PATIENT, ask, chat, echo, error, events, outgoing, said, send, stream

HASTY = Timeouts(first_byte_s=0.05, between_bytes_s=0.05, total_s=5)


async def drain(reply: EchoReply) -> tuple[bytes, Exception | None]:
    """What comes of the body, and the error that ends it."""
    body = b""
    try:
        while block := await reply.read():
            body += block
    except (UpstreamBroken, UpstreamTimeout) as broken:
        return body, broken
    return body, None


async def streaming(model: str, text: str = "a b c d e", timeouts: Timeouts = PATIENT) -> EchoReply:
    return await send("/chat/completions", chat(text, model=model, stream=True), timeouts=timeouts)


async def test_latency_comes_before_the_head() -> None:
    begun = asyncio.get_running_loop().time()
    await send("/chat/completions", chat(model="echo:latency=60ms"))
    assert asyncio.get_running_loop().time() - begun >= 0.05


async def test_nothing_is_waited_for_unless_the_script_says_so() -> None:
    """The coroutines run to their ends without once giving the loop a turn."""
    with pytest.raises(StopIteration) as sent:
        echo().send(outgoing("/chat/completions", chat()), Timeouts()).send(None)
    with pytest.raises(StopIteration) as read:
        sent.value.value.read().send(None)
    assert b"hello world" in read.value.value


async def test_a_delay_hands_out_chunk_by_chunk() -> None:
    reply = await streaming("echo:delay=5ms", "a b c")
    blocks = []
    while block := await reply.read():
        blocks.append(block)
    assert [said(events(block)) for block in blocks] == ["a", " b", " c"]


async def test_without_a_delay_a_long_answer_comes_in_large_blocks_and_gives_the_loop_its_turn() -> None:
    reply = await streaming("echo:words=2000")
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.get_running_loop().create_task(other())
    blocks = 0
    while await reply.read():
        blocks += 1
    task.cancel()
    assert 10 < blocks < 100
    assert turns >= blocks - 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 500, 503, 529])
async def test_a_status_comes_in_the_envelope(status: int) -> None:
    found, envelope = await error(chat(model=f"echo:status={status}"))
    assert found == status
    assert str(status) in envelope["message"]


async def test_a_429_tells_when_to_come_back() -> None:
    reply = await send("/chat/completions", chat(model="echo:status=429,retry_after=1.5s"))
    headers = dict(reply.headers)
    assert reply.status == 429
    assert headers[b"retry-after"] == b"2"
    assert headers[b"retry-after-ms"] == b"1500"
    assert headers[b"x-ratelimit-remaining-requests"] == b"0"
    assert headers[b"x-ratelimit-reset-tokens"] == b"1.5s"


async def test_another_status_tells_it_only_when_asked() -> None:
    plain = await send("/chat/completions", chat(model="echo:status=503"))
    asked = await send("/chat/completions", chat(model="echo:status=503,retry_after=3s"))
    assert b"retry-after" not in dict(plain.headers)
    assert dict(asked.headers)[b"retry-after"] == b"3"
    assert not [name for name, _ in asked.headers if name.startswith(b"x-ratelimit")]


@pytest.mark.parametrize(
    ("model", "words"), [("echo:cut_after=2", "a b"), ("echo:cut_after=0", ""), ("echo:cut_after=99", "a b c d e")]
)
async def test_a_cut_ends_the_stream_short(model: str, words: str) -> None:
    body, broken = await drain(await streaming(model))
    assert isinstance(broken, UpstreamBroken)
    assert said(events(body)) == words
    assert b'"finish_reason":"stop"' not in body


async def test_a_cut_ends_a_plain_answer_short() -> None:
    whole = await ask(chat())
    reply = await send("/chat/completions", chat(model="echo-cut"))
    body, broken = await drain(reply)
    assert isinstance(broken, UpstreamBroken)
    assert 0 < len(body) < len(str(whole))
    with pytest.raises(UpstreamBroken):
        await (await send("/chat/completions", chat(model="echo-cut"))).whole(10_000)


async def test_an_error_event_ends_the_stream() -> None:
    body, broken = await drain(await streaming("echo:error_after=2"))
    *chunks, last = events(body)
    assert broken is None
    assert said(chunks) == "a b"
    assert set(last["error"]) == {"message", "type", "param", "code"}


async def test_done_can_be_left_out() -> None:
    chunks = await stream(chat(model="echo:done=no"))
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


async def test_an_answer_that_never_comes_ends_by_the_first_byte() -> None:
    with pytest.raises(UpstreamTimeout) as caught:
        await send("/chat/completions", chat(model="echo-hang"), timeouts=HASTY)
    assert caught.value.phase == "first_byte"


async def test_latency_over_the_limit_ends_by_the_first_byte() -> None:
    with pytest.raises(UpstreamTimeout, match="first_byte"):
        await send("/chat/completions", chat(model="echo:latency=30m"), timeouts=HASTY)


async def test_a_stream_that_stalls_ends_by_the_time_between_bytes() -> None:
    body, broken = await drain(await streaming("echo:hang_after=2", timeouts=HASTY))
    assert said(events(body)) == "a b"
    assert isinstance(broken, UpstreamTimeout)
    assert broken.phase == "between_bytes"


@pytest.mark.parametrize("model", ["echo:hang_after=1", "echo:hang=yes"])
async def test_the_total_is_kept_whatever_the_others_allow(model: str) -> None:
    timeouts = Timeouts(first_byte_s=10, between_bytes_s=10, total_s=0.05)
    with pytest.raises(UpstreamTimeout) as caught:
        await (await streaming(model, timeouts=timeouts)).whole(10_000)
    assert caught.value.phase == "total"


async def test_only_every_third_call_fails_and_names_are_counted_apart() -> None:
    transport = echo()

    async def status(model: str) -> int:
        return (await send("/chat/completions", chat(model=model), transport)).status

    found = []
    for _ in range(6):
        found.append(await status("echo:status=503,every=3"))
        assert await status("echo:status=500,every=100") == 200
    assert found == [200, 200, 503, 200, 200, 503]


async def test_the_calls_of_endless_names_are_not_remembered_for_ever() -> None:
    transport = echo(every="2", status="500")
    for number in range(3000):
        await send("/chat/completions", chat(model=f"model-{number}"), transport)
    assert len(transport._answering._calls) <= 1024


async def test_closing_the_transport_wakes_who_waits() -> None:
    transport = echo()
    reply = await send("/chat/completions", chat(model="echo:hang_after=0", stream=True), transport)
    await reply.read()
    waiting = [
        asyncio.get_running_loop().create_task(send("/chat/completions", chat(model="echo-hang"), transport)),
        asyncio.get_running_loop().create_task(reply.read()),
    ]
    await asyncio.sleep(0)
    transport.retire()
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    await transport.aclose()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in found] == [UpstreamBroken, UpstreamBroken]
    with pytest.raises(UpstreamBroken):
        await send("/chat/completions", chat(), transport)


async def test_a_wait_can_be_cancelled_and_leaves_nothing_behind() -> None:
    transport = echo()
    task = asyncio.get_running_loop().create_task(send("/chat/completions", chat(model="echo-hang"), transport))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert not transport._waiting._waiters


async def test_a_closed_exchange_gives_no_more() -> None:
    reply = await streaming("echo:delay=1ms")
    await reply.read()
    reply.close()
    reply.close()
    with pytest.raises(UpstreamBroken):
        await reply.read()


async def test_a_body_over_the_limit_is_refused() -> None:
    reply = await send("/chat/completions", chat(model="echo:words=1000"))
    with pytest.raises(UpstreamBroken, match="longer than 100"):
        await reply.whole(100)


async def test_a_body_that_is_read_to_the_end_stays_at_its_end() -> None:
    reply = await send("/chat/completions", chat())
    length = dict(reply.headers)[b"content-length"]
    assert len(await reply.whole(10_000)) == int(length)
    assert await reply.read() == b""
