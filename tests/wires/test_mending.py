"""Each thing that real providers get wrong on a stream, alone: what comes in, and what leaves."""

from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken, UpstreamCredentials, UpstreamFault, UpstreamRefused, UpstreamTruncated
from gateway.providers import intake, sse
from gateway.providers.wire import OPENAI
from tests.journeys.variants import DONE, event
from tests.wires.driving import WALL_S, Left, ask, check, drive, request
from tests.wires.streams import call, chunk

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
ROLE = chunk({"role": "assistant", "content": ""})
WORD = chunk({"content": "word"})
STOP = chunk({}, "stop")


def stream(*values: Any, done: bool = True) -> bytes:
    return b"".join([*map(event, values), DONE if done else b""])


def left_of(*values: Any, usage: bool = False) -> Left:
    """What leaves of a stream; checked to be sound."""
    left = drive([stream(*values)], request(usage=usage))
    check(left, usage=usage)
    return left


def test_the_first_delta_carries_the_role() -> None:
    events = left_of(WORD, WORD, STOP).events
    assert [one["choices"][0]["delta"] for one in events] == [{"content": "word", "role": "assistant"}, {"content": "word"}, {}]


def test_each_choice_has_a_role_of_its_own() -> None:
    check(
        drive([stream(*(chunk({"content": "x"}, index=at) for at in (1, 0)), *(chunk({}, "stop", index=at) for at in (0, 1)))]),
        usage=False,
    )


@pytest.mark.parametrize(
    "choices",
    [{"delta": {"content": "x"}}, {"index": None, "delta": {"content": "x"}}, {"index": "0", "delta": {"content": "x"}}],
)
def test_index_and_finish_reason_are_there(choices: Any) -> None:
    first = left_of(ROLE, WORD | {"choices": [choices]}, STOP).events[1]
    assert first["choices"] == [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]


