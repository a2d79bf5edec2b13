"""Legacy completions: every prompt given back, plain and as a stream."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import orjson

from gateway.providers.echo import answer, fields, inputs, tokens
from gateway.providers.echo.answer import Answer
from gateway.providers.echo.fields import Fields
from gateway.providers.echo.heading import FINGERPRINT, Heading, fresh
from gateway.providers.echo.script import Script
from gateway.providers.echo.stream import Events, event


class Completions:
    """One legacy completion, answered: `n` choices for each prompt."""

    def __init__(self, request: Fields, script: Script, created: int) -> None:
        asked = inputs.texts(request, "prompt")
        count = fields.whole(request, "n", 1, 128) or 1
        again = request.get("echo") is True
        answers = [answer.bounded(request, answer.filled(script, text)) for text, _ in asked]
        self._script = script
        self._prompt = sum(cost for _, cost in asked)
        self._completion = sum(said.tokens() for said in answers) * count
        self._choices = [
            Answer(text + said.text if again else said.text, (), said.finish)
            for (text, _), said in zip(asked, answers, strict=True)
            for _ in range(count)
        ]
        self._wants_usage = fields.wants_usage(request)
        self._heading = Heading(fresh("cmpl"), created, request["model"])

    def plain(self) -> bytes:
        """The completion in one piece."""
        choices = [_choice(index, said.text, said.finish) for index, said in enumerate(self._choices)]
        more = {"usage": self._usage()} if self._script.usage else {}
        return orjson.dumps(self._over(choices, **more))

    def events(self) -> Events:
        """The completion as chunks."""
        each = [answer.pieces(said.text, self._script.chunk) for said in self._choices]
        return Events(
            (),
            (self._chunk(index, text) for row in zip_longest(*each) for index, text in enumerate(row) if text is not None),
            self._closing(),
        )

    def _closing(self) -> Iterator[bytes]:
        for index, said in enumerate(self._choices):
            yield self._chunk(index, "", said.finish)
        if self._wants_usage and self._script.usage:
            yield event(self._over([], usage=self._usage()))

    def _chunk(self, index: int, text: str, finish: str | None = None) -> bytes:
        return event(self._over([_choice(index, text, finish)], **({"usage": None} if self._wants_usage else {})))

    def _over(self, choices: list[Any], **more: Any) -> dict[str, Any]:
        return self._heading.over("text_completion", choices, system_fingerprint=FINGERPRINT, **more)

    def _usage(self) -> dict[str, Any]:
        return tokens.usage(self._prompt, self._completion, self._script.cached)


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
