"""Legacy completions and embeddings of the echo provider."""

import base64
import math
import struct
from typing import Any

import pytest

from tests.unit.providers.echo.asking import ask, error, stream


async def complete(**fields: Any) -> Any:
    return await ask({"model": "echo", **fields}, "/completions")


async def embed(**fields: Any) -> Any:
    return await ask({"model": "echo", **fields}, "/embeddings")


async def test_a_prompt_is_given_back() -> None:
    answer = await complete(prompt="once upon")
    assert answer["object"] == "text_completion"
    assert answer["choices"] == [{"text": "once upon", "index": 0, "logprobs": None, "finish_reason": "stop"}]
    assert answer["usage"]["total_tokens"] == 6


async def test_several_prompts_have_n_choices_each() -> None:
    answer = await complete(prompt=["a", [1, 2]], n=2)
    assert [(choice["index"], choice["text"]) for choice in answer["choices"]] == [(0, "a"), (1, "a"), (2, "1 2"), (3, "1 2")]
    assert answer["usage"]["prompt_tokens"] == 3


async def test_echo_puts_the_prompt_before_the_answer_and_limits_count_the_answer() -> None:
    answer = await complete(prompt="abcdefgh", echo=True, max_tokens=1)
    assert answer["choices"][0]["text"] == "abcdefghabcd"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 1


async def test_a_legacy_stream_ends_with_finish_reasons_usage_and_done() -> None:
    fields = {"model": "echo", "prompt": ["a b", "c"], "stream_options": {"include_usage": True}}
    *parts, usage, done = await stream(fields, "/completions")
    assert done == "[DONE]"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 2
    seen = [(choice["index"], choice["text"], choice["finish_reason"]) for part in parts for choice in part["choices"]]
    assert seen == [(0, "a", None), (1, "c", None), (0, " b", None), (0, "", "stop"), (1, "", "stop")]


async def test_embeddings_are_unit_vectors_that_the_text_decides() -> None:
    answer = await embed(input=["a", "b", "a"])
    vectors = [entry["embedding"] for entry in answer["data"]]
    assert [entry["index"] for entry in answer["data"]] == [0, 1, 2]
    assert {len(vector) for vector in vectors} == {64}
    assert vectors[0] == vectors[2] != vectors[1]
    assert math.sqrt(sum(number**2 for number in vectors[0])) == pytest.approx(1, abs=1e-6)
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


@pytest.mark.parametrize("size", [1, 3, 1536])
async def test_base64_holds_the_same_numbers(size: int) -> None:
    plain = await embed(input="x", dimensions=size)
    packed = await embed(input="x", dimensions=size, encoding_format="base64")
    numbers = struct.unpack(f"<{size}f", base64.b64decode(packed["data"][0]["embedding"]))
    assert list(numbers) == plain["data"][0]["embedding"]


async def test_token_ids_are_counted_one_by_one() -> None:
    one = await embed(input=[15339, 1917])
    several = await embed(input=[[15339, 1917], [7]])
    assert one["usage"]["prompt_tokens"] == 2
    assert several["usage"]["prompt_tokens"] == 3
    assert one["data"][0] == several["data"][0]


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("/completions", {}, "prompt"),
        ("/completions", {"prompt": {}}, "prompt"),
        ("/completions", {"prompt": []}, "prompt"),
        ("/embeddings", {"input": [""] * 2049}, "input"),
        ("/embeddings", {"input": [[]]}, "input"),
        ("/embeddings", {"input": [1, "a"]}, "input"),
        ("/embeddings", {"input": [True]}, "input"),
        ("/embeddings", {"input": "a", "dimensions": 0}, "dimensions"),
        ("/embeddings", {"input": "a", "encoding_format": "hex"}, "encoding_format"),
    ],
)
async def test_wrong_inputs_are_refused(path: str, fields: dict[str, Any], param: str) -> None:
    status, found = await error({"model": "echo", **fields}, path)
    assert (status, found["param"]) == (400, param)
