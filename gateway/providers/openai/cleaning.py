"""Makes a chat what the vendor takes: where it came from another dialect or holds what other wires gave, or is in the way.

    caller's own words, plain vendor    nothing happens; the bytes go on as they are
    any vendor with peculiarities       refused fields, roles and names
    sealed ids, blocks of thinking      opened and stripped (docs/translation.md)
    translated from another dialect     all of it, and tools, documents and hints that a chat cannot say here

Nothing of the request is changed in place: a chain asks others with it.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.dialects.thinking import MARK
from gateway.providers.openai import families, messages, tools
from gateway.providers.openai.messages import Fields
from gateway.providers.vendors import Vendor

LIMITS: Final = ("max_completion_tokens", "max_tokens")
_WISH: Final = "Answer with one JSON object that fits this JSON Schema: "
_UNSAID: Final = ("thinking", "cache_control")
"""Fields of the form in the middle that change no answer, or stand beside others that say the same: left out without a word."""


class Cleaned(NamedTuple):
    """The fields to be sent, and what was left out."""

    fields: Fields
    dropped: tuple[str, ...]


def is_marked(fields: Mapping[str, Any]) -> bool:
    """Whether the history may hold what another wire gave: sealed ids, or blocks of thinking.

    Asked of every request, and so in as few steps as can be; what is not as it should be, `cleaned` looks at with patience.
    """
    try:
        for message in fields.get("messages") or ():
            if len(message) == 2 and "content" in message:  # with its role, like most
                continue
            if "thinking_blocks" in message:
                return True
            if "tool_call_id" in message:
                if MARK in message["tool_call_id"]:
                    return True
            elif "tool_calls" in message and _has_sealed(message["tool_calls"]):
                return True
    except (TypeError, KeyError):
        return True
    return False


def _has_sealed(calls: Any) -> bool:
    for call in calls or ():  # noqa: SIM110  # a generator would be a call more for each
        if MARK in call["id"]:
            return True
    return False


def cleaned(request: ModelRequest, model: str, vendor: Vendor) -> Cleaned | None:
    """What is to be sent in place of the request; None where it may go as it is."""
    fields = dict(request.fields)
    dropped: list[str] = []
    _refused(fields, vendor, dropped)
    if request.operation is Operation.CHAT:
        _limit(fields, vendor, foreign=request.foreign)
        if not vendor.schemas:
            _schema(fields, dropped)
        if "messages" in fields:
            fields["messages"] = messages.cleaned(fields["messages"], vendor, dropped, foreign=request.foreign)
        if request.foreign:
            _translated(fields, model, vendor, dropped)
        elif vendor.families == "grok":
            families.fitted(fields, model, vendor, dropped)
    if not request.foreign and _same(fields, request.fields):
        return None
    return Cleaned(fields, tuple(dict.fromkeys(dropped)))


def _same(fields: Fields, given: Mapping[str, Any]) -> bool:
    return fields.keys() == given.keys() and all(fields[name] is given[name] for name in fields)


def _refused(fields: Fields, vendor: Vendor, dropped: list[str]) -> None:
    if not vendor.usage:
        fields.pop("stream_options", None)  # it sends usage unasked
    families.drop(fields, sorted(vendor.refuses & fields.keys()), dropped)


def _schema(fields: Fields, dropped: list[str]) -> None:
    """JSON all the same, and the schema as a wish: who knows no schemas wants JSON to be spoken of, too."""
    form = fields.get("response_format")
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return
    dropped.append("response_format (json_schema)")
    fields["response_format"] = {"type": "json_object"}
    given, said = fields.get("messages"), form.get("json_schema")
    if isinstance(given, list):
        schema = _written(said.get("schema") if isinstance(said, dict) else None)
        fields["messages"] = [{"role": "system", "content": f"{_WISH}{schema}"}, *given]


def _written(schema: Any) -> str:
    try:
        return orjson.dumps(schema).decode()
    except orjson.JSONEncodeError as error:
        raise InvalidValue("The field 'response_format' is nested too deeply.", param="response_format") from error


def _limit(fields: Fields, vendor: Vendor, *, foreign: bool) -> None:
    """One name for the limit of the answer: the vendor's only one; in a translated chat the one that most know."""
    name = vendor.limit
    if not name and foreign:
        name = "max_completion_tokens" if vendor.families == "o" else "max_tokens"
    if not name:
        return
    said = [fields.pop(one) for one in LIMITS if one in fields and one != name]
    if said and fields.get(name) is None:
        fields[name] = said[0]


def _translated(fields: Fields, model: str, vendor: Vendor, dropped: list[str]) -> None:
    thinking = fields.get("thinking")
    for name in _UNSAID:
        fields.pop(name, None)
    if vendor.thinking and (mode := _mode(thinking)) is not None:
        fields["thinking"] = {"type": mode}
    if fields.get("top_k") is not None and "top_k" not in vendor.extras:
        dropped.append("top_k")
        del fields["top_k"]
    tools.fit(fields, vendor, dropped)
    families.fitted(fields, model, vendor, dropped)


def _mode(thinking: object) -> str | None:
    """`adaptive` is Claude's alone; to whoever knows two modes it is `enabled`."""
    said = thinking.get("type") if isinstance(thinking, Mapping) else None
    return {"enabled": "enabled", "adaptive": "enabled", "disabled": "disabled"}.get(said) if isinstance(said, str) else None
