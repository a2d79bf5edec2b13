"""Reads a plain answer of Converse as a chat completion."""

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient, thinking
from gateway.providers.anthropic.tooling import ANSWER_TOOL, FREE, Expected, expected
from gateway.providers.bedrock.models import model_of, shown
from gateway.providers.bedrock.usage import finish_reason, sequence_of, tier_of, usage_of
from gateway.providers.openai.calls import CALL_LIMIT, fresh_call_id
from gateway.providers.openai.mending import fresh_id

Fields = dict[str, Any]


def read(ask: Ask, body: bytes, wall_s: float) -> Chunk:
    """The whole answer as one chunk. Raises `UpstreamBroken` for what is none."""
    value = _object(body)
    output = value.get("output")
    message = output.get("message") if isinstance(output, Mapping) else None
    blocks = message.get("content") if isinstance(message, Mapping) else None
    if not isinstance(blocks, list):
        raise UpstreamBroken("The provider's answer has no message.")
    model_id = ask.target.named(ask.request.model)
    said = Said(expected(ask.request, model_of(model_id).family))
    for block in blocks:
        if isinstance(block, Mapping):
            said.take(block)
    completion: Fields = {
        "id": fresh_id(Operation.CHAT),
        "object": "chat.completion",
        "created": int(wall_s),
        "model": shown(model_id),
        "choices": [_choice(said, value)],
        "usage": usage_of(value.get("usage")),
    }
    if (tier := tier_of(value.get("serviceTier"))) is not None:
        completion["service_tier"] = tier
    return Chunk(lenient.dumps(completion), (completion,))


def _choice(said: "Said", value: Mapping[str, Any]) -> Fields:
    reason = value.get("stopReason")
    finish = finish_reason(reason, called=bool(said.calls))
    choice: Fields = {"index": 0, "message": said.message(), "logprobs": None, "finish_reason": finish}
    if isinstance(reason, str):
        choice["native_finish_reason"] = reason
    if (matched := sequence_of(value.get("additionalModelResponseFields"))) is not None:
        choice["stop_sequence"] = matched
    return choice


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = lenient.loads(body)
    except ValueError as error:
        raise UpstreamBroken("The provider's answer is not JSON.") from error
    if not isinstance(value, dict):
        raise UpstreamBroken("The provider's answer is JSON, but not an object.")
    return value


class Said:
    """What the blocks of an answer say, gathered in OpenAI's form."""

    __slots__ = ("_answered", "_expected", "_reasoning", "_text", "calls", "thought")

    def __init__(self, read_with: Expected) -> None:
        self._expected = read_with
        self._answered = False
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self.thought: list[Fields] = []
        self.calls: list[Fields] = []

    def take(self, block: Mapping[str, Any]) -> None:
        """One block; of a kind that is not known, nothing."""
        if isinstance(text := block.get("text"), str):
            self._say(text)
        elif isinstance(cited := block.get("citationsContent"), Mapping):
            pieces = cited.get("content")
            for piece in pieces if isinstance(pieces, list) else ():
                self._say(string(piece.get("text")) if isinstance(piece, Mapping) else "")
        elif isinstance(reasoned := block.get("reasoningContent"), Mapping):
            self._reason(reasoned)
        elif isinstance(used := block.get("toolUse"), Mapping) and used.get("type") != "server_tool_use":
            self._call(used)

    def _say(self, text: str) -> None:
        if not self._answered:
            self._text.append(text)

    def _reason(self, reasoned: Mapping[str, Any]) -> None:
        said = reasoned.get("reasoningText")
        text, signature = (string(said.get("text")), string(said.get("signature"))) if isinstance(said, Mapping) else ("", "")
        if text:
            self._reasoning.append(text)
        self.thought += thought_of(text, signature, reasoned.get("redactedContent"))

    def _call(self, used: Mapping[str, Any]) -> None:
        if len(self.calls) >= CALL_LIMIT:
            raise UpstreamBroken(f"The provider's answer calls more than {CALL_LIMIT} tools.")
        name, given = string(used.get("name")), used.get("input")
        words = lenient.dumps(given if given is not None else {}).decode()
        if self._expected.answers and name == ANSWER_TOOL:
            self._text, self._answered = [words], True  # whatever is said around it is no part of the answer
            return
        call_id = string(used.get("toolUseId")) or fresh_call_id()
        sealed = call_id if self.calls else seal(call_id, self.thought)
        self.calls.append({"id": sealed, **call_of(name, words, self._expected)})

    def message(self) -> Fields:
        """The assistant's message."""
        text = "".join(self._text)
        message: Fields = {"role": "assistant", "content": text or (None if self.calls else "")}
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if self.thought:
            message["thinking_blocks"] = self.thought
        if self.calls:
            message["tool_calls"] = self.calls
        return message


# ---------------------------------------------------------------- what a stream reads in the same way


def thought_of(text: str, signature: str, redacted: object) -> list[Fields]:
    """Thinking as a block that the next turn can bring back; none where nobody signed it."""
    if isinstance(redacted, str) and redacted:
        return [{"type": "redacted_thinking", "data": redacted}]
    return [{"type": "thinking", "thinking": text, "signature": signature}] if signature else []


def seal(call_id: str, blocks: list[Fields]) -> str:
    """The id with the thinking before it sealed in; without, where that cannot be written."""
    try:
        return thinking.seal(call_id, blocks)
    except orjson.JSONEncodeError:  # half of a surrogate pair
        return call_id


def call_of(name: str, words: str, read_with: Expected) -> Fields:
    """A call in OpenAI's form but for its id, under the caller's own name for the tool."""
    own = read_with.names.get(name, name)
    if name in read_with.custom:
        return {"type": "custom", "custom": {"name": own, "input": _free(words)}}
    return {"type": "function", "function": {"name": own, "arguments": words}}


def _free(words: str) -> str:
    """The text for a tool that takes free text, out of the object that it was asked for in."""
    try:
        value = lenient.loads(words.encode("utf-8", "surrogatepass"))
    except ValueError:
        return words
    text = value.get(FREE) if isinstance(value, dict) else None
    return text if isinstance(text, str) else words


def string(value: object) -> str:
    """A string; empty for anything else."""
    return value if isinstance(value, str) else ""
