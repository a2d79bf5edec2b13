"""The acceptance matrix: what providers send that some client gets wrong, and what leaves the gateway instead."""

import json

import pytest

from gateway.core.chat import Operation
from tests.journeys import answers
from tests.journeys.variants import ROWS, calls_of, event, events
from tests.wires.driving import check, drive, request

# Undoing an encoding is the transport's.
NAMES = sorted(ROWS.keys() - {"gzip"})


@pytest.mark.parametrize("usage", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_a_stream_leaves_whole_and_sound_or_as_a_fault(name: str, usage: bool) -> None:
    row = ROWS[name]
    left = drive(row.pieces("m"), request(usage=usage))
    if row.must == "error":
        assert left.fault is not None
        assert b"[DONE]" not in left.data
        return
    check(left, usage=usage and row.usage)
    choice = left.transcript.completion()["choices"][0]
    if not row.tools:
        assert choice == {
            "index": 0,
            "message": {"role": "assistant", "content": answers.TEXT},
            "finish_reason": "stop",
        }
        return
    calls = [(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in choice["message"]["tool_calls"]]
    assert [(one, name, json.loads(text)) for one, name, text in calls] == [
        (one, name, json.loads(text)) for one, name, text in calls_of(name)
    ]
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("name", NAMES)
def test_usage_is_accounted_for_whether_the_caller_asked_or_not(name: str) -> None:
    row = ROWS[name]
    if row.must == "right" and row.usage:
        assert drive(row.pieces("m"), request(usage=False)).transcript.usage == answers.USAGE


@pytest.mark.parametrize("usage", [True, False])
def test_the_bytes_of_a_sound_stream_are_not_touched(usage: bool) -> None:
    pieces = ROWS["sound"].pieces("m")
    left = drive(pieces, request(usage=usage))
    assert left.data == b"".join(pieces if usage else (*pieces[:-2], pieces[-1]))


@pytest.mark.parametrize("usage", [True, False])
def test_a_legacy_stream(usage: bool) -> None:
    parts = [answers.legacy("m", part, None) for part in answers.PARTS] + [answers.legacy("m", "")]
    pieces = events([*parts, answers.legacy("m", "") | {"choices": [], "usage": answers.USAGE}])
    left = drive(pieces, request(Operation.COMPLETIONS, usage=usage))
    check(left, usage=usage, legacy=True)
    assert left.data == b"".join(pieces if usage else (*pieces[:-2], pieces[-1]))
    assert left.transcript.completion()["choices"][0]["message"]["content"] == answers.TEXT


def test_a_legacy_stream_without_index_finish_reason_and_text() -> None:
    pieces = [
        event({"id": "x", "choices": [{"text": "a"}]}),
        event({"id": "x", "choices": [{"text": None, "finish_reason": "length"}]}),
    ]
    left = drive(pieces, request(Operation.COMPLETIONS))
    check(left, usage=False, legacy=True)
    assert [one["choices"][0] for one in left.events] == [
        {"text": "a", "index": 0, "finish_reason": None},
        {"text": "", "index": 0, "finish_reason": "length"},
    ]


def test_a_whole_completion_is_played_as_a_stream() -> None:
    message = {"content": None, "tool_calls": answers.tool_calls(answers.CALLS)}
    whole = answers.dumps(answers.completion("m", message, "tool_calls"))
    for body in (whole, b"\xef\xbb\xbf" + whole, b"\n\n" + whole):
        left = drive([body[:50], body[50:]])
        check(left)
        assert left.transcript.completion()["choices"][0]["message"]["tool_calls"] == answers.tool_calls(answers.CALLS)
        assert left.transcript.usage == answers.USAGE


def test_a_whole_legacy_completion_is_played_as_a_stream() -> None:
    body = answers.dumps(answers.legacy("m", "hello") | {"usage": answers.USAGE})
    left = drive([body], request(Operation.COMPLETIONS, usage=True))
    check(left, legacy=True)
    assert left.transcript.completion()["choices"][0]["message"]["content"] == "hello"


def test_a_whole_completion_as_the_only_event_is_taken_for_what_it_is() -> None:
    left = drive([event(answers.completion("m", {"content": "hello"}))])
    check(left)
    assert left.transcript.completion()["choices"][0]["message"]["content"] == "hello"
