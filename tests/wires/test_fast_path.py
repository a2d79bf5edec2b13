"""Events that are not parsed leave as if they had been: the learned template changes the cost and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken, UpstreamRefused
from gateway.providers.openai.stream import Stream
from gateway.providers.openai.template import Template
from gateway.providers.wire import OPENAI
from tests.journeys.variants import DONE
from tests.wires.driving import WALL_S, Left, ask, check, drive, request
from tests.wires.streams import call, chunk

SPICE = st.sampled_from(
    ['"', "\\", "\n", "\r\n", "\t", "\u2028", "\x7f", "\u00fc", "\U0001f30d", "data: ", "}]}", "\n\n", '"},"', ""]
)
TEXTS = st.lists(st.one_of(SPICE, st.text(max_size=12)), min_size=1, max_size=30)


def framed(value: Any, *, ascii_only: bool = False, spaced: bool = False) -> bytes:
    separators = (", ", ": ") if spaced else (",", ":")
    return b"data: " + json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode() + b"\n\n"


def fresh(operation: Operation = Operation.CHAT, *, lessons: bool = True) -> Stream:
    stream = OPENAI.stream(ask(request(operation, usage=True)), WALL_S)
    assert isinstance(stream, Stream)
    if not lessons:
        stream._lessons = 0
    return stream


def both(whole: bytes, size: int, operation: Operation = Operation.CHAT) -> tuple[Left, Left]:
    blocks = [whole[at : at + size] for at in range(0, len(whole), size)]
    return drive(blocks, stream=fresh(operation)), drive(blocks, stream=fresh(operation, lessons=False))


@given(TEXTS, st.booleans(), st.booleans(), st.booleans(), st.integers(40, 5000))
def test_text_leaves_to_the_byte_and_is_remembered(
    texts: list[str], ascii_only: bool, spaced: bool, obfuscated: bool, size: int
) -> None:
    def more(at: int) -> dict[str, Any]:
        return {"obfuscation": "x7Qp2mZk"[: at % 8 + 1]} if obfuscated else {}

    values = [chunk({"role": "assistant", "content": ""})]
    values += [chunk({"content": text}, **more(at)) for at, text in enumerate(texts)]
    events = [framed(value, ascii_only=ascii_only, spaced=spaced) for value in [*values, chunk({}, "stop")]]
    whole = b"".join([*events, DONE])
    fast, slow = both(whole, size)
    check(fast, usage=False)
    assert fast.data == slow.data == whole
    assert fast.transcript.completion() == slow.transcript.completion()
    assert (fast.transcript.choice(0).text).decode() == "".join(texts)


@given(TEXTS, st.booleans(), st.integers(40, 5000))
def test_what_has_to_be_mended_is_mended_without_parsing_too(texts: list[str], ascii_only: bool, size: int) -> None:
    """Neither index nor finish reason, and reasoning under its new name."""
    values: list[Any] = [chunk({"reasoning": text}) for text in texts] + [chunk({"content": text}) for text in texts]
    for value in values:
        del value["choices"][0]["index"], value["choices"][0]["finish_reason"]
    whole = b"".join([*(framed(value, ascii_only=ascii_only) for value in [*values, chunk({}, "stop")]), DONE])
    fast, slow = both(whole, size)
    check(fast, usage=False)
    assert fast.events == slow.events
    assert fast.transcript.completion() == slow.transcript.completion()
    assert fast.transcript.choice(0).reasoning == fast.transcript.choice(0).text == "".join(texts).encode()


@given(TEXTS, TEXTS, st.booleans(), st.integers(40, 5000))
def test_arguments_go_to_the_call_that_they_belong_to(one: list[str], two: list[str], same_index: bool, size: int) -> None:
    values = [chunk(call(0, "", "call_a", "f"))]
    values += [chunk(call(0, text)) for text in one]
    values += [chunk(call(0 if same_index else 1, "", "call_b", "g"))]
    values += [chunk(call(0 if same_index else 1, text)) for text in two]
    whole = b"".join([*map(framed, [*values, chunk({}, "tool_calls")]), DONE])
    fast, slow = both(whole, size)
    check(fast, usage=False)
    assert fast.events == slow.events
    calls = fast.transcript.choice(0).calls
    assert [bytes(calls[index].words) for index in (0, 1)] == ["".join(texts).encode() for texts in (one, two)]


@given(TEXTS, st.integers(0, 1), st.integers(40, 5000))
def test_legacy_text(texts: list[str], index: int, size: int) -> None:
    heading = {"id": "cmpl-9", "object": "text_completion", "created": 1, "model": "m-1"}
    said = [heading | {"choices": [{"text": text, "index": index, "finish_reason": None}]} for text in texts]
    end = heading | {"choices": [{"text": "", "index": index, "finish_reason": "stop"}]}
    whole = b"".join([*map(framed, [*said, end]), DONE])
    fast, slow = both(whole, size, Operation.COMPLETIONS)
    check(fast, usage=False, legacy=True)
    assert fast.data == slow.data == whole
    assert fast.transcript.choice(index).text.decode() == "".join(texts)


def test_two_choices_in_turn_stay_apart() -> None:
    values = [chunk({"content": f"{index}{at} "}, index=index) for at in range(40) for index in (0, 1)]
    ends = [chunk({}, "stop", index=index) for index in (0, 1)]
    left = drive([b"".join([*map(framed, [*values, *ends]), DONE])])
    check(left, usage=False)
    for index in (0, 1):
        assert left.transcript.choice(index).text.decode() == "".join(f"{index}{at} " for at in range(40))


def warm(*events: Any) -> Stream:
    stream = fresh()
    for event in events:
        stream.feed(framed(event))
    return stream


def spied(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The events that the stream parses from now on."""
    parsed: list[bytes] = []
    read = Stream._read

    def reading(self: Stream, raw: bytes) -> None:
        parsed.append(raw)
        read(self, raw)

    monkeypatch.setattr(Stream, "_read", reading)
    return parsed


