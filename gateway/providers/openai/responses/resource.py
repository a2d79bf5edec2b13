"""A response of the provider's own: the fault that it is, the chat that it says, and its ids as the caller sees them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.core.errors import UpstreamBroken, UpstreamFault
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.dialects.owned import Marking
from gateway.dialects.ownership import mark
from gateway.dialects.referring import referring
from gateway.dialects.responses import odd
from gateway.providers.openai import faults
from gateway.providers.openai.envelope import is_error
from gateway.providers.openai.responses import framing

Fields = dict[str, Any]

_CALLERS: Final = ("invalid_", "image_", "empty_image", "unsupported_", "failed_to_download", "context_length")
"""Beginnings of codes that another try would meet as well."""
_POLICIES: Final = ("_policy", "_policy_violation", "content_filter", "data_residency_mismatch")
"""Ends of those."""
_OBJECTS: Final = (b"file_id", b"container", b"vector_store_ids")
"""What an answer that names objects has in it."""
_REASONS: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


def read(ask: Ask, body: bytes) -> Chunk:
    """A plain answer as one chunk: the body as it came, but for its ids. Queued is an answer, too; failed is a fault."""
    value = parsed(body)
    told = completion(value)
    return Chunk(marked(body, value, value, ask), (told,))


def parsed(body: bytes) -> Fields:
    """The resource in a body. Raises an `UpstreamFault` for an error dressed as success, a failed one, or none at all."""
    try:
        value = lenient.loads(body)
    except ValueError as error:
        raise UpstreamBroken("The provider's answer is not JSON.") from error
    if is_error(value):
        raise failure(value)
    if not isinstance(value, dict):
        raise UpstreamBroken("The provider's answer is JSON, but not an object.")
    if value.get("status") == "failed":
        raise failure(value)
    if value.get("object") != "response" or not isinstance(value.get("output"), list):
        raise UpstreamBroken("The provider's answer is no response.")
    return value


def failure(value: object) -> UpstreamFault:
    """The fault of an error event, a failed response, or an envelope."""
    error = odd.mapping(odd.mapping(value).get("error")) or odd.mapping(value)
    code = odd.string(error.get("code")) or ""
    if code.startswith(_CALLERS) or code.endswith(_POLICIES):
        return faults.within({"error": {"type": "invalid_request_error", **_without_type(error), "status": 400}})
    return faults.within(value)


def _without_type(error: Mapping[str, Any]) -> Fields:
    """An event's `type` is not the error's."""
    return {key: said for key, said in error.items() if key != "type" or said != "error"}


# ---------------------------------------------------------------- as the caller sees it


def marked(raw: bytes, event: Fields, response: Mapping[str, Any], ask: Ask) -> bytes:
    """`raw`, which says `event`, with the ids in it as the caller's own; `event` may be changed to that end.

    Those of the response itself are replaced where they stand. Objects stand in few answers; those are written anew.
    """
    owner, provider = ask.owner, ask.target.provider
    if not owner.secret:
        return raw
    marking = Marking(provider, owner)
    if any(hint in raw for hint in _OBJECTS):
        referring(event, marking, marking)
    changes = {own: mark(own, provider, owner) for own in _ids(response)}
    if marking.made or any(lenient.dumps(own) not in raw for own in changes):  # which is written with escapes then
        return framing.with_data(raw, lenient.dumps(_replaced(event, changes)))
    for own, shown in changes.items():
        raw = raw.replace(lenient.dumps(own), lenient.dumps(shown))
    return raw


def _ids(response: Mapping[str, Any]) -> Iterator[str]:
    conversation = response.get("conversation")
    for own in (
        response.get("id"),
        response.get("previous_response_id"),
        conversation.get("id") if isinstance(conversation, Mapping) else conversation,
    ):
        if isinstance(own, str) and own:
            yield own


def _replaced(value: Any, changes: Mapping[str, str]) -> Any:
    """The event with these ids replaced in the places that hold them."""
    if not isinstance(value, Mapping):
        return value
    names = ("id", "previous_response_id", "conversation", "response")
    return {key: _of(said, changes) if key in names else said for key, said in value.items()}


def _of(said: Any, changes: Mapping[str, str]) -> Any:
    return changes.get(said, said) if isinstance(said, str) else _replaced(said, changes)


# ---------------------------------------------------------------- as a chat


def completion(response: Mapping[str, Any]) -> Fields:
    """The chat completion that says the same."""
    output = odd.objects(response.get("output"))
    calls = [entry for item in output if (entry := call_of(item)) is not None]
    text, refusal = texts(output, "output_text", "text"), texts(output, "refusal", "refusal")
    message: Fields = {"role": "assistant", "content": text or None}
    if refusal:
        message["refusal"] = refusal
    if thought := "\n\n".join(filter(None, map(thought_in, output))):
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": finish(response, called=bool(calls))}
    return {**heading(response), "object": "chat.completion", "choices": [choice], "usage": usage(response.get("usage"))}


def heading(response: Mapping[str, Any]) -> Fields:
    """What a chat says of itself."""
    created = response.get("created_at")
    return {
        "id": response.get("id"),
        "created": int(created) if isinstance(created, int | float) and 0 < created < 2**53 else None,
        "model": response.get("model"),
        "service_tier": response.get("service_tier"),
    }


def finish(response: Mapping[str, Any], *, called: bool) -> str | None:
    """The finish reason; None for a response that has not ended, in the background."""
    if response.get("status") in ("queued", "in_progress"):
        return None
    reason = odd.string(odd.mapping(response.get("incomplete_details")).get("reason"))
    if reason is not None:
        return _REASONS.get(reason, "stop")
    return "tool_calls" if called else "stop"


def usage(told: object) -> Fields | None:
    """A response's usage as a chat's."""
    said = odd.mapping(told)
    if not said:
        return None
    taken, given = odd.mapping(said.get("input_tokens_details")), odd.mapping(said.get("output_tokens_details"))
    cached = {name: taken[name] for name in ("cached_tokens", "cache_write_tokens") if name in taken}
    return {
        "prompt_tokens": said.get("input_tokens"),
        "completion_tokens": said.get("output_tokens"),
        "total_tokens": said.get("total_tokens"),
        "prompt_tokens_details": cached,
        "completion_tokens_details": dict(given),
    }


def call_of(item: Mapping[str, Any]) -> Fields | None:
    """The call of a tool in an item; None where it is none of the caller's own."""
    named = {"name": odd.string(item.get("name")) or ""}
    if item.get("type") == "function_call":
        function = {**named, "arguments": odd.string(item.get("arguments")) or ""}
        return {"id": item.get("call_id"), "type": "function", "function": function}
    if item.get("type") == "custom_tool_call":
        return {"id": item.get("call_id"), "type": "custom", "custom": {**named, "input": odd.string(item.get("input")) or ""}}
    return None


def texts(items: list[Mapping[str, Any]], kind: str, slot: str) -> str:
    """What the messages among these items say in parts of this kind."""
    parts = [part for item in items if item.get("type") == "message" for part in odd.objects(item.get("content"))]
    return "".join(odd.string(part.get(slot)) or "" for part in parts if part.get("type") == kind)


def thought_in(item: Mapping[str, Any]) -> str:
    """What an item shows of the reasoning."""
    if item.get("type") != "reasoning":
        return ""
    shown = odd.objects(item.get("content")) or odd.objects(item.get("summary"))
    return "\n\n".join(filter(None, (odd.string(part.get("text")) for part in shown)))
