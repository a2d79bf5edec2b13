"""What a transcript remembers; the same whether an answer came as a stream or at once."""

from typing import Any

import pytest

from gateway.core import transcript as module
from gateway.core.transcript import Chunk, PlainTranscript, Transcript


def delta(index: int = 0, finish: str | None = None, **said: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": said, "finish_reason": finish}]}


def folded(*deltas: Any) -> Transcript:
    transcript = Transcript()
    for one in deltas:
        transcript.fold(Chunk(b"", (one,)))
    return transcript


CALLS = [
    {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
    {"id": "b", "type": "custom", "custom": {"name": "sh", "input": "ls"}},
]
HEADING = {"id": "x", "created": 7, "model": "m", "service_tier": "default", "system_fingerprint": "fp"}
USAGE = {"prompt_tokens": 1}


def test_a_stream_and_a_plain_answer_are_remembered_alike() -> None:
    plain = folded(
        HEADING
        | {
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "Gr\u00fc\u00dfe",
                        "reasoning_content": "hm",
                        "refusal": "no",
                        "tool_calls": CALLS,
                    },
                    "finish_reason": "tool_calls",
                },
                {"index": 1, "message": {"role": "assistant", "content": "two"}, "finish_reason": "stop"},
            ],
            "usage": USAGE,
        }
    )
    stream = folded(
        HEADING | delta(role="assistant", content=""),
        delta(reasoning="h"),
        delta(reasoning="m", reasoning_content="m"),
        "Gr\u00fc".encode(),
        delta(content="\u00dfe", refusal="no"),
        delta(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"x":1}'}}]),
        delta(tool_calls=[{"index": 1, "id": "b", "type": "custom", "custom": {"name": "s", "input": "l"}}]),
        delta(tool_calls=[{"index": 1, "custom": {"name": "h", "input": "s"}}]),
        delta(1, role="assistant", content="two"),
        delta(finish="tool_calls"),
        delta(1, finish="stop"),
        {"choices": [], "usage": USAGE},
    )
    assert plain.completion() == stream.completion()
    assert plain.completion()["choices"][0]["message"]["tool_calls"] == CALLS
    assert plain.produced == stream.produced == len("Gr\u00fc\u00dfehmno".encode()) + len('{"x":1}lstwo')
    assert (stream.service_tier, stream.system_fingerprint) == ("default", "fp")
    assert stream.finished


def test_legacy_text_stands_beside_the_choice() -> None:
    whole = folded({"object": "text_completion", "choices": [{"text": "hello", "index": 0, "finish_reason": "stop"}]})
    assert whole.completion()["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
    ]
    assert folded({"choices": [{"index": 2, "text": "a"}]}).choice(2).text == b"a"


def test_it_is_finished_when_every_choice_that_began_is() -> None:
    assert not folded().finished
    assert not folded(b"a").finished
    assert not folded(delta(0, finish="stop"), delta(1, content="x")).finished
    assert folded(delta(0, finish="stop"), delta(1, finish="length")).finished


def test_the_last_usage_stands_and_what_is_none_changes_nothing() -> None:
    assert folded({"usage": {"prompt_tokens": 1}}, {"usage": {"prompt_tokens": 2}}, {"usage": None}, {"usage": 5}).usage == {
        "prompt_tokens": 2
    }


def test_a_call_without_an_index_is_known_by_its_place() -> None:
    calls = [{"id": "a", "function": {"name": "f"}}, {"index": None, "id": "b", "function": None}]
    found = folded(delta(tool_calls=calls)).choice(0).calls
    assert [(found[index].id, found[index].name) for index in (0, 1)] == [("a", "f"), ("b", "")]


@pytest.mark.parametrize(("pieces", "text"), [(("\ud83c", "\udf0d"), "\U0001f30d"), (("a\ud83c", "b"), "a\ufffdb")])
def test_halves_of_a_surrogate_pair(pieces: tuple[str, str], text: str) -> None:
    said = folded(*(delta(content=piece) for piece in pieces)).completion()
    assert said["choices"][0]["message"]["content"] == text


def test_content_that_is_no_text_is_not_remembered() -> None:
    assert folded(delta(content=[{"type": "text"}], reasoning=5)).produced == 0


def test_past_its_limit_it_counts_and_remembers_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEXT_LIMIT", 10)
    transcript = folded(b"12345", b"67890", b"x", delta(content="y"))
    assert transcript.overflowed
    assert transcript.produced == 12
    assert transcript.choice(0).text == b"1234567890"


@pytest.mark.parametrize("odd", ["x", 5, [1], {"a": 1}, None, True, [[1]], [{"index": [1]}]])
@pytest.mark.parametrize(
    "place", ["id", "model", "object", "choices", "usage", "delta", "index", "role", "finish_reason", "tool_calls", "function"]
)
def test_what_is_not_in_form_is_not_taken_and_does_no_harm(place: str, odd: Any) -> None:
    call: dict[str, Any] = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    said: dict[str, Any] = {"role": "assistant", "content": "x", "tool_calls": [call]}
    entry: dict[str, Any] = {"index": 0, "delta": said, "finish_reason": "stop"}
    event: dict[str, Any] = {"id": "x", "model": "m", "choices": [entry]}
    for holder in (event, entry, said, call):
        if place in holder or (holder is event and place in ("object", "usage")):
            holder[place] = odd
    done = folded(delta(content="a"), event).completion()
    assert done["choices"][0]["message"]["content"].startswith("a")


@pytest.mark.parametrize(
    "call", [{"index": [1]}, {"type": ["x"]}, {"id": {}}, {"function": {"name": 5}}, {"function": "f", "custom": "c"}, "x"]
)
def test_odd_calls_of_a_plain_answer_do_no_harm(call: Any) -> None:
    message = {"role": "assistant", "content": "hi", "tool_calls": [call]}
    answer = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    assert PlainTranscript(answer).completion()["choices"][0]["message"]["content"] == "hi"
