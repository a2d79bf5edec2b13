"""Which operation of Bedrock answers which of the caller's: Converse a chat and itself, InvokeModel Claude's own Messages."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.providers.bedrock import answer, claude, invoked, native, place, stream
from gateway.providers.bedrock.body import Body, converse
from gateway.providers.bedrock.models import model_of
from gateway.providers.inner import refuse_inner
from gateway.providers.openai.request import configured
from gateway.providers.transport.contract import Header, Outgoing

_EVERY: Final = frozenset({Operation.CHAT, Operation.CONVERSE})
_CLAUDES: Final = _EVERY | {Operation.MESSAGES, Operation.COUNT_TOKENS}
_ACCEPT: Final = ((b"accept", b"application/json"), (b"accept", b"application/vnd.amazon.eventstream"))
_FORWARDED: Final = (b"traceparent", b"tracestate")


def speaks(_spec: ProviderSpec, model: str) -> frozenset[Operation]:
    """Chat, and Converse itself; with Claude its own API as well."""
    return _CLAUDES if model_of(model).is_claude else _EVERY


def write(
    request: ModelRequest, target: Target, spec: ProviderSpec, key: str | None, headers: Mapping[bytes, bytes]
) -> Outgoing:
    """The request for `target`; `headers` are the caller's. A signature comes later, from `signing`."""
    refuse_inner(request)
    model_id = target.named(request.model)
    operation, body = _written(request, model_id, headers)
    if operation == place.COUNT:
        model_id = claude.foundation_model(model_id)
    head: list[Header] = [(b"content-type", b"application/json"), _ACCEPT[request.stream], (b"user-agent", b"fleetgate")]
    if key is not None:
        head.append((b"authorization", b"Bearer " + key.encode()))
    head += [(name, headers[name]) for name in _FORWARDED if name in headers]
    if spec.headers:
        head = configured(head, spec.headers)
    return Outgoing(b"POST", place.path(spec.base_url, model_id, operation), head, body.text, body.dropped)


def _written(request: ModelRequest, model_id: str, headers: Mapping[bytes, bytes]) -> tuple[str, Body]:
    match request.operation:
        case Operation.MESSAGES:
            return (place.INVOKE_STREAM if request.stream else place.INVOKE), claude.invoke(request, model_id, headers)
        case Operation.COUNT_TOKENS:
            return place.COUNT, claude.count(request, model_id, headers)
        case Operation.CONVERSE:
            return (place.CONVERSE_STREAM if request.stream else place.CONVERSE), native.body(request)
        case _:
            return (place.CONVERSE_STREAM if request.stream else place.CONVERSE), converse(request, model_id)


def read(ask: Ask, body: bytes, wall_s: float) -> Chunk:
    """A plain answer as one chunk."""
    return _READERS.get(ask.request.operation, invoked.read)(ask, body, wall_s)


def normaliser(ask: Ask, wall_s: float) -> stream.Stream | invoked.Stream:
    """The normaliser of the stream that answers."""
    return _NORMALISERS.get(ask.request.operation, invoked.normaliser)(ask, wall_s)


_READERS: Final[Mapping[Operation, Callable[[Ask, bytes, float], Chunk]]] = MappingProxyType(
    {Operation.CHAT: answer.read, Operation.CONVERSE: native.read}
)
_NORMALISERS: Final[Mapping[Operation, Callable[[Ask, float], stream.Stream | invoked.Stream]]] = MappingProxyType(
    {Operation.CHAT: stream.normaliser, Operation.CONVERSE: native.normaliser}
)
