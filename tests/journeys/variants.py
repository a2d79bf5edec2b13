"""The rows of the acceptance matrix: what real servers send that some client gets wrong, and what must come of it."""

import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.journeys import answers
from tests.journeys.answers import Json

Ends = Literal["clean", "short", "reset"]
Must = Literal["right", "error", "right or error"]
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Row:
    """One variant: the pieces that are written one by one, how the body ends, and what every client must make of it.

    `ends`: the chunked body is closed as it should be, the connection is closed before that, or it is reset.
    `usage`: the provider states it. `must`: the whole right answer, an explicit error, or (where nobody can know) either,
    but never less than the answer without an error.
    """

    pieces: Callable[[str], Sequence[bytes]]
    must: Must = "right"
    tools: bool = False
    usage: bool = True
    ends: Ends = "clean"
    headers: tuple[tuple[str, str], ...] = ()


def event(value: object) -> bytes:
    """One event as OpenAI frames it."""
    return b"data: " + answers.dumps(value) + b"\n\n"


def events(chunks: Iterable[Json], done: bool = True) -> list[bytes]:
    """One piece for each chunk, and the end."""
    return [*map(event, chunks), *([DONE] if done else [])]


def _text(model: str) -> list[Json]:
    return [*answers.text_chunks(model), answers.usage_chunk(model)]


def _sound(model: str) -> list[bytes]:
    return events(_text(model))


def _whole(model: str) -> bytes:
    return b"".join(_sound(model))


def _after_second(model: str, what: bytes) -> list[bytes]:
    pieces = _sound(model)
    return [*pieces[:2], what, *pieces[2:]]


def _unfinished(model: str) -> list[Json]:
    return answers.text_chunks(model)[:4]


def _calls(model: str) -> list[Json]:
    return [*answers.call_chunks(model, answers.CALLS), answers.usage_chunk(model)]


def _deltas(model: str, deltas: Iterable[Json]) -> list[bytes]:
    said = [answers.chunk(model, delta) for delta in deltas]
    head, tail = answers.chunk(model, {"role": "assistant", "content": None}), answers.chunk(model, {}, "tool_calls")
    return events([head, *said, tail, answers.usage_chunk(model)])


def _usage_everywhere(model: str) -> list[bytes]:
    return events(one | {"usage": answers.USAGE} for one in _text(model))


def _usage_on_finish_too(model: str) -> list[bytes]:
    return events(one | ({"usage": answers.USAGE} if _finishes(one) else {}) for one in _text(model))


def _finishes(one: Json) -> bool:
    return bool(one["choices"]) and one["choices"][0]["finish_reason"] is not None


def _choices_null(model: str) -> list[bytes]:
    return events([*answers.text_chunks(model), answers.usage_chunk(model) | {"choices": None}])


def _choices_missing(model: str) -> list[bytes]:
    chunk = {key: value for key, value in answers.usage_chunk(model).items() if key != "choices"}
    return events([*answers.text_chunks(model), chunk])


def _bare_choices(model: str) -> list[bytes]:
    """Choices without index and, but for the last, without finish_reason."""
    chunks = [json.loads(json.dumps(one)) for one in _text(model)]
    for one in chunks:
        for choice in one["choices"]:
            choice.pop("index")
            if choice["finish_reason"] is None:
                choice.pop("finish_reason")
    return events(chunks)


def _without_index(model: str) -> list[bytes]:
    one, name, text = answers.CALLS[0]
    deltas = [answers.call_delta(None, "", one, name), answers.call_delta(None, text[:4]), answers.call_delta(None, text[4:])]
    return _deltas(model, deltas)


def _both_index_0(model: str) -> list[bytes]:
    return _deltas(model, [answers.call_delta(0, text, one, name) for one, name, text in answers.CALLS])


def _repeated(model: str) -> list[bytes]:
    one, name, text = answers.CALLS[0]
    return _deltas(model, [answers.call_delta(0, part, one, name) for part in (text[:3], text[3:6], text[6:])])


def _object_arguments(model: str) -> list[bytes]:
    one, name, text = answers.CALLS[0]
    return _deltas(model, [answers.call_delta(0, json.loads(text), one, name)])


def _single_bytes(whole: bytes) -> list[bytes]:
    return [whole[at : at + 1] for at in range(len(whole))]


