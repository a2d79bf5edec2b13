"""Plain answers: sound ones to the byte, harmless ones mended, and faults for what is none."""

import json
from typing import Any

import orjson
import pytest

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamRefused
from gateway.core.transcript import Chunk, Transcript
from gateway.providers.openai.answer import read
from tests.journeys import answers
from tests.wires.driving import WALL_S, ask, request


def chunk_of(body: bytes, operation: Operation = Operation.CHAT) -> Chunk:
    return read(ask(request(operation, stream=False)), body, WALL_S)


def folded(chunk: Chunk) -> Transcript:
    transcript = Transcript()
    transcript.fold(chunk)
    return transcript


def mended(value: Any, operation: Operation = Operation.CHAT) -> Any:
    return json.loads(chunk_of(orjson.dumps(value), operation).data)


def whole(**more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "hi"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **more}


@pytest.mark.parametrize("space", [b"", b" \n"])
def test_a_sound_answer_is_not_touched(space: bytes) -> None:
    body = (
        space
        + b'{"id":"x","object":"chat.completion","created":1,"model":"m","pi":3.1400,"esc":"\\u00fc",'
        + (
            b'"choices":[{"index":0,"message":{"role":"assistant","content":"h\\u00fc"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}'
        )
    )
    chunk = chunk_of(body)
    assert chunk.data is body
    assert folded(chunk).completion()["choices"][0]["message"]["content"] == "h\u00fc"
    assert folded(chunk).usage == {"prompt_tokens": 1}


def test_tool_calls_are_remembered_as_from_a_stream() -> None:
    body = answers.dumps(answers.completion("m", {"tool_calls": answers.tool_calls(answers.CALLS)}, "tool_calls"))
    chunk = chunk_of(body)
    assert chunk.data is body
    assert folded(chunk).completion()["choices"][0]["message"]["tool_calls"] == answers.tool_calls(answers.CALLS)


def test_what_is_missing_and_harmless_is_put_in() -> None:
    value = mended({"choices": [{"message": {"content": "a"}}, {"message": {"tool_calls": [{"function": {"name": "f"}}]}}]})
    assert value["id"].startswith("chatcmpl-")
    assert (value["object"], value["created"], value["model"]) == ("chat.completion", int(WALL_S), "m")
    first, second = value["choices"]
    assert first == {"message": {"content": "a", "role": "assistant"}, "index": 0, "finish_reason": "stop"}
    assert (second["index"], second["finish_reason"], second["message"]["content"]) == (1, "tool_calls", None)
    call = second["message"]["tool_calls"][0]
    assert call["id"].startswith("call_")
    assert (call["type"], call["function"]) == ("function", {"name": "f", "arguments": ""})


@pytest.mark.parametrize(("said", "told"), [(None, "stop"), ("", "stop"), ("eos", "stop"), ("length", "length")])
def test_a_finish_reason_in_openais_words(said: Any, told: str) -> None:
    value = whole()
    value["choices"][0]["finish_reason"] = said
    assert mended(value)["choices"][0]["finish_reason"] == told


def test_arguments_as_an_object_become_a_string() -> None:
    value = whole()
    value["choices"][0]["message"]["tool_calls"] = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    ]
    choice = mended(value)["choices"][0]
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"a":1}'
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"data: {}\n\n",
        b"hello",
        b"[]",
        b"3",
        b'{"choices":NaN}',
        b"[" * 5000,
        b'{"choices":[]}',
        b'{"choices":null}',
        b'{"choices":{}}',
        b'{"choices":[1]}',
        b'{"choices":[{"message":null}]}',
        b'{"choices":[{"message":{"tool_calls":["x"]}}]}',
        b'{"choices":[{"message":{"tool_calls":7}}]}',
        b"{}",
        b'{"choices":[{"message"',
    ],
)
def test_what_is_no_answer_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        chunk_of(body)


@pytest.mark.parametrize("operation", list(Operation))
def test_an_error_dressed_as_success_is_an_error(operation: Operation) -> None:
    for error in ({"error": {"message": "no", "code": 429}}, [{"error": {"message": "no", "code": 429}}]):
        with pytest.raises(UpstreamRefused) as caught:
            chunk_of(orjson.dumps(error), operation)
        assert (caught.value.status, caught.value.message) == (429, "no")


def test_an_error_that_is_null_is_none() -> None:
    body = orjson.dumps(whole(error=None))
    assert chunk_of(body).data is body


def test_a_legacy_completion() -> None:
    body = answers.dumps(answers.legacy("m", "hello") | {"usage": answers.USAGE})
    chunk = chunk_of(body, Operation.COMPLETIONS)
    assert chunk.data is body
    assert folded(chunk).completion()["choices"][0]["message"]["content"] == "hello"
    with pytest.raises(UpstreamBroken):
        chunk_of(b'{"choices":[{"index":0}]}', Operation.COMPLETIONS)


def test_an_empty_delta_beside_the_message_is_not_taken_for_it() -> None:
    """Perplexity."""
    value = whole()
    value["choices"][0]["delta"] = {"role": "assistant", "content": ""}
    assert folded(chunk_of(orjson.dumps(value))).completion()["choices"][0]["message"]["content"] == "hi"


# ---------------------------------------------------------------- embeddings


def vectors(count: int, *, first: bool = False, **more: Any) -> bytes:
    data = [{"object": "embedding", "index": at, "embedding": [0.25] * 100} for at in range(count)]
    usage = {"usage": {"prompt_tokens": 3, "total_tokens": 3, "details": {"a": 1}}}
    value: dict[str, Any] = {
        "object": "list",
        **(usage if first else {}),
        "data": data,
        "model": "m",
        **({} if first else usage),
    }
    return orjson.dumps(value | more)


@pytest.mark.parametrize("count", [1, 500])
@pytest.mark.parametrize("first", [False, True])
def test_embeddings_are_not_touched_and_their_usage_is_found(count: int, first: bool) -> None:
    body = vectors(count, first=first)
    chunk = chunk_of(body, Operation.EMBEDDINGS)
    assert chunk.data is body
    assert folded(chunk).usage == {"prompt_tokens": 3, "total_tokens": 3, "details": {"a": 1}}


@pytest.mark.parametrize("count", [1, 500])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("usage", [None, 5])
def test_embeddings_without_usage_have_none(count: int, first: bool, usage: Any) -> None:
    assert folded(chunk_of(vectors(count, first=first, usage=usage), Operation.EMBEDDINGS)).usage is None


def test_usage_that_is_no_object_is_none() -> None:
    assert folded(chunk_of(orjson.dumps(whole(usage=5)))).usage is None


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"data":{}}',
        b"<html>" + b"x" * 20_000,
        b'{"a":"' + b"x" * 20_000 + b'"}',
        b'{"data":"' + b"x" * 20_000,
        b"[" + b"1," * 10_000 + b"1]",
    ],
)
def test_what_holds_no_embeddings_is_a_fault(body: bytes) -> None:
    with pytest.raises(UpstreamFault):
        chunk_of(body, Operation.EMBEDDINGS)
