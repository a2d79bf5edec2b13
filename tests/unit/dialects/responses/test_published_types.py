"""What a translated answer says has the types, to the letter, that OpenAI publishes: as a whole, and event by event."""

from typing import Any

import pytest
from openai.types.responses import Response

from gateway.core.chat import ModelRequest
from gateway.dialects.translation import Delta
from tests.unit.dialects.responses.published import EVENTS
from tests.unit.dialects.responses.talk import answer, delta, events, request

Json = dict[str, Any]

FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}
REQUESTS = [
    request(),
    request(tools=[FUNCTION], tool_choice={"type": "function", "name": "f"}),
    request(
        tools=[FUNCTION], tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}
    ),
    request(
        [{"role": "user", "content": "q"}],
        instructions="be kind",
        tools=[
            {**FUNCTION, "description": "d", "strict": True},
            {"type": "namespace", "name": "crm", "description": "x", "tools": [{"type": "function", "name": "find"}]},
            {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}},
            {"type": "web_search", "external_web_access": False},
            {"type": "local_shell"},
            {"type": "apply_patch"},
        ],
        tool_choice="auto",
        parallel_tool_calls=False,
        store=False,
        include=["reasoning.encrypted_content"],
        reasoning={"effort": "low", "summary": "auto"},
        text={"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
        temperature=0,
        top_p=1,
        service_tier="auto",
        top_logprobs=3,
        metadata={"a": "b"},
        max_output_tokens=5,
        max_tool_calls=3,
        prompt_cache_key="k",
        safety_identifier="s",
        truncation="auto",
        user="u",
        client_metadata={"x": "y"},
    ),
]
BLOCK = {"type": "thinking", "thinking": "hm", "signature": "s"}
TOKEN = {"token": "x", "logprob": -1.0, "bytes": [120], "top_logprobs": []}
CITED = {"type": "url_citation", "url_citation": {"url": "https://x", "title": "t", "start_index": 0, "end_index": 1}}
USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 3,
    "total_tokens": 8,
    "prompt_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
CALLS: list[Json] = [
    {
        "index": 0,
        "id": "c1",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "sig"}},
    },
    {"index": 1, "id": "c2", "type": "function", "function": {"name": "crm__find", "arguments": "{}"}},
    {"index": 2, "id": "c3", "type": "function", "function": {"name": "patch", "arguments": '{"input":"x"}'}},
    {"index": 3, "id": "c4", "type": "custom", "custom": {"name": "patch", "input": "y"}},
]
STREAMS: list[list[Delta]] = [
    [delta({"role": "assistant", "content": ""}), b"hi", delta({}, "stop"), {"choices": [], "usage": USAGE}],
    [
        delta({"reasoning_content": "hm"}),
        delta({"thinking_blocks": [BLOCK]}),
        delta({"content": "x"}, logprobs={"content": [TOKEN]}),
        delta({"annotations": [CITED]}),
        *(delta({"tool_calls": [one]}) for one in CALLS),
        delta({"content": "after"}),
        delta({}, "tool_calls"),
        {"choices": [], "usage": USAGE, "service_tier": "priority"},
    ],
    [b"x", delta({"refusal": "no"}), delta({}, "content_filter")],
    [b"x", delta({}, "length")],
    [delta({}, "stop")],
]
MESSAGES: list[tuple[Json, str]] = [
    (
        {
            "content": "x",
            "reasoning_content": "t",
            "thinking_blocks": [BLOCK],
            "tool_calls": CALLS,
            "annotations": [CITED],
        },
        "tool_calls",
    ),
    ({"refusal": "no"}, "stop"),
    ({}, "length"),
]


@pytest.mark.parametrize("asked", REQUESTS)
@pytest.mark.parametrize("deltas", STREAMS)
def test_every_event(asked: ModelRequest, deltas: list[Delta]) -> None:
    for event in events(asked, *([one] for one in deltas)):
        EVENTS[event["type"]].model_validate(event, strict=True)


@pytest.mark.parametrize("asked", REQUESTS)
@pytest.mark.parametrize(("message", "finish"), MESSAGES)
def test_a_plain_answer(asked: ModelRequest, message: Json, finish: str) -> None:
    Response.model_validate(answer(asked, message, finish, usage=USAGE), strict=True)
