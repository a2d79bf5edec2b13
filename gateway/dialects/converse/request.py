"""A Converse request as one of Messages, and that as a chat. The model's name stands in the URL, not in the body."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.core.chat import ModelRequest
from gateway.core.errors import InvalidValue
from gateway.dialects import lenient
from gateway.dialects.converse.blocks import Blocks, blocks
from gateway.dialects.converse.extra import effort_of, extra_of
from gateway.dialects.converse.tools import tools_of
from gateway.dialects.messages.request import chat_of
from gateway.dialects.schemas import response_format
from gateway.dialects.shapes import Dropped, Fields, Object, as_chat, items, mapping, objects, optional, text, wrong
from gateway.dialects.translation import Translated

_READ: Final = (
    *("messages", "system", "inferenceConfig", "toolConfig", "outputConfig", "serviceTier", "performanceConfig"),
    *("additionalModelRequestFields", "additionalModelResponseFieldPaths"),
)
_KNOWN: Final = (*_READ, "requestMetadata", "modelId")
"""The first of these two is for Amazon's books and changes no answer; the other stands in the URL."""
_AMAZONS: Final = ("guardrailConfig", "promptVariables")
"""What changes an answer so much that none is better than one without."""
_SAME: Final[Mapping[str, str]] = MappingProxyType({"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p"})
"""Fields of `inferenceConfig` that Messages has under another name."""
_TIERS: Final = frozenset({"default", "flex", "priority"})
SEQUENCE: Final = "/stop_sequence"
"""The one field of an answer that is no part of Converse, and can be told all the same."""


def into_chat(request: ModelRequest) -> Translated:
    """See `Translation`."""
    fields, dropped = request.fields, Dropped()
    _refuse_amazons(fields)
    told: Fields = {"messages": _messages(fields.get("messages"), dropped)}
    if system := _system(fields.get("system"), dropped):
        told["system"] = system
    told |= _inference(optional(fields.get("inferenceConfig"), "inferenceConfig"), dropped)
    told |= tools_of(optional(fields.get("toolConfig"), "toolConfig"), dropped)
    told |= extra_of(fields, told.get("tool_choice"), dropped)
    chat = chat_of(told, dropped) | effort_of(fields)
    chat |= _form(optional(fields.get("outputConfig"), "outputConfig"), dropped)
    chat |= _tier(fields, dropped)
    for path in items(fields.get("additionalModelResponseFieldPaths"), "additionalModelResponseFieldPaths"):
        if path != SEQUENCE:
            dropped.add("additionalModelResponseFieldPaths", path)
    dropped.others(fields, _KNOWN)
    return as_chat(request, chat, dropped)


def _refuse_amazons(fields: Object) -> None:
    for name in _AMAZONS:
        if fields.get(name):
            raise InvalidValue(
                f"The field {name!r} is about something that stands at Amazon, and this model is not Amazon's.", param=name
            )


def _messages(messages: object, dropped: Dropped) -> Blocks:
    told: Blocks = []
    for message, place in objects(messages, "messages"):
        role = message.get("role")
        if role not in ("user", "assistant", "system"):
            raise wrong(f"{place}.role", "'user' or 'assistant'")
        told.append({"role": role, "content": blocks(message.get("content"), f"{place}.content", dropped)})
    return told


def _system(system: object, dropped: Dropped) -> Blocks:
    return blocks(system, "system", dropped) if system is not None else []


def _inference(config: Object, dropped: Dropped) -> Fields:
    dropped.others(config, (*_SAME, "stopSequences"), "inferenceConfig.")
    told: Fields = {own: config[name] for name, own in _SAME.items() if config.get(name) is not None}
    if stops := items(config.get("stopSequences"), "inferenceConfig.stopSequences"):
        told["stop_sequences"] = [text(stop, f"inferenceConfig.stopSequences[{at}]") for at, stop in enumerate(stops)]
    return told


def _form(config: Object, dropped: Dropped) -> Fields:
    """The schema of the answer, which is written as a string."""
    dropped.others(config, ("textFormat", "effort"), "outputConfig.")
    if config.get("textFormat") is None:
        return {}
    place = "outputConfig.textFormat.structure.jsonSchema"
    structure = mapping(mapping(config["textFormat"], "outputConfig.textFormat").get("structure"), place.rpartition(".")[0])
    told = mapping(structure.get("jsonSchema"), place)
    try:
        schema: Any = lenient.loads(text(told.get("schema"), f"{place}.schema").encode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise wrong(f"{place}.schema", "a JSON Schema, written as a string") from error
    name, described = told.get("name"), told.get("description")
    form = response_format(mapping(schema, f"{place}.schema"), name if isinstance(name, str) and name else "answer")
    if isinstance(described, str) and described:
        form["json_schema"]["description"] = described
    return {"response_format": form}


def _tier(fields: Object, dropped: Dropped) -> Fields:
    """How fast, and for how much."""
    latency = optional(fields.get("performanceConfig"), "performanceConfig").get("latency")
    if latency not in (None, "standard"):
        dropped.add("performanceConfig", latency)
    tier = optional(fields.get("serviceTier"), "serviceTier").get("type")
    if isinstance(tier, str) and tier in _TIERS:
        return {"service_tier": tier}
    if tier is not None:
        dropped.add("serviceTier", tier)
    return {}
