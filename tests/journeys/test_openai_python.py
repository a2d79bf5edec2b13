"""The official Python SDK, sync and async, through the gateway to a second server."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from tests.journeys.answers import CALLS, FINAL, SCHEMA_ANSWER, TEXT, USAGE, WEATHER, vector
from tests.journeys.behaviours import UPSTREAM_KEY
from tests.journeys.configs import ACME, GLOBEX
from tests.journeys.folding import FUNCTIONS, QUESTION, by_sdk, fold
from tests.journeys.folding import WEATHER as WEATHER_TOOL
from tests.journeys.outcome import TOKENS, Got
from tests.journeys.processes import Gateway, Upstream


class Person(BaseModel):
    """What the JSON schema asks for."""

    name: str
    age: int


@pytest.fixture
def client(gateway: Gateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=gateway.base_url, api_key=ACME, max_retries=0) as client:
        yield client


@pytest.fixture
async def aclient(gateway: Gateway) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=gateway.base_url, api_key=ACME, max_retries=0, timeout=15) as client:
        yield client


def test_a_plain_answer(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="plain", messages=QUESTION)
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == USAGE["total_tokens"]
    assert answer._request_id


def test_a_stream(client: OpenAI) -> None:
    got = by_sdk(client, "plain")
    assert (got.text, got.finish, got.usage, got.usages) == (TEXT, "stop", TOKENS, 1)


def test_a_stream_has_no_usage_that_was_not_asked_for(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="plain", messages=QUESTION, stream=True))
    assert all(chunk.usage is None for chunk in chunks)
    assert all(chunk.choices for chunk in chunks)
    assert {chunk.id for chunk in chunks} == {"chatcmpl-1"}
    assert chunks[0].choices[0].delta.role == "assistant"


def test_a_tool_is_called_and_its_result_answered(client: OpenAI) -> None:
    messages: list[Any] = list(QUESTION)
    first = client.chat.completions.create(model="plain", messages=messages, tools=[WEATHER_TOOL]).choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.tool_calls is not None
    call: Any = first.message.tool_calls[0]
    assert json.loads(call.function.arguments) == WEATHER
    messages += [first.message, {"role": "tool", "tool_call_id": call.id, "content": "sun"}]
    second = client.chat.completions.create(model="plain", messages=messages, tools=[WEATHER_TOOL]).choices[0]
    assert second.message.content == FINAL


def test_parallel_calls_on_a_stream(client: OpenAI) -> None:
    got = by_sdk(client, "plain", tools=True)
    assert [(call["id"], call["name"], call["arguments"]) for call in got.calls] == list(CALLS)
    assert got.finish == "tool_calls"


def test_an_answer_to_a_json_schema(client: OpenAI) -> None:
    answer = client.chat.completions.parse(model="plain", messages=QUESTION, response_format=Person)
    assert answer.choices[0].message.parsed == Person.model_validate(SCHEMA_ANSWER)


def test_a_stream_with_a_json_schema(client: OpenAI) -> None:
    with client.chat.completions.stream(model="plain", messages=QUESTION, response_format=Person) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.parsed == Person.model_validate(SCHEMA_ANSWER)


@pytest.mark.parametrize("given", [["a", "b"], [[15339, 1917], [1]]], ids=["texts", "token lists"])
def test_embeddings_in_base64_which_is_the_default(client: OpenAI, upstream: Upstream, tag: str, given: Any) -> None:
    answer = client.embeddings.create(model=f"plain{tag}", input=given)
    assert [one.embedding for one in answer.data] == [vector(0), vector(1)]
    assert upstream.requests(f"plain{tag}")[0].fields["encoding_format"] == "base64"


def test_embeddings_as_floats(client: OpenAI) -> None:
    answer = client.embeddings.create(model="plain", input="a", encoding_format="float")
    assert answer.data[0].embedding == vector(0)


def test_legacy_completions(client: OpenAI) -> None:
    assert client.completions.create(model="plain", prompt="hi").choices[0].text == TEXT
    parts = list(client.completions.create(model="plain", prompt="hi", stream=True))
    assert "".join(part.choices[0].text for part in parts) == TEXT
    assert parts[-1].choices[0].finish_reason == "stop"
    asked = list(client.completions.create(model="plain", prompt="hi", stream=True, stream_options={"include_usage": True}))
    assert [part.usage.total_tokens for part in asked if part.usage] == TOKENS[2:]


def test_models_are_listed_and_found_by_names_with_slashes(client: OpenAI) -> None:
    assert {"alias", "vendor/family/model"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("vendor/family/model").id == "vendor/family/model"


def test_the_official_client_lists_only_what_its_tenant_may_use(gateway: Gateway) -> None:
    with OpenAI(base_url=gateway.base_url, api_key=GLOBEX, max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["alias"]
        with pytest.raises(openai.NotFoundError, match="alias"):
            client.chat.completions.create(model="alas", messages=QUESTION)
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("vendor/family/model")


ERRORS = [
    ("error-400", openai.BadRequestError, "the third message is odd", 1),
    ("error-400-array", openai.BadRequestError, "the third message is odd", 1),
    ("error-401", openai.InternalServerError, "", 1),
    ("error-403", openai.InternalServerError, "", 1),
    ("error-404", openai.NotFoundError, "no such model upstream", 1),
    ("error-413", openai.APIStatusError, "the prompt is too large", 1),
    ("error-422", openai.UnprocessableEntityError, "the schema is odd", 1),
    ("error-429", openai.RateLimitError, "slow down, please", 2),
    ("error-429-quota", openai.RateLimitError, "the account is empty", 1),
    ("error-500", openai.InternalServerError, "the engine is on fire", 2),
    ("error-503", openai.InternalServerError, "the engine is busy", 2),
    ("error-html", openai.InternalServerError, "", 2),
]


@pytest.mark.parametrize(("name", "kind", "message", "calls"), ERRORS, ids=[one[0] for one in ERRORS])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_errors_keep_their_class_and_words_and_multiply_no_retries(
    client: OpenAI,
    upstream: Upstream,
    tag: str,
    name: str,
    kind: type[openai.APIStatusError],
    message: str,
    calls: int,
    stream: bool,
) -> None:
    once = client.with_options(max_retries=1)
    with pytest.raises(kind) as caught:
        list(once.chat.completions.create(model=name + tag, messages=QUESTION, stream=stream))
    assert message in caught.value.message
    assert UPSTREAM_KEY not in str(caught.value.body) + caught.value.message
    assert "<html" not in caught.value.message
    assert len(upstream.requests(name + tag)) == calls


def test_what_the_gateway_has_tried_again_the_sdk_does_not(client: OpenAI, upstream: Upstream) -> None:
    with pytest.raises(openai.InternalServerError):
        client.with_options(max_retries=2).chat.completions.create(model="thrice", messages=QUESTION)
    assert len(upstream.requests("error-500@thrice")) == 3


def test_a_retry_after_a_429_is_answered(client: OpenAI, upstream: Upstream, tag: str) -> None:
    answer = client.with_options(max_retries=2).chat.completions.create(model=f"flaky{tag}", messages=QUESTION)
    assert answer.choices[0].message.content == TEXT
    assert len(upstream.requests(f"flaky{tag}")) == 2


def test_a_wrong_key_is_an_authentication_error(gateway: Gateway) -> None:
    with OpenAI(base_url=gateway.base_url, api_key="sk-wrong") as client, pytest.raises(openai.AuthenticationError) as caught:
        client.chat.completions.create(model="plain", messages=QUESTION)
    assert caught.value.code == "invalid_api_key"


def test_a_client_that_closes_its_stream_closes_the_upstream(client: OpenAI, upstream: Upstream, tag: str) -> None:
    with client.chat.completions.create(model=f"endless{tag}", messages=QUESTION, stream=True) as stream:
        next(chunk for chunk in stream if chunk.choices[0].delta.content)
    assert upstream.wait(f"endless{tag}", "left") == 1


def test_a_client_that_loses_patience_closes_the_upstream(client: OpenAI, upstream: Upstream, tag: str) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(model=f"hang{tag}", messages=QUESTION)
    assert upstream.wait(f"hang{tag}", "left") == 1


async def test_async_plain_and_streams_side_by_side(aclient: AsyncOpenAI) -> None:
    async def stream() -> Got:
        got = Got(usages=0)
        chunks = await aclient.chat.completions.create(
            model="plain", messages=QUESTION, tools=FUNCTIONS, stream=True, stream_options={"include_usage": True}
        )
        async for chunk in chunks:
            fold(got, chunk)
        return got

    async def plain() -> str | None:
        return (await aclient.chat.completions.create(model="plain", messages=QUESTION)).choices[0].message.content

    streams = await asyncio.gather(*(stream() for _ in range(20)))
    assert [[call["arguments"] for call in got.calls] for got in streams] == [[text for _, _, text in CALLS]] * 20
    assert all(got.usage == TOKENS for got in streams)
    assert await asyncio.gather(*(plain() for _ in range(20))) == [TEXT] * 20


async def test_async_schema_and_embeddings(aclient: AsyncOpenAI) -> None:
    answer = await aclient.chat.completions.parse(model="plain", messages=QUESTION, response_format=Person)
    assert answer.choices[0].message.parsed == Person.model_validate(SCHEMA_ANSWER)
    assert (await aclient.embeddings.create(model="plain", input=["a"])).data[0].embedding == vector(0)


async def test_async_errors(aclient: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="the third message is odd"):
        await aclient.chat.completions.create(model="error-400", messages=QUESTION)


@pytest.mark.parametrize(("name", "stream"), [("endless", True), ("hang", False), ("hang", True)])
async def test_a_cancelled_task_closes_the_upstream(
    aclient: AsyncOpenAI, upstream: Upstream, tag: str, name: str, stream: bool
) -> None:
    async def ask() -> None:
        answer: Any = await aclient.chat.completions.create(model=name + tag, messages=QUESTION, stream=stream)
        async for _ in answer:
            pass

    task = asyncio.get_running_loop().create_task(ask())
    assert await asyncio.to_thread(upstream.wait, name + tag, "running") == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.to_thread(upstream.wait, name + tag, "left") == 1
