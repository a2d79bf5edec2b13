"""A chat's stream becomes the numbered events of a response, the same response as a plain answer gives."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import UpstreamBroken, UpstreamFault
from gateway.dialects.responses import rendering
from gateway.dialects.responses.record import RESPONSES
from gateway.dialects.translation import Delta
from tests.unit.dialects.responses.talk import answer, bare, completion, delta, events, request

Json = dict[str, Any]

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
BLOCK = {"type": "thinking", "thinking": "hm", "signature": "s"}
REASONING = [
    *("response.output_item.added", "response.reasoning_summary_part.added", "response.reasoning_summary_text.delta"),
    *("response.reasoning_summary_text.done", "response.reasoning_summary_part.done", "response.output_item.done"),
]
MESSAGE = [
    *("response.output_item.added", "response.content_part.added", "response.output_text.delta"),
    *("response.output_text.done", "response.content_part.done", "response.output_item.done"),
]
CALL = [
    *("response.output_item.added", "response.function_call_arguments.delta"),
    *("response.function_call_arguments.done", "response.output_item.done"),
]


def kinds(found: list[Json]) -> list[str]:
    return [event["type"] for event in found[2:]]


def call(index: int, words: str = "", **first: Any) -> Json:
    return delta({"tool_calls": [{"index": index, **first, "function": {"arguments": words}}]})


def begun(index: int, name: str, words: str = "") -> Json:
    function = {"name": name, "arguments": words}
    return delta({"tool_calls": [{"index": index, "id": f"c{index}", "type": "function", "function": function}]})


def test_text_as_bytes_and_as_events() -> None:
    found = events(request(), [delta({"role": "assistant", "content": ""})], ['say "\u00fc"\n'.encode()], [delta({}, "stop")])
    assert kinds(found) == [*MESSAGE, "response.completed"]
    assert found[4]["delta"] == 'say "\u00fc"\n'
    assert found[-1]["response"]["output"][0]["content"][0]["text"] == 'say "\u00fc"\n'
    assert found[-1]["response"]["model"] == "real"


def test_reasoning_text_and_a_call_one_behind_the_other() -> None:
    found = events(
        request(),
        [delta({"reasoning_content": "hm"}), delta({"thinking_blocks": [BLOCK]})],
        [b"said", begun(0, "f"), call(0, "{}")],
        [delta({}, "tool_calls"), {"choices": [], "usage": USAGE}],
    )
    assert kinds(found) == [*REASONING, *MESSAGE, *CALL, "response.completed"]
    output = found[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "function_call"]
    assert output[0]["encrypted_content"].startswith("fgr1.")
    assert output[2]["call_id"] == "c0"
    assert found[-1]["response"]["usage"]["input_tokens"] == 3


def test_parallel_calls_that_interleave_keep_their_places() -> None:
    found = events(
        request(),
        [begun(0, "f", '{"a"'), begun(1, "g"), call(1, '{"b":2}'), call(0, ":1}"), delta({}, "tool_calls")],
    )
    output = found[-1]["response"]["output"]
    assert [(item["name"], item["arguments"]) for item in output] == [("f", '{"a":1}'), ("g", '{"b":2}')]


def test_text_behind_calls_is_an_item_behind_them() -> None:
    found = events(request(), [b"one", begun(0, "f", "{}"), b"two", delta({}, "stop")])
    assert [item["type"] for item in found[-1]["response"]["output"]] == ["message", "function_call", "message"]


def test_free_text_keeps_its_own_events() -> None:
    entry = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "patch", "input": "a"}}
    more = delta({"tool_calls": [{"index": 0, "custom": {"input": "b"}}]})
    found = events(request(), [delta({"tool_calls": [entry]}), more, delta({}, "tool_calls")])
    assert kinds(found) == [
        "response.output_item.added",
        "response.custom_tool_call_input.delta",
        "response.custom_tool_call_input.delta",
        "response.custom_tool_call_input.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert found[-1]["response"]["output"][0]["input"] == "ab"


def test_a_refusal_has_events_of_its_own() -> None:
    found = events(request(), [delta({"refusal": "n"}), delta({"refusal": "o"}), delta({}, "stop")])
    assert kinds(found).count("response.refusal.delta") == 2
    assert found[-1]["response"]["output"][0]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_the_signature_of_a_call_stands_before_it() -> None:
    signed = begun(0, "f", "{}")
    signed["choices"][0]["delta"]["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": "sig"}}
    found = events(request(), [b"text", signed, delta({}, "stop")])
    assert [item["type"] for item in found[-1]["response"]["output"]] == ["message", "reasoning", "function_call"]


def test_an_answer_cut_at_its_limit_ends_incomplete() -> None:
    found = events(request(), [b"one", delta({}, "length")])
    assert found[-1]["type"] == "response.incomplete"
    assert found[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert found[-1]["response"]["output"][0]["status"] == "incomplete"


def test_a_stream_that_says_nothing_is_whole() -> None:
    assert kinds(events(request(), [delta({"role": "assistant"}), delta({}, "stop")])) == ["response.completed"]


def test_probabilities_and_citations() -> None:
    token = {"token": "x", "logprob": -1.0, "bytes": [120], "top_logprobs": []}
    cited = {"type": "url_citation", "url_citation": {"url": "https://x", "title": "t", "start_index": 0, "end_index": 1}}
    found = events(
        request(),
        [delta({"content": "x"}, logprobs={"content": [token]}), delta({"annotations": [cited]}), delta({}, "stop")],
    )
    part = found[-1]["response"]["output"][0]["content"][0]
    (done,) = (event for event in found if event["type"] == "response.output_text.done")
    assert part["logprobs"] == found[4]["logprobs"] == done["logprobs"] == [token]
    assert part["annotations"] == [found[5]["annotation"]]


def test_other_choices_are_not_mixed_in() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "other"}}]}
    found = events(request(), [b"one", other, delta({}, "stop")])
    assert found[-1]["response"]["output"][0]["content"][0]["text"] == "one"


def test_an_answer_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "LIMIT", 100)
    renderer = RESPONSES.stream(request())
    renderer.feed([b"x" * 99])
    sent = renderer.sequence
    with pytest.raises(UpstreamBroken):
        renderer.feed([delta({"refusal": "y"}), b"x"])
    assert renderer.sequence == sent, "the error event that follows has the number behind the last that was sent"


def test_blocks_without_end_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "LIMIT", 100)
    with pytest.raises(UpstreamBroken):
        RESPONSES.stream(request()).feed([delta({"thinking_blocks": [{"type": "redacted_thinking", "data": "x" * 100}]})])


def test_usage_and_tier_are_those_that_were_told_last() -> None:
    found = events(request(), [b"x", {"choices": [], "usage": USAGE, "service_tier": "flex"}, {"choices": [], "usage": "none"}])
    assert found[0]["response"]["service_tier"] == "default"
    assert found[-1]["response"]["service_tier"] == "flex"
    assert found[-1]["response"]["usage"]["total_tokens"] == 5


def test_calls_without_end_are_ended() -> None:
    renderer = RESPONSES.stream(request())
    with pytest.raises(UpstreamBroken):
        renderer.feed([begun(number, "f") for number in range(rendering.CALL_LIMIT + 1)])


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@st.composite
def said(draw: st.DrawFn) -> tuple[Json, list[Delta]]:
    """A message, and deltas that say it."""
    message: Json = {}
    deltas: list[Delta] = [delta({"role": "assistant"})]
    if draw(st.booleans()):
        pieces = draw(st.lists(WORDS, min_size=1, max_size=3))
        message |= {"reasoning_content": "".join(pieces), "thinking_blocks": [BLOCK]}
        deltas += [delta({"reasoning_content": piece}) for piece in pieces]
        deltas.append(delta({"thinking_blocks": [BLOCK]}))
    if pieces := draw(st.lists(WORDS, max_size=3)):
        message["content"] = "".join(pieces)
        deltas += [piece.encode() if draw(st.booleans()) else delta({"content": piece}) for piece in pieces]
    calls = draw(st.lists(st.lists(WORDS, min_size=1, max_size=3), max_size=3))
    if calls or not pieces:
        calls = calls or [["x"]]
        message["tool_calls"] = [
            {"id": f"c{index}", "type": "function", "function": {"name": f"f{index}", "arguments": "".join(words)}}
            for index, words in enumerate(calls)
        ]
        deltas += [begun(index, f"f{index}") for index in range(len(calls))]
        deltas += draw(st.permutations([call(index, "".join(words)) for index, words in enumerate(calls)]))
    return message, [*deltas, delta({}, "stop"), {"choices": [], "usage": USAGE}]


@given(said(), st.data())
def test_a_stream_says_what_the_plain_answer_says(pair: tuple[Json, list[Delta]], data: st.DataObject) -> None:
    message, deltas = pair
    at = data.draw(st.integers(0, len(deltas)))
    asked = request(stream=True)
    streamed = events(asked, deltas[:at], deltas[at:])[-1]["response"]
    plain = answer(asked, message, usage=USAGE)
    assert bare(streamed["output"]) == bare(plain["output"])
    assert streamed["usage"] == plain["usage"]
    assert streamed.keys() == plain.keys()


NONSENSE = st.recursive(
    st.none() | st.integers(-3, 3) | st.sampled_from(["", "x", "stop", "\ud83d"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("choices", "delta", "content", "tool_calls", "index", "function", "name", "arguments", "finish_reason"),
                    *("usage", "reasoning_content", "thinking_blocks", "custom", "annotations", "logprobs", "refusal", "id"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "model", "created"]), NONSENSE), max_size=4))
def test_nonsense_of_a_provider_is_a_stream_or_a_fault(deltas: list[Json]) -> None:
    try:
        events(request(), list(deltas))
        RESPONSES.answer(request(), completion(deltas[0] if deltas else {}))
    except UpstreamFault:
        pass
