"""A finished chat completion as candidates, and what the stream needs of the same: parts, usage, and why it ended."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from gateway.core.chat import ModelRequest
from gateway.core.errors import UpstreamBroken
from gateway.dialects import lenient, thinking
from gateway.dialects.arguments import calls_of, parsed
from gateway.dialects.gemini.request import shows_thoughts
from gateway.dialects.gemini.tools import known_names
from gateway.dialects.naming import own
from gateway.dialects.shapes import Fields, Object
from gateway.dialects.usage import usage_of

_REASONS: Final[Mapping[str, str]] = MappingProxyType({"length": "MAX_TOKENS", "content_filter": "SAFETY"})
"""All others are `STOP`, calls too."""
_NATIVE: Final = frozenset(
    (
        *("RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "IMAGE_RECITATION", "NO_IMAGE"),
        *("UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"),
    )
)
"""Gemini's own reasons that a chat has no word for."""


def answer(request: ModelRequest, completion: Mapping[str, Any]) -> bytes:
    """See `Translation`."""
    choices = completion.get("choices")
    known = [choice for choice in choices if isinstance(choice, Mapping)] if isinstance(choices, list) else []
    if not known:
        raise UpstreamBroken("The provider's answer has no choices.")
    candidates = [_candidate(request, at, choice) for at, choice in enumerate(known)]
    told = {"candidates": candidates, "usageMetadata": usage_metadata(completion.get("usage"))}
    return lenient.dumps(told | identity(completion, request.model))


def identity(said: Object, model: str) -> Fields:
    """Which model answered, and the id of the answer."""
    named, own = said.get("model"), said.get("id")
    told: Fields = {"modelVersion": named if isinstance(named, str) and named else model}
    if isinstance(own, str) and own:
        told["responseId"] = own
    return told


def _candidate(request: ModelRequest, at: int, choice: Object) -> Fields:
    said = choice.get("message")
    if not isinstance(said, Mapping):
        raise UpstreamBroken("A choice in the provider's answer has no message.")
    reasoning = said.get("reasoning_content") or said.get("reasoning")
    parts: list[Fields] = []
    if isinstance(reasoning, str) and reasoning and shows_thoughts(request):
        parts.append(thought(reasoning))
    parts += [{"text": words} for words in (said.get("content"), said.get("refusal")) if isinstance(words, str) and words]
    parts += [function_call(request, call) for _, call in calls_of(said)]
    index = choice.get("index")
    ended = finish_reason(choice, refused=bool(said.get("refusal")))
    return candidate(index if isinstance(index, int) else at, parts, ended)


def candidate(index: int, parts: Sequence[Fields], ended: str | None = None) -> Fields:
    """One candidate. It always has a part: Google's SDKs take a chat whose turn has none out of the history."""
    told: Fields = {"content": {"role": "model", "parts": list(parts) or [{"text": ""}]}}
    if ended is not None:
        told["finishReason"] = ended
    return told | {"index": index}


def thought(words: str) -> Fields:
    """A part that the model thought."""
    return {"text": words, "thought": True}


def function_call(request: ModelRequest, call: Object) -> Fields:
    """A part that is a call; its id goes to the caller as it is, for something may be sealed in it."""
    call_id, name = call.get("id"), call["function"].get("name")
    named = own(name, known_names(request.fields)) if isinstance(name, str) else ""
    told: Fields = {"name": named, "args": parsed(call["function"].get("arguments"))}
    if isinstance(call_id, str) and call_id:
        told = {"id": call_id, **told}
    part: Fields = {"functionCall": told}
    if signature := _signature(call, call_id):
        part["thoughtSignature"] = signature
    return part


def _signature(call: Object, call_id: object) -> str | None:
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, Mapping) else None
    signature = google.get("thought_signature") if isinstance(google, Mapping) else None
    if isinstance(signature, str) and signature:
        return signature
    return thinking.opened(call_id).signature if isinstance(call_id, str) else None


def finish_reason(choice: Object, *, refused: bool) -> str:
    """From the choice's `finish_reason`, and from the provider's own word where that is one of Gemini's."""
    native, said = choice.get("native_finish_reason"), choice.get("finish_reason")
    if isinstance(native, str) and native in _NATIVE:
        return native
    if refused:
        return "SAFETY"
    return _REASONS.get(said, "STOP") if isinstance(said, str) else "STOP"


def usage_metadata(told: object) -> Fields:
    """Gemini's sums: the candidates apart from the thoughts, the cache within the prompt."""
    sums = usage_of(told)
    metadata: Fields = {
        "promptTokenCount": sums.prompt,
        "candidatesTokenCount": max(0, sums.completion - sums.reasoning),
        "totalTokenCount": sums.prompt + sums.completion,
    }
    if sums.reasoning:
        metadata["thoughtsTokenCount"] = min(sums.reasoning, sums.completion)
    if sums.read:
        metadata["cachedContentTokenCount"] = sums.read
    return metadata