@pytest.mark.parametrize(
    "more",
    [{}, {"obfuscation": "aB3"}, {"usage": None}, {"service_tier": "default", "system_fingerprint": None}],
)
@pytest.mark.parametrize("text", ["word", 'with "quotes"\n', "\u4e16\u754c\U0001f30d"])
def test_a_block_of_known_events_is_not_parsed(monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], text: str) -> None:
    stream = warm(chunk({"content": "one"}, **more))
    parsed = spied(stream, monkeypatch)
    block = framed(chunk({"content": text}, **more)) * 50
    made = stream.feed(block)
    assert made.data is block
    assert list(made.deltas) == [text.encode() * 50]
    assert parsed == []


def test_only_what_is_odd_at_the_end_of_a_block_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = warm(chunk({"content": "one"}))
    parsed = spied(stream, monkeypatch)
    end = framed(chunk({}, "stop")) + DONE
    known = framed(chunk({"content": "word"}))
    made = stream.feed(known * 20 + end)
    assert made.data == known * 20 + end
    assert len(parsed) == 2


def test_what_is_cut_in_the_middle_waits_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = warm(chunk({"content": "one"}))
    parsed = spied(stream, monkeypatch)
    known = framed(chunk({"content": "word"}))
    made = stream.feed(known * 3 + known[:40])
    assert made.data == known * 3
    assert stream.feed(known[40:] + known).data == known * 2
    assert parsed == []


@pytest.mark.parametrize("odd", ['"', "\\", "a\nb", 'a","b', "\x00", 'x"},"finish_reaso'])
def test_a_piece_that_is_no_text_is_seen(odd: str) -> None:
    """The bytes are those of a known event, but what stands in the text's place ends the string or breaks the line."""
    stream = warm(chunk({"content": "one"}))
    known = framed(chunk({"content": "MARK"}))
    left = drive([known, known.replace(b"MARK", odd.encode()), known], stream=stream)
    assert isinstance(left.fault, UpstreamBroken)
    left = drive([known * 2 + known.replace(b"MARK", odd.encode()) + known], stream=warm(chunk({"content": "one"})))
    assert isinstance(left.fault, UpstreamBroken)
    assert left.data == known * 2


