"""Drives the wire's own readers: the streams of `exchanges`, to a caller of either dialect."""

from collections.abc import Iterable
from typing import Any

import orjson

from gateway.core.chat import ModelRequest, Operation
from gateway.core.transcript import Chunk
from gateway.providers.wire import WIRES
from tests.wires.driving import WALL_S, Left, ask, drive

ANTHROPIC = WIRES["anthropic"]


def asked(operation: Operation = Operation.CHAT, *, usage: bool = True, **more: Any) -> ModelRequest:
    fields = {"model": "claude-opus-4-6", "stream": True, **more}
    return ModelRequest(operation, orjson.dumps(fields), fields, True, fields["model"], True, usage)


NATIVE = asked(Operation.MESSAGES)


def streamed(pieces: Iterable[bytes], request: ModelRequest | None = None) -> Left:
    request = request or asked()
    return drive(pieces, request, ANTHROPIC.stream(ask(request), WALL_S))


def read(message: Any, request: ModelRequest | None = None) -> Chunk:
    body = message if isinstance(message, bytes) else orjson.dumps(message)
    return ANTHROPIC.read(ask(request or asked()), body, WALL_S)


def choice_of(chunk: Chunk) -> Any:
    return orjson.loads(chunk.data)["choices"][0]
