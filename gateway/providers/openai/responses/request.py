"""Writes a request for a response: the caller's bytes, but for the model's name and what other wires have sealed into it."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest
from gateway.core.errors import InvalidValue
from gateway.dialects import thinking
from gateway.dialects.responses import sealing
from gateway.providers.openai.request import body, credential, heading, path
from gateway.providers.transport.contract import Outgoing
from gateway.providers.vendors import vendor_of

_SEALS: Final = (thinking.MARK.encode(), sealing.PREFIX.encode())


def write(
    request: ModelRequest, target: Target, spec: ProviderSpec, key: str | None, headers: Mapping[bytes, bytes]
) -> Outgoing:
    """The request for `target`; `headers` are the caller's."""
    head = heading(request, spec, None if key is None else credential(vendor_of(spec), key), headers)
    return Outgoing(b"POST", path(spec.base_url, request.operation), head, body(_unsealed(request), target, usage=False))


def _unsealed(request: ModelRequest) -> ModelRequest:
    """Without what only another provider could read: a conversation may have begun there."""
    items = request.fields.get("input")
    if not isinstance(items, list) or not any(seal in request.body for seal in _SEALS):
        return request
    fields = {**request.fields, "input": [_opened(item) for item in items if not _is_anothers(item)]}
    try:
        return request._replace(fields=fields, body=orjson.dumps(fields), canonical=True)
    except orjson.JSONEncodeError as error:
        raise InvalidValue("The field 'input' is nested too deeply.", param="input") from error


def _is_anothers(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") == "reasoning" and sealing.is_ours(item.get("encrypted_content"))


def _opened(item: Any) -> Any:
    """With the id that the call has of its own."""
    call_id = item.get("call_id") if isinstance(item, dict) else None
    if not isinstance(call_id, str) or thinking.MARK not in call_id:
        return item
    return {**item, "call_id": thinking.opened(call_id).id}
