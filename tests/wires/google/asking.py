"""Questions to the `google` wire, and its answers, without I/O."""

from typing import Any

import orjson

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.providers.transport.contract import Outgoing
from gateway.providers.wire import GOOGLE
from tests.wires.driving import WALL_S, Left, ask, drive, request

Json = dict[str, Any]
SPEC = ProviderSpec("gemini", "google", "https://generativelanguage.googleapis.com/v1beta", ("AIzaKey",))
GEMINI_3 = Target("gemini", "gemini-3.1-pro-preview", "gemini/3")
GEMINI_2_5 = Target("gemini", "gemini-2.5-flash", "gemini/2.5")
GEMINI_2 = Target("gemini", "gemini-2.0-flash", "gemini/2")
USER: Json = {"role": "user", "content": "hi"}
TOOL: Json = {
    "type": "function",
    "function": {
        "name": "f",
        "description": "Does.",
        "parameters": {"$schema": "x", "type": "object", "properties": {"a": {"type": ["integer", "null"]}}},
    },
}


def native(
    query: str = "alt=sse", *, stream: bool = True, operation: Operation = Operation.GENERATE, **fields: Any
) -> ModelRequest:
    """A Gemini caller's request."""
    said = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], **fields}
    return ModelRequest(operation, orjson.dumps(said), said, True, "m", stream, False, query)


def asked(asking: ModelRequest, target: Target = GEMINI_3) -> Ask:
    return ask(asking, target)


def written(target: Target = GEMINI_3, *, stream: bool = False, **fields: Any) -> tuple[Json, Outgoing]:
    """The body that a chat becomes, and the whole request."""
    fields.setdefault("messages", [{"role": "user", "content": "hi"}])
    outgoing = GOOGLE.write(request(stream=stream, **fields), target, SPEC, "AIzaKey", {})
    return orjson.loads(outgoing.body), outgoing


def read(value: object, **fields: Any) -> Chunk:
    """A plain answer to a chat."""
    return GOOGLE.read(asked(request(stream=False, **fields)), orjson.dumps(value), WALL_S)


def told(pieces: list[bytes], asking: ModelRequest | None = None, target: Target = GEMINI_3) -> Left:
    """What leaves the normaliser of a stream that comes in these pieces."""
    return drive(pieces, stream=GOOGLE.stream(asked(asking or request(usage=True), target), WALL_S))
