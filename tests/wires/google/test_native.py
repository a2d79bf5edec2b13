"""A Gemini caller at Gemini: bytes go through, and the transcript knows what they said."""

import json

import orjson
import pytest

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken, UpstreamTruncated
from gateway.core.transcript import Transcript
from gateway.providers.wire import GOOGLE
from tests.wires.driving import WALL_S, drive
from tests.wires.google.asking import GEMINI_3, SPEC, asked, native, told
from tests.wires.google.exchanges import CALLED, MALFORMED, PLAIN, STREAMS, candidate, events, response

WHOLE = [name for name in STREAMS if name != "array"]


@pytest.mark.parametrize("name", WHOLE)
def test_events_go_on_as_they_came(name: str) -> None:
    left = told([STREAMS[name]], native())
    assert left.fault is None
    assert left.data == STREAMS[name].replace(b"\r\n", b"\n")
    assert left.transcript.usage is not None
    assert left.transcript.finished


@pytest.mark.parametrize("name", STREAMS)
def test_who_asks_for_no_events_gets_an_array(name: str) -> None:
    stream = GOOGLE.stream(asked(native("prettyPrint=false")), WALL_S)
    assert stream.media_type == b"application/json"
    left = drive([STREAMS[name]], stream=stream)
    assert left.fault is None
    texts = [
        one.replace(b"\r\n", b"\n")[6:].replace(b"\ndata: ", b"\n") for one in STREAMS[name].split(b"\r\n\r\n") if one.strip()
    ]
    wanted = json.loads(STREAMS[name]) if name == "array" else [json.loads(one) for one in texts]
    assert json.loads(left.data) == wanted


def test_the_array_comes_element_by_element() -> None:
    stream = GOOGLE.stream(asked(native("")), WALL_S)
    first = stream.feed(events(response(candidate({"text": "a"}))))
    second = stream.feed(events(response(candidate({"text": "b"}, finish="STOP"))))
    assert first.data.startswith(b"[{")
    assert second.data.startswith(b",\r\n{")
    assert stream.end().data == b"]"


def test_events_are_events_for_who_asks_for_them() -> None:
    assert GOOGLE.stream(asked(native("alt=sse&x=1")), WALL_S).media_type is None


def test_a_call_that_comes_bit_by_bit_is_one_call() -> None:
    piece = {"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}], "willContinue": True}}
    body = events(
        response(candidate({"functionCall": {"name": "f", "willContinue": True}})),
        *[response(candidate(piece))] * 1500,
        response(candidate({"functionCall": {}}, finish="STOP")),
    )
    left = told([body], native())
    assert left.fault is None
    assert left.data == body.replace(b"\r\n", b"\n")
    assert [call.name for call in left.transcript.choices[0].calls.values()] == ["f"]


def test_a_native_stream_has_no_done() -> None:
    assert b"[DONE]" not in told([STREAMS["plain"]], native()).data


def test_a_failed_answer_is_the_gemini_callers_to_read() -> None:
    left = told([events(MALFORMED)], native())
    assert left.fault is None
    assert json.loads(left.data[6:]) == MALFORMED


def test_a_native_stream_without_a_finish_reason_is_cut() -> None:
    left = told([events(response(candidate({"text": "a"})))], native())
    assert isinstance(left.fault, UpstreamTruncated)
    assert left.data


@pytest.mark.parametrize("answer", [PLAIN, CALLED, MALFORMED])
def test_a_plain_answer_goes_on_to_the_byte(answer: dict[str, object]) -> None:
    body = json.dumps(answer, indent=2).encode()
    chunk = GOOGLE.read(asked(native(stream=False)), body, WALL_S)
    assert chunk.data == body
    (told_of,) = chunk.deltas
    assert isinstance(told_of, dict)
    assert told_of["object"] == "chat.completion"
    assert told_of["usage"]["prompt_tokens"] == 13


def test_a_count_of_tokens_goes_on_to_the_byte() -> None:
    asking = native(stream=False, operation=Operation.COUNT_CONTENT)
    body = b'{ "totalTokens": 31, "promptTokensDetails": [] }'
    chunk = GOOGLE.read(asked(asking), body, WALL_S)
    assert chunk.data == body
    transcript = Transcript()
    transcript.fold(chunk)
    assert transcript.usage == {"prompt_tokens": 0, "completion_tokens": 0}  # counting is free
    with pytest.raises(UpstreamBroken):
        GOOGLE.read(asked(asking), b"{}", WALL_S)


def test_the_callers_bytes_go_to_the_models_path() -> None:
    for asking, place in (
        (native(""), b":streamGenerateContent?alt=sse"),
        (native("alt=sse"), b":streamGenerateContent?alt=sse"),
        (native(stream=False), b":generateContent"),
        (native(stream=False, operation=Operation.COUNT_CONTENT), b":countTokens"),
    ):
        outgoing = GOOGLE.write(asking, GEMINI_3, SPEC, "AIzaKey", {b"x-goog-api-key": b"the callers"})
        assert outgoing.path == b"/v1beta/models/gemini-3.1-pro-preview" + place
        assert outgoing.body is asking.body
        assert dict(outgoing.headers)[b"x-goog-api-key"] == b"AIzaKey"
        assert b"AIza" not in outgoing.path
        assert outgoing.dropped == ()


def test_a_request_to_be_counted_names_the_providers_model() -> None:
    inner = {"model": "models/m", "contents": []}
    asking = native(stream=False, operation=Operation.COUNT_CONTENT, generateContentRequest=inner)
    sent = orjson.loads(GOOGLE.write(asking, GEMINI_3, SPEC, None, {}).body)
    assert sent["generateContentRequest"] == {"model": "models/gemini-3.1-pro-preview", "contents": []}