def test_a_missing_or_null_delta_is_an_empty_one() -> None:
    left_of(ROLE, WORD, WORD | {"choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]})
    left_of(ROLE, WORD, WORD | {"choices": [{"index": 0, "finish_reason": "stop"}]})


def legacy(choice: Any, **more: Any) -> Any:
    return WORD | {"object": "text_completion", "choices": [{"index": 0, "finish_reason": None} | choice], **more}


def legacy_left(*values: Any) -> Left:
    return drive([stream(*values)], request(Operation.COMPLETIONS))


def test_events_of_a_chat_where_texts_were_asked_for_become_texts() -> None:
    left = legacy_left(ROLE, WORD, WORD, STOP)
    check(left, usage=False, legacy=True)
    assert "".join(one["choices"][0]["text"] for one in left.events) == "wordword"
    assert all("delta" not in one["choices"][0] for one in left.events)
    assert left.transcript.choice(0).text == b"wordword"


@pytest.mark.parametrize("delta", [{"tool_calls": [{"index": 0}]}, {"reasoning": "hm"}, {"content": ["x"]}, [1], "x"])
def test_what_is_no_text_where_texts_were_asked_for_is_a_fault_and_not_silence(delta: Any) -> None:
    assert isinstance(legacy_left(legacy({"delta": delta}), STOP).fault, UpstreamBroken)


@pytest.mark.parametrize("message", [5, "x", {"tool_calls": ["x"]}])
def test_a_whole_text_may_have_something_odd_beside_it(message: Any) -> None:
    left = drive([orjson.dumps({"choices": [{"text": "word", "message": message}]})], request(Operation.COMPLETIONS))
    check(left, usage=False, legacy=True)
    assert left.transcript.choice(0).text == b"word"


def test_texts_where_a_chat_was_asked_for_become_deltas() -> None:
    left = left_of(*[WORD | {"choices": [{"index": 0, "text": "word", "finish_reason": None}]}] * 2, STOP)
    assert [one["choices"][0]["delta"].get("content") for one in left.events] == ["word", "word", None]
    assert not any("text" in one["choices"][0] for one in left.events)
    assert left.transcript.choice(0).text == b"wordword"


def test_a_text_may_have_a_null_delta_beside_it() -> None:
    values = [legacy({"text": "word", "delta": None}) for _ in range(3)]
    left = legacy_left(*values, legacy({"text": "", "delta": None, "finish_reason": "stop"}))
    check(left, usage=False, legacy=True)
    assert left.transcript.choice(0).text == b"wordwordword"


@pytest.mark.parametrize("said", ["abc", 5, None, ["x"]])
def test_a_later_delta_of_a_call_that_says_nothing_readable_is_left_out(said: Any) -> None:
    values = [chunk(call(0, "{", "a", "f")), chunk({"tool_calls": [{"index": 0, "function": said}]}), chunk(call(0, "}"))]
    left = left_of(*values, chunk({}, "tool_calls"))
    assert left.transcript.completion()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize("index", ["1" * 5000, [1], {}, 1.5])
def test_an_index_that_is_none_is_replaced(index: Any) -> None:
    left_of(ROLE, WORD | {"choices": [{"index": index, "delta": {"content": "x"}}]}, STOP)
    left_of(chunk({"tool_calls": [{"index": index, "id": "a", "function": {"name": "f", "arguments": "{}"}}]}), STOP)


def test_a_number_that_json_cannot_hold_is_a_fault() -> None:
    raw = b'data: {"id":"x","choices":[{"delta":{"content":"\\ud800","x":1e999}}]}\n\n'
    assert isinstance(drive([raw]).fault, UpstreamBroken)


def test_one_id_time_and_model_through_the_stream() -> None:
    values = [ROLE, WORD | {"created": 5, "id": "other", "model": None}, WORD | {"object": "chat.completion"}, STOP]
    del values[1]["object"]
    left_of(*values)


def test_a_stream_without_any_heading_gets_one() -> None:
    events = left_of({"choices": [{"delta": {"content": "x"}}]}, {"choices": [{"delta": {}, "finish_reason": "stop"}]}).events
    assert events[0]["id"].startswith("chatcmpl-")
    assert (events[0]["model"], events[0]["created"]) == ("m", int(WALL_S))


def test_an_opening_event_without_an_id_takes_that_of_the_answer() -> None:
    """Azure opens with its verdict on the prompt."""
    opening = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    events = left_of(opening, ROLE, WORD, STOP).events
    assert events[0]["prompt_filter_results"] == [{"prompt_index": 0}]
    assert events[0]["id"] == "chatcmpl-9"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("eos", "stop"),
        ("eos_token", "stop"),
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("length", "length"),
        (True, "stop"),
        ("content_filter", "content_filter"),
        ("vendor", "vendor"),
    ],
)
def test_finish_reasons_in_openais_words(said: Any, told: str) -> None:
    assert left_of(ROLE, WORD, chunk({}, said)).events[-1]["choices"][0]["finish_reason"] == told


def test_an_empty_finish_reason_is_none() -> None:
    events = left_of(ROLE, chunk({"content": "x"}, ""), STOP).events
    assert [one["choices"][0]["finish_reason"] for one in events] == [None, None, "stop"]
    assert isinstance(drive([stream(ROLE, chunk({"content": "x"}, ""))]).fault, UpstreamTruncated)


def test_a_second_finish_reason_is_taken_away() -> None:
    left_of(ROLE, chunk({"content": "x"}, "stop"), STOP, STOP)


def test_stop_after_calls_is_tool_calls() -> None:
    assert left_of(ROLE, chunk(call(0, "{}", "a", "f")), STOP).events[-1]["choices"][0]["finish_reason"] == "tool_calls"


# ---------------------------------------------------------------- tool calls


