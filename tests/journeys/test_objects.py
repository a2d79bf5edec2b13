"""What is no chat, with the official SDKs through the gateway to a provider that we did not write; two tenants, one account."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.journeys import aimock
from tests.journeys.aimock import Aimock, Json
from tests.journeys.configs import ACME, GLOBEX, Starter
from tests.journeys.processes import Gateway

NODE = Path(__file__).parents[1] / "node"
BYTES = bytes(range(256)) * 300
SOUND = base64.b64encode(BYTES).decode()
IMAGE = "aW1hZ2U="
LINES = b'{"custom_id": "file-0123456789abcdef", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-5"}}\n'
USAGE = {"type": "tokens", "input_tokens": 7, "output_tokens": 5, "total_tokens": 12}

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(400),
    pytest.mark.skipif(aimock.missing() is not None, reason=aimock.missing() or ""),
]


def fixture(endpoint: str, **response: Any) -> Json:
    return {"match": {"endpoint": endpoint}, "response": response}


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    aimock.install()
    server = Aimock(
        tmp_path_factory.mktemp("aimock"),
        [
            fixture("image", image={"b64Json": IMAGE}),
            fixture("speech", audio=SOUND, format="mp3"),
            fixture("transcription", transcription={"text": "spoken words", "usage": USAGE}),
        ],
        strict=False,  # it judges without fixtures
    )
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gateway(start: Starter, mock: Aimock) -> Gateway:
    return start(f"""
auth: {{ pepper: "a secret of this test" }}
providers:
  up: {{ wire: openai, base_url: "{mock.origin}/v1", api_keys: [ k ] }}
