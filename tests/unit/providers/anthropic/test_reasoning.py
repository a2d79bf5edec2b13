"""How much a model is to think is asked for in the form that this model has."""

from typing import Any

import pytest

from gateway.providers.anthropic.models import _family, family
from tests.unit.providers.anthropic.writing import Json, body, calling, fields, result, user

ADAPTIVE = {"type": "adaptive", "display": "summarized"}
BUDGETED, EITHER, ADAPTS, ALWAYS, NEVER = (
    "claude-sonnet-4-5",
    "claude-opus-4-6",
    "claude-opus-5",
    "claude-fable-5",
    "claude-3-5-haiku-20241022",
)
LOOK = {"type": "function", "function": {"name": "look"}}
THOUGHT = {"type": "thinking", "thinking": "Hm", "signature": "Eq=="}


@pytest.mark.parametrize("model", [EITHER, ADAPTS, ALWAYS])
def test_effort_is_a_word_for_models_that_adapt(model: str) -> None:
    written = fields(user(), model=model, reasoning_effort="medium")
    assert written["thinking"] == ADAPTIVE
    assert written["output_config"] == {"effort": "medium"}


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [(ADAPTS, "minimal", "low"), (ADAPTS, "xhigh", "xhigh"), (EITHER, "xhigh", "high"), (EITHER, "max", "max")],
)
def test_a_level_that_the_model_does_not_have_is_the_nearest(model: str, asked: str, sent: str) -> None:
    assert fields(user(), model=model, reasoning_effort=asked)["output_config"] == {"effort": sent}


def test_effort_is_a_budget_for_models_that_have_one() -> None:
    written = fields(user(), model=BUDGETED, reasoning_effort="low")
    assert written["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert "output_config" not in written
    assert fields(user(), model="claude-opus-4-5", reasoning_effort="max")["output_config"] == {"effort": "high"}


@pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh", "max"])
@pytest.mark.parametrize("limit", [None, 1025, 2000, 20_000])
@pytest.mark.parametrize("model", [BUDGETED, "claude-opus-4-1", "some-other-model"])
def test_the_limit_is_over_the_budget(model: str, limit: int | None, effort: str) -> None:
    written = fields(user(), model=model, reasoning_effort=effort, max_tokens=limit)
    assert 1024 <= written["thinking"]["budget_tokens"] < written["max_tokens"]
    assert limit is None or written["max_tokens"] == limit


def test_a_limit_that_leaves_no_room_rules_thinking_out() -> None:
    written = body(user(), model=BUDGETED, reasoning_effort="high", max_tokens=500)
    assert "thinking" not in written.fields
    assert written.fields["max_tokens"] == 500
    assert written.dropped[0].startswith("reasoning_effort ")


def test_a_model_that_does_not_think_says_so() -> None:
    assert body(user(), model=NEVER, reasoning_effort="high").dropped == ("reasoning_effort",)
    assert body(user(), model=NEVER, thinking={"type": "enabled", "budget_tokens": 2000}).dropped == ("thinking",)


def test_no_effort_is_no_thinking() -> None:
    assert "thinking" not in fields(user(), model=BUDGETED, reasoning_effort="none")
    assert fields(user(), model=ADAPTS, reasoning_effort="none")["thinking"] == {"type": "disabled"}
    assert "thinking" not in fields(user(), model=ALWAYS, reasoning_effort="none")
    assert body(user(), reasoning_effort="ultra").dropped == ("reasoning_effort (ultra)",)


@pytest.mark.parametrize(
    ("model", "told", "sent"),
    [
        (EITHER, {"type": "adaptive"}, {"type": "adaptive"}),
        (EITHER, {"type": "enabled", "budget_tokens": 2000}, {"type": "enabled", "budget_tokens": 2000}),
        (ADAPTS, {"type": "enabled", "budget_tokens": 2000}, ADAPTIVE),
        (ADAPTS, {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}, {"type": "adaptive", "display": "omitted"}),
        (BUDGETED, {"type": "adaptive"}, {"type": "enabled", "budget_tokens": 8192}),
        (BUDGETED, {"type": "disabled"}, {"type": "disabled"}),
        (ALWAYS, {"type": "disabled"}, None),
        (BUDGETED, {"type": "enabled", "budget_tokens": "many"}, {"type": "enabled", "budget_tokens": 16_384}),
    ],
)
def test_anthropics_own_parameter_goes_on_in_a_form_that_the_model_has(model: str, told: Json, sent: Any) -> None:
    assert fields(user(), model=model, thinking=told, reasoning_effort="medium").get("thinking") == sent


@pytest.mark.parametrize("told", ["on", 7, {}, {"budget_tokens": 2000}, {"type": 7}])
def test_what_is_no_such_parameter_is_named(told: Any) -> None:
    written = body(user(), model=BUDGETED, thinking=told)
    assert "thinking" not in written.fields
    assert written.dropped == ("thinking",)


def test_calls_that_came_without_thinking_rule_out_a_budget() -> None:
    history = [user(), calling("a"), result("a")]
    written = body(*history, model=BUDGETED, reasoning_effort="high", tools=[LOOK])
    assert "thinking" not in written.fields
    assert written.dropped == ("reasoning_effort (the last tool calls came without it)",)
    assert fields(*history, model=ADAPTS, reasoning_effort="high", tools=[LOOK])["thinking"] == ADAPTIVE


def test_calls_that_came_with_thinking_do_not() -> None:
    history = [user(), calling("a"), result("a"), calling("b", thinking_blocks=[THOUGHT]), result("b")]
    assert fields(*history, model=BUDGETED, reasoning_effort="high", tools=[LOOK])["thinking"]["type"] == "enabled"
    done = [user(), calling("a"), result("a"), {"role": "assistant", "content": "done"}, user()]
    assert fields(*done, model=BUDGETED, reasoning_effort="high", tools=[LOOK])["thinking"]["type"] == "enabled"


def test_an_answer_that_was_begun_is_not_gone_on_with_where_the_model_is_to_think() -> None:
    history = [user(), {"role": "assistant", "content": "{"}]
    assert fields(*history, model=BUDGETED)["messages"][-1]["role"] == "assistant"
    assert fields(*history, model=BUDGETED, reasoning_effort="high")["messages"][-1]["role"] == "user"


def test_a_forced_call_rules_out_a_budget() -> None:
    written = body(user(), model=BUDGETED, reasoning_effort="high", tools=[LOOK], tool_choice="required")
    assert "thinking" not in written.fields
    assert written.fields["tool_choice"] == {"type": "any"}
    assert written.dropped == ("reasoning_effort (a tool call is forced)",)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("claude-opus-4-1@20250805", "claude-opus-4"),
        ("anthropic/claude-opus-4.6", "claude-opus-4-6"),
        ("claude-opus-4-20250514", "claude-opus-4"),
        ("claude-some-day-9", "claude-opus-5"),
        ("Claude-3-5-Sonnet-latest", "claude-3-5"),
    ],
)
def test_a_family_is_found_however_its_name_is_written(name: str, same: str) -> None:
    assert family(name) == family(same)


def test_names_of_any_length_are_remembered_in_little_room() -> None:
    before = _family.cache_info().currsize
    for number in range(10):
        assert family("claude-opus-5" + "x" * 1_000_000 + str(number)) == family("claude-opus-5")
    assert _family.cache_info().currsize <= before + 2


def test_what_is_none_of_claudes_takes_what_every_server_takes() -> None:
    assert family("kimi-k2").samples
    assert family("kimi-k2").prefills
    assert not family("kimi-k2").formats
