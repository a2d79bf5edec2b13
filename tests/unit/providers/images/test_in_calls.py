"""When images are fetched on the way to a provider: where both its configuration and its wire say so."""

from dataclasses import replace

import orjson
import pytest

from gateway.core.catalog import ProviderSpec, Target, Timeouts
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue, UpstreamUnreachable
from gateway.core.upstream import Ask
from gateway.providers.remote import Remote
from gateway.providers.transport.contract import Incoming, Outgoing
from gateway.providers.wire import OPENAI, WIRES

PRIVATE = "http://10.0.0.1/a.png"
SPEC = ProviderSpec("p", "openai", "http://up/v1", fetches_images=True)
NEEDY = replace(OPENAI, inlines_images=True)


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
    with pytest.raises(InvalidValue, match="not on the public internet"):
        await Remote(SPEC, NEEDY, transport).call(ask())
    assert transport.sent == []


@pytest.mark.parametrize(("spec", "wire"), [(replace(SPEC, fetches_images=False), NEEDY), (SPEC, OPENAI)])
async def test_otherwise_the_url_is_passed_on(spec: ProviderSpec, wire: object) -> None:
    transport = Deaf()
    with pytest.raises(UpstreamUnreachable):
        await Remote(spec, wire, transport).call(ask())  # type: ignore[arg-type]
    assert PRIVATE.encode() in transport.sent[0].body


def test_the_wires_that_need_bytes_say_so() -> None:
    assert {name for name, wire in WIRES.items() if wire.inlines_images} == {"google", "vertex", "bedrock"} & WIRES.keys()