def calls_of(*deltas: Any) -> list[tuple[str, str, str]]:
    left = left_of(ROLE, *map(chunk, deltas), chunk({}, "tool_calls"))
    calls = left.transcript.completion()["choices"][0]["message"]["tool_calls"]
    return [(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in calls]


def test_parallel_calls_without_index_are_told_apart_by_id_and_continued_in_order() -> None:
    assert calls_of(call(None, "", "a", "f"), call(None, "{"), call(None, "}"), call(None, "", "b", "g"), call(None, "[]")) == [
        ("a", "f", "{}"),
        ("b", "g", "[]"),
    ]


def test_several_calls_in_one_delta_are_told_apart_by_their_place() -> None:
    first = {"tool_calls": [call(None, "", one, name)["tool_calls"][0] for one, name in (("a", "f"), ("b", "g"))]}
    then = {"tool_calls": [call(None, text)["tool_calls"][0] for text in ("1", "2")]}
    assert calls_of(first, then) == [("a", "f", "1"), ("b", "g", "2")]


def test_deltas_with_ids_go_to_their_call_whatever_the_index() -> None:
    assert calls_of(call(0, "1", "a", "f"), call(0, "2", "b", "g"), call(0, "3", "a"), call(0, "4", "b")) == [
        ("a", "f", "13"),
        ("b", "g", "24"),
    ]


def test_a_new_id_without_a_name_continues_the_call_of_its_index() -> None:
    assert calls_of(call(0, "1", "a", "f"), call(0, "2", "random")) == [("a", "f", "12")]


def test_indexes_that_begin_at_one_begin_at_zero() -> None:
    assert calls_of(call(1, "1", "a", "f"), call(1, "2"), call(2, "3", "b", "g"), call(2, "4")) == [
        ("a", "f", "12"),
        ("b", "g", "34"),
    ]


def test_a_call_without_an_id_gets_one() -> None:
    assert calls_of(call(0, "{}", None, "f"))[0][0].startswith("call_")


def test_whole_calls_without_id_and_index_are_calls_of_their_own() -> None:
    assert [(name, text) for _, name, text in calls_of(call(None, "1", None, "f"), call(None, "2", None, "f"))] == [
        ("f", "1"),
        ("f", "2"),
    ]


@pytest.mark.parametrize(
    "names", [("get_", "weather"), ("get_", "get_weather"), ("get_weather", "get_weather"), ("get_weather", "")]
)
def test_a_name_in_pieces_or_repeated_adds_up_to_itself(names: tuple[str, str]) -> None:
    assert calls_of(call(0, "", "a", names[0]), call(0, "{}", "a", names[1])) == [("a", "get_weather", "{}")]


def test_arguments_as_an_object_become_a_string() -> None:
    assert calls_of(call(0, {"a": "\u00fc"}, "a", "f")) == [("a", "f", '{"a":"\u00fc"}')]
    assert calls_of(call(0, None, "a", "f"), call(0, [1])) == [("a", "f", "[1]")]


def test_a_custom_tools_call() -> None:
    first = {"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "sh", "input": ""}}]}
    then = {"tool_calls": [{"index": 0, "custom": {"input": "ls"}}]}
    left = left_of(ROLE, chunk(first), chunk(then), chunk({}, "tool_calls"))
    assert left.transcript.completion()["choices"][0]["message"]["tool_calls"] == [
        {"id": "a", "type": "custom", "custom": {"name": "sh", "input": "ls"}}
    ]


@pytest.mark.parametrize("wrong", ["x", [1], {"a": 1}])
def test_tool_calls_that_are_none_are_a_fault(wrong: Any) -> None:
    assert isinstance(drive([stream(chunk({"tool_calls": wrong}))]).fault, UpstreamBroken)


# ---------------------------------------------------------------- usage, and what else comes without choices


def usage_of(*values: Any) -> dict[str, Any]:
    left = left_of(*values, usage=True)
    assert left.transcript.usage == left.events[-1]["usage"]
    hidden = left_of(*values)
    assert hidden.transcript.usage == left.events[-1]["usage"]
    return dict(left.events[-1]["usage"])


def test_the_last_usage_stands() -> None:
    growing = [WORD | {"usage": USAGE | {"completion_tokens": at}} for at in (1, 2, 3)]
    assert usage_of(ROLE, *growing, STOP | {"usage": USAGE}) == USAGE


def test_usage_on_an_empty_event_behind_the_finish_leaves_nothing_but_usage() -> None:
    """OpenRouter."""
    after = chunk({"role": "assistant", "content": ""}, usage=USAGE, provider="x")
    assert usage_of(ROLE, WORD, STOP, chunk({}, usage=USAGE)) == USAGE
    assert usage_of(ROLE, WORD, STOP, after) == USAGE


def test_an_event_behind_the_usage_is_kept_and_usage_is_last() -> None:
    moderation = chunk({}) | {"choices": [], "moderation": {"flagged": False}}
    usage = chunk({}) | {"choices": [], "usage": USAGE}
    events = left_of(ROLE, WORD, STOP, usage, moderation, usage=True).events
    assert events[-2]["moderation"] == {"flagged": False}
    assert "usage" not in events[-2]
    assert left_of(ROLE, WORD, STOP, usage, moderation).events[-1] == moderation


def test_an_event_that_says_nothing_is_dropped() -> None:
    assert len(left_of(ROLE, WORD, chunk({}) | {"choices": []}, STOP).events) == 3


def test_usage_that_is_null_everywhere_is_left_alone() -> None:
    values = [one | {"usage": None} for one in (ROLE, WORD, STOP)]
    assert left_of(*values).data == stream(*values)


def test_reasoning_has_the_name_that_clients_read() -> None:
    events = left_of(ROLE, chunk({"reasoning": "hm"}), chunk({"reasoning_content": "so"}), WORD, STOP).events
    assert [one["choices"][0]["delta"] for one in events[1:3]] == [
        {"reasoning": "hm", "reasoning_content": "hm"},
        {"reasoning_content": "so"},
    ]


# ---------------------------------------------------------------- errors inside a stream

ERROR = {"message": "it broke", "type": "server_error", "param": None, "code": "boom"}


@pytest.mark.parametrize(
    "raw",
    [
        event({"error": ERROR}),
        event([{"error": ERROR}]),
        event({"type": "error", **{key: value for key, value in ERROR.items() if key != "type"}}),
        event({"type": "error", "error": ERROR}),
        event({"object": "error", **ERROR}),
        event({"error": "it broke"}),
        b"event: error\n" + event({"message": "it broke"}),
        b"event: error\n" + event({"error": ERROR}),
        event(WORD | {"error": ERROR}),
    ],
)
def test_an_error_in_any_shape_is_raised_behind_what_came_before(raw: bytes) -> None:
    for blocks in ([stream(ROLE, WORD, done=False) + raw + DONE], [stream(ROLE, WORD, done=False), raw, DONE]):
        left = drive(blocks)
        assert isinstance(left.fault, UpstreamRefused)
        assert left.fault.message == "it broke"
        assert left.fault.status == 502
        assert left.data == stream(ROLE, WORD, done=False)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"message": "x", "code": 429}, 429, UpstreamRefused),
        ({"message": "x", "code": "429"}, 429, UpstreamRefused),
        ({"message": "x", "type": "rate_limit_error"}, 429, UpstreamRefused),
        ({"message": "x", "type": "invalid_request_error"}, 400, UpstreamRefused),
        ({"message": "x", "type": "overloaded_error"}, 503, UpstreamRefused),
        ({"message": "sk-secret", "code": 401}, 502, UpstreamCredentials),
        ({"message": "sk-secret", "code": "invalid_api_key"}, 502, UpstreamCredentials),
        ({}, 502, UpstreamBroken),
    ],
)
def test_the_status_of_an_error_without_one_is_read_from_its_words(error: Any, status: int, kind: type[UpstreamFault]) -> None:
    fault = drive([event({"error": error or True})]).fault
    assert type(fault) is kind
    assert fault.status == status
    assert "sk-secret" not in fault.message


