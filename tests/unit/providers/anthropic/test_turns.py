"""A chat's messages become turns that the Messages API takes: alternating, results first, thinking untouched."""

import re
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import InvalidValue
from gateway.dialects.thinking import MARK, seal
from gateway.providers.anthropic.turns import GO_ON, UNANSWERED
from tests.unit.providers.anthropic.writing import Json, body, calling, fields, result, text, user

THOUGHT = {"type": "thinking", "thinking": "Hm \u00fc", "signature": "Eq+/=="}
HIDDEN = {"type": "redacted_thinking", "data": "Em=="}


def turns(*messages: Json, **more: Any) -> list[Json]:
    written: list[Json] = body(*messages, **more).fields["messages"]
    return written


def test_leading_instructions_are_the_system_prompt() -> None:
    written = fields({"role": "system", "content": "A"}, {"role": "developer", "content": "B"}, user())
    assert written["system"] == [text("A"), text("B")]
    assert written["messages"] == [{"role": "user", "content": [text("Hi")]}]
    assert fields({"role": "system", "content": "A"}, user())["system"] == "A"
    assert "system" not in fields(user())


def test_cache_hints_of_the_system_prompt_are_kept() -> None:
    part = {**text("A"), "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert fields({"role": "system", "content": [part]}, user())["system"] == [part]


def test_a_later_instruction_stays_where_it_is() -> None:
    written = turns(user("1"), {"role": "assistant", "content": "2"}, {"role": "system", "content": "now"}, user("3"))
    assert written[2] == {"role": "user", "content": [text("<system>\nnow\n</system>"), text("3")]}


def test_turns_alternate() -> None:
    written = turns(user("a"), user("b"), {"role": "assistant", "content": "c"}, {"role": "assistant", "content": "d"}, user())
    assert [turn["role"] for turn in written] == ["user", "assistant", "user"]
    assert written[0]["content"] == [text("a"), text("b")]
    assert written[1]["content"] == [text("c"), text("d")]


@pytest.mark.parametrize("empty", ["", " \n", None, [], [text("")], [text("  ")]])
def test_text_without_a_visible_character_is_no_block(empty: Any) -> None:
    assert turns(user("a"), {"role": "assistant", "content": empty}, user(empty), user("b")) == [
        {"role": "user", "content": [text("a"), text("b")]}
    ]


def test_all_results_stand_first_in_one_turn_behind_their_calls() -> None:
    written = turns(user(), calling("a", "b"), result("b", "B"), user("and"), result("a", "A", is_error=True))
    assert [one["id"] for one in written[1]["content"]] == ["a", "b"]
    assert written[1]["content"][0] == {"type": "tool_use", "id": "a", "name": "look", "input": {"x": 1}}
    assert written[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "b", "content": "B"},
        {"type": "tool_result", "tool_use_id": "a", "content": "A", "is_error": True},
        text("and"),
    ]


def test_results_may_hold_pictures() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
    written = turns(user(), calling("a"), result("a", [text("see"), picture]))
    assert written[2]["content"][0]["content"] == [
        text("see"),
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
    ]


@pytest.mark.parametrize("empty", ["", None, []])
def test_an_empty_result_has_no_content(empty: Any) -> None:
    assert turns(user(), calling("a"), result("a", empty))[2]["content"] == [{"type": "tool_result", "tool_use_id": "a"}]


def test_a_result_that_no_call_asked_for_is_told_as_text() -> None:
    written = turns(
        user(), result("nobody", "x"), calling("a"), result("a"), {"role": "assistant", "content": "b"}, result("a")
    )
    assert written[0]["content"] == [text("Hi"), text("Result of the tool call nobody:"), text("x")]
    assert [one["type"] for one in written[-1]["content"]] == ["text", "text"]


def test_a_call_without_a_result_gets_one_that_says_so() -> None:
    written = turns(user(), calling("a", "b"), result("a"), user("go"))
    assert written[2]["content"][1] == {
        "type": "tool_result",
        "tool_use_id": "b",
        "content": UNANSWERED,
        "is_error": True,
    }
    assert turns(user(), calling("a"))[-1]["role"] == "user"


