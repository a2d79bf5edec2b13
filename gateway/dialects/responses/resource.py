"""The resource that a response is, with every key that its specification requires, and the ids in it."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from gateway.core.chat import ModelRequest
from gateway.dialects.responses import odd
from gateway.dialects.usage import usage_of

Fields = dict[str, Any]

_FORMAT: Final[Mapping[str, Any]] = {"format": {"type": "text"}}
_REASONS: Final[Mapping[str | None, str]] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why an answer is incomplete, by the finish reason of the chat."""


class Heading(NamedTuple):
    """What is known of a response from its beginning on."""

    id: str
    created_s: int
    model: str


def fresh_id(kind: str) -> str:
    """`resp`, `msg`, `rs`, `fc`, `ctc`."""
    return f"{kind}_{os.urandom(24).hex()}"


def heading(request: ModelRequest, chat: Mapping[str, Any], now_s: float) -> Heading:
    """From the first event of a chat's answer, or the whole of one."""
    created = chat.get("created")
    created_s = created if isinstance(created, int) and 0 < created < 2**53 else int(now_s)
    return Heading(fresh_id("resp"), created_s, odd.string(chat.get("model")) or request.model)


def begun(request: ModelRequest, head: Heading) -> Fields:
    """The resource as the first events show it."""
    fields = request.fields
    return {
        "id": head.id,
        "object": "response",
        "created_at": head.created_s,
        "completed_at": None,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": fields.get("instructions"),
        "max_output_tokens": fields.get("max_output_tokens"),
        "max_tool_calls": fields.get("max_tool_calls"),
        "model": head.model,
        "output": [],
        "parallel_tool_calls": _or(fields, "parallel_tool_calls", otherwise=True),
        "previous_response_id": None,
        "presence_penalty": _or(fields, "presence_penalty", otherwise=0.0),
        "frequency_penalty": _or(fields, "frequency_penalty", otherwise=0.0),
        "prompt_cache_key": fields.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None, **odd.mapping(fields.get("reasoning"))},
        "safety_identifier": fields.get("safety_identifier"),
        "service_tier": _or(fields, "service_tier", otherwise="default"),
        "store": False,
        "temperature": _or(fields, "temperature", otherwise=1.0),
        "text": {**_FORMAT, **{key: one for key, one in odd.mapping(fields.get("text")).items() if one is not None}},
        "tool_choice": _or(fields, "tool_choice", otherwise="auto"),
        "tools": [_tool(tool) for tool in odd.sequence(fields.get("tools"))],
        "top_logprobs": _or(fields, "top_logprobs", otherwise=0),
        "top_p": _or(fields, "top_p", otherwise=1.0),
        "truncation": "disabled",
        "usage": None,
        "user": fields.get("user"),
        "metadata": _or(fields, "metadata", otherwise={}),
    }


def ended(resource: Fields, output: Sequence[Fields], finish: str | None, spent: Fields | None, now_s: float) -> Fields:
    """The same at the end. `finish`: the chat's finish reason."""
    reason = _REASONS.get(finish)
    return {
        **resource,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "completed_at": None if reason else max(int(now_s), resource["created_at"]),
        "output": list(output),
        "usage": spent,
    }


def is_cut(finish: str | None) -> bool:
    """Whether an answer with this finish reason is incomplete."""
    return finish in _REASONS


def usage(told: object) -> Fields | None:
    """A chat's usage in the words of a response; None where there is none."""
    if not isinstance(told, Mapping) or not told:
        return None
    sums = usage_of(told)
    return {
        "input_tokens": sums.prompt,
        "input_tokens_details": {"cached_tokens": sums.read, "cache_write_tokens": sums.written},
        "output_tokens": sums.completion,
        "output_tokens_details": {"reasoning_tokens": sums.reasoning},
        "total_tokens": sums.prompt + sums.completion,
    }


def _or(fields: Mapping[str, Any], name: str, *, otherwise: Any) -> Any:
    value = fields.get(name)
    return otherwise if value is None else value


def _tool(tool: Any) -> Any:
    """As it came, with what a function must have at least as null."""
    if not isinstance(tool, Mapping) or tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": None, **tool}
