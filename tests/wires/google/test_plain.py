"""A plain answer of Gemini's, told as a chat completion."""

import json
from typing import Any

import orjson
import pytest

from gateway.core.errors import UpstreamBroken
from gateway.dialects.thinking import opened
from gateway.providers.google.usage import usage_of
from tests.wires.google import exchanges
from tests.wires.google.asking import read
from tests.wires.google.exchanges import ANSWERS, MODEL, PIXEL, SIGNATURE, call, candidate, response, usage

Json = dict[str, Any]


def completion(value: object, **fields: Any) -> Json:
    chunk = read(value, **fields)
    told: Json = orjson.loads(chunk.data)
    assert chunk.deltas == (told,)
    return told


def said(value: object, **fields: Any) -> Json:
    (choice,) = completion(value, **fields)["choices"]
    message: Json = choice["message"]
    return {**message, "finish": choice["finish_reason"], "native": choice["native_finish_reason"]}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_is_a_completion(name: str) -> None:
    told = completion(ANSWERS[name])
    assert (told["object"], told["id"], told["model"]) == ("chat.completion", "chatcmpl-rQ0LafTzK9y", MODEL)
    assert told["created"] == 1_790_000_000
    for choice in told["choices"]:
        assert choice["index"] == 0
        assert choice["message"]["role"] == "assistant"
        assert "content" in choice["message"]


def test_text() -> None:
    assert said(exchanges.PLAIN) == {
        "role": "assistant",
        "content": "Hello, wörld \U0001f30d",
        "finish": "stop",
        "native": "STOP",
    }


def test_thoughts_are_reasoning_and_not_text() -> None:
    message = said(exchanges.REASONED)
    assert (message["reasoning_content"], message["content"]) == ("Let me think.", "42")
    assert message["extra_content"] == {"google": {"thought_signature": SIGNATURE}}


def test_calls_have_ids_that_carry_their_signatures() -> None:
    message = said(exchanges.PARALLEL)
    first, second = message["tool_calls"]
    assert (message["content"], message["finish"], message["native"]) == ("Both.", "tool_calls", "STOP")
    assert opened(first["id"]).signature == SIGNATURE
    assert first["extra_content"] == {"google": {"thought_signature": SIGNATURE}}
    assert opened(second["id"]).signature is None
    assert first["id"] != second["id"]
    assert "index" not in first
    assert json.loads(second["function"]["arguments"]) == {"city": "Oslo"}


def test_a_call_of_a_custom_tool_is_told_as_one() -> None:
    tools = [{"type": "custom", "custom": {"name": "patch"}}]
    (entry,) = said(response(candidate(call("patch", {"input": "*** Begin"}, None, "c"), finish="STOP")), tools=tools)[
        "tool_calls"
    ]
    assert entry == {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}


def test_pictures_code_and_its_results() -> None:
    assert said(exchanges.PICTURE)["images"] == [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]
    assert said(exchanges.RAN)["content"] == "\n```python\nprint(6*7)\n```\n\n```\n42\n\n```\nIt is 42."


def test_sound() -> None:
    message = said(response(candidate({"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}}, finish="STOP")))
    assert message["audio"]["data"] == "AAAA"


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        *((one, "content_filter") for one in ("SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST")),
        *((one, "content_filter") for one in ("IMAGE_SAFETY", "LANGUAGE", "MODEL_ARMOR", "IMAGE_RECITATION")),
    ],
)
def test_finish_reasons(reason: str, wanted: str) -> None:
    message = said(response(candidate({"text": "x"}, finish=reason)))
    assert (message["finish"], message["native"], message["content"]) == (wanted, reason, "x")
    assert "refusal" not in message


@pytest.mark.parametrize(
    "reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "OTHER", "NO_IMAGE", "SOMETHING_NEW"]
)
def test_an_answer_that_failed_is_a_fault_and_no_silent_stop(reason: str) -> None:
    with pytest.raises(UpstreamBroken, match=reason) as caught:
        read(response(candidate({"text": "x"}, finish=reason, finishMessage="Malformed function call: f(")))
    assert caught.value.retryable
    assert "Malformed function call" in caught.value.message


def test_what_the_filter_took_away_is_a_refusal() -> None:
    assert said(exchanges.FILTERED)["refusal"] == "The provider's filter stopped the answer (SAFETY)."
    message = said(exchanges.BLOCKED)
    assert (message["finish"], message["native"], message["content"]) == ("content_filter", "PROHIBITED_CONTENT", None)
    assert "PROHIBITED_CONTENT" in message["refusal"]


def test_a_limit_used_up_by_thoughts_is_length_with_empty_text() -> None:
    message = said(exchanges.CUT)
    assert (message["finish"], message["content"]) == ("length", "")


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {"usageMetadata": usage()},
        {"candidates": []},
        {"candidates": [{}]},
        {"candidates": [{"content": {"role": "model"}}]},
        {"candidates": 7},
        {"candidates": [7]},
        [exchanges.PLAIN],
        7,
        None,
    ],
)
def test_no_answer_is_a_fault(nothing: object) -> None:
    with pytest.raises(UpstreamBroken):
        read(nothing)


