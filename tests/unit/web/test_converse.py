"""Bedrock's dialect at the door: its paths, its errors before and within a stream, and the silence that nothing may break."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from gateway.core.chat import Dialect, Operation
from gateway.core.errors import (
    GatewayError,
    Internal,
    InvalidValue,
    MissingKey,
    Overloaded,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
)
from gateway.core.exchange import Exchange
from gateway.core.snapshot import Bounds
from gateway.providers.bedrock.eventstream import Frames
from gateway.web.asking import Asked, by_model, conversing
from gateway.web.body import parse
from gateway.web.errors import dialect_of, event, rendered
from gateway.web.routes import routes
from tests.house import KEY, PAUSE, Client, Gateway, ScriptedUpstream
from tests.unit.web.test_errors import every_error, example

ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-6-v1:0"
BODY = b'{"messages":[{"role":"user","content":[{"text":"hi"}]}]}'
SIGNED = {"authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/20261124/us-east-1/bedrock/aws4_request, Signature=0"}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/model/m/converse", Asked("", "m", stream=False)),
        ("/model/m/converse-stream", Asked("", "m", stream=True)),
        ("/v1/model/m/converse", Asked("", "m", stream=False)),
        (f"/model/{ARN}/converse-stream", Asked("", ARN, stream=True)),
        ("/model/openai/gpt-4.1/converse", Asked("", "openai/gpt-4.1", stream=False)),
    ],
)
def test_the_path_says_which_model_and_whether_it_streams(path: str, asked: Asked) -> None:
    assert conversing(path) is Operation.CONVERSE
    assert by_model({"path": path, "query_string": b"x=1"}) == asked


@pytest.mark.parametrize(
    "path", ["/model//converse", "/model/converse", "/model/m/invoke", "/v1/models/m/converse", "/x/converse"]
)
def test_another_path_is_none_of_bedrocks(path: str) -> None:
    assert conversing(path) is None


def test_the_body_has_messages_and_neither_a_model_nor_a_word_about_streams() -> None:
    request = parse(Operation.CONVERSE, BODY, Asked("", ARN, stream=True))
    assert (request.model, request.stream, request.body) == (ARN, True, BODY)
    with pytest.raises(InvalidValue) as raised:
        parse(Operation.CONVERSE, b"{}", Asked("", ARN, stream=True))
    assert raised.value.param == "messages"


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_has_amazons_shape_on_its_routes(kind: type[GatewayError]) -> None:
    status, headers, body = rendered(example(kind), Dialect.BEDROCK)
    assert list(orjson.loads(body)) == ["message"]
    name = dict(headers)[b"x-amzn-errortype"].decode()
    assert name in {
        *("ValidationException", "AccessDeniedException", "ResourceNotFoundException", "ThrottlingException"),
        *("InternalServerException", "ServiceUnavailableException", "ModelTimeoutException", "ModelErrorException"),
    }
    assert (name == "AccessDeniedException") == (status in (401, 402, 403))
    assert (name == "ResourceNotFoundException") == (status == 404)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidValue("no"), "validationException"),
        (UpstreamRefused(429, "no", error_type="requests"), "throttlingException"),
        (Overloaded("no"), "serviceUnavailableException"),
        (UpstreamRefused(529, "no", error_type="overloaded"), "serviceUnavailableException"),
        (Internal("no"), "internalServerException"),
        (UpstreamBroken("n\ud800"), "modelStreamErrorException"),
        (UpstreamTimeout("total", 5), "modelStreamErrorException"),
        (MissingKey("no"), "modelStreamErrorException"),
    ],
)
def test_within_a_stream_an_error_is_an_exception_that_the_stream_can_have(error: GatewayError, kind: str) -> None:
    frames = Frames()
    frames.feed(event(error, Exchange("req_1", Operation.CONVERSE, {}, None, None, 0.0)))  # type: ignore[arg-type]
    frame = frames.cut()
    assert frame is not None
    assert not frames.pending
    assert (frame.said(":message-type"), frame.said(":exception-type")) == ("exception", kind)
    told = json.loads(frame.payload)
    assert told["message"]
    assert told.get("originalStatusCode") == (error.status if kind == "modelStreamErrorException" else None)


@pytest.mark.parametrize("path", ["/model/m/converse", "/model/m/invoke", "/v1/model/m/converse-stream", "/model/"])
def test_the_route_chooses_the_dialect(path: str) -> None:
    assert dialect_of(path) is Dialect.BEDROCK
    assert dialect_of("/models/m") is Dialect.OPENAI


# ---------------------------------------------------------------- conversations


@asynccontextmanager
async def nothing(_: Starlette) -> AsyncIterator[None]:
    yield


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app: Any = routes(Gateway().house, [], nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway", headers=SIGNED) as made:
        yield made
    await asyncio.sleep(0)


async def test_a_post_to_a_model_is_a_conversation(client: httpx.AsyncClient) -> None:
    answer = await client.post("/model/x-a%2Fb%3A0/converse", content=BODY)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-amzn-requestid"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "kind"),
    [
        ("/model/m/converse", {"authorization": "AWS4-HMAC-SHA256 Credential=no/1/2/3/4"}, BODY, 401, "AccessDeniedException"),
        ("/model/nobody/converse", {}, BODY, 404, "ResourceNotFoundException"),
        ("/model/m/converse", {}, b"{", 400, "ValidationException"),
        ("/model/m/converse-stream", {}, b"{}", 400, "ValidationException"),
        ("/model/m/invoke", {}, BODY, 404, "ResourceNotFoundException"),
    ],
)
async def test_what_is_wrong_is_said_in_amazons_words(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], body: bytes, status: int, kind: str
) -> None:
    answer = await client.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (status, kind)
    assert list(answer.json()) == ["message"]
    assert answer.headers["x-amzn-requestid"] == answer.headers["x-request-id"]


async def test_nothing_but_frames_is_sent_while_a_stream_is_silent() -> None:
    gateway = Gateway(ScriptedUpstream(head=PAUSE), bounds=Bounds(heartbeat_s=0.0))
    app: Any = routes(gateway.house, [], nothing)
    client = Client(BODY, "/model/m/converse-stream")
    call = asyncio.get_running_loop().create_task(app({**client.scope(), "query_string": b""}, client.receive, client.send))
    await gateway.upstream.waiting.wait()
    gateway.inflight.pulse(gateway.house.clock.now_s() + 1)
    await asyncio.sleep(0)
    assert client.events == []
    client.leave()
    await call
