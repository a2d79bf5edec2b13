"""Chat completions: the answer in OpenAI's exact shapes, plain and as a stream."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import orjson

from gateway.providers.echo import answer, fields, question, tokens
from gateway.providers.echo.answer import Answer
from gateway.providers.echo.fields import Fields
from gateway.providers.echo.heading import FINGERPRINT, Heading, fresh
from gateway.providers.echo.script import Script
from gateway.providers.echo.stream import Events, event


class Chat:
    """One chat, answered."""

    def __init__(self, request: Fields, script: Script, created: int) -> None:
        turns = question.messages(request)
        self._script = script
        self._answer = answer.to_chat(request, turns, script)
        self._count = fields.whole(request, "n", 1, 128) or 1
        self._prompt = question.prompt_tokens(request, turns)
        self._wants_usage = fields.wants_usage(request)
        self._heading = Heading(fresh("chatcmpl"), created, request["model"])

    def plain(self) -> bytes:
        """The completion in one piece."""
        choices = [
            {"index": index, "message": _message(self._answer), "logprobs": None, "finish_reason": self._answer.finish}
            for index in range(self._count)
        ]
        more = {"usage": self._usage()} if self._script.usage else {}
        return orjson.dumps(
            self._heading.over("chat.completion", choices, **more, service_tier="default", system_fingerprint=FINGERPRINT)
        )

    def events(self) -> Events:
        """The completion as chunks: the role, the words or arguments, the finish reason, the usage."""
        each = [_deltas(self._answer, self._script.chunk) for _ in range(self._count)]
        role = {"role": "assistant", "content": None if self._answer.calls else "", "refusal": None}
        return Events(
            (self._chunk(index, role) for index in range(self._count)),
            (self._chunk(index, delta) for row in zip_longest(*each) for index, delta in enumerate(row) if delta is not None),
            self._closing(),
        )

    def _closing(self) -> Iterator[bytes]:
        for index in range(self._count):
            yield self._chunk(index, {}, self._answer.finish)
        if self._wants_usage and self._script.usage:
            yield event(self._over([], usage=self._usage()))

    def _chunk(self, index: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event(self._over([choice], **({"usage": None} if self._wants_usage else {})))

    def _over(self, choices: list[Any], **more: Any) -> dict[str, Any]:
        return self._heading.over(
            "chat.completion.chunk", choices, service_tier="default", system_fingerprint=FINGERPRINT, **more
        )

    def _usage(self) -> dict[str, Any]:
        return tokens.usage(self._prompt, self._answer.tokens() * self._count, self._script.cached)


def _message(said: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None if said.calls else said.text, "refusal": None}
    if said.calls:
        message["tool_calls"] = [call.entry(fresh("call"), call.words) for call in said.calls]
    message["annotations"] = []
    return message


def _deltas(said: Answer, words: int) -> Iterator[dict[str, Any]]:
    for piece in answer.pieces(said.text, words):
        yield {"content": piece}
    for index, call in enumerate(said.calls):
        yield {"tool_calls": [{"index": index, **call.entry(fresh("call"), "")}]}
        step = words * 2 * tokens.CHARACTERS
        for start in range(0, len(call.words), step):
            yield {"tool_calls": [{"index": index, call.kind: {call.slot: call.words[start : start + step]}}]}