@pytest.mark.parametrize("data", [b"hello", b"{", b"[]", b"1", b'"x"', b"NaN", b'{"id":NaN}', b'{"a":' + b"[" * 5000])
def test_an_event_that_is_no_object_is_a_fault(data: bytes) -> None:
    left = drive([stream(ROLE, WORD, done=False) + b"data: " + data + b"\n\n" + stream(STOP)])
    assert isinstance(left.fault, UpstreamBroken)
    assert left.data == stream(ROLE, WORD, done=False)


@pytest.mark.parametrize("choices", [{}, "x", [None], [[]]])
def test_choices_that_are_none_are_a_fault(choices: Any) -> None:
    assert isinstance(drive([stream(ROLE, WORD | {"choices": choices or {"a": 1}})]).fault, UpstreamBroken)


def test_one_choice_without_an_end_makes_the_answer_truncated() -> None:
    left = drive([stream(*(chunk({"content": "x"}, index=at) for at in (0, 1)), STOP)])
    assert isinstance(left.fault, UpstreamTruncated)


def test_nothing_follows_the_end() -> None:
    asked = OPENAI.stream(ask(request()), WALL_S)
    asked.feed(stream(ROLE, WORD, WORD, STOP))
    assert asked.done
    assert asked.feed(event(WORD)).data == b""
    assert asked.end().data == b""


