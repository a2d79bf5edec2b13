"""Starting, reloading and stopping a real process: nothing that runs is dropped, and what is wrong changes nothing."""

import asyncio
import json
import signal
import time

import pytest

from tests.journeys.answers import TEXT
from tests.journeys.configs import ACME, Starter, config_for
from tests.journeys.processes import Gateway, Upstream
from tests.journeys.wire import Wire, ask, chat, data_of, request, wire


async def begin(one: Wire, model: str) -> bytes:
    """Begins a stream; its first chunk."""
    await one.send(chat(model, ACME, stream=True))
    assert (await one.head()).status == 200
    return await anext(one.chunks())


async def rest(one: Wire) -> bytes:
    """Whatever still comes."""
    return b"".join([chunk async for chunk in one.chunks()])


def text_of(body: bytes) -> str:
    return "".join(json.loads(one)["choices"][0]["delta"].get("content") or "" for one in data_of(body)[:-1])


async def exit_code(gateway: Gateway) -> int:
    return await asyncio.to_thread(gateway.process.wait, 15)


async def test_the_term_signal_lets_a_stream_finish(start: Starter, upstream: Upstream, tag: str) -> None:
    gateway = start(config_for(upstream, "drain: 10s"))
    async with wire(gateway) as one:
        first = await begin(one, f"slow-chunks{tag}")
        gateway.signal(signal.SIGTERM)
        whole = first + await rest(one)
    assert text_of(whole) == TEXT
    assert data_of(whole)[-1] == b"[DONE]"
    assert await exit_code(gateway) == 0
    assert "Traceback" not in gateway.tail()
    assert upstream.requests(f"slow-chunks{tag}")[0].state == "done"


async def test_a_stream_past_the_drain_bound_is_told(start: Starter, upstream: Upstream, tag: str) -> None:
    gateway = start(config_for(upstream, "drain: 500ms"))
    async with wire(gateway) as one, wire(gateway) as plain:
        first = await begin(one, f"endless{tag}")
        await plain.send(chat(f"hang{tag}", ACME))
        assert await asyncio.to_thread(upstream.wait, f"hang{tag}", "running") == 1
        gateway.signal(signal.SIGTERM)
        events = data_of(first + await rest(one))
        answer = await plain.answer()
    error = json.loads(events[-1])["error"]
    assert error["code"] == "shutting_down"
    assert b"[DONE]" not in events
    assert (answer.status, answer.error()["code"]) == (503, "shutting_down")
    assert await exit_code(gateway) == 0
    assert await asyncio.to_thread(upstream.wait, f"endless{tag}", "left") == 1
    assert "Traceback" not in gateway.tail()


async def test_while_it_drains_it_is_not_ready_and_takes_no_new_calls(start: Starter, upstream: Upstream, tag: str) -> None:
    gateway = start(config_for(upstream, "drain: 10s"))
    async with wire(gateway) as running:
        await begin(running, f"slow-chunks{tag}")
        gateway.signal(signal.SIGTERM)
        await until_refused(gateway, request("GET", "/readyz"))
        await until_refused(gateway, chat("plain", ACME))
        assert data_of(await rest(running))[-1] == b"[DONE]"
    assert await exit_code(gateway) == 0


async def until_refused(gateway: Gateway, data: bytes) -> None:
    """Waits for a closed port or a 503."""
    ends = time.monotonic() + 5
    while True:
        assert time.monotonic() < ends, gateway.tail()
        try:
            if (await ask(gateway, data)).status == 503:
                return
        except (ConnectionError, asyncio.IncompleteReadError):
            return


async def test_the_interrupt_signal_ends_it_cleanly(start: Starter, upstream: Upstream) -> None:
    gateway = start(config_for(upstream, "drain: 10s"))
    assert (await ask(gateway, chat("plain", ACME))).status == 200
    gateway.signal(signal.SIGINT)
    assert await exit_code(gateway) in (0, 130)
    assert "Traceback" not in gateway.tail()


