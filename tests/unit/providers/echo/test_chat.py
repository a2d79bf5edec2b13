"""Chat completions of the echo provider."""

from typing import Any

import pytest

from gateway.providers.echo.answer import pieces
from gateway.providers.transport.contract import Outgoing
from tests.unit.providers.echo.asking import PATIENT, ask, chat, echo, error, said, send, stream

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}


async def test_the_last_user_message_is_given_back() -> None:
    answer = await ask(chat("what is up?"))
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "echo"
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "what is up?", "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert answer["usage"]["prompt_tokens"] == 3 + 3
    assert answer["usage"]["completion_tokens"] == 3
    assert answer["usage"]["total_tokens"] == 9
    assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


async def test_the_parts_of_a_message_are_joined() -> None:
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:,"}},
        {"type": "text", "text": "here"},
    ]
    answer = await ask(chat(parts))
    assert answer["choices"][0]["message"]["content"] == "look\n[image_url]\nhere"


async def test_earlier_messages_and_later_assistant_turns_are_passed_over() -> None:
    turns = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}, {"role": "assistant", "content": "three"}]
    answer = await ask({"model": "echo", "messages": turns})
    assert answer["choices"][0]["message"]["content"] == "two"


async def test_a_stream_has_the_shapes_of_openai() -> None:
    chunks = await stream(chat("one two", stream_options={"include_usage": True}))
    *parts, usage, done = chunks
    assert done == "[DONE]"
    assert [part["choices"][0] for part in parts] == [
        {"index": 0, "delta": {"role": "assistant", "content": "", "refusal": None}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {"content": "one"}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {"content": " two"}, "logprobs": None, "finish_reason": None},
        {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"},
    ]
    assert all(part["usage"] is None for part in parts)
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == (3 + 2) + 2
    assert len({(part["id"], part["created"], part["model"], part["object"]) for part in (*parts, usage)}) == 1


async def test_usage_stays_out_of_a_stream_that_did_not_ask() -> None:
    chunks = await stream(chat())
    assert all("usage" not in chunk and chunk["choices"] for chunk in chunks[:-1])


async def test_two_answers_have_two_ids() -> None:
    assert (await ask(chat()))["id"] != (await ask(chat()))["id"]


@pytest.mark.parametrize("text", ["a b  c\n\nd", "  lead", "trail  ", " ", "", "word", "\u4f60\u597d \u4e16\u754c"])
@pytest.mark.parametrize("words", [1, 2, 50])
def test_pieces_join_to_the_text(text: str, words: int) -> None:
    found = list(pieces(text, words))
    assert "".join(found) == text
    assert all(len(piece.split()) <= words for piece in found)


async def test_chunks_hold_as_many_words_as_the_script_says() -> None:
    chunks = await stream(chat("a b c d e", model="echo:chunk=2"))
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks[1:-2]] == ["a b", " c d", " e"]


async def test_tokens_are_limited() -> None:
    answer = await ask(chat("abcdefghij", max_tokens=2))
    assert answer["choices"][0]["message"]["content"] == "abcdefgh"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 2


async def test_the_newer_limit_wins_and_a_limit_that_is_not_reached_cuts_nothing() -> None:
    answer = await ask(chat("abcdefgh", max_tokens=1, max_completion_tokens=2))
    assert answer["choices"][0]["message"]["content"] == "abcdefgh"
    assert answer["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("stop", ["three", ["nine", "three", "four"]])
async def test_a_stop_sequence_ends_the_text_before_it(stop: Any) -> None:
    chunks = await stream(chat("one two three four", stop=stop))
    assert said(chunks) == "one two "
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


async def test_n_choices_stand_side_by_side() -> None:
    answer = await ask(chat("hi there", n=3))
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert answer["usage"]["completion_tokens"] == 6
    chunks = await stream(chat("hi there", n=3))
    assert [said(chunks, index) for index in range(3)] == ["hi there"] * 3
    finishes = [choice["index"] for chunk in chunks[:-1] for choice in chunk["choices"] if choice["finish_reason"] == "stop"]
    assert finishes == [0, 1, 2]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
async def test_a_tool_is_called_where_the_request_demands_it(choice: Any) -> None:
    answer = await ask(chat(tools=[WEATHER, CLOCK], tool_choice=choice))
    (found,) = answer["choices"]
    assert found["finish_reason"] == "tool_calls"
    assert found["message"]["content"] is None
    (call,) = found["message"]["tool_calls"]
    assert call["type"] == "function"
    assert call["function"] == {"name": "weather", "arguments": '{"city":"city"}'}


async def test_tools_on_offer_are_left_alone_unless_the_script_calls_them() -> None:
    answer = await ask(chat("hi", tools=[WEATHER]))
    assert answer["choices"][0]["message"]["content"] == "hi"
    answer = await ask(chat("hi", model="echo-tools", tools=[WEATHER], tool_choice="none"))
    assert answer["choices"][0]["message"]["content"] == "hi"
    answer = await ask(chat("hi", model="echo-tools"))
    assert answer["choices"][0]["message"]["content"] == "hi"


async def test_parallel_calls_stream_with_their_own_index_and_id() -> None:
    chunks = await stream(chat(model="echo:tools=3", tools=[WEATHER, CLOCK]))
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": None, "refusal": None}
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks[1:-2]:
        (delta,) = chunk["choices"][0]["delta"]["tool_calls"]
        if "id" in delta:
            assert delta["function"]["arguments"] == ""
            calls[delta["index"]] = {"id": delta["id"], **delta["function"]}
        else:
            assert set(delta) == {"index", "function"}
            calls[delta["index"]]["arguments"] += delta["function"]["arguments"]
    assert [(call["name"], call["arguments"]) for call in calls.values()] == [
        ("weather", '{"city":"city"}'),
        ("clock", "{}"),
        ("weather", '{"city":"city"}'),
    ]
    assert len({call["id"] for call in calls.values()}) == 3


async def test_a_caller_that_wants_one_call_at_a_time_gets_one() -> None:
    answer = await ask(chat(model="echo:tools=3", tools=[WEATHER], parallel_tool_calls=False))
    assert len(answer["choices"][0]["message"]["tool_calls"]) == 1


async def test_a_custom_tool_gets_what_was_asked() -> None:
    tool = {"type": "custom", "custom": {"name": "shell"}}
    answer = await ask(chat("ls", tools=[tool], tool_choice="required"))
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert (call["type"], call["custom"]) == ("custom", {"name": "shell", "input": "ls"})


async def test_allowed_tools_narrow_the_choice() -> None:
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "clock"}}]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    answer = await ask(chat(tools=[WEATHER, CLOCK], tool_choice=choice))
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "clock"