def test_half_an_event_between_known_ones_is_seen() -> None:
    known = framed(chunk({"content": "x"}))
    left = drive([known * 3 + b'data: {"id":' + known[len(known) // 2 :] + known], stream=warm(chunk({"content": "one"})))
    assert isinstance(left.fault, UpstreamBroken)
    assert left.data == known * 3


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80"])
def test_text_that_is_not_utf_8_is_a_fault_in_either_way(bad: bytes) -> None:
    known = framed(chunk({"content": "MARK"}))
    assert isinstance(drive([known.replace(b"MARK", bad)]).fault, UpstreamBroken)
    assert isinstance(drive([known * 2, known.replace(b"MARK", bad)]).fault, UpstreamBroken)
    assert isinstance(drive([known * 2, known.replace(b"MARK", bad) * 2]).fault, UpstreamBroken)


def test_halves_of_a_surrogate_pair_in_two_events_come_together() -> None:
    halves = [framed(chunk({"content": half}), ascii_only=True) for half in ("a", "\ud83c", "\udf0d", "b")]
    whole = b"".join([*halves, framed(chunk({}, "stop")), DONE])
    left = drive([whole])
    check(left, usage=False)
    assert left.transcript.completion()["choices"][0]["message"]["content"] == "a\U0001f30db"


def test_a_stream_without_any_pattern_stops_learning() -> None:
    stream = fresh()
    for at in range(40):
        stream.feed(framed(chunk({"content": "x"}, serial=at)))
    assert stream._lessons == 0
    assert isinstance(stream._template, Template)


def test_text_that_repeats_the_probe_is_not_learned_from() -> None:
    stream = warm(chunk({"content": "fleetgate:probe"}))
    assert stream._template is None


@pytest.mark.parametrize(
    "odd",
    [
        {"obfuscation": ""},
        {"obfuscation": "\u00fc"},
        {"obfuscation": 5},
        {"obfuscation": "x", "last": 1},
        {"content": "elsewhere"},
        {"note": "\ud800"},
    ],
)
def test_an_event_that_cannot_be_learned_is_parsed_each_time(odd: dict[str, Any]) -> None:
    values = [
        {**odd, **chunk({"content": f"{at} "})} if "content" in odd else chunk({"content": f"{at} "}, **odd) for at in range(30)
    ]
    whole = b"".join([*(framed(value, ascii_only=True) for value in [*values, chunk({}, "stop")]), DONE])
    for size in (len(whole), 100):
        fast, slow = both(whole, size)
        check(fast, usage=False)
        assert fast.data == slow.data
        assert fast.transcript.choice(0).text.decode() == "".join(f"{at} " for at in range(30))


def test_two_texts_in_one_event_are_not_one() -> None:
    values = [chunk({"content": f"c{at}", "refusal": f"r{at}"}) for at in range(30)]
    left = drive([b"".join([*map(framed, [*values, chunk({}, "stop")]), DONE])])
    check(left, usage=False)
    assert left.transcript.choice(0).text.decode() == "".join(f"c{at}" for at in range(30))
    assert left.transcript.choice(0).refusal.decode() == "".join(f"r{at}" for at in range(30))


def test_the_same_text_in_two_fields_is_not_learned() -> None:
    stream = warm(chunk({"content": "same", "refusal": "same"}), chunk({"reasoning": "one", "reasoning_content": "one"}))
    assert stream._template is None


def test_padding_that_is_none_is_seen() -> None:
    stream = warm(chunk({"content": "one"}, obfuscation="abc"))
    known = framed(chunk({"content": "word"}, obfuscation="MARK"))
    for odd in (b'a","b', b"\\", b'"', b'x"},"finish_reason":null}],"obfuscation":"y'):
        left = drive([known, known.replace(b"MARK", odd) + known, known], stream=stream)
        assert isinstance(left.fault, UpstreamBroken)
        stream = warm(chunk({"content": "one"}, obfuscation="abc"))


def test_half_a_surrogate_in_an_event_that_has_to_be_mended() -> None:
    events = [
        framed(chunk({"content": half}), ascii_only=True).replace(b',"finish_reason":null', b"")
        for half in ("\ud83c", "\udf0d")
    ]
    fast, slow = both(b"".join([framed(chunk({"content": "a"})), *events, framed(chunk({}, "stop")), DONE]), 10_000)
    check(fast, usage=False)
    assert fast.events == slow.events
    assert fast.transcript.completion()["choices"][0]["message"]["content"] == "a\U0001f30d"


def test_the_head_and_the_tail_of_an_event_need_a_text_between_them() -> None:
    known = framed(chunk({"content": ""}))
    assert isinstance(drive([known.replace(b'""', b'"')], stream=warm(chunk({"content": "one"}))).fault, UpstreamBroken)


def test_a_text_without_padding_is_no_text_with_padding() -> None:
    known = framed(chunk({"content": "one"}, obfuscation="abc"))
    start, end = known.index(b"one") + 3, known.index(b"abc")
    left = drive([known[:start] + b'","' + known[end:]], stream=warm(chunk({"content": "one"}, obfuscation="abc")))
    assert isinstance(left.fault, UpstreamBroken)


def test_the_end_of_an_event_that_began_before_is_not_taken_for_a_whole_one() -> None:
    known = framed(chunk({"content": "one"}))
    left = drive([known, b"event: error\n", known], stream=warm(chunk({"content": "one"})))
    assert isinstance(left.fault, UpstreamBroken | UpstreamRefused)
    assert left.data == known


def test_only_padding_may_vary_beside_the_text() -> None:
    assert warm(chunk({"content": "one"}, obfuscation="x", last="x"))._template is None


def test_text_of_a_later_choice_and_text_with_escapes_stay_what_they_are_where_each_event_comes_alone() -> None:
    words = ["a", "b", "c\n", 'd"', "e"]
    first, second = ([framed(chunk({"content": word}, index=at)) for word in words] for at in (0, 1))
    ends = [framed(chunk({}, "stop", index=at)) for at in (0, 1)]
    left = drive([*first, *second, *ends, DONE], request())
    check(left, usage=False)
    assert left.transcript.choice(0).text == left.transcript.choice(1).text == "".join(words).encode()
