"""A finished chat completion as a message, and what the stream needs of the same: usage, and why it ended."""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gateway.core.chat import ModelRequest
from gateway.core.errors import UpstreamBroken
from gateway.dialects import lenient
from gateway.dialects.arguments import calls_of, parsed
from gateway.dialects.messages.offers import known_names
from gateway.dialects.messages.request import shows_thinking
from gateway.dialects.naming import own
from gateway.dialects.shapes import Fields, Object
from gateway.dialects.usage import usage_of

_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stop": "end_turn",
        "length": "max_tokens",
        "content_filter": "refusal",
        "tool_calls": "tool_use",
        "function_call": "tool_use",
    }
)
_NATIVE: Final = frozenset({"pause_turn", "refusal", "model_context_window_exceeded"})
"""Anthropic's own reasons that a chat has no word for."""


def answer(request: ModelRequest, completion: Mapping[str, Any]) -> bytes:
    """See `Translation`."""
    choice = first_choice(completion)
    said = choice.get("message")
    if not isinstance(said, Mapping):
        raise UpstreamBroken("The provider's answer has no message.")
    content = blocks(said, shows=shows_thinking(request))
    for block in content:
        if block["type"] == "tool_use":
            block["name"] = own(block["name"], known_names(request))
    called = any(block["type"] == "tool_use" for block in content)
    ending = ending_of(choice, called=called, refused=bool(said.get("refusal")))
    message = heading(completion.get("id"), completion.get("model") or request.model)
    message |= {"content": content, **ending._asdict(), "usage": usage(completion.get("usage"))}
    return lenient.dumps(message)


def heading(chat_id: object, model: object) -> Fields:
    """What a message begins with; the id is the chat's own, as far as it had one."""
    own = chat_id.removeprefix("chatcmpl-").removeprefix("msg_") if isinstance(chat_id, str) else ""
    return {
        "id": f"msg_{own or os.urandom(12).hex()}",
        "type": "message",
        "role": "assistant",
        "model": model if isinstance(model, str) else "",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage(None),
    }


class Ending(NamedTuple):
    """Why an answer ended, in the message's fields."""

    stop_reason: str
    stop_sequence: str | None
    stop_details: Object | None


def ending_of(choice: Object, *, called: bool, refused: bool) -> Ending:
    """From the choice's `finish_reason`, and from what a wire adds to it. `called`: the message has a `tool_use`."""
    native, sequence = choice.get("native_finish_reason"), choice.get("stop_sequence")
    sequence = sequence if isinstance(sequence, str) else None
    finish = choice.get("finish_reason")
    reason = _REASONS.get(finish, "end_turn") if isinstance(finish, str) else "end_turn"
    if isinstance(native, str) and native in _NATIVE:
        reason = native
    elif refused:
        reason = "refusal"
    elif reason in ("end_turn", "tool_use"):
        # A client goes through the calls that there are; of this reason without a call it can make nothing.
        reason = "tool_use" if called else "stop_sequence" if sequence is not None else "end_turn"
    details = {"type": "refusal", "category": None, "explanation": None} if reason == "refusal" else None
    return Ending(reason, sequence if reason == "stop_sequence" else None, details)


def usage(told: object) -> Fields:
    """Anthropic's sums: input apart from what a cache had a part in."""
    sums = usage_of(told)
    return {
        "input_tokens": sums.uncached,
        "cache_creation_input_tokens": sums.written,
        "cache_read_input_tokens": sums.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": max(0, sums.written - sums.written_1h),
            "ephemeral_1h_input_tokens": sums.written_1h,
        },
        "output_tokens": sums.completion,
        "output_tokens_details": {"thinking_tokens": min(sums.reasoning, sums.completion)},
        "service_tier": "standard",
    }


def first_choice(completion: Mapping[str, Any]) -> Object:
    """The one that a message tells. Raises `UpstreamBroken` where there is none."""
    choices = completion.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, Mapping) and choice.get("index") in (0, None):
            return choice
    raise UpstreamBroken("The provider's answer has no choices.")


# ---------------------------------------------------------------- blocks


def blocks(said: Object, *, shows: bool) -> list[Fields]:
    """What a message of a chat says. `shows`: thinking that nobody signed as well."""
    content: list[Fields] = [*signed(said.get("thinking_blocks"))]
    reasoning = said.get("reasoning_content") or said.get("reasoning")
    if not content and shows and isinstance(reasoning, str) and reasoning:
        content.append({"type": "thinking", "thinking": reasoning, "signature": ""})
    content += [{"type": "text", "text": words} for words in (said.get("content"), said.get("refusal")) if _is_said(words)]
    content += [
        tool_use(call.get("id"), call["function"].get("name"), parsed(call["function"].get("arguments")))
        for _, call in calls_of(said)
    ]
    return content


def signed(blocks: object) -> list[Fields]:
    """Thinking blocks in the form in which the SDKs read them; what is none is left out."""
    return [
        block
        for block in (blocks if isinstance(blocks, list) else ())
        if isinstance(block, dict) and (_is_thinking(block) or _is_redacted(block))
    ]


def _is_thinking(block: Object) -> bool:
    return (
        block.get("type") == "thinking" and isinstance(block.get("thinking"), str) and isinstance(block.get("signature"), str)
    )


def _is_redacted(block: Object) -> bool:
    return block.get("type") == "redacted_thinking" and isinstance(block.get("data"), str)


def _is_said(words: object) -> bool:
    return isinstance(words, str) and bool(words)


def tool_use(call_id: object, name: object, given: Object) -> Fields:
    """The block of a call; its id goes to the caller as it is, for something may be sealed in it."""
    known = call_id if isinstance(call_id, str) and call_id else f"toolu_{os.urandom(12).hex()}"
    return {"type": "tool_use", "id": known, "name": name if isinstance(name, str) else "", "input": given}
