"""A caller who speaks chat hears Claude as every chat client expects: plain, and as a stream."""

from typing import Any

import orjson
import pytest

from gateway.core.chat import Operation
from gateway.dialects.naming import fitting
from gateway.dialects.thinking import opened
from tests.wires.anthropic.driven import ANTHROPIC, asked, choice_of, read, streamed
from tests.wires.anthropic.exchanges import MESSAGE, SIGNATURE, STOP, STREAMS, block, call, end, event, start, text, thinking
from tests.wires.driving import WALL_S, Left, ask, check

BLOCKS = [
    {"type": "thinking", "thinking": "Both.", "signature": SIGNATURE},
    {"type": "redacted_thinking", "data": "EmwKAhgB=="},
]


def deltas(left: Left) -> list[Any]:
    return [choice["delta"] for event in left.events for choice in event["choices"]]


def ending(left: Left) -> Any:
    return next(choice for event in left.events for choice in event["choices"] if choice["finish_reason"])


@pytest.mark.parametrize("usage", [True, False])
@pytest.mark.parametrize("name", STREAMS)
def test_every_stream_is_one_that_chat_clients_understand(name: str, usage: bool) -> None:
    check(streamed([STREAMS[name]], asked(usage=usage)), usage=usage)


def test_text_arrives_whole() -> None:
    left = streamed([STREAMS["text"]])
    assert "".join(delta.get("content", "") for delta in deltas(left)) == "Hello, w\u00f6rld \U0001f30d\n\"'\\"
    assert left.transcript.completion()["choices"][0]["message"]["content"] == "Hello, w\u00f6rld \U0001f30d\n\"'\\"
    assert left.events[0]["id"] == "msg_01XFDUDYJgAACzvnptvVoYEL"
    assert left.events[0]["model"] == "claude-opus-4-6"
    assert left.events[0]["service_tier"] == "default"


def test_thinking_is_shown_as_it_comes_and_given_whole_when_it_is_signed() -> None:
    left = streamed([start() + thinking(0, "Let me ", "see.") + thinking(1, "Again.") + text(2, "42") + end()])
    assert "".join(delta.get("reasoning_content", "") for delta in deltas(left)) == "Let me see.\n\nAgain."
    given = [one for delta in deltas(left) for one in delta.get("thinking_blocks", ())]
    assert [one.pop("index") for one in given] == [0, 1]  # or SDKs that add deltas up stumble
    assert given == [
        {"type": "thinking", "thinking": "Let me see.", "signature": SIGNATURE},
        {"type": "thinking", "thinking": "Again.", "signature": SIGNATURE},
    ]


def test_thinking_without_a_signature_is_only_shown() -> None:
    left = streamed([start() + thinking(0, "Hm.", signature="") + call(1, "toolu_1", "look", "{}") + end("tool_use")])
    assert "thinking_blocks" not in left.data.decode()
    assert "toolu_1__" not in left.data.decode()
    assert left.transcript.completion()["choices"][0]["message"]["reasoning_content"] == "Hm."


def test_calls_are_numbered_by_themselves_and_the_first_carries_all_thinking() -> None:
    left = streamed([STREAMS["parallel tools"]])
    calls = [one for delta in deltas(left) for one in delta.get("tool_calls", ())]
    assert [one["index"] for one in calls] == [0, 0, 0, 1, 1]
    assert opened(calls[0]["id"]).id == "toolu_01A"
    assert list(opened(calls[0]["id"]).blocks) == BLOCKS
    assert calls[3]["id"] == "toolu_01B"
    assert all(one["function"].get("arguments") for one in calls if "id" not in one)
    assert "".join(one["function"]["arguments"] for one in calls if one["index"] == 1) == "{}"
    assert ending(left)["finish_reason"] == "tool_calls"


