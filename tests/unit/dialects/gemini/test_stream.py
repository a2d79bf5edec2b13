"""A chat's stream as Gemini's: events, or one JSON array; calls whole; the reason in the last response alone."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import UpstreamBroken
from gateway.dialects.gemini import stream
from gateway.dialects.gemini.answer import answer
from gateway.dialects.gemini.stream import Rendering, media_type
from gateway.dialects.translation import Delta
from tests.unit.dialects.speech import FIRST, USAGE, Json, begun, completion, gemini, more_of, parsed, rendered, said

HI: Json = {"role": "user", "parts": [{"text": "hi"}]}
ASKED = gemini(HI, stream=True)
ARRAY = gemini(HI, stream=True, query="")
THINKING = gemini(HI, stream=True, fields={"generationConfig": {"thinkingConfig": {"includeThoughts": True}}})
STOP = said({}, "stop")
CALLED = said({}, "tool_calls")
TOLD: Json = {"usage": USAGE}


def events_of(body: bytes) -> list[Json]:
    """The responses of an event stream, in the framing that Google's own has."""
    assert body.endswith(b"\r\n\r\n")
    raws = body.split(b"\r\n\r\n")[:-1]
    assert all(raw.startswith(b"data: ") and b"\n" not in raw for raw in raws)
    return [json.loads(raw[6:]) for raw in raws]


def streamed(*deltas: Delta, request: Any = ASKED) -> list[Json]:
    """The responses; fails unless every one is one that Google's SDKs take."""
    responses = events_of(rendered(Rendering(request), deltas))
    for response in responses:
        for one in response["candidates"]:
            assert one["content"]["role"] == "model"
            assert one["content"]["parts"]
        assert response["modelVersion"]
        assert ("usageMetadata" in response) == (response is responses[-1])
        assert any("finishReason" in one for one in response["candidates"]) == (response is responses[-1])
    return responses


def parts_of(responses: list[Json], index: int = 0) -> list[Json]:
    """What one candidate says over the whole stream; texts of a kind are put together, empty ones left out."""
    parts: list[Json] = []
    for response in responses:
        for one in response["candidates"]:
            for part in one["content"]["parts"] if one["index"] == index else ():
                if "text" in part and parts and "text" in parts[-1] and parts[-1].get("thought") == part.get("thought"):
                    parts[-1]["text"] += part["text"]
                elif part.get("text") != "":
                    parts.append(dict(part))
    return parts


def test_text_comes_as_it_is_said() -> None:
    rendering = Rendering(ASKED)
    assert rendering.feed([FIRST]) == b""
    (first,) = events_of(rendering.feed([b"Hel", b"lo \xe2\x82\xac", said({"content": "!"})]))
    assert first == {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello €!"}]}, "index": 0}],
        "modelVersion": "p",
        "responseId": "chatcmpl-1",
    }
    assert rendering.feed([STOP, TOLD]) == b""
    (last,) = events_of(rendering.end())
    assert last["candidates"] == [{"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP", "index": 0}]
    assert last["usageMetadata"]["totalTokenCount"] == 29


def test_text_in_bytes_may_hold_what_json_escapes() -> None:
    assert parts_of(streamed(FIRST, b'a "q" \\ \n \x00', STOP)) == [{"text": 'a "q" \\ \n \x00'}]
    assert parts_of(streamed(FIRST, b"\xed\xa0\xbd", b"\xed\xb8\x80", b"\xff", STOP)) == [{"text": "\ud83d\ude00\ufffd"}]


def test_thoughts_are_for_those_who_asked() -> None:
    deltas: list[Delta] = [FIRST, said({"reasoning_content": "hm "}), said({"reasoning_content": "ok"}), b"Hi", STOP]
    assert parts_of(streamed(*deltas)) == [{"text": "Hi"}]
    assert parts_of(streamed(*deltas, request=THINKING)) == [{"text": "hm ok", "thought": True}, {"text": "Hi"}]


