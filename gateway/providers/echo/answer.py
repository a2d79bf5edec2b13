"""Composes what is said, before anything is put into JSON: the text or the calls, why it ends, and its tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.providers.echo import fields, question, schema, tokens, tools
from gateway.providers.echo.fields import Fields, wrong
from gateway.providers.echo.script import Script

_FILL = ("echo", "fills", "this", "answer", "with", "words", "until", "there", "are", "enough", "of", "them")
MOST_TOKENS = 10_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """One choice: text or calls, and the finish reason."""

    text: str
    calls: Sequence[tools.Call]
    finish: str

    def tokens(self) -> int:
        """What it costs to say this."""
        return tokens.count(self.text) + sum(tokens.OVERHEAD + tokens.count(call.name + call.words) for call in self.calls)


def to_chat(request: Fields, turns: Sequence[Fields], script: Script) -> Answer:
    """The answer to a chat: after tool results their text; else calls where they are due; else text."""
    results = question.results(turns)
    text = question.asked(turns)
    if not results and (calls := tools.calls(request, script, text)):
        return Answer("", calls, "tool_calls")
    said = "" if results else _structured(request)
    return bounded(request, said or filled(script, "\n".join(results) if results else text))


def filled(script: Script, text: str) -> str:
    """The words that the script wants in place of the text, if it wants any."""
    if script.words is None:
        return text
    return " ".join(_FILL[at % len(_FILL)] for at in range(script.words))


def bounded(request: Fields, text: str) -> Answer:
    """The text up to the first stop sequence, within the tokens allowed."""
    most = fields.whole(request, "max_completion_tokens", 1, MOST_TOKENS)
    if most is None:
        most = fields.whole(request, "max_tokens", 1, MOST_TOKENS)
    for stop in fields.stops(request):
        text = text.partition(stop)[0]
    text, short = tokens.cut(text, most)
    return Answer(text, (), "length" if short else "stop")


def _structured(request: Fields) -> str:
    """The text of a structured answer; empty where none is asked for."""
    wanted = fields.table(request, "response_format")
    kind = wanted.get("type", "text")
    if kind == "json_object":
        return '{"echo":true}'
    if kind != "json_schema":
        return ""
    described = fields.table(wanted, "json_schema")
    if not isinstance(described.get("schema"), dict):
        raise wrong("response_format", "a json_schema with a schema")
    made: Any = schema.instance(described["schema"], "response_format")
    return orjson.dumps(made).decode()


def pieces(text: str, words: int) -> Iterator[str]:
    """The text in pieces of so many words; joined they are the text, to the last space."""
    start, seen, inside = 0, 0, False
    for at, character in enumerate(text):
        blank = character.isspace()
        if blank and inside:
            seen += 1
            if seen == words:
                yield text[start:at]
                start, seen = at, 0
        inside = not blank
    if start < len(text):
        yield text[start:]