def _bare_error(model: str) -> list[bytes]:
    return [*events(_unfinished(model), done=False), event({"type": "error", "message": "the model fell over"})]


def _error_event(model: str) -> list[bytes]:
    failure = answers.error("the model fell over", "server_error", "boom")
    return [*events(_unfinished(model), done=False), event(failure), DONE]


def _json_error(model: str) -> list[bytes]:
    return [answers.dumps(answers.error("the model is asleep", "server_error", "asleep"))]


PLAIN_JSON = (("content-type", "application/json"),)
GZIP = (("content-encoding", "gzip"),)

ROWS: dict[str, Row] = {
    "sound": Row(_sound),
    "comment": Row(lambda model: _after_second(model, b": OPENROUTER PROCESSING\n\n")),
    "crlf": Row(lambda model: [piece.replace(b"\n", b"\r\n") for piece in _sound(model)]),
    "cr": Row(lambda model: [piece.replace(b"\n", b"\r") for piece in _sound(model)], "right or error"),
    "no-space": Row(lambda model: [piece.replace(b"data: ", b"data:") for piece in _sound(model)]),
    "bom": Row(lambda model: [b"\xef\xbb\xbf" + _whole(model)]),
    "gzip": Row(lambda model: [gzip.compress(_whole(model))], headers=GZIP),
    "split-per-byte": Row(lambda model: _single_bytes(_whole(model))),
    "one-write": Row(lambda model: [_whole(model)]),
    "no-done": Row(lambda model: _sound(model)[:-1]),
    "ping-without-data": Row(lambda model: _after_second(model, b"event: ping\n\n")),
    "ping-with-data": Row(lambda model: _after_second(model, b'event: ping\ndata: {"type": "ping"}\n\n')),
    "retry": Row(lambda model: _after_second(model, b"retry: 3000\n\n")),
    "ids": Row(lambda model: [b"id: 1\n\n: hello\n\n", *(b"id: 7\n" + piece for piece in _sound(model))]),
    "no-final-blank-line": Row(lambda model: [_whole(model)[:-2]]),
    "no-final-blank-line-nor-done": Row(lambda model: [b"".join(_sound(model)[:-1])[:-2]], "right or error"),
    "no-blank-line-behind-the-finish": Row(lambda model: [b"".join(_sound(model)[:-2])[:-2]], "right or error", usage=False),
    "after-done": Row(lambda model: [*_sound(model), event(answers.chunk(model, {"content": "TWICE"}))]),
    "usage-on-finish-too": Row(_usage_on_finish_too),
    "usage-everywhere": Row(_usage_everywhere),
    "choices-null": Row(_choices_null),
    "choices-missing": Row(_choices_missing),
    "bare-choices": Row(_bare_choices),
    "parallel-calls": Row(lambda model: events(_calls(model)), tools=True),
    "call-without-index": Row(_without_index, tools=True),
    "calls-both-index-0": Row(_both_index_0, tools=True),
    "id-and-name-repeated": Row(_repeated, tools=True),
    "arguments-as-object": Row(_object_arguments, "right or error", tools=True),
    "error-event": Row(_error_event, "error"),
    "bare-error": Row(_bare_error, "error"),
    "eof-before-finish": Row(lambda model: events(_unfinished(model), done=False), "error"),
    "done-before-finish": Row(lambda model: events(_unfinished(model)), "error"),
    "done-only": Row(lambda model: [DONE], "error"),
    "empty-stream": Row(lambda model: [], "error"),
    "cut-inside-an-event": Row(lambda model: [_whole(model)[:600]], "error"),
    "short-body": Row(lambda model: events(_unfinished(model), done=False), "error", ends="short"),
    "reset": Row(lambda model: events(_unfinished(model), done=False), "error", ends="reset"),
    "reset-before-content": Row(lambda model: [], "error", ends="reset"),
    "json-error": Row(_json_error, "error", headers=PLAIN_JSON),
    "json-error-as-stream": Row(_json_error, "error"),
    "html": Row(lambda model: [b"<html><body>Please log in</body></html>"], "error", headers=(("content-type", "text/html"),)),
}


def calls_of(name: str) -> Sequence[tuple[str, str, str]]:
    """The calls that a client must find in a row with tools."""
    return answers.CALLS if name in {"parallel-calls", "calls-both-index-0"} else answers.CALLS[:1]