def test_calls_come_whole_however_their_pieces_lie() -> None:
    responses = streamed(
        FIRST,
        begun(0, "call_1", "get", extra_content={"google": {"thought_signature": "c2ln"}}),
        begun(1, "call_2", "put"),
        more_of(1, '{"b":'),
        more_of(0, '{"a":1}'),
        b"amid",
        more_of(1, "2}"),
        CALLED,
        TOLD,
    )
    assert parts_of(responses) == [
        {"text": "amid"},
        {"functionCall": {"id": "call_1", "name": "get", "args": {"a": 1}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"id": "call_2", "name": "put", "args": {"b": 2}}},
    ]
    assert responses[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize(("finish", "reason"), [("length", "MAX_TOKENS"), ("content_filter", "SAFETY")])
def test_why_it_ended(finish: str, reason: str) -> None:
    assert streamed(FIRST, b"Hi", said({}, finish))[-1]["candidates"][0]["finishReason"] == reason


def test_a_refusal_is_text_that_was_not_safe() -> None:
    responses = streamed(FIRST, said({"refusal": "I cannot."}), STOP)
    assert parts_of(responses) == [{"text": "I cannot."}]
    assert responses[-1]["candidates"][0]["finishReason"] == "SAFETY"


def test_every_choice_is_a_candidate() -> None:
    responses = streamed(FIRST, said({"content": "b"}, index=1), b"a", said({}, "length", index=1), STOP)
    assert (parts_of(responses, 0), parts_of(responses, 1)) == ([{"text": "a"}], [{"text": "b"}])
    assert [one["finishReason"] for one in responses[-1]["candidates"]] == ["STOP", "MAX_TOKENS"]


def test_an_answer_that_says_nothing_is_one_too() -> None:
    (only,) = streamed()
    assert only["candidates"][0]["finishReason"] == "STOP"
    assert only["modelVersion"] == "m"


def test_without_events_it_is_one_array_element_by_element() -> None:
    rendering = Rendering(ARRAY)
    first, second, last = rendering.feed([FIRST, b"a"]), rendering.feed([b"b"]), rendering.feed([STOP]) + rendering.end()
    assert first.startswith(b"[{")
    assert second.startswith(b",\r\n{")
    assert last.endswith(b"}]")
    assert [one["candidates"][0]["content"]["parts"][0]["text"] for one in json.loads(first + second + last)] == ["a", "b", ""]
    assert json.loads(rendered(Rendering(ARRAY), []))[0]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("alt=sse", None),
        ("a=b&alt=sse", None),
        ("$alt=sse", None),
        ("", b"application/json"),
        ("alt=json", b"application/json"),
    ],
)
def test_the_query_chooses_the_form(query: str, kind: bytes | None) -> None:
    assert media_type(gemini(HI, stream=True, query=query)) == kind


@pytest.mark.parametrize("odd", [3, "x", [], {}, [3], {"a": 1}, [{"function": 3}], None])
def test_odd_types_never_break_a_stream(odd: Any) -> None:
    more = [
        said({"reasoning_content": odd, "tool_calls": odd}),
        {"choices": odd},
        {"choices": [{"delta": odd}]},
        {"usage": odd},
    ]
    assert {"text": "Hi"} in parts_of(streamed(FIRST, *more, b"Hi", STOP, request=THINKING))


def test_what_is_kept_of_calls_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CALLS_LIMIT", 1000)
    rendering = Rendering(ASKED)
    rendering.feed([begun(0, "call_1", "get", "x" * 800)])
    with pytest.raises(UpstreamBroken):
        rendering.feed([more_of(0, "x" * 200)])


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@st.composite
def streams(draw: st.DrawFn) -> list[Delta]:
    inputs = draw(st.lists(st.dictionaries(WORDS, WORDS | st.integers(0, 9), max_size=3), max_size=3))
    queues: list[list[Delta]] = [[said({"content": one}) for one in draw(st.lists(WORDS, max_size=4))]]
    for at, arguments in enumerate(inputs):
        words = json.dumps(arguments)
        cut = draw(st.integers(0, len(words)))
        queues.append([begun(at, f"call_{at}", f"f{at}"), more_of(at, words[:cut]), more_of(at, words[cut:])])
    deltas: list[Delta] = [FIRST]
    while any(queues):
        deltas.append(draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    return [*deltas, CALLED if inputs else STOP, TOLD]


@given(streams())
def test_a_stream_says_what_the_plain_answer_does(deltas: list[Delta]) -> None:
    responses = streamed(*deltas)
    plain = parsed(answer(ASKED, completion(deltas)))
    assert [part for part in plain["candidates"][0]["content"]["parts"] if part.get("text") != ""] == parts_of(responses)
    assert plain["usageMetadata"] == responses[-1]["usageMetadata"]
    array = json.loads(rendered(Rendering(ARRAY), deltas))
    assert array == responses
