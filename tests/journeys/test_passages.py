"""Files, batches, images, sound and the like, with the OpenAI SDK through the real gateway; two tenants, one account."""

import asyncio
import hashlib
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.core.upstream import Owner
from gateway.dialects.ownership import mark
from tests.journeys.configs import ACME, GLOBEX, Starter
from tests.journeys.objects import IMAGE, SOUND, Provider, Store
from tests.journeys.processes import Gateway
from tests.journeys.wire import ask, request, wire

RESTRICTED = "sk-fg-restricted-1"
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def store(provider: Provider) -> Store:
    return provider.store


@pytest.fixture(scope="module")
def shared(start: Starter, provider: Provider) -> Gateway:
    """One account behind three tenants, one of whom may use a model that is not there."""
    return start(f"""
auth: {{ pepper: "a secret of this test" }}
server: {{ body: 1MiB }}
providers:
  up: {{ wire: openai, base_url: "{provider.base_url}", api_keys: [ sk-upstream-1 ] }}
  other: {{ wire: echo }}
models:
  seer: up/omni-moderation
  painter: up/gpt-image-1
  voice: up/tts-1
  ear: up/whisper-1
  elsewhere: other/echo-1
  "*": up/*
tenants:
  acme: {{ keys: [ {{ name: ci, key: {ACME} }} ] }}
  globex: {{ keys: [ {{ name: ci, key: {GLOBEX} }} ] }}
  initech: {{ models: [ seer ], keys: [ {{ name: ci, key: {RESTRICTED} }} ] }}
""")


@pytest.fixture(scope="module")
def alone(start: Starter, provider: Provider) -> Gateway:
    """The same account, with nobody else."""
    return start(f"""
providers:
  up: {{ wire: openai, base_url: "{provider.base_url}", api_keys: [ sk-upstream-1 ] }}
models:
  "*": up/*
tenants:
  acme: {{ keys: [ {{ name: ci, key: {ACME} }} ] }}
""")


@pytest.fixture
def acme(shared: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=shared.base_url, api_key=ACME, max_retries=0, timeout=15) as client:
        yield client


@pytest.fixture
def globex(shared: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=shared.base_url, api_key=GLOBEX, max_retries=0, timeout=15) as client:
        yield client


def raw(marked: str) -> str:
    return marked.rpartition("_fg")[0]


def rss(gateway: Gateway) -> int:
    """Bytes of memory of the gateway's process, now."""
    pages = Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