models:
  judge: up/omni-moderation-latest
  painter: up/gpt-image-1
  voice: up/tts-1
  ear: up/gpt-4o-transcribe
  "*": up/*
tenants:
  acme: {{ keys: [ {{ name: ci, key: {ACME} }} ] }}
  globex: {{ keys: [ {{ name: ci, key: {GLOBEX} }} ] }}
""")


@pytest.fixture
def acme(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.base_url, api_key=ACME, max_retries=0, timeout=15) as client:
        yield client


@pytest.fixture
def globex(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.base_url, api_key=GLOBEX, max_retries=0, timeout=15) as client:
        yield client


# ------------------------------------------------------------ Python


def test_a_file_comes_back_as_it_went(acme: openai.OpenAI) -> None:
    made = acme.files.create(file=("any.bin", BYTES), purpose="user_data")
    assert "_fg" in made.id
    assert acme.files.retrieve(made.id).bytes == len(BYTES)
    assert acme.files.content(made.id).read() == BYTES
    assert acme.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        acme.files.retrieve(made.id)


def test_nobody_has_what_another_has(acme: openai.OpenAI, globex: openai.OpenAI) -> None:
    made = acme.files.create(file=("any.bin", BYTES), purpose="user_data")
    own = made.id.rpartition("_fg")[0]
    calls: list[Any] = [globex.files.retrieve, globex.files.content, globex.files.delete]
    for call in calls:
        for said in (made.id, own):
            with pytest.raises(openai.NotFoundError, match="No such File"):
                call(said)
    for said in (made.id, own):
        part: Any = {"type": "file", "file": {"file_id": said}}
        with pytest.raises(openai.NotFoundError):
            globex.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": [part]}])
        part = {"type": "input_file", "file_id": said}
        with pytest.raises(openai.NotFoundError):
            globex.responses.create(model="gpt-5", input=[{"role": "user", "content": [part]}])
        tools: Any = [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": [said]}}]
        with pytest.raises(openai.NotFoundError):
            globex.responses.create(model="gpt-5", input="x", tools=tools)
        tools = [{"type": "file_search", "vector_store_ids": [said.replace("file-", "vs_")]}]
        with pytest.raises(openai.NotFoundError):
            globex.responses.create(model="gpt-5", input="x", tools=tools)
        with pytest.raises(openai.BadRequestError):
            globex.responses.create(model="gpt-5", input="x", conversation=said.replace("file-", "conv_"))
        with pytest.raises(openai.NotFoundError):
            globex.fine_tuning.jobs.create(model="gpt-4.1-mini", training_file=said)
    assert acme.files.content(made.id).read() == BYTES


def test_a_batch_to_its_output(acme: openai.OpenAI, globex: openai.OpenAI) -> None:
    file = acme.files.create(file=("a.jsonl", LINES), purpose="batch")
    made = acme.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert made.input_file_id == file.id
    acme.batches.retrieve(made.id)
    done = acme.batches.retrieve(made.id)
    assert (done.id, done.status) == (made.id, "completed")
    assert done.output_file_id is not None
    assert acme.files.content(done.output_file_id).json()["custom_id"] == "file-0123456789abcdef"
    with pytest.raises(openai.NotFoundError):
        globex.batches.cancel(made.id)


def test_a_model_is_tuned(acme: openai.OpenAI, globex: openai.OpenAI) -> None:
    file = acme.files.create(file=("a.jsonl", LINES), purpose="fine-tune")
    job = acme.fine_tuning.jobs.create(model="gpt-4.1-mini-2025-04-14", training_file=file.id)
    assert job.training_file == file.id
    assert acme.fine_tuning.jobs.retrieve(job.id).id == job.id
    assert list(acme.fine_tuning.jobs.list_events(job.id, limit=2))
    assert acme.fine_tuning.jobs.cancel(job.id).status == "cancelled"
    with pytest.raises(openai.NotFoundError):
        globex.fine_tuning.jobs.retrieve(job.id)


def test_images_sound_and_judgement(acme: openai.OpenAI) -> None:
    drawn = acme.images.generate(model="painter", prompt="a gateway")
    assert drawn.data is not None
    assert drawn.data[0].b64_json == IMAGE
    edited = acme.images.edit(model="painter", prompt="a gateway", image=[("a.png", BYTES), ("b.png", BYTES)])
    assert edited.data is not None
    assert edited.data[0].b64_json == IMAGE
    said = acme.audio.speech.create(model="voice", voice="alloy", input="say it")
    assert (said.read(), said.response.headers["content-type"]) == (BYTES, "audio/mpeg")
    assert acme.audio.transcriptions.create(model="ear", file=("a.mp3", BYTES)).text == "spoken words"
    judged = acme.moderations.create(model="judge", input="words")
    assert (judged.model, judged.results[0].flagged) == ("omni-moderation-latest", False)


def test_a_transcription_in_events_is_counted_once(acme: openai.OpenAI, gateway: Gateway) -> None:
    before = counted(gateway)
    events: Any = acme.audio.transcriptions.create(model="ear", file=("a.mp3", BYTES), stream=True)
    got = list(events)
    assert "".join(event.delta for event in got[:-1]) == got[-1].text == "spoken words"
    gateway.until(lambda: counted(gateway) == before + 5, "its usage, once")


def counted(gateway: Gateway) -> float:
    wanted = 'fleetgate_tokens_total{kind="output",target="up/gpt-4o-transcribe",tenant="acme"} '
    return sum(float(line.removeprefix(wanted)) for line in gateway.metrics().splitlines() if line.startswith(wanted))


# ------------------------------------------------------------ Node


@pytest.fixture(scope="module")
def ran(gateway: Gateway, acme_file: str) -> dict[str, Json]:
    """What came of every case of the Node SDK."""
    models = {"image": "painter", "speech": "voice", "transcription": "ear", "moderation": "judge"}
    cases = ("files", "batch", "image", "speech", "transcription", "moderation", "stranger")
    asked = [
        {
            "client": "objects",
            "case": case,
            "base": gateway.base_url,
            "key": GLOBEX if case == "stranger" else ACME,
            "model": models.get(case),
            "id": acme_file,
            "bytes": base64.b64encode(LINES if case == "batch" else BYTES).decode(),
        }
        for case in cases
    ]
    aimock.install(NODE)
    done = subprocess.run(
        ["node", "journey.mjs"], cwd=NODE, input=json.dumps(asked).encode(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return dict(zip(cases, json.loads(done.stdout), strict=True))


@pytest.fixture(scope="module")
def acme_file(gateway: Gateway) -> str:
    with openai.OpenAI(base_url=gateway.base_url, api_key=ACME, max_retries=0) as client:
        return client.files.create(file=("any.bin", BYTES), purpose="user_data").id


def test_node_keeps_files(ran: dict[str, Json]) -> None:
    got = ran["files"]
    assert (got["ok"], got.get("same"), got.get("size"), got.get("gone")) == (True, True, len(BYTES), True), got
    assert base64.b64decode(got["content"]) == BYTES


def test_node_runs_a_batch(ran: dict[str, Json]) -> None:
    got = ran["batch"]
    assert (got["ok"], got.get("status"), got.get("same")) == (True, "completed", True), got
    assert json.loads(got["output"])["custom_id"] == "file-0123456789abcdef"


def test_node_has_images_sound_and_judgement(ran: dict[str, Json]) -> None:
    assert ran["image"] == {"ok": True, "image": IMAGE}
    assert ran["speech"] == {"ok": True, "sound": SOUND, "type": "audio/mpeg"}
    assert ran["transcription"] == {"ok": True, "text": "spoken words", "done": "spoken words"}
    assert ran["moderation"] == {"ok": True, "flagged": False, "model": "omni-moderation-latest"}


def test_node_sees_nothing_of_anothers(ran: dict[str, Json]) -> None:
    assert (ran["stranger"]["ok"], ran["stranger"].get("status")) == (False, 404)
