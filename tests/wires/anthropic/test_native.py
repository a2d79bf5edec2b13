"""A caller who speaks the Messages API gets what Anthropic sent, to the byte, and the transcript learns the same of it."""

import json

import orjson
import pytest

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken
from gateway.core.transcript import Transcript
from tests.wires.anthropic.driven import NATIVE, asked, read, streamed
from tests.wires.anthropic.exchanges import MESSAGE, STOP, STREAMS, end, event, start, text


@pytest.mark.parametrize("name", STREAMS)
def test_a_sound_stream_goes_on_to_the_byte(name: str) -> None:
    left = streamed([STREAMS[name]], NATIVE)
    assert left.fault is None
    assert left.data == STREAMS[name]
    assert left.begun


@pytest.mark.parametrize("name", STREAMS)
def test_the_transcript_says_what_a_chat_would(name: str) -> None:
    native, chat = streamed([STREAMS[name]], NATIVE).transcript.completion(), streamed([STREAMS[name]]).transcript.completion()
    for one in (native, chat):
        for choice in one["choices"]:
            for called in choice["message"].get("tool_calls", ()):
                called["id"] = called["id"].partition("__")[0]
    assert native == chat


def test_the_transcript_of_a_native_answer_has_its_own_ids() -> None:
    calls = streamed([STREAMS["parallel tools"]], NATIVE).transcript.choices[0].calls
    assert [call.id for call in calls.values()] == ["toolu_01A", "toolu_01B"]


def test_a_plain_answer_goes_on_to_the_byte() -> None:
    body = json.dumps(MESSAGE, indent=2).encode()
    chunk = read(body, NATIVE)
    assert chunk.data == body
    (said,) = chunk.deltas
    assert not isinstance(said, bytes)
    transcript = Transcript()
    transcript.fold(chunk)
    assert transcript.completion()["choices"][0]["finish_reason"] == "tool_calls"
    assert said["object"] == "chat.completion"
    assert said["usage"]["prompt_tokens"] == 142


def test_counting_tokens_goes_on_to_the_byte_and_costs_nothing() -> None:
    chunk = read(b'{"input_tokens": 2095 }', asked(Operation.COUNT_TOKENS))
    assert chunk.data == b'{"input_tokens": 2095 }'
    transcript = Transcript()
    transcript.fold(chunk)
    assert transcript.usage == {"prompt_tokens": 0, "completion_tokens": 0}
    with pytest.raises(UpstreamBroken):
        read({"object": "list"}, asked(Operation.COUNT_TOKENS))


def test_line_ends_of_any_kind_are_understood() -> None:
    whole = STREAMS["tools"]
    assert streamed([whole.replace(b"\n", b"\r\n")], NATIVE).data == whole
    assert streamed([b"\xef\xbb\xbf" + whole], NATIVE).data == whole


def test_an_event_without_its_name_gets_it() -> None:
    whole = STREAMS["text"]
    bare = b"".join(line + b"\n" for line in whole.splitlines() if not line.startswith(b"event:"))
    left = streamed([bare], NATIVE)
    assert left.fault is None
    names = [line[7:].decode() for line in left.data.splitlines() if line.startswith(b"event:")]
    assert names[0] == "message_start"
    assert names[-1] == "message_stop"
    assert left.transcript.completion() == streamed([whole], NATIVE).transcript.completion()


def test_a_message_that_begins_without_usage_gets_one() -> None:
    left = streamed([start(None) + text(0, "a") + end()], NATIVE)
    assert orjson.loads(left.data.split(b"\n")[1][6:])["message"]["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert left.data.endswith(text(0, "a") + end())


def test_a_last_event_that_is_missing_is_added() -> None:
    whole = STREAMS["text"]
    assert whole.endswith(STOP)
    left = streamed([whole.removesuffix(STOP)], NATIVE)
    assert left.fault is None
    assert left.data == whole.removesuffix(STOP) + b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def test_openais_end_mark_is_no_event() -> None:
    left = streamed([STREAMS["text"].removesuffix(STOP) + b"data: [DONE]\n\n"], NATIVE)
    assert left.fault is None
    assert b"[DONE]" not in left.data
    assert left.data.count(b"event: message_stop") == 1


def test_comments_and_events_without_data_are_left_out() -> None:
    left = streamed([b": keep-alive\n\nevent: ping\n\n" + STREAMS["text"]], NATIVE)
    assert left.data == STREAMS["text"]


def test_what_follows_the_end_is_not_sent() -> None:
    left = streamed([STREAMS["text"] + event({"type": "ping"})], NATIVE)
    assert left.data == STREAMS["text"]


def test_a_message_instead_of_a_stream_is_played_as_one() -> None:
    left = streamed([orjson.dumps(MESSAGE)], NATIVE)
    assert left.fault is None
    assert left.data.startswith(b"event: message_start\n")
    assert left.data.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert left.transcript.completion()["choices"][0]["finish_reason"] == "tool_calls"
