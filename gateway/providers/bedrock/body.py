"""The body of a Converse request from a chat, and what of the chat it cannot say."""

import math
from typing import Final, NamedTuple

from gateway.core.chat import ModelRequest
from gateway.core.errors import InvalidValue, UpstreamBroken
from gateway.dialects import lenient
from gateway.dialects.shapes import Dropped, Fields, Object, wrong
from gateway.providers.anthropic.body import name_the_rest
from gateway.providers.anthropic.reasoning import Reasoning, reasoning
from gateway.providers.anthropic.schemas import answer_schema
from gateway.providers.anthropic.tooling import answers_by_tool, schema_of
from gateway.providers.bedrock.content import Block
from gateway.providers.bedrock.messages import Conversation
from gateway.providers.bedrock.models import Model, model_of
from gateway.providers.bedrock.tools import forces, tool_config

_OWN: Final = ("guardrailConfig", "performanceConfig", "requestMetadata")
"""Converse's own fields, which callers may send beside OpenAI's."""
_TIERS: Final = frozenset({"default", "flex", "priority", "reserved"})


class Body(NamedTuple):
    """The text of a request, and the names of what was left out."""

    text: bytes
    dropped: tuple[str, ...]


def converse(request: ModelRequest, model_id: str) -> Body:
    """A Converse request for a chat. Raises `InvalidValue` for what is no chat."""
    fields, model, dropped = request.fields, model_of(model_id), Dropped()
    said = Conversation.of(fields.get("messages"), model, dropped)
    tools = tool_config(fields, model, said.called, dropped)
    thought = reasoning(fields, model.family, dropped, forced=forces(tools), replayed=_is_replayed(said))
    body: Block = {"messages": said.turns}
    if system := [*said.system, *_instructions(fields, model, dropped)]:
        body["system"] = system
    inference, extra = _inference(fields, model, thought, dropped)
    extra |= _parallel(fields, model, tools, dropped)
    output = _output(fields, model, thought, extra)
    if "stopSequences" in inference and model.is_claude:
        body["additionalModelResponseFieldPaths"] = ["/stop_sequence"]
    named = {"inferenceConfig": inference, "toolConfig": tools, "additionalModelRequestFields": extra, "outputConfig": output}
    body |= {name: value for name, value in named.items() if value}
    body |= {name: fields[name] for name in _OWN if isinstance(fields.get(name), dict)}
    body |= _tier(fields, dropped)
    name_the_rest(fields, _OWN, dropped)
    return Body(dumped(body), dropped.words())


def dumped(body: Object) -> bytes:
    """JSON. Raises `InvalidValue` for what cannot be written."""
    try:
        return lenient.dumps(body)
    except UpstreamBroken as error:  # what it says of a provider's answer
        raise InvalidValue("The request is nested too deeply, or a number in it is too great.", param="messages") from error


def _is_replayed(said: Conversation) -> bool:
    """Whether the last tool calls stand behind the thinking that led to them."""
    last: list[Block] = next((turn["content"] for turn in reversed(said.turns) if turn["role"] == "assistant"), [])
    return all("toolUse" not in block for block in last) or "reasoningContent" in last[0]


# ---------------------------------------------------------------- the answer's form


def _instructions(fields: Object, model: Model, dropped: Dropped) -> list[Block]:
    """What is said about the answer's form where no field says it."""
    told = fields.get("response_format")
    kind = told.get("type") if isinstance(told, dict) else "text"
    if told is None or kind == "text":
        return []
    if kind not in ("json_object", "json_schema"):
        dropped.add("response_format", kind)
        return []
    schema = schema_of(fields)
    if schema is None:
        return [{"text": "Answer with one JSON object and nothing else."}]
    if model.family.formats or answers_by_tool(fields, model.family):
        return []
    return [{"text": f"Answer with JSON of this schema and nothing else:\n{dumped(schema).decode()}"}]


def _output(fields: Object, model: Model, thought: Reasoning, extra: Block) -> Block:
    """`outputConfig`. The effort stands in it where it is needed for a schema, else among the model's own fields."""
    schema = schema_of(fields)
    if schema is None or not model.family.formats:
        if thought.effort is not None:
            extra |= {"output_config": {"effort": thought.effort}} if model.is_claude else {"reasoning_effort": thought.effort}
        return {}
    told = fields["response_format"]["json_schema"]
    form: Block = {"schema": dumped(answer_schema(schema) if model.is_claude else schema).decode()}
    form |= {name: told[name] for name in ("name", "description") if isinstance(told.get(name), str) and told[name]}
    output: Block = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": form}}}
    if thought.effort is not None:
        output["effort"] = thought.effort
    return output


# ---------------------------------------------------------------- parameters


def _inference(fields: Object, model: Model, thought: Reasoning, dropped: Dropped) -> tuple[Block, Block]:
    """`inferenceConfig`, and what of the same kind is the model's own."""
    limited = any(fields.get(name) is not None for name in ("max_completion_tokens", "max_tokens"))
    budgeted = thought.thinking is not None and thought.thinking["type"] == "enabled"
    inference: Block = {"maxTokens": thought.max_tokens} if limited or budgeted else {}
    extra: Block = {} if thought.thinking is None else {"thinking": thought.thinking}
    inference |= _sampled(fields, model, thought, dropped)
    if stops := _stops(fields, dropped):
        inference["stopSequences"] = stops
    top_k = _number(fields, "top_k")
    if top_k is not None and top_k >= 1:
        if model.is_claude and model.family.samples and not thought.on:
            extra["top_k"] = int(top_k)
        elif model.is_nova:
            extra["inferenceConfig"] = {"topK": int(top_k)}
        else:
            dropped.add("top_k")
    return inference, extra


def _sampled(fields: Object, model: Model, thought: Reasoning, dropped: Dropped) -> Block:
    """Temperature and top_p, between 0 and 1, as far as the model takes them."""
    told = {"temperature": _number(fields, "temperature"), "top_p": _number(fields, "top_p")}
    kept = {name: min(max(value, 0), 1) for name, value in told.items() if value is not None}
    if not model.family.samples or thought.on:
        kept = {}
    elif len(kept) == 2 and model.samples_one_way:
        del kept["top_p"]
    for name, value in told.items():
        if value not in (None, 1) and name not in kept:
            dropped.add(name)
    return {("topP" if name == "top_p" else name): value for name, value in kept.items()}


def _number(fields: Object, name: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise wrong(name, "a number")
    return value


def _stops(fields: Object, dropped: Dropped) -> list[str]:
    told = fields.get("stop")
    listed = [told] if isinstance(told, str) else told
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise wrong("stop", "a string or an array of strings")
    stops = [one for one in listed if one.strip()]
    if len(stops) < len(listed):
        dropped.add("stop", "white space alone")
    return stops


def _parallel(fields: Object, model: Model, tools: Block | None, dropped: Dropped) -> Fields:
    """One call at a time. Converse has no field for it, and Claude's own leaves no room for a choice in Converse's."""
    if fields.get("parallel_tool_calls") is not False or tools is None:
        return {}
    if model.is_claude and model.family.formats and not forces(tools):
        return {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    if "tool" not in tools.get("toolChoice", {}):  # one that names a tool has one call anyway
        dropped.add("parallel_tool_calls")
    return {}


def _tier(fields: Object, dropped: Dropped) -> Block:
    tier = fields.get("service_tier")
    if tier is None or tier == "auto":
        return {}
    if isinstance(tier, str) and tier in _TIERS:
        return {"serviceTier": {"type": tier}}
    dropped.add("service_tier", tier)
    return {}
