"""A finished chat completion as Converse's answer, and what the stream needs of the same: usage, and why it ended."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.core.chat import ModelRequest
from gateway.core.errors import UpstreamBroken
from gateway.dialects import lenient
from gateway.dialects.converse.blocks import wrapped
from gateway.dialects.converse.request import SEQUENCE
from gateway.dialects.messages.answer import blocks, ending_of, first_choice
from gateway.dialects.shapes import Fields, Object
from gateway.dialects.usage import usage_of

_REASONS: Final[Mapping[str, str]] = MappingProxyType({"refusal": "content_filtered", "pause_turn": "end_turn"})
"""Anthropic's reasons that Converse has no word for; the others are the same."""
_NATIVE: Final = frozenset({"guardrail_intervened", "content_filtered", "malformed_model_output", "malformed_tool_use"})
"""Converse's own reasons that neither a chat nor Anthropic has a word for."""


def answer(request: ModelRequest, completion: Mapping[str, Any]) -> bytes:
    """See `Translation`."""
    choice = first_choice(completion)
    said = choice.get("message")
    if not isinstance(said, Mapping):
        raise UpstreamBroken("The provider's answer has no message.")
    content = [_block(block) for block in blocks(said, shows=True)]
    ended = ending(request, choice, called=any("toolUse" in block for block in content), refused=bool(said.get("refusal")))
    message = {"role": "assistant", "content": content}
    return lenient.dumps({"output": {"message": message}, **ended, **measured(completion.get("usage"), completion)})


def _block(block: Object) -> Fields:
    """One of Messages' blocks in Converse's words."""
    match block["type"]:
        case "thinking":
            signature = {"signature": block["signature"]} if block["signature"] else {}
            return {"reasoningContent": {"reasoningText": {"text": block["thinking"], **signature}}}
        case "redacted_thinking":
            return {"reasoningContent": {"redactedContent": wrapped(block["data"])}}
        case "tool_use":
            return {"toolUse": {"toolUseId": block["id"], "name": block["name"], "input": block["input"]}}
    return {"text": block["text"]}


def ending(request: ModelRequest, choice: Object, *, called: bool, refused: bool) -> Fields:
    """Why the answer ended: `stopReason`, and which stop sequence matched, if that was asked for."""
    reason, sequence, _ = ending_of(choice, called=called, refused=refused)
    native = choice.get("native_finish_reason")
    known = isinstance(native, str) and native in _NATIVE
    told: Fields = {"stopReason": native if known else _REASONS.get(reason, reason)}
    paths = request.fields.get("additionalModelResponseFieldPaths")
    if sequence is not None and isinstance(paths, list) and SEQUENCE in paths:
        told["additionalModelResponseFields"] = {SEQUENCE[1:]: sequence}
    return told


def measured(told: object, timed: Object) -> Fields:
    """What it took: tokens, those of a cache apart from the rest of the input, and milliseconds."""
    sums = usage_of(told)
    usage: Fields = {
        "inputTokens": sums.uncached,
        "outputTokens": sums.completion,
        "totalTokens": sums.prompt + sums.completion,
        "cacheReadInputTokens": sums.read,
        "cacheWriteInputTokens": sums.written,
    }
    if sums.written:
        lasting = (("1h", sums.written_1h), ("5m", sums.written - sums.written_1h))
        usage["cacheDetails"] = [{"ttl": ttl, "inputTokens": count} for ttl, count in lasting if count > 0]
    latency = timed.get("latency_ms")
    return {"usage": usage, "metrics": {"latencyMs": latency if isinstance(latency, int) else 0}}
