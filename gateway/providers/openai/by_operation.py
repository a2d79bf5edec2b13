"""What an OpenAI-compatible provider is asked, by operation: responses have functions of their own, all else shares some."""

from collections.abc import Mapping
from typing import Final

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.providers.openai import answer, request, stream
from gateway.providers.openai.responses import request as responses_request
from gateway.providers.openai.responses import resource as responses_resource
from gateway.providers.openai.responses import stream as responses_stream
from gateway.providers.transport.contract import Outgoing
from gateway.providers.vendors import speaks_responses

_ALWAYS: Final = frozenset({Operation.CHAT, Operation.COMPLETIONS, Operation.EMBEDDINGS})
_WITH_RESPONSES: Final = _ALWAYS | {Operation.RESPONSES}


def speaks(spec: ProviderSpec, _model: str) -> frozenset[Operation]:
    """The operations that go there as they are."""
    return _WITH_RESPONSES if speaks_responses(spec) else _ALWAYS


def write(asked: ModelRequest, target: Target, spec: ProviderSpec, key: str | None, headers: Mapping[bytes, bytes]) -> Outgoing:
    """The request for `target`."""
    if asked.operation is Operation.RESPONSES:
        return responses_request.write(asked, target, spec, key, headers)
    return request.write(asked, target, spec, key, headers)


def read(ask: Ask, body: bytes, wall_s: float) -> Chunk:
    """A plain answer."""
    if ask.request.operation is Operation.RESPONSES:
        return responses_resource.read(ask, body)
    return answer.read(ask, body, wall_s)


def normaliser(ask: Ask, wall_s: float) -> stream.Stream | responses_stream.ResponsesStream:
    """The normaliser of the stream that answers."""
    if ask.request.operation is Operation.RESPONSES:
        return responses_stream.ResponsesStream(ask)
    return stream.normaliser(ask, wall_s)