@pytest.mark.parametrize("given_id", ["call 1", "a.b:c", "\u00fc", "x" * 200])
def test_an_id_that_does_not_fit_is_replaced_in_both_places(given_id: str) -> None:
    written = turns(user(), calling(given_id), result(given_id))
    sent = written[1]["content"][0]["id"]
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", sent)
    assert written[2]["content"][0]["tool_use_id"] == sent


def test_ids_that_come_twice_are_told_apart() -> None:
    written = turns(user(), calling("a"), result("a", "1"), calling("a"), result("a", "2"))
    first, second = written[1]["content"][0]["id"], written[3]["content"][0]["id"]
    assert first != second
    assert written[4]["content"][0]["tool_use_id"] == second


def test_thinking_is_replayed_to_the_byte_ahead_of_the_calls() -> None:
    written = turns(user(), calling("a", content="I look.", thinking_blocks=[{"index": 0, **THOUGHT}, HIDDEN]), result("a"))
    assert written[1]["content"][:3] == [THOUGHT, HIDDEN, text("I look.")]


def test_thinking_is_replayed_out_of_the_id_of_a_call() -> None:
    sealed = seal("toolu_1", [THOUGHT, HIDDEN], "gemini's")
    written = turns(user(), calling(sealed, "b"), result(sealed), result("b"))
    assert written[1]["content"][:2] == [THOUGHT, HIDDEN]
    assert written[1]["content"][2]["id"] == "toolu_1"
    assert written[2]["content"][0]["tool_use_id"] == "toolu_1"


def test_thinking_without_a_signature_came_from_elsewhere_and_is_left_out() -> None:
    foreign = [{"type": "thinking", "thinking": "x"}, {"type": "thinking", "thinking": "x", "signature": ""}, 3, {"type": []}]
    written = turns(user(), calling("a", thinking_blocks=foreign, reasoning_content="x"), result("a"))
    assert [one["type"] for one in written[1]["content"]] == ["tool_use"]
    assert turns(user(), {"role": "assistant", "content": None, "thinking_blocks": [THOUGHT]}, user("b"))[0]["content"] == [
        text("Hi"),
        text("b"),
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"a": [1]}', {"a": [1]}),
        ("", {}),
        (None, {}),
        ({"a": 1}, {"a": 1}),
        ("{broken", {"unparsed_arguments": "{broken"}),
        ("[1]", {"unparsed_arguments": "[1]"}),
    ],
)
def test_arguments_are_an_object(arguments: Any, expected: Json) -> None:
    called = {"id": "a", "type": "function", "function": {"name": "look", "arguments": arguments}}
    written = turns(user(), {"role": "assistant", "tool_calls": [called]}, result("a"))
    assert written[1]["content"][0]["input"] == expected


def test_the_older_way_to_call_functions_is_understood() -> None:
    called = {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}}
    written = turns(user(), called, {"role": "function", "name": "look", "content": "x"})
    assert written[2]["content"][0] == {
        "type": "tool_result",
        "tool_use_id": written[1]["content"][0]["id"],
        "content": "x",
    }


