"""A stream of Gemini's, told as a chat: what every client relies on, wherever the network cuts it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import UpstreamTruncated
from gateway.dialects.thinking import opened
from gateway.providers.wire import GOOGLE
from tests.wires.driving import WALL_S, Left, check, request
from tests.wires.google.asking import asked, native, read, told
from tests.wires.google.exchanges import ANSWERS, SIGNATURE, STREAMS, Json, call, candidate, events, response


def same(one: Left, other: Left) -> None:
    assert one.data == other.data
    assert one.transcript.completion() == other.transcript.completion()
    assert type(one.fault) is type(other.fault)
    assert one.begun == other.begun


@pytest.fixture(autouse=True)
def _known_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.providers.google.turn.fresh_call_id", lambda: "call_fresh")
    monkeypatch.setattr("gateway.providers.google.telling.fresh_id", lambda _: "chatcmpl-fresh")


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("usage", [True, False])
def test_every_stream_is_one_that_clients_understand(name: str, usage: bool) -> None:
    check(told([STREAMS[name]], request(usage=usage)), usage=usage)


@pytest.mark.parametrize("name", STREAMS)
def test_single_bytes_give_the_same_as_one_block(name: str) -> None:
    whole = STREAMS[name]
    pieces = [whole[at : at + 1] for at in range(len(whole))]
    for asking in (request(usage=True), native(), native("")):
        same(told(pieces, asking), told([whole], asking))


@pytest.mark.parametrize("name", STREAMS)
@given(data=st.data())
def test_any_split_gives_the_same(name: str, data: st.DataObject) -> None:
    whole = STREAMS[name]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=12)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    asking = data.draw(st.sampled_from([request(usage=True), request(), native(), native("")]))
    same(told(pieces, asking), told([whole], asking))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_says_the_same_as_the_plain_answer(name: str) -> None:
    left = told([events(ANSWERS[name])])
    plain = read(ANSWERS[name]).deltas[0]
    assert isinstance(plain, dict)
    choice, message = plain["choices"][0], plain["choices"][0]["message"]
    streamed = left.transcript.completion()["choices"][0]
    assert streamed["finish_reason"] == choice["finish_reason"]
    assert streamed["message"]["content"] == (message["content"] or None)
    for key in ("reasoning_content", "refusal"):
        assert streamed["message"].get(key) == message.get(key)
    calls = [{key: said for key, said in one.items() if key != "extra_content"} for one in message.get("tool_calls", ())]
    assert streamed["message"].get("tool_calls", []) == calls
    assert left.transcript.usage == plain["usage"]


def test_text_reasoning_and_signature_arrive_in_order() -> None:
    left = told([STREAMS["reasoning"]])
    deltas = [one["choices"][0]["delta"] for one in left.events if one["choices"]]
    assert [set(one) - {"role"} for one in deltas] == [
        {"reasoning_content"},
        {"reasoning_content"},
        {"content"},
        {"extra_content"},
        set(),
    ]
    assert deltas[3]["extra_content"] == {"google": {"thought_signature": SIGNATURE}}
    usage = left.events[-1]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (13, 71, 84)
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 61}


def test_a_call_ends_with_tool_calls_and_keeps_its_signature_in_both_places() -> None:
    left = told([STREAMS["tools"]])
    entry = next(
        one["choices"][0]["delta"]["tool_calls"][0] for one in left.events if "tool_calls" in one["choices"][0]["delta"]
    )
    assert entry["extra_content"] == {"google": {"thought_signature": SIGNATURE}}
    assert opened(entry["id"]) == ("ab12cd", (), SIGNATURE)
    assert json.loads(entry["function"]["arguments"]) == {"city": "Paris"}
    assert left.transcript.choices[0].finish_reason == "tool_calls"


def test_parallel_calls_have_indexes_of_their_own_across_events() -> None:
    left = told([STREAMS["parallel"]])
    calls = [one for event in left.events if event["choices"] for one in event["choices"][0]["delta"].get("tool_calls", ())]
    assert [(one["index"], one["function"]["name"], opened(one["id"]).id) for one in calls] == [
        (0, "f", "c1"),
        (1, "g", "c2"),
        (2, "f", "c3"),
    ]
    assert [one["function"]["arguments"] for one in calls] == ['{"a":1}', "{}", '{"a":2}']


def test_a_finish_reason_in_every_event_is_told_once_at_the_end() -> None:
    left = told([STREAMS["early-stop"]])
    assert left.transcript.completion()["choices"][0]["message"]["content"] == "ab"


def test_a_finish_reason_that_is_not_said_is_none() -> None:
    going_on = response(candidate({"text": "a"}, finish="FINISH_REASON_UNSPECIFIED"))
    for asking in (request(), native(), native("")):
        assert isinstance(told([events(going_on)], asking).fault, UpstreamTruncated)
    check(told([events(going_on, response(candidate({"text": "b"}, finish="STOP")))]))


def test_parts_of_a_kind_are_one_chunk() -> None:
    parts: list[Json] = [{"text": "a"}, {"text": "b"}, {"text": "c", "thought": True}, *[call("f")] * 2, {"text": "d"}]
    sent = told([events(response(candidate(*parts, finish="STOP")))]).events
    deltas = [one["choices"][0]["delta"] for one in sent if one["choices"]][:-1]
    assert [delta.get("content") or delta.get("reasoning_content") or len(delta["tool_calls"]) for delta in deltas] == [
        "ab",
        "c",
        2,
        "d",
    ]


def test_two_candidates_are_two_choices() -> None:
    left = told([STREAMS["two"]], request(usage=True, n=2))
    check(left)
    said = {one["index"]: (one["message"]["content"], one["finish_reason"]) for one in left.transcript.completion()["choices"]}
    assert said == {0: ("x0", "length"), 1: ("y1", "stop")}


def test_the_answer_is_whole_only_when_all_candidates_that_were_asked_for_are() -> None:
    stream = GOOGLE.stream(asked(request(n=2)), WALL_S)
    seen = []
    for index in (0, 1):
        stream.feed(events(response(candidate({"text": "x"}, finish="STOP", index=index))))
        seen.append((stream.complete, stream.done))
    assert seen == [(False, False), (True, False)]


@pytest.mark.parametrize(
    ("part", "begins"),
    [
        ({"text": ""}, False),
        ({"text": "", "thoughtSignature": SIGNATURE}, False),
        ({"text": "m", "thought": True}, True),
        ({"functionCall": {"name": "f"}}, True),
    ],
)
def test_a_stream_begins_with_its_content(part: dict[str, object], begins: bool) -> None:
    stream = GOOGLE.stream(asked(request()), WALL_S)
    stream.feed(events(response(candidate(part))))
    assert stream.begun is begins


def test_a_blocked_prompt_is_a_refusal_by_the_filter() -> None:
    left = told([STREAMS["blocked"]])
    choice = left.transcript.completion()["choices"][0]
    assert choice["finish_reason"] == "content_filter"
    assert "PROHIBITED_CONTENT" in choice["message"]["refusal"]


def test_a_limit_used_up_by_thoughts_ends_with_length_and_no_text() -> None:
    left = told([STREAMS["cut"]])
    choice = left.transcript.completion()["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"] is None
    assert left.transcript.usage is not None
    assert left.transcript.usage["completion_tokens"] == 98


def test_pictures_travel_as_images() -> None:
    left = told([STREAMS["picture"]])
    (images,) = [
        one["choices"][0]["delta"]["images"] for one in left.events if one["choices"] and "images" in one["choices"][0]["delta"]
    ]
    assert images[0]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def test_a_count_of_the_prompt_alone_is_no_usage_of_a_cut_stream() -> None:
    left = told([events(response(candidate({"text": "a"}), counts={"promptTokenCount": 13}))])
    assert left.fault is not None
    assert left.transcript.usage is None