def test_thinking_that_is_not_shown_survives_by_its_signature() -> None:
    left = streamed([STREAMS["hidden thinking"]])
    calls = [one for delta in deltas(left) for one in delta.get("tool_calls", ())]
    assert list(opened(calls[0]["id"]).blocks) == [{"type": "thinking", "thinking": "", "signature": SIGNATURE}]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_reasons_have_openais_names_and_their_own_beside(reason: str, finish: str) -> None:
    left = streamed([start() + text(0, "a") + end(reason)])
    assert ending(left)["finish_reason"] == finish
    assert ending(left)["native_finish_reason"] == reason
    choice = choice_of(read({**MESSAGE, "content": [{"type": "text", "text": "a"}], "stop_reason": reason}))
    assert choice["finish_reason"] == finish
    assert choice["native_finish_reason"] == reason


def test_an_end_that_is_said_twice_is_told_once() -> None:
    left = streamed([start() + text(0, "a") + end("end_turn").removesuffix(STOP) + end("max_tokens")])
    check(left)
    assert ending(left)["finish_reason"] == "stop"


def test_a_stop_sequence_is_named() -> None:
    assert ending(streamed([STREAMS["stop sequence"]]))["stop_sequence"] == "3"


def test_a_refusal_says_why() -> None:
    left = streamed([STREAMS["refusal"]])
    assert left.transcript.completion()["choices"][0]["message"]["refusal"] == "Not that."
    bare = choice_of(read({**MESSAGE, "content": [], "stop_reason": "refusal"}))
    assert bare["message"]["refusal"]


def test_usage_counts_what_the_cache_had_a_part_in() -> None:
    expected = {
        "prompt_tokens": 142,
        "completion_tokens": 40,
        "total_tokens": 182,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 30, "cache_write_1h_tokens": 20},
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
    assert streamed([STREAMS["text"]], asked(usage=False)).transcript.usage == expected
    assert orjson.loads(read(MESSAGE).data)["usage"] == expected


def test_usage_that_is_said_again_replaces_what_was_said() -> None:
    restated = {"input_tokens": 15, "cache_read_input_tokens": 0, "output_tokens": 9}
    left = streamed([start() + text(0, "a") + end(usage=restated)])
    assert left.transcript.usage is not None
    assert left.transcript.usage["prompt_tokens"] == 15 + 30
    assert left.transcript.usage["completion_tokens"] == 9


def test_usage_of_all_iterations_counts() -> None:
    rounds = [
        {"type": "compaction", "input_tokens": 100, "cache_read_input_tokens": 55_096, "output_tokens": 83},
        {"type": "message", "input_tokens": 181, "output_tokens": 8},
    ]
    said = {"input_tokens": 181, "output_tokens": 8, "iterations": rounds}
    left = streamed([start({"input_tokens": 181, "output_tokens": 1}) + text(0, "a") + end(usage=said)])
    assert left.transcript.usage is not None
    assert left.transcript.usage["prompt_tokens"] == 281 + 55_096
    assert left.transcript.usage["completion_tokens"] == 91


def test_a_plain_answer_and_a_stream_say_the_same() -> None:
    plain = choice_of(read(MESSAGE))
    assert plain["message"]["thinking_blocks"] == BLOCKS
    message = plain["message"] | {}
    del message["thinking_blocks"]
    assert streamed([STREAMS["parallel tools"]]).transcript.completion()["choices"][0]["message"] == {
        **message,
        "tool_calls": [
            {**one, "function": {**one["function"], "arguments": arguments}}
            for one, arguments in zip(message["tool_calls"], ['{"place":"Rome"}', "{}"], strict=True)
        ],
    }


def test_a_message_instead_of_a_stream_is_played_as_one() -> None:
    left = streamed([orjson.dumps(MESSAGE)])
    check(left)
    assert left.transcript.completion()["choices"][0]["message"]["content"] == "Well"


def test_input_that_stands_in_the_start_of_a_call_counts() -> None:
    whole = block(0, {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"place": "Rome"}})
    left = streamed([start() + whole + end("tool_use")])
    assert left.transcript.completion()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"place":"Rome"}'