@pytest.mark.parametrize(
    "odd",
    [
        {"content": 7, "finishReason": "STOP"},
        {"content": {"parts": 7}, "finishReason": "STOP"},
        {"content": {"parts": [7, {"text": 7}, {"functionCall": 7}, {"inlineData": 7}, {}]}, "finishReason": "STOP"},
        {
            "content": {"parts": [{"functionCall": {"name": 7, "args": 7, "id": 7}, "thoughtSignature": 7}]},
            "finishReason": "STOP",
        },
        {"content": {"parts": [{"text": "x"}]}, "finishReason": 7, "index": "0"},
        {"finishReason": "STOP", "logprobsResult": {"chosenCandidates": [7, {}], "topCandidates": [7]}},
    ],
)
def test_odd_types_are_survived(odd: Json) -> None:
    told = completion({"candidates": [odd], "usageMetadata": 7, "modelVersion": 7, "responseId": 7})
    assert told["choices"][0]["finish_reason"] in ("stop", "tool_calls")
    assert "usage" not in told


def test_probabilities() -> None:
    chosen = {"token": "Hi", "tokenId": 2, "logProbability": -0.25}
    result = {
        "chosenCandidates": [chosen],
        "topCandidates": [{"candidates": [chosen, {"token": "Yo", "logProbability": -2.5}]}],
    }
    (choice,) = completion(response(candidate({"text": "Hi"}, finish="STOP", logprobsResult=result)))["choices"]
    (token,) = choice["logprobs"]["content"]
    assert (token["token"], token["logprob"], token["bytes"]) == ("Hi", -0.25, [72, 105])
    assert [one["token"] for one in token["top_logprobs"]] == ["Hi", "Yo"]


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        (usage(13, 10, 61), (13, 71, 61, 0)),
        (usage(13, 10), (13, 10, 0, 0)),
        # A server whose candidates' count is with the thoughts: the total tells.
        (
            {"promptTokenCount": 13, "candidatesTokenCount": 71, "thoughtsTokenCount": 61, "totalTokenCount": 84},
            (13, 71, 61, 0),
        ),
        (usage(13, 10, 61, cachedContentTokenCount=8), (13, 71, 61, 8)),
        (
            {
                "promptTokenCount": 13,
                "toolUsePromptTokenCount": 100,
                "candidatesTokenCount": 10,
                "thoughtsTokenCount": 5,
                "totalTokenCount": 128,
            },
            (113, 15, 5, 0),
        ),
        ({"promptTokenCount": 13, "candidatesTokenCount": True, "thoughtsTokenCount": -1}, (13, 0, 0, 0)),
    ],
)
def test_usage(counts: Json, wanted: tuple[int, int, int, int]) -> None:
    found = usage_of({"usageMetadata": counts})
    assert found is not None
    assert found["total_tokens"] == found["prompt_tokens"] + found["completion_tokens"]
    assert (
        found["prompt_tokens"],
        found["completion_tokens"],
        found["completion_tokens_details"]["reasoning_tokens"],
        found["prompt_tokens_details"]["cached_tokens"],
    ) == wanted


def test_usage_tells_sound_apart() -> None:
    counts = usage() | {"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}, {"modality": "TEXT", "tokenCount": 4}]}
    found = usage_of({"usageMetadata": counts})
    assert found is not None
    assert found["prompt_tokens_details"]["audio_tokens"] == 9
