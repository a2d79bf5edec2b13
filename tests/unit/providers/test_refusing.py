"""Where a model says `unsupported: refuse`, nothing is left out: the caller is told, and nothing is sent."""

from typing import Any

import orjson
import pytest

from gateway.core.catalog import ProviderSpec, Target, Timeouts
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import UnsupportedParameter, UpstreamUnreachable
from gateway.core.upstream import Ask
from gateway.providers.remote import Remote
from gateway.providers.transport.contract import Incoming, Outgoing
from gateway.providers.vendors import VENDORS
from gateway.providers.wire import AZURE, OPENAI, Wire

SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}
MESSAGES = [{"role": "user", "content": "hi"}]


class Deaf:
    """A transport that keeps what it was given, and reaches nobody."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    async def send(self, outgoing: Outgoing, timeouts: Timeouts) -> Incoming:
        self.sent.append(outgoing)
        raise UpstreamUnreachable("nobody")

    def retire(self) -> None: ...

    async def aclose(self) -> None: ...


def ask(fields: dict[str, Any], operation: Operation = Operation.CHAT, *, strict: bool = True) -> Ask:
    request = ModelRequest(operation, orjson.dumps(fields), fields, True, str(fields["model"]), False, False)
    return Ask(request, Target("p", "*", "p/*", strict=strict), {})


def chat(model: str = "m", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": MESSAGES, **more}


async def told(asked: Ask, vendor: str, wire: Wire = OPENAI) -> UnsupportedParameter:
    transport = Deaf()
    with pytest.raises(UnsupportedParameter) as caught:
        await Remote(ProviderSpec("p", "openai", "http://up/v1", vendor=vendor), wire, transport).call(asked)
    assert transport.sent == []
    return caught.value


REFUSED = [(vendor, name) for vendor, row in VENDORS.items() for name in sorted(row.refuses)]


@pytest.mark.parametrize(("vendor", "name"), REFUSED)
async def test_each_field_that_a_vendor_refuses_is_refused(vendor: str, name: str) -> None:
    assert (await told(ask(chat(**{name: "x"})), vendor)).param == name


@pytest.mark.parametrize(
    ("vendor", "fields", "param"),
    [
        ("deepseek", chat(response_format=SCHEMA), "response_format"),
        ("groq", {"model": "m", "messages": [{**MESSAGES[0], "name": "ann"}]}, "messages[].name"),
        ("xai", chat("grok-4", stop=["x"]), "stop"),
        ("xai", chat("grok-3", reasoning_effort="low"), "reasoning_effort"),
    ],
)
async def test_so_is_all_else_that_would_be_left_out(vendor: str, fields: dict[str, Any], param: str) -> None:
    assert (await told(ask(fields), vendor)).param == param


async def test_what_a_translation_leaves_out_is_refused_as_well() -> None:
    fields = chat(max_tokens=9, tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert (await told(ask(fields, Operation.MESSAGES), "groq")).param == "tools[0]"
    assert (await told(ask(chat(max_tokens=9, top_k=3), Operation.MESSAGES), "groq")).param == "top_k"


@pytest.mark.parametrize("vendor", ["", *VENDORS])
@pytest.mark.parametrize("wire", [OPENAI, AZURE], ids=["openai", "azure"])
async def test_what_all_of_them_take_goes_everywhere(vendor: str, wire: Wire) -> None:
    transport = Deaf()
    spec = ProviderSpec("p", "openai", "http://up/v1", vendor=vendor)
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    with pytest.raises(UpstreamUnreachable):
        await Remote(spec, wire, transport).call(ask(chat(temperature=1, tools=[tool], tool_choice="auto", max_tokens=5)))
    assert len(transport.sent) == 1


async def test_otherwise_it_is_left_out_and_named() -> None:
    transport = Deaf()
    with pytest.raises(UpstreamUnreachable):
        await Remote(ProviderSpec("p", "openai", "http://up/v1", vendor="mistral"), OPENAI, transport).call(
            ask(chat(user="u"), strict=False)
        )
    assert list(transport.sent[0].dropped) == ["user"]
