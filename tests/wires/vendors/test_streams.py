"""What vendors stream arrives as every client understands it, wherever the network cuts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.wire import AZURE, OPENAI
from tests.wires.driving import WALL_S, Left, ask, check, drive, request
from tests.wires.vendors.recordings import RECORDINGS, Recording


def left_of(recording: Recording, pieces: list[bytes], name: str) -> Left:
    wire = AZURE if name.startswith("azure") else OPENAI
    return drive(pieces, stream=wire.stream(ask(request(usage=True)), WALL_S))


def holds(left: Left, recording: Recording) -> None:
    check(left, usage=recording.usage)
    choice = left.transcript.choices[0]
    assert choice.text.decode() == recording.text
    assert choice.reasoning.decode() == recording.reasoning
    assert tuple((one.name, one.words.decode()) for one in choice.calls.values()) == recording.calls
    assert choice.finish_reason == recording.finish
    assert left.transcript.model == recording.model
    if recording.usage:
        assert (left.transcript.usage or {})["total_tokens"] == 14


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_stream_arrives_whole(name: str) -> None:
    recording = RECORDINGS[name]
    holds(left_of(recording, [recording.body], name), recording)


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_stream_may_be_cut_at_every_byte(name: str) -> None:
    recording = RECORDINGS[name]
    body = recording.body
    holds(left_of(recording, [body[at : at + 1] for at in range(len(body))], name), recording)
    for at in range(1, len(body)):
        holds(left_of(recording, [body[:at], body[at:]], name), recording)


@given(st.sampled_from(list(RECORDINGS)), st.lists(st.integers(1, 200), max_size=30))
def test_a_stream_may_be_cut_anywhere(name: str, sizes: list[int]) -> None:
    recording = RECORDINGS[name]
    body, pieces = recording.body, []
    for size in sizes:
        pieces.append(body[:size])
        body = body[size:]
    holds(left_of(recording, [*pieces, body], name), recording)


def test_gemini_s_signature_reaches_who_may_keep_it() -> None:
    left = left_of(RECORDINGS["gemini-openai"], [RECORDINGS["gemini-openai"].body], "gemini-openai")
    (first, *_) = [
        entry for event in left.events for choice in event["choices"] for entry in choice["delta"].get("tool_calls", ())
    ]
    assert first["extra_content"] == {"google": {"thought_signature": "c2ln"}}
