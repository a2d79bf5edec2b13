"""Writes a request for Claude on Vertex: the Messages API with the model in the path and the version in the body."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.core.catalog import ProviderSpec
from gateway.core.chat import ModelRequest, Operation
from gateway.dialects.shapes import Dropped
from gateway.providers.anthropic.body import messages_body
from gateway.providers.anthropic.history import readied
from gateway.providers.anthropic.request import VERSION, dumped
from gateway.providers.google.request import FORWARDED
from gateway.providers.openai.request import configured
from gateway.providers.transport.contract import Header, Outgoing
from gateway.providers.vertex import place
from gateway.providers.vertex.betas import sorted_out

Fields = dict[str, Any]

SPOKEN: Final = frozenset({Operation.CHAT, Operation.MESSAGES, Operation.COUNT_TOKENS})
VERTEX_VERSION: Final = "vertex-2023-10-16"
"""The API's version by Vertex' own name; it is Anthropic's of 2023-06-01."""
COUNTING: Final = "count-tokens"
"""What stands in the path in the model's place; the model is in the body then."""

_BETA: Final = "anthropic-beta"
_ELSEWHERE: Final = frozenset({"model", "anthropic_version", "anthropic_beta", "betas"})
"""Fields of a body that are written anew, or travel in a header."""


def write(request: ModelRequest, model: str, spec: ProviderSpec, headers: Mapping[bytes, bytes]) -> Outgoing:
    """The request, without its credentials."""
    dropped = Dropped()
    fields, lost = _body(request, model, _version(request, spec, headers))
    head: list[Header] = [
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream" if request.stream else b"application/json"),
        (b"user-agent", b"fleetgate"),
    ]
    head += [(name, headers[name]) for name in FORWARDED if name in headers]
    if flags := _flags(request, spec, headers, dropped):
        head.append((_BETA.encode(), flags))
    if own := [(name, value) for name, value in spec.headers if name.lower() != _BETA]:
        head = configured(head, own)
    path = place.path(spec, "anthropic", *_what(request, model))
    return Outgoing(b"POST", path, head, dumped(fields), (*lost, *dropped.words()))


def _what(request: ModelRequest, model: str) -> tuple[str, str]:
    if request.operation is Operation.COUNT_TOKENS:
        return COUNTING, "rawPredict"
    return model, "streamRawPredict" if request.stream else "rawPredict"


def _version(request: ModelRequest, spec: ProviderSpec, headers: Mapping[bytes, bytes]) -> str:
    """The configured one, or else the caller's own, where that is newer than what Vertex has a name of its own for."""
    asked = headers.get(b"anthropic-version", b"").decode("latin-1") if request.operation is not Operation.CHAT else ""
    return spec.version or (asked if asked > VERSION else VERTEX_VERSION)


def _body(request: ModelRequest, model: str, version: str) -> tuple[Fields, Sequence[str]]:
    """The fields, and what of a chat was dropped."""
    fields: Mapping[str, Any]
    lost: Sequence[str]
    if request.operation is Operation.CHAT:
        fields, lost = messages_body(request, model, VERSION)
    else:
        request, lost = readied(request)
        fields = request.fields
    kept: Fields = {key: value for key, value in fields.items() if key not in _ELSEWHERE}
    kept["anthropic_version"] = version
    if request.operation is Operation.COUNT_TOKENS:
        kept["model"] = model
    return kept, lost


def _flags(request: ModelRequest, spec: ProviderSpec, headers: Mapping[bytes, bytes], dropped: Dropped) -> bytes:
    """The beta flags of the caller's header, its body and the configuration, as far as Vertex takes them."""
    said = [headers.get(_BETA.encode(), b"").decode("latin-1")]
    said += [value for name, value in spec.headers if name.lower() == _BETA]
    if request.operation is not Operation.CHAT:
        for key in ("anthropic_beta", "betas"):
            listed = request.fields.get(key)
            said += [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    betas = sorted_out(",".join(said))
    for flag in betas.lost:
        dropped.add(_BETA, flag)
    return ",".join(betas.taken).encode("latin-1")