async def test_tool_results_are_answered_with_their_text_whatever_is_demanded() -> None:
    turns = [
        {"role": "user", "content": "weather?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "weather"}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        {"role": "tool", "tool_call_id": "b", "content": "warm"},
    ]
    answer = await ask({"model": "echo-tools", "messages": turns, "tools": [WEATHER], "tool_choice": "required"})
    assert answer["choices"][0]["message"]["content"] == "sunny\nwarm"
    assert answer["choices"][0]["finish_reason"] == "stop"


async def test_a_json_schema_gets_an_instance() -> None:
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    answer = await ask(chat(response_format=wanted))
    assert answer["choices"][0]["message"]["content"] == '{"age":0}'
    assert said(await stream(chat(model="echo-long", response_format=wanted))) == '{"age":0}'


async def test_a_json_object_is_one() -> None:
    answer = await ask(chat(response_format={"type": "json_object"}))
    assert answer["choices"][0]["message"]["content"] == '{"echo":true}'


async def test_an_answer_is_filled_with_words() -> None:
    answer = await ask(chat(model="echo:words=500"))
    assert len(answer["choices"][0]["message"]["content"].split()) == 500


async def test_cached_tokens_are_those_of_the_script_but_not_more_than_the_prompt() -> None:
    few = await ask(chat(model="echo:cached=2"))
    assert few["usage"]["prompt_tokens_details"]["cached_tokens"] == 2
    many = await ask(chat(model="echo:cached=999"))
    assert many["usage"]["prompt_tokens_details"]["cached_tokens"] == many["usage"]["prompt_tokens"]


async def test_usage_can_be_left_out() -> None:
    assert "usage" not in await ask(chat(model="echo:usage=no"))
    chunks = await stream(chat(model="echo:usage=no", stream_options={"include_usage": True}))
    assert all(chunk["choices"] for chunk in chunks[:-1])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b"\xff", None),
        ({"messages": []}, "model"),
        ({"model": 3}, "model"),
        ({"model": "echo"}, "messages"),
        ({"model": "echo", "messages": []}, "messages"),
        ({"model": "echo", "messages": "hi"}, "messages"),
        ({"model": "echo", "messages": ["hi"]}, "messages"),
        (chat(n=0), "n"),
        (chat(n=True), "n"),
        (chat(max_tokens=0), "max_tokens"),
        (chat(max_tokens="5"), "max_tokens"),
        (chat(stop=5), "stop"),
        (chat(tools={}), "tools"),
        (chat(tools=[{"type": "function"}]), "tools"),
        (chat(tool_choice="required"), "tool_choice"),
        (chat(tools=[WEATHER], tool_choice="sometimes"), "tool_choice"),
        (chat(tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "other"}}), "tool_choice"),
        (chat(response_format={"type": "json_schema"}), "response_format"),
    ],
)
async def test_what_a_provider_would_refuse_is_refused(fields: Any, param: str | None) -> None:
    status, found = await error(fields)
    assert (status, found["type"], found["param"]) == (400, "invalid_request_error", param)


async def test_a_path_that_nobody_serves_is_unknown() -> None:
    status, found = await error(chat(), path="/audio/speech")
    assert (status, found["code"]) == (404, "unknown_url")


async def test_only_post_is_answered() -> None:
    reply = await echo().send(Outgoing(b"GET", b"/v1/chat/completions", (), b""), PATIENT)
    assert reply.status == 404


@pytest.mark.parametrize("content", [None, [], ["bare"], 5])
async def test_a_message_of_an_odd_form_still_gets_an_answer(content: Any) -> None:
    answer = await ask({"model": "echo", "messages": [{"role": "assistant", "content": content}]})
    assert answer["choices"][0]["message"]["content"] == ("bare" if content == ["bare"] else "")


async def test_the_query_of_a_path_does_not_matter() -> None:
    assert (await send("/chat/completions?api-version=1", chat())).status == 200
