"""Writes a request for Azure: OpenAI's, at another place, with the key in another header."""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.providers.azure.credential import credential
from gateway.providers.azure.place import path, responds, row
from gateway.providers.openai import request as openai
from gateway.providers.openai.cleaning import is_marked
from gateway.providers.openai.responses import request as responses
from gateway.providers.transport.contract import Header, Outgoing

_ALWAYS: Final = frozenset({Operation.CHAT, Operation.COMPLETIONS, Operation.EMBEDDINGS})
_WITH_RESPONSES: Final = _ALWAYS | {Operation.RESPONSES}


def speaks(spec: ProviderSpec, _model: str) -> frozenset[Operation]:
    """The operations that go there as they are."""
    return _WITH_RESPONSES if responds(spec.version) else _ALWAYS


def write(
    request: ModelRequest, target: Target, spec: ProviderSpec, key: str | None, headers: Mapping[bytes, bytes]
) -> Outgoing:
    """The request for `target`, whose model is a deployment; `headers` are the caller's."""
    place = path(spec.base_url, spec.version, request.operation, target.named(request.model))
    if request.operation is Operation.RESPONSES:
        outgoing = responses.write(request, target, spec, None, headers)
        return outgoing._replace(path=place, headers=_with(outgoing.headers, key))
    vendor = row(spec.version)
    dropped: Sequence[str] = ()
    if vendor.particular or request.foreign or is_marked(request.fields):
        text, dropped = openai.fitted(request, target, vendor)
    else:
        text = openai.body(request, target)
    head = openai.heading(request, spec, None if key is None else credential(key), headers)
    return Outgoing(b"POST", place, head, text, dropped)


def _with(head: Sequence[Header], key: str | None) -> Sequence[Header]:
    if key is None:
        return head
    own = credential(key)
    return head if any(name == own[0] for name, _ in head) else [*head, own]
