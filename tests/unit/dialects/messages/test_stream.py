"""A chat's stream as a message's: one block open at a time, whatever order the provider's deltas come in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import UpstreamBroken
from gateway.core.transcript import Chunk, Transcript
from gateway.dialects.arguments import UNPARSED
from gateway.dialects.messages import blocks
from gateway.dialects.messages.answer import answer
from gateway.dialects.messages.stream import Rendering
from gateway.dialects.translation import Delta
from tests.unit.dialects.messages.folding import events_of, folded
from tests.unit.dialects.speech import FIRST, USAGE, Json, begun, completion, messages, more_of, parsed, rendered, said, user

ASKED = messages(user("hi"), stream=True)
THINKING = messages(user("hi"), stream=True, thinking={"type": "adaptive"})
STOP = said({}, "stop")
CALLED = said({}, "tool_calls")
TOLD: Json = {"usage": USAGE}


def streamed(*deltas: Delta, request: Any = ASKED) -> Json:
    return folded(rendered(Rendering(request), deltas))


def use(call_id: str, name: str, **given: Any) -> Json:
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def test_text_comes_as_it_is_said() -> None:
    rendering = Rendering(ASKED)
    first = rendering.feed([FIRST, b"Hel"])
    assert [event["type"] for event in events_of(first)] == ["message_start", "content_block_start", "content_block_delta"]
    second = rendering.feed([b"lo \xe2\x82\xac", said({"content": '\n"q"'})])
    assert [event["delta"]["text"] for event in events_of(second)] == ["lo €", '\n"q"']
    assert rendering.feed([STOP]) == b""
    assert rendering.feed([TOLD]) == b""
    message = folded(first + second + rendering.end())
    assert message["content"] == [text('Hello €\n"q"')]
    assert (message["id"], message["model"], message["stop_reason"]) == ("msg_1", "p", "end_turn")
    assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (12, 9)
    assert (message["usage"]["cache_read_input_tokens"], message["usage"]["cache_creation_input_tokens"]) == (5, 3)


def test_a_stream_that_begins_with_text_or_says_nothing_is_one_too() -> None:
    assert streamed(b"Hi", STOP)["content"] == [text("Hi")]
    empty = streamed()
    assert (empty["content"], empty["stop_reason"], empty["model"]) == ([], "end_turn", "m")
    assert streamed(FIRST, said({"content": ""}), said({"content": None}), b"", STOP)["content"] == []


def test_thinking_is_signed_before_it_closes() -> None:
    signed = {"type": "thinking", "thinking": "hm ok", "signature": "s=="}
    hidden = {"type": "redacted_thinking", "data": "enc"}
    deltas: list[Delta] = [
        FIRST,
        said({"reasoning_content": "hm "}),
        said({"reasoning_content": "ok"}),
        said({"thinking_blocks": [signed]}),
        said({"thinking_blocks": [hidden]}),
        b"Hi",
        STOP,
    ]
    assert streamed(*deltas, request=THINKING)["content"] == [signed, hidden, text("Hi")]
    # Who did not ask for it gets what must come back, at once.
    assert streamed(*deltas)["content"] == [signed, hidden, text("Hi")]


def test_thinking_of_signature_alone_survives() -> None:
    mute = {"type": "thinking", "thinking": "", "signature": "s=="}
    assert streamed(FIRST, said({"thinking_blocks": [mute]}), b"Hi", STOP)["content"] == [mute, text("Hi")]


def test_what_sets_two_thoughts_apart_is_of_neither() -> None:
    thoughts = [{"type": "thinking", "thinking": words, "signature": words} for words in ("a", "\n\nb")]
    deltas: list[Delta] = [FIRST, said({"reasoning_content": "a"}), said({"thinking_blocks": thoughts[:1]})]
    deltas += [said({"reasoning_content": "\n\n\n\nb"}), said({"thinking_blocks": thoughts[1:]}), b"Hi", STOP]
    assert streamed(*deltas, request=THINKING)["content"] == [*thoughts, text("Hi")]


def test_a_signature_never_stands_on_other_words() -> None:
    signed = {"type": "thinking", "thinking": "the whole", "signature": "s"}
    deltas: list[Delta] = [said({"reasoning_content": "a summary"}), said({"thinking_blocks": [signed]}), b"Hi", STOP]
    shown = {"type": "thinking", "thinking": "a summary", "signature": ""}
    assert streamed(*deltas, request=THINKING)["content"] == [shown, signed, text("Hi")]


def test_unsigned_thinking_is_for_those_who_asked() -> None:
    deltas: list[Delta] = [FIRST, said({"reasoning_content": "hm"}), b"Hi", STOP]
    assert streamed(*deltas)["content"] == [text("Hi")]
    thought = {"type": "thinking", "thinking": "hm", "signature": ""}
    assert streamed(*deltas, request=THINKING)["content"] == [thought, text("Hi")]


def test_a_call_comes_piece_by_piece() -> None:
    rendering = Rendering(ASKED)
    rendering.feed([FIRST, b"Let me."])
    started = events_of(rendering.feed([begun(0, "call_1", "get"), more_of(0, '{"a"')]))
    assert [event["type"] for event in started] == ["content_block_stop", "content_block_start", "content_block_delta"]
    assert started[1]["content_block"] == use("call_1", "get")
    assert events_of(rendering.feed([more_of(0, ":1}")]))[0]["delta"] == {"type": "input_json_delta", "partial_json": ":1}"}


def test_calls_one_behind_the_other_come_at_once() -> None:
    rendering = Rendering(ASKED)
    rendering.feed([FIRST, begun(0, "call_1", "get", '{"a":1}')])
    second = events_of(rendering.feed([begun(1, "call_2", "put", '{"b":')]))
    assert [event["type"] for event in second] == ["content_block_stop", "content_block_start", "content_block_delta"]


def test_a_call_waits_until_the_open_one_is_whole() -> None:
    rendering = Rendering(ASKED)
    rendering.feed([FIRST, begun(0, "call_1", "get", '{"a":"}')])
    assert rendering.feed([begun(1, "call_2", "put", '{"b":2}'), b"so", begun(2, "call_3", "cut", '{"c"')]) == b""
    told = events_of(rendering.feed([more_of(0, '"}')]))
    assert [event["type"].removeprefix("content_block_") for event in told] == [
        *("delta", "stop"),
        *("start", "delta", "stop"),
        *("start", "delta", "stop"),
        *("start", "delta"),
    ]


def test_interleaved_calls_and_text_between_them_end_up_whole() -> None:
    message = streamed(
        FIRST,
        begun(0, "call_1", "get"),
        begun(1, "call_2", "put"),
        more_of(0, '{"a"'),
        more_of(1, '{"b":'),
        b"amid",
        more_of(0, ':"{"}'),
        more_of(1, '"x\\"}"}'),
        b"after",
        CALLED,
    )
    assert message["content"] == [use("call_1", "get", a="{"), use("call_2", "put", b='x"}'), text("amidafter")]
    assert message["stop_reason"] == "tool_use"


def test_thinking_between_the_pieces_of_a_call_waits_as_well() -> None:
    signed = {"type": "thinking", "thinking": "hm", "signature": "s"}
    message = streamed(
        begun(0, "call_1", "get", "{"),
        said({"reasoning_content": "hm"}),
        said({"thinking_blocks": [signed]}),
        more_of(0, "}"),
        b"so",
        CALLED,
        request=THINKING,
    )
    assert message["content"] == [use("call_1", "get"), signed, text("so")]


def test_calls_without_arguments_are_calls_of_nothing() -> None:
    message = streamed(FIRST, begun(0, "call_1", "now"), begun(1, "call_2", "then"), CALLED)
    assert message["content"] == [use("call_1", "now"), use("call_2", "then")]


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ([" "], {}),
        (["\n", " ", '{"a"', ":1}"], {"a": 1}),
        (["null"], {}),
        (["nu", "ll"], {}),
        (["[1", ",2]"], {UNPARSED: "[1,2]"}),
        (['"a', 'b"'], {UNPARSED: '"ab"'}),
        (["rm", " -rf"], {UNPARSED: "rm -rf"}),
    ],
)
def test_arguments_that_are_no_object_are_told_as_one(words: list[str], given: Json) -> None:
    pieces = [more_of(0, piece) for piece in words]
    expected = [use("call_1", "get", **given), use("call_2", "put")]
    assert streamed(FIRST, begun(0, "call_1", "get"), *pieces, begun(1, "call_2", "put", "{}"), CALLED)["content"] == expected
    whole = completion([FIRST, begun(0, "call_1", "get"), *pieces, begun(1, "call_2", "put", "{}"), CALLED])
    assert parsed(answer(ASKED, whole))["content"] == expected


def test_what_is_kept_of_arguments_that_are_no_object_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WAITING_LIMIT", 100)
    rendering = Rendering(ASKED)
    rendering.feed([begun(0, "call_1", "get", "x" * 90)])
    with pytest.raises(UpstreamBroken):
        rendering.feed([more_of(0, "x" * 90)])


def test_a_name_that_comes_in_pieces_is_whole_when_the_block_begins() -> None:
    rest = said({"tool_calls": [{"index": 0, "function": {"name": "_it"}}]})
    assert streamed(begun(0, "call_1", "get"), rest, more_of(0, "{}"), CALLED)["content"] == [use("call_1", "get_it")]


def test_what_comes_of_a_call_after_its_end_is_not_of_it() -> None:
    message = streamed(begun(0, "call_1", "get", "{}"), b"so", more_of(0, " "), CALLED)
    assert message["content"] == [use("call_1", "get"), text("so")]


def test_a_call_that_is_cut_off_by_the_limit_is_closed() -> None:
    events = events_of(rendered(Rendering(ASKED), [begun(0, "call_1", "get", '{"a":"b'), said({}, "length")]))
    assert [event["type"] for event in events[-3:]] == ["content_block_stop", "message_delta", "message_stop"]
    assert events[-2]["delta"]["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (said({}, "stop"), "end_turn"),
        (said({}, "stop", stop_sequence="END"), "stop_sequence"),
        (said({}, "length"), "max_tokens"),
        (said({}, "content_filter"), "refusal"),
        (said({}, "stop", native_finish_reason="pause_turn"), "pause_turn"),
    ],
)
def test_why_it_ended(last: Json, reason: str) -> None:
    message = streamed(FIRST, b"Hi", last, TOLD)
    assert message["stop_reason"] == reason
    assert message["stop_sequence"] == ("END" if reason == "stop_sequence" else None)


def test_a_refusal_is_text_with_its_reason() -> None:
    message = streamed(FIRST, said({"refusal": "I can"}), said({"refusal": "not."}), STOP)
    assert message["content"] == [text("I cannot.")]
    assert message["stop_reason"] == "refusal"


def test_only_the_first_choice_is_told() -> None:
    message = streamed(FIRST, said({"content": "other"}, index=1), b"mine", said({}, "length", index=1), STOP)
    assert message["content"] == [text("mine")]
    assert message["stop_reason"] == "end_turn"


@pytest.mark.parametrize("odd", [3, "x", [], {}, [3], [{"type": "thinking"}], {"a": 1}, [{"function": 3}], None])
def test_odd_types_never_break_a_stream(odd: Any) -> None:
    delta = {"reasoning_content": odd, "thinking_blocks": odd, "tool_calls": odd}
    more = [said(delta), {"choices": odd}, {"choices": [{"index": 0, "delta": odd, "finish_reason": odd}]}, {"usage": odd}]
    assert {"type": "text", "text": "Hi"} in streamed(FIRST, *more, b"Hi", STOP, request=THINKING)["content"]


def test_what_may_wait_for_a_call_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WAITING_LIMIT", 1000)
    rendering = Rendering(ASKED)
    rendering.feed([begun(0, "call_1", "get", "{"), begun(1, "call_2", "put", "x" * 800)])
    with pytest.raises(UpstreamBroken):
        rendering.feed([b"x" * 200])


def test_what_has_been_sent_does_not_count_as_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WAITING_LIMIT", 1000)
    deltas: list[Delta] = []
    for at in range(0, 40, 2):
        deltas += [
            begun(at, f"c{at}", "f", "{"),
            begun(at + 1, f"c{at + 1}", "f", '{"a":"%s"}' % ("x" * 300)),
            more_of(at, "}"),
        ]
    assert len(streamed(*deltas, CALLED)["content"]) == 40


def test_text_in_bytes_may_hold_what_json_escapes() -> None:
    assert streamed(FIRST, 'a "q" \\ \n \x00 \ud7ff'.encode(), STOP)["content"] == [text('a "q" \\ \n \x00 \ud7ff')]
    halves = rendered(Rendering(ASKED), [b"\xed\xa0\xbd", b"\xed\xb8\x80", b"\xff", STOP])
    assert b'"\\ud83d"' in halves
    assert b'"\\ude00"' in halves
    assert folded(halves)["content"] == [text("\ud83d\ude00\ufffd")]


def test_what_comes_after_the_end_of_a_call_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WAITING_LIMIT", 1000)
    assert len(streamed(begun(0, "call_1", "get", "{}"), b"so", more_of(0, "x" * 2000), CALLED)["content"]) == 2


def test_halves_of_a_surrogate_pair_come_through() -> None:
    stream = rendered(Rendering(ASKED), [said({"content": "\ud83d"}), said({"content": "\ude00"}), STOP])
    assert b"\\ud83d" in stream
    assert b"\\ude00" in stream


# ---------------------------------------------------------------- properties

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS, lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
GIVEN = st.dictionaries(WORDS, VALUES, max_size=3)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Delta], list[Json], str]:
    """Deltas in any order that keeps the order within each call, and what they say."""
    inputs = draw(st.lists(GIVEN, max_size=4))
    queues: list[list[Delta]] = []
    for at, arguments in enumerate(inputs):
        words = json.dumps(arguments, ensure_ascii=False)
        cuts = sorted(draw(st.lists(st.integers(0, len(words)), max_size=4)))
        pieces = [words[a:b] for a, b in zip([0, *cuts], [*cuts, len(words)], strict=True)]
        queues.append([begun(at, f"call_{at}", f"f{at}"), *(more_of(at, piece) for piece in pieces)])
    texts = draw(st.lists(WORDS, max_size=4))
    queues.append([said({"content": one}) for one in texts])
    deltas: list[Delta] = [FIRST]
    while any(queues):
        deltas.append(draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    return [*deltas, CALLED if inputs else STOP, TOLD], inputs, "".join(texts)


@given(streams(), st.data())
def test_any_interleaving_keeps_the_rules_and_says_all(
    stream: tuple[list[Delta], list[Json], str], data: st.DataObject
) -> None:
    deltas, inputs, words = stream
    rendering, out, rest = Rendering(ASKED), b"", deltas
    while rest:
        count = data.draw(st.integers(1, len(rest)))
        out += rendering.feed(rest[:count])
        rest = rest[count:]
    message = folded(out + rendering.end())
    called = {block["id"]: block for block in message["content"] if block["type"] == "tool_use"}
    assert {call_id: block["input"] for call_id, block in called.items()} == {
        f"call_{at}": one for at, one in enumerate(inputs)
    }
    assert "".join(block["text"] for block in message["content"] if block["type"] == "text") == words
    plain = parsed(answer(ASKED, completion(deltas)))
    assert plain["stop_reason"] == message["stop_reason"]
    assert plain["usage"] == message["usage"]


@given(streams())
def test_a_folded_stream_says_what_the_rendered_one_does(stream: tuple[list[Delta], list[Json], str]) -> None:
    transcript = Transcript()
    for delta in stream[0]:
        transcript.fold(Chunk(b"", [delta]))
    plain = parsed(answer(ASKED, transcript.completion()))
    message = streamed(*stream[0])
    assert sorted(map(str, plain["content"])) == sorted(map(str, _joined(message["content"])))


def _joined(content: list[Json]) -> list[Json]:
    words = "".join(block["text"] for block in content if block["type"] == "text")
    return [*([text(words)] if words else []), *(block for block in content if block["type"] != "text")]