def test_the_first_turn_is_the_users_and_so_is_the_last_where_the_model_wants_that() -> None:
    assert turns({"role": "system", "content": "S"})[0] == {"role": "user", "content": [text(GO_ON)]}
    assert [one["role"] for one in turns({"role": "assistant", "content": "a"}, user())] == ["user", "assistant", "user"]
    prefilled = turns(user(), {"role": "assistant", "content": "{ \n"})
    assert prefilled[-1] == {"role": "assistant", "content": [text("{")]}
    assert turns(user(), {"role": "assistant", "content": "{"}, model="claude-opus-4-6")[-1]["role"] == "user"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([{"role": "nobody", "content": "x"}], "messages[0].role"),
        ([{"content": "x"}], "messages[0].role"),
        ([3], "messages[0]"),
        ([user(7)], "messages[0].content"),
        ([user([3])], "messages[0].content[0]"),
        ([user([{"type": "text", "text": 3}])], "messages[0].content[0].text"),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
        ([{"role": "assistant", "tool_calls": 3}], "messages[0].tool_calls"),
        ([{"role": "assistant", "tool_calls": [{"function": {}}]}], "messages[0].tool_calls[0].function.name"),
        ([{"role": "assistant", "tool_calls": [{"id": 4, "function": {"name": "x"}}]}], "messages[0].tool_calls[0].id"),
    ],
)
def test_nonsense_is_named(messages: Any, param: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        body(*messages)
    assert caught.value.param == param


def test_an_error_without_words_gets_some() -> None:
    (answered,) = turns(user(), calling("a"), result("a", "", is_error=True))[2]["content"]
    assert answered["is_error"] is True
    assert answered["content"]


@pytest.mark.parametrize("ids", [["a"], ["a b", "a.b"], ["x" * 100, "x" * 101], ["a", "a_2", "a_3"]])
def test_ids_that_are_alike_are_told_apart_and_many_at_once(ids: list[str]) -> None:
    every = ids * (8000 // len(ids))
    started = time.perf_counter()
    _, called, answered = turns(user(), calling(*every), *(result(one, one) for one in every))
    assert time.perf_counter() - started < 2  # in one step each; else half a minute
    assert len({one["id"] for one in called["content"]}) == len(every)
    assert {one["tool_use_id"] for one in answered["content"]} == {one["id"] for one in called["content"]}


def test_results_of_calls_with_the_same_id_stay_in_their_order() -> None:
    _, called, answered = turns(user(), calling("a", "a"), result("a", "1"), result("a", "2"))
    ids = [one["id"] for one in called["content"]]
    assert [(one["tool_use_id"], one["content"]) for one in answered["content"]] == [(ids[0], "1"), (ids[1], "2")]


@pytest.mark.parametrize("garbage", ["", "!!", "AAAA", "\u00fc", "x" * 100_000])
def test_garbage_behind_the_mark_of_a_seal_is_no_thinking(garbage: str) -> None:
    written = turns(user(), calling(f"a{MARK}{garbage}"), result(f"a{MARK}other"))
    assert [one["type"] for one in written[1]["content"]] == ["tool_use"]
    assert written[1]["content"][0]["id"] == written[2]["content"][0]["tool_use_id"] == "a"


IDS = st.sampled_from(["a", "b", "c d", seal("e", [THOUGHT])])
MESSAGES = st.one_of(
    st.builds(user, st.sampled_from(["", "x", [text("y")], [text(" ")]])),
    st.builds(lambda words: {"role": "system", "content": words}, st.sampled_from(["", "s"])),
    st.builds(lambda ids, content: calling(*ids, content=content), st.lists(IDS, max_size=3), st.sampled_from([None, "t"])),
    st.builds(result, IDS, st.sampled_from(["", "r", [text("r")]])),
)


@given(st.lists(MESSAGES, max_size=12), st.sampled_from(["claude-sonnet-4-5", "claude-opus-4-6"]))
def test_whatever_the_chat_the_api_takes_the_turns(messages: list[Json], model: str) -> None:
    written = turns(*messages, model=model)
    assert written[0]["role"] == "user"
    roles = [turn["role"] for turn in written]
    assert all(one != other for one, other in pairwise(roles))
    used: set[str] = set()
    for at, turn in enumerate(written):
        assert turn["content"]
        assert all(one["text"].strip() for one in turn["content"] if one["type"] == "text")
        called = [one["id"] for one in turn["content"] if one["type"] == "tool_use"]
        assert used.isdisjoint(called)
        assert len(set(called)) == len(called)
        used.update(called)
        if called:
            answers = written[at + 1]["content"][: len(called)]
            assert sorted(one.get("tool_use_id", "") for one in answers) == sorted(called)
        answered = [one["tool_use_id"] for one in turn["content"] if one["type"] == "tool_result"]
        before = [one["id"] for one in written[at - 1]["content"] if one["type"] == "tool_use"] if at else []
        assert sorted(answered) == sorted(before) or turn["role"] == "assistant"
        assert [one["type"] == "tool_result" for one in turn["content"]] == sorted(
            (one["type"] == "tool_result" for one in turn["content"]), reverse=True
        )
