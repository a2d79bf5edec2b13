"""boto3 with the gateway as its endpoint: answers, streams, tools, and errors as its own exceptions."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError, EventStreamError  # type: ignore[import-untyped]

from tests.journeys.configs import ACME, Starter
from tests.journeys.processes import Gateway
from tests.wires.bedrock.exchanges import THOUGHT, plain, text
from tests.wires.bedrock.frames import converse, exception

CONFIG = """
providers:
  echo: { wire: echo }
  bedrock: { wire: bedrock, base_url: "@bedrock", location: us-east-1, api_keys: [ k ] }
models:
  "amazon.nova-lite-v1:0": bedrock/*
  "anthropic*": bedrock/*
  "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.echo-v1:0": echo/echo
  "echo*": echo/*
tenants:
  acme:
    keys: [ { name: ci, key: @key } ]
"""
HI: list[Any] = [{"role": "user", "content": [{"text": "Grüße, 世界 🌍"}]}]
SCHEMA = {"json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
TOOLS: Any = {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": SCHEMA}}], "toolChoice": {"any": {}}}

BROKEN = converse(*text(0, "Hel")) + exception("throttlingException", "Slow down.")
Connect = Callable[..., Any]


class Bedrock(BaseHTTPRequestHandler):
    """Answers with recorded frames: thinking and a call, or for one model an exception in the middle."""

    seen: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        self.seen.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        assert self.headers["authorization"] == "Bearer k"
        streams = self.path.endswith("-stream")
        frames = BROKEN if "nova" in self.path else THOUGHT
        body = frames if streams else json.dumps(plain({"text": "Hi"})).encode()
        self.send_response(200)
        self.send_header("content-type", "application/vnd.amazon.eventstream" if streams else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site(start: Starter) -> Iterator[Gateway]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bedrock)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield start(CONFIG.replace("@bedrock", f"http://127.0.0.1:{server.server_port}").replace("@key", ACME))
    server.shutdown()
    server.server_close()


@pytest.fixture
def connect(site: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    for name in ("AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    clients: list[Any] = []

    def connect(key: str = ACME) -> Any:
        client = boto3.client(
            "bedrock-runtime",
            endpoint_url=site.origin,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key="whatever",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=15),
        )
        clients.append(client)
        return client

    yield connect
    for client in clients:
        client.close()


def test_a_plain_answer(connect: Connect) -> None:
    done = connect().converse(modelId="echo", messages=HI)
    assert done["output"]["message"] == {"role": "assistant", "content": HI[0]["content"]}
    assert done["stopReason"] == "end_turn"
    assert done["usage"]["inputTokens"] + done["usage"]["outputTokens"] == done["usage"]["totalTokens"]
    assert done["ResponseMetadata"]["RequestId"].startswith("req_")


def test_a_stream(connect: Connect) -> None:
    events = list(connect().converse_stream(modelId="echo", messages=HI)["stream"])
    assert [next(iter(event)) for event in (events[0], *events[-3:])] == [
        *("messageStart", "contentBlockStop", "messageStop", "metadata"),
    ]
    said = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert said == HI[0]["content"][0]["text"]
    assert events[-1]["metadata"]["usage"]["totalTokens"] > 0


def test_parallel_tools_in_a_stream_and_their_results(connect: Connect) -> None:
    client = connect()
    events = list(client.converse_stream(modelId="echo:tools=2", messages=HI, toolConfig=TOOLS)["stream"])
    used = [event["contentBlockStart"]["start"]["toolUse"] for event in events if "contentBlockStart" in event]
    assert [one["name"] for one in used] == ["get_weather"] * 2
    assert next(event["messageStop"] for event in events if "messageStop" in event)["stopReason"] == "tool_use"
    content = [{"toolUse": {**one, "input": {"city": "Oslo"}}} for one in used]
    results = [{"toolResult": {"toolUseId": one["toolUseId"], "content": [{"text": "warm"}]}} for one in used]
    turns = [*HI, {"role": "assistant", "content": content}, {"role": "user", "content": results}]
    done = client.converse(modelId="echo", messages=turns, toolConfig={"tools": TOOLS["tools"]})
    assert "warm" in done["output"]["message"]["content"][0]["text"]


def test_the_model_may_be_an_arn(connect: Connect) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.echo-v1:0"
    assert connect().converse(modelId=arn, messages=HI)["stopReason"] == "end_turn"


def test_what_was_left_out_is_told(connect: Connect) -> None:
    extra = {"top_k": 3, "anthropic_beta": ["x"]}
    done = connect().converse(modelId="echo", messages=HI, additionalModelRequestFields=extra)
    assert "additionalModelRequestFields.anthropic_beta" in done["ResponseMetadata"]["HTTPHeaders"]["x-fleetgate-dropped"]


def test_a_wrong_key(connect: Connect) -> None:
    client = connect("nobody")
    with pytest.raises(client.exceptions.AccessDeniedException, match="not one of this gateway's"):
        client.converse(modelId="echo", messages=HI)


@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model(connect: Connect, stream: bool) -> None:
    client = connect()
    ask = client.converse_stream if stream else client.converse
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="does not exist"):
        ask(modelId="mistral.nothing-v1:0", messages=HI)


def test_a_request_that_makes_no_sense(connect: Connect) -> None:
    client = connect()
    picture = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.png"}}}}
    with pytest.raises(client.exceptions.ValidationException, match="bucket"):
        client.converse(modelId="echo", messages=[{"role": "user", "content": [picture]}])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, "ThrottlingException"),
        (400, "ValidationException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
def test_a_providers_error(connect: Connect, status: int, kind: str) -> None:
    client = connect()
    with pytest.raises(ClientError) as raised:
        client.converse(modelId=f"echo:status={status}", messages=HI)
    assert raised.value.response["Error"]["Code"] == kind
    assert isinstance(raised.value, getattr(client.exceptions, kind))


@pytest.mark.parametrize("script", ["error_after=3", "cut_after=3"])
def test_a_stream_that_breaks_raises(connect: Connect, script: str) -> None:
    events = connect().converse_stream(modelId=f"echo:words=9,{script}", messages=HI)["stream"]
    with pytest.raises(EventStreamError) as raised:
        list(events)
    events.close()
    assert raised.value.response["Error"]["Code"] in ("modelStreamErrorException", "internalServerException")
    assert raised.value.response["Error"]["Message"]


def test_bedrocks_own_answers_pass_as_they_are(connect: Connect) -> None:
    client = connect()
    model = "anthropic.claude-sonnet-4-5-v1:0"
    done = client.converse(modelId=model, messages=HI, guardrailConfig={"guardrailIdentifier": "g", "guardrailVersion": "1"})
    assert done["metrics"]["latencyMs"] == 612
    path, body = Bedrock.seen[-1]
    assert path == "/model/anthropic.claude-sonnet-4-5-v1%3A0/converse"
    assert json.loads(body)["guardrailConfig"]["guardrailIdentifier"] == "g"
    events = list(client.converse_stream(modelId=model, messages=HI)["stream"])
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert {"reasoningContent": {"redactedContent": b"Encrypted"}} in deltas
    assert {"reasoningContent": {"signature": "EqQBCkgIARABGAIiQL8s"}} in deltas
    assert events[-1]["metadata"]["usage"]["cacheReadInputTokens"] == 1000


def test_an_exception_in_bedrocks_own_stream_is_one_of_ours(connect: Connect) -> None:
    events = connect().converse_stream(modelId="amazon.nova-lite-v1:0", messages=HI)["stream"]
    with pytest.raises(EventStreamError, match="Slow down") as raised:
        list(events)
    events.close()
    assert raised.value.response["Error"]["Code"] == "throttlingException"
