"""An upstream over a transport that is not there: what is sent, what comes back, and what happens to the connection."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest

from gateway.core.catalog import ProviderSpec, Target, Timeouts
from gateway.core.chat import ModelRequest, Operation
from gateway.core.clock import ManualClock
from gateway.core.errors import (
    ProviderNotConfigured,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamFault,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamTruncated,
    UpstreamUnreachable,
)
from gateway.core.upstream import Ask, Reply, Upstream
from gateway.providers import remote
from gateway.providers.remote import Remote
from gateway.providers.transport.contract import Header, Incoming, Outgoing, Transport
from gateway.providers.wire import OPENAI, WIRES
from tests.journeys import answers
from tests.journeys.variants import DONE, ROWS, event
from tests.wires.driving import request
from tests.wires.streams import chunk

TARGET = Target("p", "*", "p/*")
STREAM_HEAD: Sequence[Header] = ((b"content-type", b"text/event-stream"),)
ROLE, WORD, STOP = chunk({"role": "assistant", "content": ""}), chunk({"content": "word"}), chunk({}, "stop")
Step = bytes | UpstreamFault | None
"""A block, a failure, or a wait for ever."""


class Scripted:
    """An answer that plays steps."""

    def __init__(self, steps: Sequence[Step], status: int = 200, headers: Sequence[Header] = STREAM_HEAD) -> None:
        self.status = status
        self.headers = headers
        self.steps = list(steps)
        self.reads = 0
        self.ended = False
        self.closed = 0
        self.parted: list[float] = []
        self.waiting = asyncio.Event()

    async def read(self) -> bytes:
        self.reads += 1
        if not self.steps:
            self.ended = True
            return b""
        step = self.steps.pop(0)
        if step is None:
            self.waiting.set()
            await asyncio.Event().wait()
        if isinstance(step, UpstreamFault):
            raise step
        assert step
        return step

    async def whole(self, limit: int) -> bytes:
        body = b""
        while block := await self.read():
            body += block
            if len(body) > limit:
                raise UpstreamBroken("too long")
        return body

    def close(self) -> None:
        self.closed += 1

    def part(self, within_s: float) -> None:
        self.parted.append(within_s)


class Dripping(Scripted):
    """Sends comments without end when it has played its steps."""

    async def read(self) -> bytes:
        if self.steps:
            return await super().read()
        await asyncio.sleep(0.001)
        return b": ping\n\n"


class Choosy(Scripted):
    """What a provider answers that does not take a key."""

    def __init__(self) -> None:
        super().__init__([b'{"error": {"message": "bad key"}}'], 401)


class Turns:
    """A transport that gives one answer after the other."""

    def __init__(self, *answers: Scripted) -> None:
        self.answers = list(answers)
        self.keys: list[bytes] = []

    async def send(self, outgoing: Outgoing, timeouts: Timeouts) -> Incoming:
        self.keys.append(dict(outgoing.headers)[b"authorization"])
        return self.answers.pop(0)

    def retire(self) -> None: ...

    async def aclose(self) -> None: ...


class Client:
    """A transport that gives one answer, or fails."""

    def __init__(self, answer: Scripted | UpstreamFault) -> None:
        self.answer = answer
        self.sent: list[tuple[Outgoing, Timeouts]] = []
        self.told: list[str] = []

    async def send(self, outgoing: Outgoing, timeouts: Timeouts) -> Incoming:
        self.sent.append((outgoing, timeouts))
        if isinstance(self.answer, UpstreamFault):
            raise self.answer
        return self.answer

    def retire(self) -> None:
        self.told.append("retire")

    async def aclose(self) -> None:
        self.told.append("aclose")


def spec(**more: Any) -> ProviderSpec:
    return ProviderSpec("p", "openai", **({"base_url": "http://up/v1", "api_keys": ("one", "two")} | more))


async def call(answer: Scripted | UpstreamFault, asked: ModelRequest | None = None) -> Reply:
    return await Remote(spec(), OPENAI, Client(answer), ManualClock()).call(Ask(asked or request(), TARGET, {}))


async def carried(reply: Reply) -> bytes:
    return b"".join([chunk.data async for chunk in reply])


def plain(body: bytes, status: int = 200, *headers: Header) -> Scripted:
    return Scripted([body] if body else [], status, headers or ((b"content-type", b"application/json"),))


# ---------------------------------------------------------------- sending


async def test_it_is_an_upstream_and_the_transport_is_told_its_end() -> None:
    client = Client(plain(b"{}"))
    transport: Transport = client
    upstream: Upstream = Remote(spec(), OPENAI, transport)
    upstream.retire()
    await upstream.aclose()
    assert client.told == ["retire", "aclose"]


async def test_several_keys_take_turns_and_empty_ones_are_none() -> None:
    client = Client(UpstreamUnreachable("no"))
    upstream = Remote(spec(api_keys=("one", "", "two"), timeouts=Timeouts(total_s=5)), OPENAI, client)
    for _ in range(3):
        with pytest.raises(UpstreamUnreachable):
            await upstream.call(Ask(request(), TARGET, {}))
    assert [dict(sent.headers)[b"authorization"] for sent, _ in client.sent] == [b"Bearer one", b"Bearer two", b"Bearer one"]
    assert client.sent[0][1] == Timeouts(total_s=5)
    assert client.sent[0][0].path == b"/v1/chat/completions"


@pytest.mark.parametrize("keys", [(), ("",)])
async def test_a_provider_that_needs_a_key_and_has_none_says_which_variable_would_give_it(keys: tuple[str, ...]) -> None:
    client = Client(plain(b"{}"))
    upstream = Remote(spec(api_keys=keys, key_needed=True, variable="UP_API_KEY"), OPENAI, client)
    with pytest.raises(ProviderNotConfigured, match="UP_API_KEY"):
        await upstream.call(Ask(request(), TARGET, {}))
    assert client.sent == []


async def test_a_provider_that_needs_no_key_is_asked_without() -> None:
    client = Client(UpstreamUnreachable("no"))
    with pytest.raises(UpstreamUnreachable):
        await Remote(spec(api_keys=()), OPENAI, client).call(Ask(request(), TARGET, {}))
    assert b"authorization" not in dict(client.sent[0][0].headers)


def test_echo_speaks_like_openai() -> None:
    assert WIRES["echo"] is WIRES["openai"]


# ---------------------------------------------------------------- plain answers and errors


async def test_a_plain_answer_is_a_stream_of_one_chunk() -> None:
    body = answers.dumps(answers.completion("m", {"content": "hi"}))
    answer = plain(body)
    reply = await call(answer, request(stream=False))
    assert not reply.streaming
    assert reply.transcript.usage == answers.USAGE  # it is paid for, whoever still wants it
    assert await carried(reply) == body
    assert await carried(reply) == b""
    assert reply.transcript.completion()["choices"][0]["message"]["content"] == "hi"
    assert answer.ended
    reply.close()


async def test_a_plain_reply_that_is_closed_gives_nothing() -> None:
    reply = await call(plain(answers.dumps(answers.completion("m", {"content": "hi"}))), request(stream=False))
    reply.close()
    assert await carried(reply) == b""


async def test_embeddings_do_not_stream() -> None:
    body = answers.dumps(answers.embeddings({"input": "a", "model": "m"}))
    reply = await call(plain(body), request(Operation.EMBEDDINGS, stream=True))
    assert not reply.streaming
    assert await carried(reply) == body


@pytest.mark.parametrize("stream", [True, False])
async def test_an_error_status_is_a_fault_and_its_body_is_read(stream: bool) -> None:
    answer = plain(orjson.dumps({"error": {"message": "slow down", "code": "c"}}), 429, (b"retry-after", b"3"))
    with pytest.raises(UpstreamRefused) as caught:
        await call(answer, request(stream=stream))
    assert (caught.value.status, caught.value.message, caught.value.retry_after_s) == (429, "slow down", 3.0)
    assert answer.ended
    assert answer.closed


@pytest.mark.parametrize(
    "steps", [[b"x" * (remote.ERROR_LIMIT + 1)], [UpstreamBroken("cut")], [b"{", UpstreamTimeout("total", 1)]]
)
async def test_an_error_whose_body_cannot_be_read_is_told_by_its_status(steps: list[Step]) -> None:
    answer = Scripted(steps, 503)
    with pytest.raises(UpstreamRefused) as caught:
        await call(answer)
    assert caught.value.status == 503
    assert answer.closed


async def test_our_own_credentials_refused() -> None:
    with pytest.raises(UpstreamCredentials):
        await call(plain(b"", 401))


@pytest.mark.parametrize("stream", [True, False])
async def test_a_web_page_is_not_read(stream: bool) -> None:
    answer = Scripted([b"<html>", None], 200, ((b"server", b"x"), (b"content-type", b"Text/HTML; charset=utf-8")))
    with pytest.raises(UpstreamBroken):
        await call(answer, request(stream=stream))
    assert (answer.reads, answer.closed) == (0, 1)


async def test_other_successes_are_successes() -> None:
    body = answers.dumps(answers.completion("m", {"content": "hi"}))
    assert await carried(await call(plain(body, 201), request(stream=False))) == body


# ---------------------------------------------------------------- streams


async def test_a_stream_is_handed_on_block_by_block_and_ends_with_its_body() -> None:
    pieces = ROWS["sound"].pieces("m")
    answer = Scripted(pieces)
    reply = await call(answer, request(usage=True))
    assert reply.streaming
    chunks = [chunk.data async for chunk in reply]
    assert chunks[0] == pieces[0] + pieces[1]  # the role is held until there is content
    assert b"".join(chunks) == b"".join(pieces)
    assert len(chunks) > 4
    assert reply.transcript.completion()["choices"][0]["message"]["content"] == answers.TEXT
    assert reply.transcript.usage == answers.USAGE
    assert answer.reads == len(pieces)
    assert (answer.parted, answer.closed) == ([remote.PARTING_S], 0)


async def test_usage_that_nobody_asked_for_is_remembered_and_not_sent() -> None:
    reply = await call(Scripted(ROWS["sound"].pieces("m")), request(usage=False))
    chunks = [chunk.data async for chunk in reply]
    assert all(chunks)
    assert b'"usage"' not in b"".join(chunks)
    assert reply.transcript.usage == answers.USAGE


async def test_the_transcript_has_what_was_handed_out_and_no_more() -> None:
    reply = await call(Scripted([event(ROLE), event(WORD), event(WORD), event(STOP) + DONE]))
    assert not reply.transcript.choices
    await anext(aiter(reply))
    assert reply.transcript.choice(0).text == b"word"


@pytest.mark.parametrize(
    "steps",
    [
        [event({"error": {"message": "no", "code": 429}})],
        [event(ROLE), event({"error": {"message": "no", "code": 429}})],
        [b": hello\n\n", event(ROLE) + event({"error": {"message": "no", "code": 429}})],
        [orjson.dumps({"error": {"message": "no", "code": 429}})],
    ],
)
async def test_an_error_before_there_is_content_is_a_status(steps: list[Step]) -> None:
    answer = Scripted(steps)
    with pytest.raises(UpstreamRefused) as caught:
        await call(answer)
    assert caught.value.status == 429
    assert answer.closed


@pytest.mark.parametrize(
    "steps", [[], [DONE], [event(ROLE)], [event(ROLE), UpstreamBroken("cut")], [UpstreamTimeout("first_byte", 1)]]
)
async def test_a_stream_without_content_is_a_fault_of_the_call(steps: list[Step]) -> None:
    answer = Scripted(steps)
    with pytest.raises(UpstreamFault):
        await call(answer)
    assert answer.closed


async def test_an_error_in_the_same_block_as_content_comes_behind_it() -> None:
    reply = await call(Scripted([event(ROLE) + event(WORD) + event({"error": {"message": "no"}})]))
    assert (await anext(aiter(reply))).data == event(ROLE) + event(WORD)
    for _ in range(2):
        with pytest.raises(UpstreamRefused, match="no"):
            await anext(aiter(reply))


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([], UpstreamTruncated),
        ([DONE], UpstreamTruncated),
        ([UpstreamBroken("cut")], UpstreamBroken),
        ([UpstreamTimeout("total", 1)], UpstreamTimeout),
    ],
)
async def test_a_stream_that_breaks_off_says_so(steps: list[Step], kind: type[UpstreamFault]) -> None:
    reply = await call(Scripted([event(ROLE), event(WORD), event(WORD), *steps]))
    chunks = aiter(reply)
    await anext(chunks)
    await anext(chunks)
    with pytest.raises(kind):
        await anext(chunks)
    assert reply.transcript.choice(0).text == b"wordword"


async def test_a_connection_that_breaks_behind_the_finish_has_lost_nothing() -> None:
    reply = await call(Scripted([event(ROLE), event(WORD), event(STOP), UpstreamBroken("cut")]))
    assert (await carried(reply)).endswith(DONE)


@pytest.mark.parametrize("after", [UpstreamTimeout("between_bytes", 1), None])
async def test_a_provider_that_falls_silent_behind_the_finish_is_not_waited_for(
    after: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "EPILOGUE_S", 0.01)
    answer = Scripted([event(ROLE), event(WORD), event(STOP), after])
    async with asyncio.timeout(10):
        reply = await call(answer)
        assert (await carried(reply)).endswith(event(STOP) + DONE)


async def test_signs_of_life_behind_the_finish_do_not_prolong_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "EPILOGUE_S", 0.02)
    answer = Dripping([event(ROLE) + event(WORD) + event(STOP)])
    async with asyncio.timeout(10):
        assert (await carried(await call(answer))).endswith(event(STOP) + DONE)


async def test_what_comes_slowly_behind_the_finish_is_still_taken() -> None:
    said = [
        event(ROLE) + event(WORD),
        event(STOP),
        event(chunk({}) | {"choices": [], "usage": answers.USAGE}),
        b": ping\n\n",
        DONE,
    ]
    reply = await call(Scripted(said), request(usage=True))
    assert b'"usage"' in await carried(reply)
    assert reply.transcript.usage == answers.USAGE


async def test_with_several_choices_the_answer_is_whole_when_each_has_its_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "EPILOGUE_S", 0.01)
    second = event(chunk({"content": "two"}, index=1))
    answer = Scripted([event(ROLE) + event(WORD) + event(STOP), second, UpstreamBroken("cut")])
    reply = await call(answer, request(n=2))
    with pytest.raises(UpstreamBroken):
        await carried(reply)
    answer = Scripted([event(ROLE) + event(WORD) + event(STOP), UpstreamTimeout("between_bytes", 1)])
    with pytest.raises(UpstreamTimeout):
        await carried(await call(answer, request(n=2)))


@pytest.mark.parametrize("after", [event(WORD), UpstreamBroken("cut"), None])
async def test_what_follows_the_end_is_left_to_the_connection(after: Step) -> None:
    answer = Scripted([event(ROLE) + event(WORD), event(STOP) + DONE, after, None])
    reply = await call(answer)
    chunks = aiter(reply)
    assert [(await anext(chunks)).data for _ in range(2)] == [event(ROLE) + event(WORD), event(STOP) + DONE]
    step = anext(chunks).__await__()
    with pytest.raises(StopAsyncIteration):  # at once: without a turn of the loop, in which the caller could leave
        next(step)
    assert answer.reads == 2
    assert (answer.parted, answer.closed) == ([remote.PARTING_S], 0)


async def test_a_whole_answer_that_is_left_early_keeps_its_connection_and_another_does_not() -> None:
    for steps, parted in ([event(STOP)], 1), ([], 0):
        answer = Scripted([event(ROLE) + event(WORD), *steps, None])
        reply = await call(answer)
        for _ in range(1 + len(steps)):
            await anext(aiter(reply))
        reply.close()
        assert (len(answer.parted), answer.closed) == (parted, 1 - parted)


async def test_an_open_stream_keeps_nothing_of_its_head() -> None:
    answer = Scripted([event(ROLE) + event(WORD), None])
    await call(answer)
    assert answer.headers == ()


async def test_usage_before_the_content_is_not_gathered_up() -> None:
    usage = event({"id": "x", "choices": [], "usage": {"prompt_tokens": 1}})
    answer = Scripted([*[usage] * 1000, event(ROLE) + event(WORD), None])
    reply = await call(answer)
    assert len((await anext(aiter(reply))).deltas) <= 2
    assert reply.transcript.usage == {"prompt_tokens": 1}


async def test_a_stream_that_says_nothing_for_long_begins_without_content() -> None:
    empty = event(ROLE)
    many = [empty] * (remote.WITHHELD_LIMIT // len(empty) + 2)
    answer = Scripted([*many, None])
    async with asyncio.timeout(10):
        reply = await call(answer)
    assert len((await anext(aiter(reply))).data) > remote.WITHHELD_LIMIT


async def cancelled(begin: Callable[[], Any], answer: Scripted) -> None:
    task = asyncio.get_running_loop().create_task(begin())
    await answer.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("stream", [True, False])
async def test_a_call_that_is_given_up_before_its_content_closes_the_connection(stream: bool) -> None:
    answer = Scripted([event(ROLE), None] if stream else [b"{", None])
    await cancelled(lambda: call(answer, request(stream=stream)), answer)
    assert answer.closed == 1


async def test_a_reply_may_be_closed_at_any_time_and_twice() -> None:
    answer = Scripted([event(ROLE) + event(WORD), None])
    reply = await call(answer)
    reply.close()
    reply.close()
    assert answer.closed == 2  # idempotent by contract


# ---------------------------------------------------------------- keys and patience


async def test_a_refused_key_is_not_the_end_while_there_is_another() -> None:
    refused = Choosy()
    sound = answers.dumps(answers.completion("m", {"content": "word"}))
    client = Turns(refused, plain(sound))
    reply = await Remote(spec(), OPENAI, client).call(Ask(request(stream=False), TARGET, {}))
    assert client.keys == [b"Bearer one", b"Bearer two"]
    assert await carried(reply) == sound
    assert refused.closed == 1


async def test_when_every_key_is_refused_the_fault_is_the_gateways() -> None:
    client = Turns(Choosy(), Choosy(), Choosy())
    with pytest.raises(UpstreamCredentials) as caught:
        await Remote(spec(), OPENAI, client).call(Ask(request(stream=False), TARGET, {}))
    assert len(client.keys) == 2
    assert "bad key" not in caught.value.message


@pytest.mark.parametrize("first_token_s", [0.01, 0.02])
async def test_a_stream_without_content_is_given_up_when_its_first_token_is_due(first_token_s: float) -> None:
    patience = Timeouts(first_token_s=first_token_s, between_bytes_s=0.015)
    answer = Dripping([event(ROLE)])
    with pytest.raises(UpstreamTimeout, match="first_token"):
        await Remote(spec(), OPENAI, Client(answer)).call(Ask(request(), TARGET, {}, patience))
    assert answer.closed == 1
