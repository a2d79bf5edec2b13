"""How passages go out, and what comes back of them."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
import pytest

from gateway.core.catalog import ProviderSpec, Timeouts
from gateway.core.errors import UpstreamBroken, UpstreamCredentials, UpstreamRefused
from gateway.core.passage import WAYS, Parcel, Way
from gateway.core.transcript import Chunk
from gateway.core.upstream import Owner
from gateway.dialects.owned import Marking
from gateway.dialects.ownership import mark
from gateway.metering.usage import usage_of
from gateway.providers import passed, passing
from gateway.providers.remote import Remote
from gateway.providers.transport.contract import Header, Incoming, Outgoing
from gateway.providers.wire import WIRES

ACME = Owner("acme", b"secret")
FILE = "file-AbCdEf0123456789"
JSON = (b"content-type", b"application/json")
EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
GET, IMAGES, UPLOAD = (
    Way("GET", "/files/{id}"),
    Way("POST", "/images/generations", named=True),
    Way("POST", "/files", unread=True),
)


def parcel(way: Way = GET, path: str = "/files/x", **more: Any) -> Parcel:
    headers = more.pop("headers", {})
    return Parcel(way, path, headers, more.pop("owner", ACME), more.pop("shown", {}), **more)


class Answered:
    """An `Incoming` of these blocks."""

    def __init__(self, *blocks: bytes | Exception, status: int = 200, headers: Sequence[Header] = (JSON,)) -> None:
        self.status = status
        self.headers = headers
        self.blocks = list(blocks)
        self.closed = 0

    async def read(self) -> bytes:
        block = self.blocks.pop(0) if self.blocks else b""
        if isinstance(block, Exception):
            raise block
        return block

    async def whole(self, limit: int) -> bytes:
        read = b""
        while block := await self.read():
            read += block
        return read

    def close(self) -> None:
        self.closed += 1

    def part(self, within_s: float) -> None: ...


class Sent:
    """A transport that answers as it was told, one after the other."""

    def __init__(self, *answers: Incoming) -> None:
        self.answers = list(answers)
        self.sent: list[Outgoing] = []

    async def send(self, outgoing: Outgoing, timeouts: Timeouts) -> Incoming:
        self.sent.append(outgoing)
        return self.answers.pop(0)

    def retire(self) -> None: ...

    async def aclose(self) -> None: ...


async def chunks(delivery: AsyncIterator[Chunk]) -> list[bytes]:
    return [chunk.data async for chunk in delivery]


# ------------------------------------------------------------ out


@pytest.mark.parametrize(
    ("spec", "way", "model", "expected"),
    [
        (ProviderSpec("p", "openai", "https://api.openai.com/v1"), GET, "", "/v1/files/x?limit=2"),
        (ProviderSpec("p", "openai", "https://h/a/v1/?team=1"), GET, "", "/a/v1/files/x?team=1&limit=2"),
        (ProviderSpec("p", "azure", "https://r.openai.azure.com"), GET, "", "/openai/v1/files/x?limit=2"),
        (
            ProviderSpec("p", "azure", "https://r.openai.azure.com", version="2024-10-21"),
            GET,
            "",
            "/openai/files/x?api-version=2024-10-21&limit=2",
        ),
        (
            ProviderSpec("p", "azure", "https://r.openai.azure.com", version="2024-10-21"),
            IMAGES,
            "dall e",
            "/openai/deployments/dall%20e/files/x?api-version=2024-10-21&limit=2",
        ),
    ],
)
def test_where_it_stands(spec: ProviderSpec, way: Way, model: str, expected: str) -> None:
    assert passing.place(spec, parcel(way, "/files/x?limit=2", model=model)) == expected.encode()


@pytest.mark.parametrize("asked", ["api-version=2020-01-01&", "API-Version=x&limit=3&api-version=y&"])
def test_a_caller_does_not_overrule_the_providers_own_query(asked: str) -> None:
    spec = ProviderSpec("p", "azure", "https://r.openai.azure.com", version="2024-10-21")
    place = passing.place(spec, parcel(GET, f"/files/x?{asked}limit=2")).decode()
    assert place.startswith("/openai/files/x?api-version=2024-10-21&")
    assert place.lower().count("version") == 1
    assert place.endswith("limit=2")


def test_the_callers_credentials_stay_here() -> None:
    headers = {
        b"authorization": b"Bearer of-the-caller",
        b"cookie": b"c",
        b"openai-organization": b"org",
        b"x-fleetgate-provider": b"p",
        b"content-encoding": b"gzip",
        b"accept-encoding": b"gzip",
        b"content-type": b"x/y",
        b"accept": b"*/*",
        b"openai-beta": b"assistants=v2",
    }
    spec = ProviderSpec("p", "openai", "https://h/v1", headers=(("OpenAI-Project", "ours"),))
    sent = dict(passing.write(parcel(headers=headers), spec, "sk-ours").headers)
    assert sent == {
        b"user-agent": b"fleetgate",
        b"authorization": b"Bearer sk-ours",
        b"content-type": b"x/y",
        b"accept": b"*/*",
        b"openai-beta": b"assistants=v2",
        b"openai-project": b"ours",
    }
    assert (b"api-key", b"k") in passing.write(parcel(), ProviderSpec("p", "azure", "https://r.openai.azure.com"), "k").headers


async def test_another_key_is_tried_but_a_file_is_not_sent_twice() -> None:
    spec = ProviderSpec("p", "openai", "https://h/v1", api_keys=("sk-a", "sk-b"))
    transport = Sent(Answered(b"{}", status=401), Answered(b"{}"))
    assert await chunks(await Remote(spec, WIRES["openai"], transport).deliver(parcel())) == [b"{}"]
    assert len(transport.sent) == 2

    async def blocks() -> AsyncIterator[bytes]:
        yield b"data"

    transport = Sent(Answered(b"{}", status=401))
    with pytest.raises(UpstreamCredentials):
        await Remote(spec, WIRES["openai"], transport).deliver(parcel(UPLOAD, "/files", blocks=blocks(), length=4))
    upload = transport.sent[0].upload
    assert upload is not None
    assert upload.length == 4


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422, 429])
async def test_what_concerns_the_caller_keeps_its_status(status: int) -> None:
    shown = mark(FILE, "p", ACME)
    error = {"error": {"message": f"No such file: {FILE}", "type": "invalid_request_error", "param": "id", "code": None}}
    answered = Answered(orjson.dumps(error), status=status)
    remote = Remote(ProviderSpec("p", "openai", "https://h/v1"), WIRES["openai"], Sent(answered))
    with pytest.raises(UpstreamRefused) as caught:
        await remote.deliver(parcel(shown={FILE: shown}))
    assert (caught.value.status, caught.value.param) == (status, "id")
    assert caught.value.message == f"No such file: {shown}"
    assert answered.closed


def test_an_image_may_take_as_long_as_a_first_token() -> None:
    spec = ProviderSpec("p", "openai", timeouts=Timeouts(first_byte_s=60, first_token_s=300))
    assert passing.patience(parcel(IMAGES), spec).first_byte_s == 300
    assert passing.patience(parcel(), spec).first_byte_s == 60


def test_files_may_take_their_time() -> None:
    spec = ProviderSpec("p", "openai", timeouts=Timeouts(total_s=5))
    assert passing.patience(parcel(), spec).total_s == 5
    assert passing.patience(parcel(Way("GET", "/files/{id}/content")), spec).total_s == passing.FILE_S


# ------------------------------------------------------------ back


async def test_ids_are_marked_and_the_rest_is_as_it_was() -> None:
    text = b'{ "id": "%s",  "filename": "%s", "bytes": 1.0 }' % (FILE.encode(), FILE.encode())
    back = await passed.received(parcel(), Answered(text), "p")
    (body,) = await chunks(back)
    assert json.loads(body) == {"id": mark(FILE, "p", ACME), "filename": FILE, "bytes": 1.0}
    assert (b"content-length", b"%d" % len(body)) in back.headers
    untouched = b'{ "object": "list" }'
    assert await chunks(await passed.received(parcel(), Answered(untouched), "p")) == [untouched]
    assert await chunks(await passed.received(parcel(owner=Owner()), Answered(text), "p")) == [text]


async def test_a_large_answer_is_read_alike() -> None:
    text = orjson.dumps({"data": ["x" * passed.LARGE], "file_id": FILE})
    (body,) = await chunks(await passed.received(parcel(), Answered(text), "p"))
    assert orjson.loads(body)["file_id"] == mark(FILE, "p", ACME)


async def test_a_file_is_passed_as_it_is_whatever_it_says_it_is() -> None:
    text = b'{"id": "%s"}' % FILE.encode()
    for kind in (JSON, EVENTS, (b"content-type", b"text/html")):
        answered = Answered(text[:3], text[3:], headers=(kind, (b"content-length", b"31")))
        back = await passed.received(parcel(Way("GET", "/files/{id}/content")), answered, "p")
        assert await chunks(back) == [text[:3], text[3:]]
        assert (b"content-length", b"31") in back.headers


async def test_a_file_of_events_is_a_file() -> None:
    kept = await passed.received(parcel(Way("GET", "/files/{id}/content")), Answered(b"x", headers=(EVENTS,)), "p")
    assert kept.media_type == b"text/event-stream", "or half of it would end in an error event, and look whole"


async def test_nothing_of_the_account_comes_along() -> None:
    account = (b"x-ratelimit-limit-requests", b"set-cookie", b"openai-organization", b"connection", b"server", b"x-request-id")
    headers = (JSON, *((name, b"1") for name in account))
    back = await passed.received(parcel(), Answered(b"{}", headers=headers), "p")
    assert back.headers == [JSON, (b"content-length", b"2")]


@pytest.mark.parametrize(("body", "kind"), [(b"<html>", b"text/html"), (b"no json", b"application/json")])
async def test_what_is_no_answer(body: bytes, kind: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        await passed.received(parcel(), Answered(body, headers=((b"content-type", kind),)), "p")


async def test_an_answer_without_a_body() -> None:
    back = await passed.received(parcel(), Answered(status=204, headers=()), "p")
    assert (await chunks(back), back.status) == ([], 204)


async def test_what_breaks_off_is_not_passed_off_as_whole() -> None:
    answered = Answered(b"half", UpstreamBroken("cut"), headers=((b"content-type", b"audio/mpeg"),))
    back = await passed.received(parcel(), answered, "p")
    assert (await anext(back)).data == b"half"
    with pytest.raises(UpstreamBroken):
        await anext(back)
    back.close()
    assert answered.closed == 1


USAGE = {"input_tokens": 3, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 1}}


@pytest.mark.parametrize("block", [1, 7, 10_000])
async def test_the_usage_of_a_stream_is_found_in_its_end(block: int) -> None:
    last = {"type": "image_generation.completed", "b64_json": "x" * 9000, "usage": USAGE}
    text = b"event: a\ndata: {}\n\nevent: b\ndata: " + orjson.dumps(last) + b"\n\n"
    pieces = [text[at : at + block] for at in range(0, len(text), block)]
    back = await passed.received(parcel(IMAGES), Answered(*pieces, headers=(EVENTS,)), "p")
    assert b"".join(await chunks(back)) == text
    assert back.media_type is None, "as events go"
    used = usage_of(back.transcript, 0)
    assert (used.input_tokens, used.output_tokens, used.cached_tokens, used.exact) == (3, 5, 1, True)


@pytest.mark.parametrize("block", [1, 7, 10_000])
async def test_the_usage_of_a_stream_may_come_before_an_image(block: int) -> None:
    last = {"type": "image_generation.completed", "usage": USAGE, "b64_json": "x" * 20_000}
    text = b"data: " + orjson.dumps(last) + b"\n\ndata: [DONE]\n\n"
    pieces = [text[at : at + block] for at in range(0, len(text), block)]
    back = await passed.received(parcel(IMAGES), Answered(*pieces, headers=(EVENTS,)), "p")
    assert b"".join(await chunks(back)) == text
    assert usage_of(back.transcript, 0).output_tokens == 5


async def test_usage_counts_once() -> None:
    text = orjson.dumps({"usage": USAGE})
    assert (await passed.received(parcel(IMAGES), Answered(text), "p")).transcript.usage is not None
    assert (await passed.received(parcel(), Answered(text), "p")).transcript.usage is None, "an object that is only looked at"


@pytest.mark.parametrize(
    "tail", [b"", b'"usage":{', b'"usage": {"seconds": 3}', b'"usage": null', b'"usage":' + b'{"a":' * 1500]
)
def test_an_end_that_tells_no_usage(tail: bytes) -> None:
    assert passed.usage_in(tail) is None


@pytest.mark.parametrize("said", [None, 3, [], {}, {"type": "duration", "seconds": 3}, {"total_tokens": 3}])
def test_usage_that_is_none_in_tokens(said: object) -> None:
    assert passed.chat_usage(said) is None


def test_events_are_marked_at_every_split() -> None:
    text = (
        b'event: response.created\r\nid: 1\r\ndata: {"response": {"id": "%s"}}\r\n\r\n: hi\n\ndata: [DONE]\n\ndata: odd {\n\n'
    )
    text %= FILE.encode()
    whole = b'event: response.created\nid: 1\ndata: {"response":{"id":"%s"}}\n\n: hi\n\ndata: [DONE]\n\ndata: odd {\n\n'
    whole %= mark(FILE, "p", ACME).encode()
    for at in range(len(text) + 1):
        events = passed.Events(Marking("p", ACME))
        assert events.feed(text[:at]) + events.feed(text[at:]) + events.end() == whole, at


# ------------------------------------------------------------ the table


def test_every_way_is_one_and_is_about_an_object_or_a_kind() -> None:
    assert len({(way.method, way.path) for way in WAYS}) == len(WAYS)
    assert {way.method for way in WAYS} == {"GET", "POST", "DELETE"}
    assert all(way.path.count("{id}") == (1 if "{" in way.path else 0) for way in WAYS)
    assert {way.path for way in WAYS if way.lists} == {
        *("/files", "/batches", "/vector_stores", "/fine_tuning/jobs", "/evals", "/containers", "/assistants", "/videos")
    }
    assert {way.path for way in WAYS if way.raw} == {
        *("/files/{id}/content", "/containers/{id}/files/{inner}/content", "/videos/{id}/content")
    }