class Noise(io.RawIOBase):
    """A file of many bytes that is nowhere; it tells how much memory the gateway had while it was read."""

    def __init__(self, size: int, gateway: Gateway) -> None:
        self.size = self.left = size
        self.gateway = gateway
        self.most = 0
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, at: int, whence: int = 0) -> int:
        self.left = self.size - (at if whence == 0 else self.size)
        return self.size - self.left

    def tell(self) -> int:
        return self.size - self.left

    def read(self, size: int = -1) -> bytes:
        block = b"0123456789abcdef" * (min(self.left, 65_536 if size < 0 else size) // 16)
        self.left -= len(block)
        if self.left % (4 * MEGABYTE) < 65_536:
            self.most = max(self.most, rss(self.gateway))
        return block


# ------------------------------------------------------------ files


def test_a_large_file_passes_in_bounded_memory(acme: openai.OpenAI, shared: Gateway, store: Store) -> None:
    acme.files.create(file=("small.jsonl", b"{}"), purpose="batch")
    before = rss(shared)
    store.slow_s = 0.0005  # slower than the client can send
    noise = Noise(50 * MEGABYTE, shared)
    try:
        made = acme.files.create(file=("large.bin", noise), purpose="batch")  # type: ignore[arg-type]
    finally:
        store.slow_s = 0.0
    assert store.last("/files").size > 50 * MEGABYTE
    assert made.bytes == store.last("/files").size
    assert max(noise.most, rss(shared)) - before < 12 * MEGABYTE


def test_what_the_provider_gets_of_a_file_is_what_was_sent(acme: openai.OpenAI, store: Store) -> None:
    acme.files.create(file=("a.jsonl", b'{"custom_id": "file-0123456789abcdef"}'), purpose="batch")
    seen = store.last("/files")
    assert b'{"custom_id": "file-0123456789abcdef"}' in seen.body
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert seen.headers["authorization"] == "Bearer sk-upstream-1"
    assert seen.headers["content-length"] == str(seen.size)
    assert ACME not in str(seen.headers)


def test_a_file_from_its_making_to_its_end(acme: openai.OpenAI, store: Store) -> None:
    made = acme.files.create(file=("a.jsonl", b"{}"), purpose="batch")
    assert raw(made.id) in store.objects
    assert acme.files.retrieve(made.id).id == made.id
    content = acme.files.content(made.id).content
    assert content.endswith(SOUND)
    assert content.startswith(b'{"id": "file-0123456789abcdef"}'), "a file is nobody's answer: nothing in it changes"
    assert acme.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        acme.files.retrieve(made.id)


def test_an_upload_in_parts(acme: openai.OpenAI, store: Store) -> None:
    upload = acme.uploads.create(bytes=4, filename="f", mime_type="text/plain", purpose="batch")
    part = acme.uploads.parts.create(upload.id, data=b"data")
    assert part.upload_id == upload.id
    done = acme.uploads.complete(upload.id, part_ids=[part.id])
    assert done.id == upload.id
    assert done.file is not None
    assert acme.files.retrieve(done.file.id).id == done.file.id
    assert store.last(f"/uploads/{raw(upload.id)}/complete").fields == {"part_ids": [part.id]}


async def test_an_early_refusal_of_an_upload_is_told_at_once(shared: Gateway, store: Store) -> None:
    headers = {
        "authorization": f"Bearer {ACME}",
        "openai-beta": "refuse-early",
        "content-type": "multipart/form-data; boundary=x",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    async with wire(shared) as one:
        await one.send(f"POST /v1/files HTTP/1.1\r\nhost: x\r\n{head}content-length: 1000000000\r\n\r\nthe beginning".encode())
        answer = await one.answer()
    assert answer.status == 413
    assert answer.error()["message"] == "The file is too large."


async def test_a_client_that_leaves_in_the_middle_of_an_upload_takes_the_call_with_it(shared: Gateway, store: Store) -> None:
    head = f"POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ACME}\r\ncontent-type: x/leaves\r\n"
    async with wire(shared) as one:
        await one.send(f"{head}content-length: 1000\r\n\r\nthe beginning".encode())
        while not any(seen.headers.get("content-type") == "x/leaves" for seen in store.seen):
            await asyncio.sleep(0.02)
    seen = next(seen for seen in store.seen if seen.headers.get("content-type") == "x/leaves")
    async with asyncio.timeout(5):
        while not seen.left:
            await asyncio.sleep(0.02)
        while "fleetgate_in_flight 0" not in shared.metrics():
            await asyncio.sleep(0.02)
    assert any('"abandoned"' in line and 'operation="passage"' in line for line in shared.metrics().splitlines())


async def test_a_body_in_chunks_goes_on_in_chunks(shared: Gateway, store: Store) -> None:
    head = f"POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ACME}\r\ncontent-type: x/y\r\n"
    async with wire(shared) as one:
        await one.send(f"{head}transfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n".encode())
        assert (await one.answer()).status == 200
    seen = store.last("/files")
    assert seen.body == b"onetwo"
    assert seen.headers["transfer-encoding"] == "chunked"


# ------------------------------------------------------------ what has a model


def test_moderations_by_an_alias(acme: openai.OpenAI, store: Store) -> None:
    answer = acme.moderations.create(model="seer", input=["words", "file-0123456789abcdef"])
    assert answer.model == "omni-moderation"
    assert store.last("/moderations").fields == {"model": "omni-moderation", "input": ["words", "file-0123456789abcdef"]}


def test_an_image_and_what_it_used(acme: openai.OpenAI, shared: Gateway, store: Store) -> None:
    answer = acme.images.with_raw_response.generate(model="painter", prompt="a gateway")
    assert answer.headers["x-fleetgate-model"] == "up/gpt-image-1"
    image = answer.parse()
    assert image.data is not None
    assert image.data[0].b64_json == IMAGE
    assert store.last("/images/generations").fields["model"] == "gpt-image-1"


def test_a_stream_of_images_keeps_its_events_and_is_counted(acme: openai.OpenAI, shared: Gateway) -> None:
    before = used(shared, "up/gpt-image-1")
    acme.images.generate(model="painter", prompt="a gateway")
    assert used(shared, "up/gpt-image-1") == before + 22
    stream: Any = acme.images.generate(model="painter", prompt="a gateway", stream=True, partial_images=1)
    assert [event.type for event in stream] == ["image_generation.partial_image", "image_generation.completed"]
    shared.until(lambda: used(shared, "up/gpt-image-1") == before + 44, "the usage of the stream")


def used(gateway: Gateway, target: str) -> float:
    """Tokens of output of a target so far."""
    wanted = f'fleetgate_tokens_total{{kind="output",target="{target}",tenant="acme"}} '
    return sum(float(line.removeprefix(wanted)) for line in gateway.metrics().splitlines() if line.startswith(wanted))


def test_speech_is_bytes(acme: openai.OpenAI) -> None:
    answer = acme.audio.speech.create(model="voice", voice="alloy", input="words")
    assert answer.content == SOUND
    assert answer.response.headers["content-type"] == "audio/mpeg"
    assert answer.response.headers["content-length"] == str(len(SOUND))


def test_a_transcription_as_text_with_its_model_after_the_file(acme: openai.OpenAI, store: Store) -> None:
    text: Any = acme.audio.transcriptions.create(model="ear", file=("a.mp3", SOUND), response_format="text")
    assert text == "spoken words\n"
    seen = store.last("/audio/transcriptions")
    assert b'name="model"\r\n\r\nwhisper-1\r\n' in seen.body
    assert SOUND in seen.body
    assert seen.headers["content-length"] == str(seen.size)
    assert acme.audio.transcriptions.create(model="ear", file=("a.mp3", SOUND)).text == "spoken words"


def test_a_model_that_may_not_be_asked(shared: Gateway) -> None:
    with openai.OpenAI(base_url=shared.base_url, api_key=RESTRICTED, max_retries=0) as client:
        assert client.moderations.create(model="seer", input="words").model == "omni-moderation"
        with pytest.raises(openai.NotFoundError, match="painter"):
            client.images.generate(model="painter", prompt="a gateway")
        with pytest.raises(openai.BadRequestError, match="model"):
            client.moderations.create(input="words")


def test_a_model_whose_provider_has_no_such_thing(acme: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        acme.audio.speech.create(model="elsewhere", voice="alloy", input="words")


def test_a_body_over_the_bound(acme: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        acme.audio.transcriptions.create(model="ear", file=("a.mp3", b"x" * 2 * MEGABYTE))
    assert caught.value.status_code == 413


# ------------------------------------------------------------ objects, and whose they are


def test_a_batch_and_its_output(acme: openai.OpenAI, store: Store) -> None:
    file = acme.files.create(file=("a.jsonl", b"{}"), purpose="batch")
    made = acme.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert store.last("/batches").fields["input_file_id"] == raw(file.id)
    got = acme.batches.retrieve(made.id)
    assert (got.id, got.input_file_id) == (made.id, file.id)
    assert got.output_file_id is not None
    assert acme.files.retrieve(got.output_file_id).id == got.output_file_id
    assert acme.batches.cancel(made.id).status == "cancelling"


def test_a_store_of_vectors(acme: openai.OpenAI, globex: openai.OpenAI) -> None:
    file = acme.files.create(file=("a.txt", b"words"), purpose="assistants")
    made = acme.vector_stores.create(name="docs", file_ids=[file.id])
    assert acme.vector_stores.retrieve(made.id).id == made.id
    with pytest.raises(openai.NotFoundError):
        globex.vector_stores.create(name="theirs", file_ids=[file.id])
    with pytest.raises(openai.NotFoundError):
        globex.vector_stores.create(name="theirs", file_ids=[raw(file.id)])


def test_a_response_afterwards(acme: openai.OpenAI, globex: openai.OpenAI, store: Store) -> None:
    made = store.make("resp_", object="response", status="completed", output=[], model="gpt-5")
    marked = mark(made["id"], "up", Owner("acme", b"a secret of this test"))
    assert acme.responses.retrieve(marked).id == marked
    events = list(acme.responses.retrieve(marked, stream=True))
    assert [event.type for event in events] == ["response.created", "response.completed"]
    assert {event.response.id for event in events if hasattr(event, "response")} == {marked}
    page = acme.responses.input_items.list(marked)
    assert page.data[0].content[0].text == "file-0123456789abcdef"  # type: ignore[union-attr, index]
    calls: list[Any] = [globex.responses.retrieve, globex.responses.cancel, globex.responses.delete]
    for call in calls:
        for one in (marked, made["id"]):
            with pytest.raises(openai.NotFoundError):
                call(one)
    assert acme.responses.cancel(marked).status == "cancelled"
    acme.responses.delete(marked)
    assert made["id"] not in store.objects


def test_nobody_sees_what_another_has(acme: openai.OpenAI, globex: openai.OpenAI, store: Store) -> None:
    file = acme.files.create(file=("a.jsonl", b"{}"), purpose="batch")
    forged = file.id[:-1] + ("1" if file.id.endswith("0") else "0")
    asked = len(store.seen)
    calls: list[Any] = [globex.files.retrieve, globex.files.content, globex.files.delete]
    for call in calls:
        for one in (file.id, raw(file.id), forged, "file-0123456789abcdef"):
            with pytest.raises(openai.NotFoundError) as caught:
                call(one)
            assert "No such File" in caught.value.message
    for one in (file.id, raw(file.id)):
        with pytest.raises(openai.NotFoundError):
            globex.batches.create(input_file_id=one, endpoint="/v1/chat/completions", completion_window="24h")
    assert len(store.seen) == asked, "nothing of it went to the provider"


def test_a_list_that_would_show_everybodys_is_refused(acme: openai.OpenAI, store: Store) -> None:
    asked = len(store.seen)
    calls: list[Any] = [acme.files.list, acme.batches.list, acme.vector_stores.list]
    for call in calls:
        with pytest.raises(openai.NotFoundError, match="several tenants share"):
            call()
    assert len(store.seen) == asked


def test_who_is_alone_may_list_and_use_the_providers_own_ids(alone: Gateway, store: Store) -> None:
    own = store.make("file-", object="file", bytes=1, filename="f", purpose="batch", status="processed")
    with openai.OpenAI(base_url=alone.base_url, api_key=ACME, max_retries=0) as client:
        listed = [one.id for one in client.files.list()]
        assert own["id"] in map(raw, listed)
        assert client.files.retrieve(own["id"]).id in listed


def test_the_providers_own_errors_name_what_the_caller_knows(acme: openai.OpenAI, store: Store) -> None:
    file = acme.files.create(file=("a.jsonl", b"{}"), purpose="batch")
    del store.objects[raw(file.id)]
    with pytest.raises(openai.NotFoundError) as caught:
        acme.files.retrieve(file.id)
    assert caught.value.message.endswith(f"No such object: {file.id}")


# ------------------------------------------------------------ heads and paths


def test_nothing_of_the_account_comes_back(acme: openai.OpenAI) -> None:
    headers = acme.moderations.with_raw_response.create(model="seer", input="words").headers
    assert not [name for name in headers if name.startswith("x-ratelimit") or name in ("set-cookie", "openai-organization")]
    assert headers["x-request-id"].startswith("req_")


def test_a_key_of_the_callers_choice_is_its_tenants_own(acme: openai.OpenAI, globex: openai.OpenAI, store: Store) -> None:
    sent = []
    for client in (acme, acme, globex):
        client.moderations.create(model="seer", input="words", extra_headers={"idempotency-key": "k"})
        sent.append(store.last("/moderations").headers["idempotency-key"])
    assert sent[0] == sent[1] != sent[2]
    assert "k" not in sent


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/files/a/b/c", 404),
        ("PUT", "/v1/files", 405),
        ("PATCH", "/v1/files/file-1", 405),
        ("GET", "/v1/moderations", 405),
        ("GET", "/v1/files/..%2F..%2Fadmin", 404),
        ("GET", "/v1/files/%2e%2e", 404),
        ("GET", "/v1/files/a%20b", 404),
        ("POST", "/v1/moderations", 400),
    ],
)
async def test_paths_and_methods_that_do_not_pass(shared: Gateway, store: Store, method: str, path: str, status: int) -> None:
    asked = len(store.seen)
    body = b'["no object"]' if status == 400 else None
    answer = await ask(shared, request(method, path, body, {"authorization": f"Bearer {ACME}"}))
    assert answer.status == status
    answer.error()
    assert len(store.seen) == asked


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/realtime", "/v1/realtime?model=gpt-realtime", "/v1/files"])
async def test_a_websocket_is_refused_at_once(shared: Gateway, path: str) -> None:
    upgrade = "connection: Upgrade\r\nupgrade: websocket\r\n"
    upgrade += "sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    began = time.monotonic()
    async with wire(shared) as one:
        await one.send(f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ACME}\r\n{upgrade}\r\n".encode())
        answer = await one.answer()
    assert 400 <= answer.status < 500
    answer.error()
    assert time.monotonic() - began < 5