async def test_a_second_interrupt_does_not_wait_for_streams(start: Starter, upstream: Upstream, tag: str) -> None:
    gateway = start(config_for(upstream, "drain: 600s"))
    async with wire(gateway) as one:
        first = await begin(one, f"endless{tag}")
        gateway.signal(signal.SIGINT)
        await until_refused(gateway, chat("plain", ACME))
        assert gateway.process.poll() is None
        gateway.signal(signal.SIGINT)
        events = data_of(first + await rest(one))
    assert json.loads(events[-1])["error"]["code"] == "shutting_down"
    assert await exit_code(gateway) in (0, 130)
    assert "Traceback" not in gateway.tail()


# ---------------------------------------------------------------- reloading


def swapped(gateway: Gateway) -> str:
    return gateway.config.read_text().replace("swap: up/error-400", "swap: up/plain")


async def status_of(gateway: Gateway, model: str) -> int:
    return (await ask(gateway, chat(model, ACME))).status


async def until_status(gateway: Gateway, model: str, status: int, within_s: float = 10) -> None:
    ends = time.monotonic() + within_s
    while await status_of(gateway, model) != status:
        assert time.monotonic() < ends, gateway.tail()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("by", ["signal", "file change", "file replaced"])
async def test_a_new_configuration_takes_over_and_drops_no_stream(
    start: Starter, upstream: Upstream, tag: str, by: str
) -> None:
    gateway = start(config_for(upstream, "drain: 5s", "  swap: up/error-400"))
    assert await status_of(gateway, "swap") == 400
    async with wire(gateway) as one:
        first = await begin(one, f"endless{tag}")
        if by == "file replaced":
            fresh = gateway.config.with_suffix(".new")
            fresh.write_text(swapped(gateway))
            fresh.replace(gateway.config)
        else:
            gateway.config.write_text(swapped(gateway))
        if by == "signal":
            gateway.signal(signal.SIGHUP)
        await until_status(gateway, "swap", 200)
        pieces = one.chunks()
        more = first + b"".join([await anext(pieces) for _ in range(10)])
        assert b'"more "' in more
        assert upstream.requests(f"endless{tag}")[0].state == "running"
    assert gateway.process.poll() is None


@pytest.mark.parametrize("broken", ["models: [", "providers: { up: { wire: opnai } }", "sever: {}\n"])
async def test_a_bad_file_changes_nothing_and_says_why(start: Starter, upstream: Upstream, broken: str) -> None:
    gateway = start(config_for(upstream, "drain: 5s", "  swap: up/error-400"))
    good = gateway.config.read_text()
    before = gateway.log.stat().st_size
    gateway.config.write_text(broken)
    gateway.signal(signal.SIGHUP)
    gateway.until(lambda: b"config.yaml:1" in gateway.log.read_bytes()[before:], "the place in the bad file")
    assert await status_of(gateway, "swap") == 400
    assert await status_of(gateway, "plain") == 200
    gateway.config.write_text(good.replace("swap: up/error-400", "swap: up/plain"))
    gateway.signal(signal.SIGHUP)
    await until_status(gateway, "swap", 200)


# ---------------------------------------------------------------- zero config


async def test_without_a_file_the_variables_are_enough(start: Starter, upstream: Upstream, tag: str) -> None:
    gateway = start(None, {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_API_KEY": "sk-from-env"})
    answer = await ask(gateway, chat(f"plain{tag}", "any key at all"))
    assert answer.json()["choices"][0]["message"]["content"] == TEXT
    assert upstream.requests(f"plain{tag}")[0].headers["authorization"] == "Bearer sk-from-env"
    assert (await ask(gateway, chat("plain", None))).status == 200
    assert "sk-from-env" not in gateway.log.read_text()
    assert gateway.stop() == 0


async def test_without_anything_the_echo_answers(start: Starter) -> None:
    gateway = start(None)
    answer = await ask(gateway, chat("echo", None))
    assert answer.json()["choices"][0]["message"]["content"]
    stream = await ask(gateway, chat("echo", None, stream=True))
    assert data_of(stream.body)[-1] == b"[DONE]"
    assert gateway.stop() == 0


async def test_it_is_ready_in_about_a_second(start: Starter) -> None:
    began_s = time.monotonic()
    gateway = start(None)
    assert time.monotonic() - began_s < 8.0  # the machine may be loaded
    assert gateway.stop() == 0
