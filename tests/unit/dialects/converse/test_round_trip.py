"""A Converse conversation, told to Claude on Bedrock as a chat, is the same there; and so is its answer on the way back."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import Target
from gateway.core.chat import ModelRequest
from gateway.dialects.converse.answer import answer
from gateway.dialects.converse.blocks import unwrapped, wrapped
from gateway.dialects.converse.request import into_chat
from gateway.dialects.converse.stream import Rendering
from gateway.dialects.thinking import opened
from gateway.providers.bedrock.body import converse as written
from gateway.providers.wire import WIRES
from tests.unit.dialects.converse.asking import TOOL, Json, converse, folded, user
from tests.wires.bedrock.exchanges import Event, delta, ended, metadata, plain, start, stop, text, thought, tool
from tests.wires.bedrock.frames import converse as framed
from tests.wires.driving import WALL_S, ask

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
TARGET = Target("p", CLAUDE, "p/claude")
WORDS = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=8)
GIVEN = st.dictionaries(WORDS, WORDS | st.integers(-9, 9) | st.lists(WORDS, max_size=2), max_size=3)
SIGNED = st.tuples(WORDS, WORDS)
ASKED = converse(user("hi"))


@st.composite
def conversations(draw: st.DrawFn) -> list[Json]:
    turns = [user(draw(WORDS))]
    for at in range(draw(st.integers(1, 3))):
        content: list[Json] = [_signed(*one) for one in draw(st.lists(SIGNED, max_size=2))]
        content += [{"text": words} for words in draw(st.lists(WORDS, max_size=1))]
        inputs = draw(st.lists(GIVEN, min_size=1, max_size=3))
        ids = [f"tooluse_{at}_{number}" for number in range(len(inputs))]
        content += [
            {"toolUse": {"toolUseId": call_id, "name": "get", "input": one}} for call_id, one in zip(ids, inputs, strict=True)
        ]
        turns.append({"role": "assistant", "content": content})
        results = [_result(call_id, draw(WORDS), failed=draw(st.booleans())) for call_id in ids]
        turns.append(user(*results, *draw(st.lists(WORDS, max_size=2))))
    return turns


def _signed(words: str, signature: str) -> Json:
    return {"reasoningContent": {"reasoningText": {"text": words, "signature": signature}}}


def _result(call_id: str, words: str, *, failed: bool) -> Json:
    result: Json = {"toolUseId": call_id, "content": [{"text": words}]}
    return {"toolResult": result | {"status": "error"} if failed else result}


@given(conversations())
def test_texts_thinking_ids_inputs_and_results_are_kept(turns: list[Json]) -> None:
    config = {"maxTokens": 9, "temperature": 0.5, "stopSequences": ["x"]}
    system = [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}]
    asked = converse(*turns, system=system, inferenceConfig=config, toolConfig={"tools": [TOOL], "toolChoice": {"any": {}}})
    chat, dropped = into_chat(asked)
    sent = json.loads(written(chat, CLAUDE).text)
    assert sent["messages"] == turns
    assert (sent["system"], sent["inferenceConfig"]) == (system, config)
    assert sent["toolConfig"]["toolChoice"] == {"any": {}}
    assert (dropped, written(chat, CLAUDE).dropped) == ((), ())


# ---------------------------------------------------------------- and the answer back


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Json], list[Event]]:
    """The blocks of an answer of Claude's, and the events of the same."""
    blocks: list[Json] = []
    events: list[Event] = [start()]
    for words, signature in draw(st.lists(SIGNED, max_size=2)):
        events += thought(len(blocks), signature, *words)
        blocks.append(_signed(words, signature))
    if draw(st.booleans()):
        data = wrapped(draw(WORDS))
        events += [delta(len(blocks), {"reasoningContent": {"redactedContent": data}}), stop(len(blocks))]
        blocks.append({"reasoningContent": {"redactedContent": data}})
    for words in draw(st.lists(WORDS, max_size=1)):
        events += text(len(blocks), *words)
        blocks.append({"text": words})
    for number, given_ in enumerate(draw(st.lists(GIVEN, min_size=1, max_size=3))):
        events += tool(len(blocks), f"tooluse_{number}", "get", *json.dumps(given_))
        blocks.append({"toolUse": {"toolUseId": f"tooluse_{number}", "name": "get", "input": given_}})
    return blocks, [*events, ended("tool_use"), metadata()]


def _plainly(told: Json) -> Any:
    """The blocks, with the ids as the model gave them, and redacted thinking as it came."""
    blocks = told["output"]["message"]["content"]
    for block in blocks:
        if "toolUse" in block:
            block["toolUse"]["toolUseId"] = opened(block["toolUse"]["toolUseId"]).id
        elif "redactedContent" in block.get("reasoningContent", {}):
            block["reasoningContent"]["redactedContent"] = unwrapped(block["reasoningContent"]["redactedContent"])
    return blocks


def _chat() -> ModelRequest:
    return into_chat(ASKED).request


@given(answers())
def test_claudes_stream_through_a_chat_is_the_same_answer(said: tuple[list[Json], list[Event]]) -> None:
    blocks, events = said
    wire = WIRES["bedrock"].stream(ask(_chat(), TARGET), WALL_S)
    rendering = Rendering(ASKED)
    told = folded(rendering.feed(wire.feed(framed(*events)).deltas) + rendering.end())
    assert _plainly(told) == blocks
    assert told["stopReason"] == "tool_use"


@given(answers())
def test_claudes_plain_answer_through_a_chat_is_the_same(said: tuple[list[Json], list[Event]]) -> None:
    blocks, _ = said
    body = json.dumps(plain(*blocks, stop="tool_use")).encode()
    (completion,) = WIRES["bedrock"].read(ask(_chat(), TARGET), body, WALL_S).deltas
    assert not isinstance(completion, bytes)
    assert _plainly(json.loads(answer(ASKED, completion))) == blocks
