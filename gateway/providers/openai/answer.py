"""Reads a plain answer: a sound one goes on to the byte, what is harmless is mended, what is no answer is a fault.

Mended: an `index`, `role`, `type` or id that is missing; a finish reason that is missing or has another name (a plain answer
is whole, so it ended with `stop`, or with `tool_calls` where it calls); arguments that are an object instead of a string.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.providers.intake import answer_in
from gateway.providers.openai import calls, faults
from gateway.providers.openai.mending import Fields, finish_reason, fresh_id

_GLANCE: Final = 8 * 1024
"""Bytes from which on an embeddings answer is not parsed: its vectors say nothing that the gateway needs."""
_OBJECTS: Final = {Operation.CHAT: "chat.completion", Operation.COMPLETIONS: "text_completion"}
_DECODER: Final = json.JSONDecoder()


def read(ask: Ask, body: bytes, wall_s: float) -> Chunk:
    """The whole answer as one chunk. Raises a fault for an error dressed as success, and `UpstreamBroken` for no answer."""
    request = ask.request
    if request.operation is Operation.EMBEDDINGS:
        return Chunk(body, (_embeddings(body),))
    value = _object(body)
    changed = _mended(request.operation, request.model, value, wall_s)
    return Chunk(lenient.dumps(value) if changed else body, (value,))


def completion(operation: Operation, model: str, body: bytes) -> Fields:
    """A whole completion that came where a stream was asked for, mended; `model` stands in where it names none."""
    value = _object(body)
    _mended(operation, model, value, 0.0)
    return value


def _object(body: bytes) -> Fields:
    return answer_in(body, faults.within)


# ---------------------------------------------------------------- completions


def _mended(operation: Operation, model: str, value: Fields, wall_s: float) -> bool:
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices:
        raise UpstreamBroken("The provider's answer has no choices.")
    changed = _heading(operation, model, value, wall_s)
    for position, choice in enumerate(choices):
        if not isinstance(choice, dict):
            raise UpstreamBroken("A choice in the provider's answer is not an object.")
        changed = _choice(operation, choice, position) or changed
    return changed


def _heading(operation: Operation, model: str, value: Fields, wall_s: float) -> bool:
    wanted = _OBJECTS[operation]
    if value.get("id") and value.get("object") == wanted and value.get("created") and value.get("model"):
        return False
    value["object"] = wanted
    value["id"] = value.get("id") or fresh_id(operation)
    value["created"] = value.get("created") or int(wall_s)
    value["model"] = value.get("model") or model
    return True


def _choice(operation: Operation, choice: Fields, position: int) -> bool:
    index = choice.get("index")
    changed = not isinstance(index, int) or isinstance(index, bool)
    if changed:
        choice["index"] = position
    called = False
    if operation is Operation.CHAT:
        message = choice.get("message")
        if not isinstance(message, dict):
            raise UpstreamBroken("A choice in the provider's answer has no message.")
        called = bool(message.get("tool_calls"))
        changed = _message(message) or changed
    elif not isinstance(choice.get("text"), str):
        raise UpstreamBroken("A choice in the provider's answer has no text.")
    said = choice.get("finish_reason")
    if (said != "stop" or called) and said != (right := finish_reason(said or "stop", called=called)):
        choice["finish_reason"], changed = right, True
    return changed


def _message(message: Fields) -> bool:
    changed = False
    if not message.get("role"):
        message["role"], changed = "assistant", True
    if "content" not in message:
        message["content"], changed = None, True
    entries = message.get("tool_calls")
    if not entries:
        return changed
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UpstreamBroken("The tool calls in the provider's answer are not a list of objects.")
    for entry in entries:
        changed = calls.complete(entry) or changed
    return changed


# ---------------------------------------------------------------- embeddings


def _embeddings(body: bytes) -> Mapping[str, Any]:
    """What a transcript needs of the answer: its usage. A long one is only glanced at, from its end."""
    if len(body) <= _GLANCE:
        value = _object(body)
        if not isinstance(value.get("data"), list):
            raise UpstreamBroken("The provider's answer has no embeddings.")
        return {"usage": value["usage"]} if isinstance(value.get("usage"), dict) else {}
    if body[:64].lstrip()[:1] != b"{" or body[-64:].rstrip()[-1:] != b"}" or b'"data"' not in body:
        value = _object(body)  # raises, but for an object without data
        raise UpstreamBroken("The provider's answer has no embeddings.")
    return _usage_at_the_end(body)


def _usage_at_the_end(body: bytes) -> Mapping[str, Any]:
    at = body.rfind(b'"usage"')
    start = body.find(b"{", at)
    if at < 0 or start < 0 or body[at + 7 : min(start, at + 64)].strip() != b":":
        return {}
    try:
        usage, _ = _DECODER.raw_decode(body[start : start + 4096].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return {"usage": usage}