def test_a_block_that_is_never_closed_ends_with_the_message() -> None:
    opened_only = event({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": "look"}})
    left = streamed([start() + opened_only + end("tool_use")])
    check(left)
    (called,) = left.transcript.completion()["choices"][0]["message"]["tool_calls"]
    assert called["id"]
    assert called["function"] == {"name": "look", "arguments": "{}"}


@pytest.mark.parametrize(
    "tools", [{"tools": [{"type": "function", "function": {"name": "files.read"}}]}, {"functions": [{"name": "files.read"}]}]
)
def test_names_that_had_to_change_come_back_as_they_were(tools: Any) -> None:
    sent = call(0, "toolu_1", fitting("files.read"), "{}")
    left = streamed([start() + sent + end("tool_use")], asked(**tools))
    assert left.transcript.completion()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "files.read"


def test_a_tool_that_takes_free_text_is_called_with_text() -> None:
    tools = [{"type": "custom", "custom": {"name": "patch"}}]
    sent = call(0, "toolu_1", "patch", '{"inp', 'ut":"*** Begin\\n\\"x\\""}')
    left = streamed([start() + sent + end("tool_use")], asked(tools=tools))
    check(left)
    (called,) = left.transcript.completion()["choices"][0]["message"]["tool_calls"]
    assert called["type"] == "custom"
    assert called["custom"] == {"name": "patch", "input": '*** Begin\n"x"'}


def test_an_answer_that_was_forced_into_a_call_is_text() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "p", "schema": {"type": "object"}}}
    request = asked(model="claude-3-7-sonnet-20250219", response_format=form)
    left = streamed([start() + call(0, "toolu_1", "answer_in_json", '{"a":', "1}") + end("tool_use")], request)
    check(left)
    choice = left.transcript.completion()["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": '{"a":1}'}
    assert choice["finish_reason"] == "stop"
    message = {**MESSAGE, "content": [{"type": "tool_use", "id": "t", "name": "answer_in_json", "input": {"a": 1}}]}
    assert choice_of(read(message, request))["message"] == {"role": "assistant", "content": '{"a":1}'}


def test_half_a_surrogate_pair_does_not_end_the_stream() -> None:
    halves = [{"type": "text_delta", "text": "\ud83d"}, {"type": "text_delta", "text": "\ude00"}]
    raw = block(0, {"type": "text", "text": ""}).decode()
    cut = raw.index("event: content_block_stop")
    said = "".join(
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
        f'{{"type":"text_delta","text":"\\u{ord(one["text"]):04x}"}}}}\n\n'
        for one in halves
    )
    left = streamed([start() + (raw[:cut] + said + raw[cut:]).encode() + end()])
    check(left)
    assert left.transcript.completion()["choices"][0]["message"]["content"] == "\U0001f600"


def test_text_with_escapes_is_never_handed_out_as_if_it_had_none() -> None:
    """Who renders another dialect takes bytes for the inside of a JSON string."""
    said = "plain", " w\u00f6rld", 'a "quote"', "back\\slash", "line\nbreak", "\x00", "\u2028"
    for request in (asked(), asked(Operation.MESSAGES)):
        stream = ANTHROPIC.stream(ask(request), WALL_S)
        deltas = stream.feed(start() + text(0, *said) + end()).deltas
        raw = [one for one in deltas if isinstance(one, bytes)]
        assert raw == [b"plain", b" w\xc3\xb6rld", b"\xe2\x80\xa8"]
        assert [orjson.loads(b'"%b"' % one) for one in raw] == ["plain", " w\u00f6rld", "\u2028"]
        assert streamed([start() + text(0, *said) + end()], request).transcript.choices[0].text.decode() == "".join(said)


def test_a_block_whose_end_did_not_come_ends_where_the_next_of_its_index_begins() -> None:
    begun = [{"type": "tool_use", "id": f"toolu_{at}", "name": "look", "input": {}} for at in range(2)]
    body = b"".join(event({"type": "content_block_start", "index": 0, "content_block": one}) for one in begun)
    calls = streamed([start() + body + end("tool_use")]).transcript.completion()["choices"][0]["message"]["tool_calls"]
    assert [one["function"]["arguments"] for one in calls] == ["{}", "{}"]
