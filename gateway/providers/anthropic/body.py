"""The body of a Messages request from a chat, and what of the chat it cannot say.

`messages_body` is what every provider of Claude shares: where the model's name goes, and which version, is theirs.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gateway.core.chat import ModelRequest
from gateway.dialects.shapes import Dropped, Fields, Object, objects, optional, wrong
from gateway.dialects.shapes import written as as_json
from gateway.providers.anthropic import tooling
from gateway.providers.anthropic.models import Family, family
from gateway.providers.anthropic.reasoning import Reasoning, reasoning
from gateway.providers.anthropic.schemas import answer_schema, input_schema
from gateway.providers.anthropic.turns import Turns

UNSAMPLED: Final = "2026-10-21"
"""The version from which on there are no sampling parameters."""

_KNOWN: Final = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"),
        *("top_k", "stop", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "response_format"),
        *("reasoning_effort", "thinking", "user", "safety_identifier", "service_tier"),
    }
)
_NO_CHANGE: Final = frozenset({"metadata", "prompt_cache_key", "prompt_cache_retention"})
"""What changes no answer is left out without a word."""
_DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "n": 1,
        "frequency_penalty": 0,
        "presence_penalty": 0,
        "logprobs": False,
        "top_logprobs": 0,
        "logit_bias": {},
        "store": False,
        "modalities": ["text"],
    }
)
_OWN: Final = frozenset({"cache_control", "container", "context_management", "inference_geo", "mcp_servers", "speed"})
"""Anthropic's own fields, which its callers send with the others' SDKs as extra ones."""
_TIERS: Final[Mapping[str, str]] = MappingProxyType(
    {"auto": "auto", "priority": "auto", "default": "standard_only", "standard_only": "standard_only"}
)
_PERSONAL: Final = re.compile(r"@|^\+?[\d\s().-]{7,}$")
_USER_LIMIT: Final = 256


class Body(NamedTuple):
    """The fields of a request, and the names of what was left out."""

    fields: Fields
    dropped: tuple[str, ...]


def messages_body(request: ModelRequest, model: str, version: str) -> Body:
    """A Messages request for a chat. Raises `InvalidValue` for what is no chat.

    `model`: its name at the provider, by which its family is found. `version`: the API's.
    """
    fields, known, dropped = request.fields, family(model), Dropped()
    turns = Turns(dropped)
    for message, place in objects(fields.get("messages"), "messages"):
        turns.take(message, place)
    tools = _tools(fields, known, dropped)
    turns.end(prefills=known.prefills and not tooling.thinks(fields))
    choice = tools.get("tool_choice", {})
    thought = reasoning(fields, known, dropped, forced=choice.get("type") in ("any", "tool"), replayed=_replayed(turns))
    body: Fields = {"model": model, "max_tokens": thought.max_tokens}
    if system := [*turns.system, *_instructions(fields, known)]:
        body["system"] = system[0]["text"] if len(system) == 1 and system[0].keys() == {"type", "text"} else system
    body["messages"] = turns.turns
    body |= tools or _stubs(turns)
    body |= _thought(thought, fields, known, dropped)
    body |= _sampling(fields, thought, dropped, samples=known.samples and version < UNSAMPLED)
    body |= _account(fields, dropped)
    if request.stream:
        body["stream"] = True
    name_the_rest(fields, _OWN, dropped)
    return Body(body, dropped.words())


def _replayed(turns: Turns) -> bool:
    """Whether the last tool calls stand behind the thinking that led to them."""
    last = next((turn for turn in reversed(turns.turns) if turn["role"] == "assistant"), None)
    if last is None or all(block["type"] != "tool_use" for block in last["content"]):
        return True
    return last["content"][0]["type"] in ("thinking", "redacted_thinking")


# ---------------------------------------------------------------- tools and formats


def _tools(fields: Object, known: Family, dropped: Dropped) -> Fields:
    if tooling.answers_by_tool(fields, known):
        schema = input_schema(tooling.schema_of(fields))
        return {
            "tools": [{"name": tooling.ANSWER_TOOL, "description": "Gives the answer.", "input_schema": schema}],
            "tool_choice": {"type": "tool", "name": tooling.ANSWER_TOOL},
        }
    tools = tooling.tools_of(fields, dropped)
    written: Fields = {}
    if choice := tooling.tool_choice(fields, tools, dropped):
        if choice["type"] in ("any", "tool") and not known.forces:
            dropped.add("tool_choice")
            choice = {**{key: value for key, value in choice.items() if key != "name"}, "type": "auto"}
        written["tool_choice"] = choice
    if tools := tooling.allowed(fields, tools):
        return {"tools": tools, **written}
    return {}


def _stubs(turns: Turns) -> Fields:
    tools = tooling.stubs(turns.turns)
    return {"tools": tools, "tool_choice": {"type": "none"}} if tools else {}


def _instructions(fields: Object, known: Family) -> list[Fields]:
    """What is said about the answer's form where no field of the API's says it."""
    told = fields.get("response_format")
    if not isinstance(told, dict):
        return []
    schema = tooling.schema_of(fields)
    if schema is None:
        words = "Answer with one JSON object and nothing else." if told.get("type") in ("json_object", "json_schema") else ""
    elif known.formats or tooling.answers_by_tool(fields, known):
        words = ""
    else:
        words = f"Answer with JSON of this schema and nothing else:\n{as_json(schema, 'response_format')}"
    return [{"type": "text", "text": words}] if words else []


def _thought(thought: Reasoning, fields: Object, known: Family, dropped: Dropped) -> Fields:
    written: Fields = {} if thought.thinking is None else {"thinking": thought.thinking}
    config: Fields = {} if thought.effort is None else {"effort": thought.effort}
    schema = tooling.schema_of(fields)
    if schema is not None and known.formats:
        config["format"] = {"type": "json_schema", "schema": answer_schema(schema)}
    told = optional(fields.get("response_format"), "response_format").get("type", "text")
    if told not in ("text", "json_object", "json_schema"):
        dropped.add("response_format", told)
    return {**written, "output_config": config} if config else written


# ---------------------------------------------------------------- parameters


def _sampling(fields: Object, thought: Reasoning, dropped: Dropped, *, samples: bool) -> Fields:
    written: Fields = {}
    temperature, top_p, top_k = _number(fields, "temperature"), _number(fields, "top_p"), _number(fields, "top_k")
    if samples and not thought.on:
        if temperature is not None:
            written["temperature"] = min(max(temperature, 0), 1)
        if top_p is not None and temperature is None:  # both are a 400 on most models
            written["top_p"] = min(max(top_p, 0), 1)
        if top_k is not None and top_k >= 1:
            written["top_k"] = int(top_k)
    for name, value in (("temperature", temperature), ("top_p", top_p), ("top_k", top_k)):
        if value is not None and name not in written and not _is_no_sampling(name, value):
            dropped.add(name)
    if stops := _stops(fields, dropped):
        written["stop_sequences"] = stops
    return written


def _is_no_sampling(name: str, value: float) -> bool:
    """Whether leaving it out makes no difference."""
    return value < 1 if name == "top_k" else value == 1


def _number(fields: Object, name: str) -> float | int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise wrong(name, "a number")
    return value


def _stops(fields: Object, dropped: Dropped) -> list[str]:
    told = fields.get("stop")
    listed = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    if (told is not None and not isinstance(told, str | list)) or not all(isinstance(one, str) for one in listed):
        raise wrong("stop", "a string or an array of strings")
    stops = [one for one in listed if one.strip()]
    if len(stops) < len(listed):
        dropped.add("stop", "white space alone")
    return stops


def _account(fields: Object, dropped: Dropped) -> Fields:
    """For whom, and in which class of service."""
    written: Fields = {name: fields[name] for name in sorted(_OWN) if fields.get(name) is not None}
    user = fields.get("user") or fields.get("safety_identifier")
    if isinstance(user, str) and user:
        written["metadata"] = {"user_id": _pseudonym(user)}
    tier = fields.get("service_tier")
    if isinstance(tier, str) and tier in _TIERS:
        written["service_tier"] = _TIERS[tier]
    elif tier is not None:
        dropped.add("service_tier", tier)
    return written


def _pseudonym(user: str) -> str:
    """The user as an id that the API takes: it refuses e-mail addresses, telephone numbers and long ones."""
    if len(user) <= _USER_LIMIT and not _PERSONAL.search(user):
        return user
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()


def name_the_rest(fields: Object, own: Iterable[str], dropped: Dropped) -> None:
    """Names what would change the answer and is not read; `own`: fields of the API itself, which are."""
    quiet = {name for name, default in _DEFAULTS.items() if name in fields and fields[name] == default}
    dropped.others(fields, _KNOWN | _NO_CHANGE | quiet | set(own))
