"""A response's stream goes on as it came, but for its id; the transcript gets a chat's words; what is no end is a fault."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import UpstreamBroken, UpstreamTruncated
from gateway.dialects.ownership import Claim, claimed, mark
from gateway.providers.openai.responses import stream as responses_stream
from gateway.providers.openai.responses.stream import EVENT_LIMIT, ResponsesStream
from tests.unit.dialects.responses.published import EVENTS
from tests.unit.dialects.responses.talk import parsed
from tests.wires.responses.exchanges import (
    CHAT_USAGE,
    OWNER,
    RAW,
    SHOWN,
    THOUGHT,
    WHOLE,
    ask,
    call,
    driven,
    message,
    numbered,
    response,
    stream,
    text,
    told,
)

Json = dict[str, Any]


def test_everything_but_the_id_stays_as_it_came() -> None:
    left = driven([RAW])
    assert left.fault is None
    assert left.data == RAW.replace(b'"resp_68f1"', b'"%b"' % SHOWN.encode())
    assert left.data.count(SHOWN.encode()) == 3
    assert claimed(parsed(left.data)[-1]["response"]["id"], OWNER, ["openai"]) == Claim("resp_68f1", "openai")


def test_the_transcript_has_all_of_it() -> None:
    left = driven([RAW])
    assert told(left) == {
        "role": "assistant",
        "content": 'say "\u00fc\U0001f30d"\n',
        "reasoning_content": "Think.",
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
            {"id": "call_2", "type": "custom", "custom": {"name": "patch", "input": "*** x"}},
        ],
        "finish_reason": "tool_calls",
    }
    assert left.transcript.usage == CHAT_USAGE
    assert (left.transcript.model, left.transcript.service_tier) == ("gpt-5.6-2026-08-01", "default")
    assert left.transcript.created == 1790000000


@given(st.lists(st.integers(1, len(RAW) - 1), max_size=6))
def test_where_the_network_cuts_is_nobodys_business(cuts: list[int]) -> None:
    at = [0, *sorted(set(cuts)), len(RAW)]
    left = driven([RAW[start:end] for start, end in pairwise(at)])
    whole = driven([RAW])
    assert (left.data, left.fault) == (whole.data, None)
    assert left.transcript.completion() == whole.transcript.completion()


def test_byte_by_byte_with_other_line_ends() -> None:
    raw = b"\xef\xbb\xbf: hello\r\n\r\n" + RAW.replace(b"\n", b"\r\n")
    assert driven([raw[at : at + 1] for at in range(len(raw))]).data == driven([RAW]).data


def test_items_without_deltas_are_told_as_well() -> None:
    assert told(driven(stream(WHOLE, deltas=False))) == told(driven([RAW]))


def test_a_refusal() -> None:
    left = driven(stream(response(message({"type": "refusal", "refusal": "I cannot"}))))
    assert told(left)["refusal"] == "I cannot"
    assert told(driven(stream(response(message({"type": "refusal", "refusal": "no"})), deltas=False)))["refusal"] == "no"


@pytest.mark.parametrize(("reason", "finish"), [("max_output_tokens", "length"), ("content_filter", "content_filter")])
def test_incomplete_is_an_end(reason: str, finish: str) -> None:
    left = driven(stream(response(message(text("half")), status="incomplete", incomplete_details={"reason": reason})))
    assert left.fault is None
    assert told(left)["finish_reason"] == finish


def test_parallel_calls_keep_apart_where_their_events_mix() -> None:
    whole = response(call("f", '{"a":1}', 1), call("g", '{"b":2}', 2))
    events = stream(whole)
    mixed = [events[index] for index in (0, 1, 2, 6, 3, 7, 4, 8, 5, 9, 10)]
    assert told(driven(mixed))["tool_calls"] == told(driven(events))["tool_calls"]


def test_tools_of_the_providers_own_are_content_but_no_calls() -> None:
    searched = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
    left = driven(stream(response(searched)))
    assert left.begun
    assert told(left) == {"role": "assistant", "content": None, "finish_reason": "stop"}


def test_content_begins_with_the_first_delta() -> None:
    normaliser = ResponsesStream(ask())
    begun = []
    for event in stream(response(THOUGHT, message(text("hello")))):
        normaliser.feed(event)
        begun.append(normaliser.begun)
    assert begun.index(True) == 3  # created, in_progress, item added, delta
    assert (normaliser.complete, normaliser.done, normaliser.fault) == (True, True, None)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "web_search_call", "id": "ws_1"}},
        {"type": "response.code_interpreter_call_code.delta", "output_index": 0, "item_id": "ci_1", "delta": "1"},
        {"type": "response.output_item.done", "output_index": 0, "item": message(text("x"))},
    ],
)
def test_content_of_other_kinds_begins_as_well(event: Json) -> None:
    normaliser = ResponsesStream(ask())
    (first,) = numbered([event])
    normaliser.feed(first)
    assert normaliser.begun


def test_the_model_is_known_from_the_first_event_on() -> None:
    assert driven(stream(WHOLE)[:1]).transcript.model == "gpt-5.6-2026-08-01"


@pytest.mark.parametrize("kind", ["response.in_progress", "keepalive"])
def test_signs_of_life_alone_have_an_end(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses_stream, "UNSAID_LIMIT", 10)
    event = {"type": kind, "response": response()} if kind.startswith("response") else {"type": kind}
    assert isinstance(driven(numbered([event]) * 10).fault, UpstreamTruncated)
    left = driven(numbered([event]) * 11)
    assert isinstance(left.fault, UpstreamBroken)
    assert "no content" in left.fault.message


def test_the_sequence_goes_on_behind_the_last_number() -> None:
    normaliser = ResponsesStream(ask())
    events = stream(response(message(text("hello"))))
    for number, event in enumerate(events):
        normaliser.feed(event)
        assert normaliser.sequence == number + 1


def test_what_follows_the_end_is_not_passed_on() -> None:
    assert driven([RAW, b"data: [DONE]\n\n", RAW]).data == driven([RAW]).data


def test_a_last_event_without_its_blank_line_counts() -> None:
    assert driven([RAW.rstrip(b"\n")]).fault is None


def test_signs_of_life_and_unknown_events_go_on() -> None:
    ping = b'event: keepalive\ndata: {"type":"keepalive","sequence_number":3}\n\n'
    unknown = b'event: response.novelty\ndata: {"type":"response.novelty","sequence_number":4}\n\n'
    events = stream(response(message(text("hello"))))
    left = driven([*events[:2], b": comment\n\n", b"event: ping\n\n", ping, unknown, *events[2:]])
    assert left.fault is None
    assert ping in left.data
    assert unknown in left.data
    assert b"comment" not in left.data
    assert b"event: ping" not in left.data


def test_what_runs_in_the_background_has_begun_when_its_id_is_known() -> None:
    queued = response(status="queued", background=True)
    events = numbered([{"type": "response.created", "response": queued}, {"type": "response.queued", "response": queued}])
    left = driven(events)
    assert isinstance(left.fault, UpstreamTruncated)
    assert left.begun
    assert left.data.count(SHOWN.encode()) == 2
    assert not driven(numbered([{"type": "response.created", "response": queued | {"background": False}}])).begun


def test_objects_in_an_answer_are_the_callers_own() -> None:
    container, file = "cntr_0123456789ab", "file-0123456789ab"
    ran = {"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "container_id": container, "code": "1"}
    cited = {"type": "file_citation", "file_id": file, "index": 0, "filename": "a.txt"}
    said = message({**text(f"see {file}"), "annotations": [cited]})
    whole = response(ran, said, tools=[{"type": "file_search", "vector_store_ids": ["vs_0123456789ab"]}])
    left = driven(stream(whole))
    found = parsed(left.data)
    marked = {one: mark(one, "openai", OWNER) for one in (container, file, "vs_0123456789ab")}
    for event in found:
        if event["type"] in ("response.output_item.done", "response.output_item.added"):
            item = event["item"]
            assert item.get("container_id") in (None, marked[container])
            assert [one["file_id"] for part in item.get("content", []) for one in part["annotations"]] in ([], [marked[file]])
    last = found[-1]["response"]
    assert last["id"] == SHOWN
    assert last["output"][0]["container_id"] == marked[container]
    assert last["output"][1]["content"][0]["annotations"][0]["file_id"] == marked[file]
    assert last["output"][1]["content"][0]["text"] == f"see {file}"
    assert last["tools"][0]["vector_store_ids"] == [marked["vs_0123456789ab"]]
    assert told(left)["content"] == f"see {file}"
    assert left.fault is None


def test_an_id_that_is_written_with_escapes_is_marked_all_the_same() -> None:
    raw = RAW.replace(b'"resp_68f1"', b'"resp\\u005f68f1"')
    assert {event["response"]["id"] for event in parsed(driven([raw]).data) if "response" in event} == {SHOWN}


def test_what_it_continues_is_marked_as_the_caller_said_it() -> None:
    whole = response(message(text("x")), previous_response_id="resp_0", conversation={"id": "conv_1"})
    last = parsed(driven(stream(whole)).data)[-1]["response"]
    assert last["previous_response_id"] == mark("resp_0", "openai", OWNER)
    assert last["conversation"] == {"id": mark("conv_1", "openai", OWNER)}


def test_lines_that_break_some_clients_are_left_out() -> None:
    events = stream(response(message(text("hello"))))
    odd = [b": hello\nid: 7\nretry: 3000\n" + event for event in events]
    assert driven(odd).data == driven(events).data


def test_an_event_without_its_name_gets_it() -> None:
    events = stream(response(message(text("hello"))))
    bare = [event.partition(b"\n")[2] for event in events]
    assert driven(bare).data == driven(events).data


def test_events_that_nobody_numbered_are_numbered() -> None:
    events = stream(response(message(text("hello"))))
    without = [b"data: " + json.dumps({**parsed(one)[0], "sequence_number": None}).encode() + b"\n\n" for one in events]
    found = parsed(driven(without).data)
    assert found == parsed(driven(events).data)


def test_a_type_is_no_way_to_send_lines() -> None:
    event = b'data: {"type":"x\\ndata: y"}\n\n'
    assert driven([event, RAW]).data.startswith(b'data: {"type":"x\\ndata: y","sequence_number":0}\n\n')


def test_an_event_may_be_large_but_not_without_end() -> None:
    image = message(text("x" * (9 * 1024 * 1024)))
    assert driven(stream(response(image), deltas=False)).fault is None
    block = b"x" * (1024 * 1024)
    left = driven([b"data: ", *[block] * (EVENT_LIMIT // len(block) + 2)])
    assert isinstance(left.fault, UpstreamBroken)
    assert str(EVENT_LIMIT) in left.fault.message


def test_plain_json_in_place_of_a_stream_is_played() -> None:
    left = driven([json.dumps(WHOLE).encode()])
    assert left.fault is None
    assert told(left) == told(driven([RAW]))
    events = parsed(left.data)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[0]["response"]["id"] == events[-1]["response"]["id"] == SHOWN
    assert events[-1]["response"]["output"] == WHOLE["output"]
    for event in events:
        EVENTS[event["type"]].model_validate(event, strict=True)
