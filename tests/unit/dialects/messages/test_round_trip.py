"""A Messages conversation, told to Claude behind another API as a chat, is the same conversation there."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.messages.events import block_delta, block_start, block_stop, event
from gateway.dialects.messages.request import into_chat
from gateway.dialects.messages.stream import Rendering
from gateway.dialects.thinking import opened
from gateway.providers.anthropic.body import messages_body
from gateway.providers.anthropic.stream import normaliser
from tests.unit.dialects.messages.folding import folded
from tests.unit.dialects.speech import Json, messages, user
from tests.wires.driving import WALL_S, ask

WORDS = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=8)
GIVEN = st.dictionaries(WORDS, WORDS | st.integers(-9, 9) | st.lists(WORDS, max_size=2), max_size=3)
THOUGHTS = st.builds(lambda words, sign: {"type": "thinking", "thinking": words, "signature": sign}, WORDS | st.just(""), WORDS)
HIDDEN = st.builds(lambda data: {"type": "redacted_thinking", "data": data}, WORDS)
RESULTS = WORDS | st.lists(st.builds(lambda words: {"type": "text", "text": words}, WORDS), min_size=1, max_size=2)


@st.composite
def conversations(draw: st.DrawFn) -> list[Json]:
    turns = [user(draw(WORDS))]
    for at in range(draw(st.integers(1, 3))):
        content: list[Json] = draw(st.lists(THOUGHTS | HIDDEN, max_size=2))
        content += [{"type": "text", "text": words} for words in draw(st.lists(WORDS, max_size=1))]
        inputs = draw(st.lists(GIVEN, min_size=1, max_size=3))
        ids = [f"toolu_{at}_{number}" for number in range(len(inputs))]
        content += [
            {"type": "tool_use", "id": call_id, "name": f"f{number}", "input": one}
            for number, (call_id, one) in enumerate(zip(ids, inputs, strict=True))
        ]
        turns.append({"role": "assistant", "content": content})
        results = [_result(call_id, draw(RESULTS), failed=draw(st.booleans())) for call_id in ids]
        turns.append(user(*results, *({"type": "text", "text": words} for words in draw(st.lists(WORDS, max_size=2)))))
    return turns


def _result(call_id: str, content: Any, *, failed: bool) -> Json:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **({"is_error": True} if failed else {})}


def plain(turn: Json) -> Json:
    """The same turn in one form, where there are several."""
    content = turn["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {"role": turn["role"], "content": [_plain(block) for block in blocks]}


def _plain(block: Json) -> Json:
    if block["type"] != "tool_result":
        return block
    content = block["content"]
    texts = [content] if isinstance(content, str) else [part["text"] for part in content]
    return {**block, "content": texts}


@given(conversations())
def test_texts_thinking_ids_inputs_and_results_are_kept(turns: list[Json]) -> None:
    tools = [{"name": f"f{number}", "input_schema": {"type": "object"}} for number in range(3)]
    chat = into_chat(messages(*turns, tools=tools)).request
    told = messages_body(chat, "claude-sonnet-4-5", "2023-06-01")
    assert [plain(turn) for turn in told.fields["messages"]] == [plain(turn) for turn in turns]
    assert [tool["name"] for tool in told.fields["tools"]] == ["f0", "f1", "f2"]
    assert told.fields["max_tokens"] == 100
    assert told.dropped == ()


# ---------------------------------------------------------------- and the answer back

ASKED = messages(user("hi"), stream=True, thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=4000)


@st.composite
def answers(draw: st.DrawFn) -> Json:
    """A message of Claude's."""
    content: list[Json] = draw(st.lists(THOUGHTS | HIDDEN, max_size=2))
    content += [{"type": "text", "text": words} for words in draw(st.lists(WORDS, max_size=1))]
    uses = st.builds(lambda name, given: {"type": "tool_use", "name": name, "input": given}, st.sampled_from("fg"), GIVEN)
    inputs = draw(st.lists(uses, max_size=3))
    content += [{**one, "id": f"toolu_{at}"} for at, one in enumerate(inputs)]
    if all(block["type"] not in ("text", "tool_use") for block in content):
        content.append({"type": "text", "text": "so"})
    usage = {"input_tokens": 7, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 1, "output_tokens": 5}
    return {
        "id": "msg_9",
        "model": "c",
        "content": content,
        "stop_reason": "tool_use" if inputs else "end_turn",
        "usage": usage,
    }


def streamed(message: Json) -> bytes:
    """The message as the provider streams it."""
    events = [event("message_start", {"message": {**message, "type": "message", "role": "assistant", "content": []}})]
    for at, block in enumerate(message["content"]):
        empty = {**block, **{key: "" for key in ("text", "thinking", "signature") if key in block}}
        events.append(block_start(at, {**empty, "input": {}} if "input" in block else empty))
        events += [block_delta(at, kind, key, block[key]) for key, kind in DELTAS.items() if block.get(key)]
        if "input" in block:
            events.append(block_delta(at, "input_json_delta", "partial_json", json.dumps(block["input"])))
        events.append(block_stop(at))
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events += [event("message_delta", {"delta": ending, "usage": message["usage"]}), event("message_stop", {})]
    return b"".join(events)


DELTAS = {"text": "text_delta", "thinking": "thinking_delta", "signature": "signature_delta"}


@given(answers())
def test_claudes_answer_through_a_chat_is_the_same_message(message: Json) -> None:
    wire = normaliser(ask(into_chat(ASKED).request), WALL_S)
    rendering = Rendering(ASKED)
    out = rendering.feed(wire.feed(streamed(message)).deltas)
    if not wire.done:
        out += rendering.feed(wire.end().deltas)
    told = folded(out + rendering.end())
    for block in told["content"]:
        if block["type"] == "tool_use":
            block["id"] = opened(block["id"]).id
    assert told["content"] == message["content"]
    assert told["stop_reason"] == message["stop_reason"]
    assert {key: told["usage"][key] for key in message["usage"]} == message["usage"]
