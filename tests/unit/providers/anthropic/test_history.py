"""A conversation in which others have answered goes on with Claude, wherever it stands; one with Claude alone is untouched."""

import json

import pytest

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.dialects.thinking import seal
from gateway.providers.anthropic.history import readied
from gateway.providers.transport.contract import Outgoing
from gateway.providers.wire import WIRES
from tests.unit.dialects.speech import Json, assistant, messages, user

SIGNED = {"type": "thinking", "thinking": "a", "signature": "claude's"}
HIDDEN = {"type": "redacted_thinking", "data": "b"}
UNSIGNED = {"type": "thinking", "thinking": "c", "signature": ""}
TEXT = {"type": "text", "text": "d"}
GEMINIS = seal("call_2", signature="gemini's")
BUDGET = {"type": "enabled", "budget_tokens": 2000}
PLACES = [
    (ProviderSpec("p", "anthropic", "https://api.anthropic.com"), "claude-sonnet-4-5"),
    (ProviderSpec("p", "bedrock", "https://b", location="us-east-1"), "anthropic.claude-sonnet-4-5-v1:0"),
    (ProviderSpec("p", "vertex", "https://v", location="us-east5", project="p"), "claude-sonnet-4-5"),
]


def use(call_id: str) -> Json:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": {}}


def result(call_id: str) -> Json:
    return {"type": "tool_result", "tool_use_id": call_id, "content": "ok"}


def again(asked: ModelRequest) -> Json:
    """What is sent, which is what the fields say."""
    ready = readied(asked).request
    assert json.loads(ready.body) == ready.fields
    return dict(ready.fields)


def test_a_conversation_with_claude_alone_keeps_its_bytes() -> None:
    turns = (user("hi"), assistant(SIGNED, HIDDEN, TEXT, use("toolu_1")), user(result("toolu_1")))
    asked = messages(*turns, thinking=BUDGET)
    assert readied(asked) == (asked, ())
    assert readied(asked).request.body is asked.body


@pytest.mark.parametrize("spaced", [False, True])
def test_thinking_that_nobody_signed_was_never_claudes(spaced: bool) -> None:
    turns = [user("hi"), assistant(SIGNED, UNSIGNED, TEXT), user("on"), assistant(UNSIGNED), user("so")]
    asked = messages(*turns)
    if spaced:
        asked = asked._replace(body=json.dumps(asked.fields).encode())
    assert again(asked)["messages"] == [user("hi"), assistant(SIGNED, TEXT), user("on"), user("so")]


def test_what_another_provider_sealed_into_an_id_is_not_claudes() -> None:
    turns = (user("hi"), assistant(TEXT, use(GEMINIS)), user(result(GEMINIS), TEXT))
    assert again(messages(*turns))["messages"] == [user("hi"), assistant(TEXT, use("call_2")), user(result("call_2"), TEXT)]


@pytest.mark.parametrize("first", [UNSIGNED, TEXT, use("call_1")])
def test_calls_that_nobody_thought_about_are_gone_on_from_without_thinking(first: Json) -> None:
    managed = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]}
    asked = messages(
        user("hi"), assistant(first, use("call_9")), user(result("call_9")), thinking=BUDGET, context_management=managed
    )
    assert readied(asked).dropped == ("thinking",)
    fields = again(asked)
    assert "thinking" not in fields
    assert fields["context_management"] == {"edits": [{"type": "clear_tool_uses_20250919"}]}


@pytest.mark.parametrize("thinking", [{"type": "adaptive"}, {"type": "disabled"}, "enabled", None])
def test_other_thinking_is_not_in_the_way(thinking: object) -> None:
    asked = messages(user("hi"), assistant(use("call_9")), user(result("call_9")), thinking=thinking)
    assert readied(asked) == (asked, ())


def test_calls_of_an_earlier_turn_are_not_in_the_way() -> None:
    asked = messages(user("hi"), assistant(use("a")), user(result("a")), assistant(TEXT), user("on"), thinking=BUDGET)
    assert readied(asked) == (asked, ())


@pytest.mark.parametrize("odd", [3, [], [3], [{}], [{"role": "assistant", "content": [3, {"type": []}]}], None])
def test_nonsense_is_left_to_the_provider(odd: object) -> None:
    asked = messages(user("hi"), thinking=BUDGET)
    asked = asked._replace(fields={**asked.fields, "messages": odd, "context_management": odd}, body=b'"signature":""')
    assert readied(asked).request.fields["messages"] == odd


@pytest.mark.parametrize(("spec", "model"), PLACES, ids=lambda one: getattr(one, "wire", ""))
@pytest.mark.parametrize("operation", [Operation.MESSAGES, Operation.COUNT_TOKENS])
def test_wherever_claude_stands(spec: ProviderSpec, model: str, operation: Operation) -> None:
    turns = (user("hi"), assistant(UNSIGNED, use(GEMINIS)), user(result(GEMINIS)))
    asked = messages(*turns, thinking=BUDGET)._replace(operation=operation)
    outgoing: Outgoing = WIRES[spec.wire].write(asked, Target("p", model, "p/m"), spec, "k", {})
    assert outgoing.dropped == ("thinking",)
    if spec.wire != "bedrock" or operation is Operation.MESSAGES:  # where the counted body is base64
        sent = json.loads(outgoing.body)
        assert sent["messages"] == [user("hi"), assistant(use("call_2")), user(result("call_2"))]
        assert "thinking" not in sent