def test_an_event_without_end_is_refused_at_the_bound() -> None:
    blocks: Iterable[bytes] = (b"data: " + b"x" * 1_000_000 for _ in range(9))
    left = drive(blocks)
    assert isinstance(left.fault, UpstreamBroken)
    assert str(sse.EVENT_LIMIT) in left.fault.message


def test_a_web_page_is_refused_and_so_is_json_that_is_no_completion() -> None:
    assert isinstance(drive([b"<!DOCTYPE html><html>"]).fault, UpstreamBroken)
    assert isinstance(drive([b'{"choices":[]}']).fault, UpstreamBroken)
    assert isinstance(drive([b'{"a":1}\n{"a":2}\n']).fault, UpstreamBroken)


def test_there_is_content_only_once_there_is_some() -> None:
    asked = OPENAI.stream(ask(request()), WALL_S)
    asked.feed(b": hello\n\n" + event(ROLE))
    assert not asked.begun
    asked.feed(event(WORD))
    assert asked.begun


def test_nesting_that_only_the_lenient_parser_would_meet_is_a_fault() -> None:
    left = drive([b'data: {"id":"\\ud800","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n"])
    assert isinstance(left.fault, UpstreamBroken)


def test_json_without_end_is_refused_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "ANSWER_LIMIT", 100)
    assert isinstance(drive([b'{"a":"' + b"x" * 60, b"x" * 60]).fault, UpstreamBroken)


def test_a_call_that_is_continued_with_nothing_stays_as_it_is() -> None:
    assert calls_of(call(0, "{}", "a", "f"), {"tool_calls": [{"index": 0}]}) == [("a", "f", "{}")]
    assert calls_of({"tool_calls": [{"index": 0, "id": "a"}]}, call(0, "{}", "a", "f")) == [("a", "f", "{}")]


@pytest.mark.parametrize("depth", [200, 300, 900, 990, 1010, 1020])
@pytest.mark.parametrize(
    "place",
    [
        b'{"id":"x","choices":[{"delta":{"content":"a"}}],"x":%b}',
        b'{"error":{"message":%b}}',
        b'{"detail":%b,"error":{}}',
        b"%b",
    ],
)
def test_depth_is_a_fault_or_is_kept(place: bytes, depth: int) -> None:
    left = drive([b"data: " + place % (b"[" * depth + b"]" * depth) + b"\n\n" + stream(STOP)])
    assert left.fault is None or not left.begun
