"""A finished chat becomes a response with every key that is required, and what was thought can come back to the byte."""

import json
from typing import Any

import pytest

from gateway.dialects.responses import sealing
from gateway.dialects.responses.record import RESPONSES
from tests.unit.dialects.responses.talk import REQUIRED, answer, bare, chat, request

Json = dict[str, Any]

BLOCKS = [
    {"type": "thinking", "thinking": "zuerst \u00fc \U0001f30d \n", "signature": "EqQBCg=="},
    {"type": "redacted_thinking", "data": "abc+/="},
    {"type": "thinking", "thinking": "", "signature": "only"},
]
USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 7,
    "total_tokens": 17,
    "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


def test_every_required_key_is_there() -> None:
    told = answer(request(), {"content": "hello"})
    assert told.keys() >= REQUIRED
    assert told["id"].startswith("resp_")
    assert (told["object"], told["status"], told["model"], told["created_at"]) == (
        "response",
        "completed",
        "real",
        1_790_000_000,
    )
    assert told["completed_at"] >= told["created_at"]
    assert told["store"] is False
    assert bare(told["output"]) == [
        {
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}],
        }
    ]


def test_the_request_is_repeated() -> None:
    told = answer(
        request(
            instructions="be kind",
            metadata={"a": "b"},
            temperature=0.3,
            reasoning={"effort": "low"},
            text={"verbosity": "low"},
            tools=[{"type": "function", "name": "f"}, {"type": "web_search"}],
            tool_choice={"type": "function", "name": "f"},
            parallel_tool_calls=False,
            max_output_tokens=9,
            prompt_cache_key="k",
            store=True,
        ),
        {"content": "x"},
    )
    assert told["instructions"] == "be kind"
    assert told["metadata"] == {"a": "b"}
    assert told["temperature"] == 0.3
    assert told["reasoning"] == {"effort": "low", "summary": None}
    assert told["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert told["tools"] == [
        {"type": "function", "name": "f", "description": None, "parameters": None, "strict": None},
        {"type": "web_search"},
    ]
    assert told["tool_choice"] == {"type": "function", "name": "f"}
    assert (told["parallel_tool_calls"], told["max_output_tokens"], told["prompt_cache_key"]) == (False, 9, "k")
    assert told["store"] is False


def test_usage_in_the_words_of_a_response() -> None:
    assert answer(request(), {"content": "x"}, usage=USAGE)["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 17,
    }
    assert answer(request(), {"content": "x"})["usage"] is None


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_an_answer_that_was_cut_is_incomplete(finish: str, reason: str) -> None:
    told = answer(request(), {"content": "x"}, finish)
    assert (told["status"], told["incomplete_details"], told["completed_at"]) == ("incomplete", {"reason": reason}, None)
    assert told["output"][0]["status"] == "incomplete"


def test_a_refusal_is_a_part_of_its_own() -> None:
    assert answer(request(), {"refusal": "no"})["output"][0]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_an_answer_that_says_nothing_is_an_empty_message() -> None:
    assert answer(request(), {})["output"][0]["content"][0]["text"] == ""


def test_citations_and_probabilities() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "https://x", "title": "t", "start_index": 0, "end_index": 1}}
    completion = {
        "choices": [
            {
                "message": {"content": "x", "annotations": [cited, 5]},
                "logprobs": {"content": [{"token": "x", "logprob": -1, "bytes": [120], "top_logprobs": []}]},
            }
        ]
    }
    part = json.loads(RESPONSES.answer(request(), completion))["output"][0]["content"][0]
    assert part["annotations"] == [{"type": "url_citation", "url": "https://x", "title": "t", "start_index": 0, "end_index": 1}]
    assert part["logprobs"] == [{"token": "x", "logprob": -1, "bytes": [120], "top_logprobs": []}]


def test_what_was_thought_comes_back_to_the_byte() -> None:
    calls = [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "f", "arguments": '{"a": 1}'},
            "extra_content": {"google": {"thought_signature": "sig"}},
        },
        {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}},
    ]
    message = {"content": "said", "reasoning_content": "zuerst", "thinking_blocks": BLOCKS, "tool_calls": calls}
    output = answer(request(), message, "tool_calls")["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "function_call", "custom_tool_call"]
    results = [
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "2"},
    ]
    asked = chat([{"role": "user", "content": "q"}, *output, *results])["messages"][1]
    assert asked == {"role": "assistant", **message}
    assert json.dumps(asked["thinking_blocks"]) == json.dumps(BLOCKS)


def test_a_reasoning_item_says_whose_it_is_even_without_signatures() -> None:
    (thought, _) = answer(request(), {"content": "x", "reasoning": "hm"})["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert sealing.is_ours(thought["encrypted_content"])
    assert sealing.opened(thought["encrypted_content"]) == sealing.Held()


def test_a_seal_that_unfolds_to_too_much_is_none() -> None:
    bomb = sealing.sealed(sealing.Held(({"data": "x" * (sealing.OPENED_LIMIT + 1)},)))
    assert len(bomb) < 100_000
    assert sealing.opened(bomb) == sealing.Held()


@pytest.mark.parametrize("value", ["fgr1.", "fgr1.AAAA", "fgr1.\u00e9", "fgr1." + "A" * 1000, "fgr1.eJxTUAAAAE0AIw", "x"])
def test_a_damaged_seal_is_none(value: str) -> None:
    assert sealing.opened(value) == sealing.Held()


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"choices": None},
        {"choices": [5]},
        {"choices": [{"message": "x"}]},
        {"choices": [{"message": {"content": 5, "tool_calls": [None, {"id": 5, "function": "x"}], "thinking_blocks": "x"}}]},
        {"choices": [{"message": {"content": "\ud83d"}, "finish_reason": ["x"]}], "usage": {"prompt_tokens": "many"}},
        {"created": "now", "model": 5, "choices": [{"index": 1, "message": {"content": "another"}}]},
    ],
)
def test_nonsense_of_a_provider_is_a_response_all_the_same(nonsense: Json) -> None:
    told = json.loads(RESPONSES.answer(request(), nonsense))
    assert told.keys() >= REQUIRED
    assert told["status"] == "completed"
