"""When images are fetched on the way to a provider: where both its configuration and its wire say so."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway.core.catalog import ProviderSpec, Target, Timeouts
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue, UpstreamUnreachable
from gateway.core.upstream import Ask
from gateway.providers import remote
from gateway.providers.images.fetching import Fetcher
from gateway.providers.images.inlining import Inliner
from gateway.providers.images.needs import needs_bytes
from gateway.providers.remote import Remote
from gateway.providers.transport.contract import Incoming, Outgoing
from gateway.providers.vendors import VENDORS
from gateway.providers.wire import OPENAI, WIRES
from tests.unit.providers.images.servers import HOME, PNG, Names, answer, rules, serving

PRIVATE = "http://10.0.0.1/a.png"
SPEC = ProviderSpec("p", "openai", "http://up/v1", vendor="ollama", fetches_images=True)


class Deaf:
    """A transport that keeps what it was given, and reaches nobody."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    async def send(self, outgoing: Outgoing, timeouts: Timeouts) -> Incoming:
        self.sent.append(outgoing)
        raise UpstreamUnreachable("nobody")

    def retire(self) -> None: ...

    async def aclose(self) -> None: ...


def ask() -> Ask:
    content = [{"type": "image_url", "image_url": {"url": PRIVATE}}]
    fields = {"model": "m", "messages": [{"role": "user", "content": content}]}
    request = ModelRequest(Operation.CHAT, orjson.dumps(fields), fields, True, "m", False, False)
    return Ask(request, Target("p", "*", "p/*"), {})


async def test_nothing_is_sent_where_an_image_may_not_be_fetched() -> None:
    transport = Deaf()
    with pytest.raises(InvalidValue, match="cannot be reached on the public internet"):
        await Remote(SPEC, OPENAI, transport).call(ask())
    assert transport.sent == []


@pytest.mark.parametrize("spec", [replace(SPEC, fetches_images=False), replace(SPEC, vendor="vllm"), replace(SPEC, vendor="")])
async def test_otherwise_the_url_is_passed_on(spec: ProviderSpec) -> None:
    transport = Deaf()
    with pytest.raises(UpstreamUnreachable):
        await Remote(spec, OPENAI, transport).call(ask())
    assert PRIVATE.encode() in transport.sent[0].body


def test_who_takes_bytes_alone_is_known() -> None:
    assert {name for name in WIRES if needs_bytes(ProviderSpec("p", name))} == {"google", "vertex", "bedrock"}
    assert {name for name in VENDORS if needs_bytes(ProviderSpec("p", "openai", vendor=name))} == {"ollama", "lmstudio"}


# ---------------------------------------------------------------- whichever dialect the caller speaks

USER = "user"
GEMINI = {"model": "m", "contents": [{"role": USER, "parts": [{"fileData": {"mimeType": "image/png", "fileUri": PRIVATE}}]}]}
SOURCE = {"type": "image", "source": {"type": "url", "url": PRIVATE}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": [SOURCE]}
CALLED = [
    {"role": USER, "content": "go"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]},
]
LOOK = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
ASKED: Mapping[str, tuple[Operation, dict[str, Any]]] = {
    "chat": (Operation.CHAT, {"messages": [{"role": USER, "content": [{"type": "image_url", "image_url": {"url": PRIVATE}}]}]}),
    "messages": (Operation.MESSAGES, {"max_tokens": 9, "messages": [{"role": USER, "content": [SOURCE]}]}),
    "messages, a result": (Operation.MESSAGES, {"max_tokens": 9, "messages": [*CALLED, {"role": USER, "content": [RESULT]}]}),
    "responses": (
        Operation.RESPONSES,
        {"input": [{"role": USER, "content": [{"type": "input_image", "image_url": PRIVATE}]}]},
    ),
    "responses, a result": (
        Operation.RESPONSES,
        {
            "input": [
                {"role": USER, "content": "go"},
                LOOK,
                {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_image", "image_url": PRIVATE}]},
            ]
        },
    ),
    "generate": (Operation.GENERATE, GEMINI),
}
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
PLACES = {
    "google": ProviderSpec("p", "google", "https://google.test/v1beta", ("k",)),
    "vertex": ProviderSpec("p", "vertex", "https://vertex.test", ("k",), project="x", location="global"),
    "bedrock": ProviderSpec("p", "bedrock", "https://bedrock.test", ("k",), location="us-east-1"),
}
MODELS = [("google", "gemini-3-pro"), ("vertex", "gemini-3-pro"), ("vertex", "claude-sonnet-4-5"), ("bedrock", CLAUDE)]
MODELS += [("bedrock", "amazon.nova-pro-v1:0")]


def asking(dialect: str, model: str) -> Ask:
    operation, more = ASKED[dialect]
    fields = {"model": "m", **more}
    request = ModelRequest(operation, orjson.dumps(fields), fields, True, "m", False, False)
    return Ask(request, Target("p", model, "p/x"), {})


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize(("wire", "model"), MODELS)
async def test_no_dialect_leads_around_the_guard(dialect: str, wire: str, model: str) -> None:
    """But for Gemini's own, on the way to Google: there Google fetches what a caller names."""
    transport = Deaf()
    provider = Remote(replace(PLACES[wire], fetches_images=True), WIRES[wire], transport)
    if dialect == "generate" and "gemini" in model:
        with pytest.raises(UpstreamUnreachable):
            await provider.call(asking(dialect, model))
        assert PRIVATE.encode() in transport.sent[0].body
        return
    with pytest.raises(InvalidValue, match="cannot be reached on the public internet"):
        await provider.call(asking(dialect, model))
    assert transport.sent == []


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize(("wire", "model"), MODELS)
async def test_nothing_is_ever_fetched_unless_it_is_configured(
    dialect: str, wire: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        raise AssertionError("it was about to be fetched")

    monkeypatch.setattr(Fetcher, "fetch", never)
    monkeypatch.setattr(Inliner, "inlined", never)
    transport = Deaf()
    with pytest.raises((UpstreamUnreachable, InvalidValue)):  # Bedrock takes no URLs, and says so
        await Remote(PLACES[wire], WIRES[wire], transport).call(asking(dialect, model))
    assert all(PRIVATE.encode() in one.body for one in transport.sent)


@pytest.mark.parametrize("dialect", [one for one in ASKED if one != "generate"])
@pytest.mark.parametrize(("wire", "model"), MODELS)
async def test_the_bytes_reach_the_provider_from_every_dialect(
    dialect: str, wire: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving({"/a.png": answer()}) as server:
        url = f"http://images.test:{server.port}/a.png"
        local = rules(Names(images_test=[[HOME]]))
        monkeypatch.setattr(remote, "Inliner", lambda: Inliner(local))
        transport = Deaf()
        asked = asking(dialect, model)
        fields = orjson.loads(asked.request.body.replace(PRIVATE.encode(), url.encode()))
        asked = asked._replace(request=asked.request._replace(fields=fields, body=orjson.dumps(fields)))
        with pytest.raises(UpstreamUnreachable):
            await Remote(replace(PLACES[wire], fetches_images=True), WIRES[wire], transport).call(asked)
    assert base64.b64encode(PNG) in transport.sent[0].body
    assert b"http://images.test" not in transport.sent[0].body
    assert server.asked == ["/a.png"]
