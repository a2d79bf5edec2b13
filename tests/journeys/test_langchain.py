"""LangChain's OpenAI classes through the gateway to a second server."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, SecretStr

from tests.journeys.answers import FINAL, SCHEMA_ANSWER, TEXT, WEATHER, vector
from tests.journeys.configs import ACME
from tests.journeys.folding import WEATHER as WEATHER_TOOL
from tests.journeys.folding import by_langchain
from tests.journeys.outcome import TOKENS
from tests.journeys.processes import Gateway, Upstream


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client() as http:
        yield http


def chat(gateway: Gateway, http: httpx.Client, model: str = "plain", **more: Any) -> ChatOpenAI:
    options = {"max_retries": 0} | more
    return ChatOpenAI(model=model, base_url=gateway.base_url, api_key=SecretStr(ACME), http_client=http, **options)


def test_a_plain_answer(gateway: Gateway, http: httpx.Client) -> None:
    answer = chat(gateway, http).invoke("hi")
    assert answer.content == TEXT
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] == TOKENS[2]


def test_a_stream_counts_its_usage_once(gateway: Gateway, http: httpx.Client) -> None:
    got = by_langchain(chat(gateway, http, stream_usage=True))
    assert (got.text, got.finish, got.usage) == (TEXT, "stop", TOKENS)


def test_a_stream_without_usage_by_default(gateway: Gateway, http: httpx.Client) -> None:
    got = by_langchain(chat(gateway, http))
    assert (got.text, got.finish, got.usage) == (TEXT, "stop", None)


def test_a_tool_is_called_and_its_result_answered(gateway: Gateway, http: httpx.Client) -> None:
    model = chat(gateway, http).bind_tools([WEATHER_TOOL])
    first = model.invoke("hi")
    assert [call["args"] for call in first.tool_calls] == [WEATHER]
    second = model.invoke([HumanMessage("hi"), first, ToolMessage("sun", tool_call_id=first.tool_calls[0]["id"])])
    assert second.content == FINAL


def test_structured_output(gateway: Gateway, http: httpx.Client) -> None:
    model = chat(gateway, http).with_structured_output(Person, method="json_schema")
    assert model.invoke("hi") == Person.model_validate(SCHEMA_ANSWER)


def test_embeddings(gateway: Gateway, http: httpx.Client) -> None:
    embedder = OpenAIEmbeddings(
        model="plain", base_url=gateway.base_url, api_key=SecretStr(ACME), http_client=http, check_embedding_ctx_length=False
    )
    assert embedder.embed_documents(["a", "b"]) == [vector(0), vector(1)]


def test_errors_keep_their_class(gateway: Gateway, http: httpx.Client) -> None:
    with pytest.raises(openai.BadRequestError, match="the third message is odd"):
        chat(gateway, http, "error-400").invoke("hi")
    with pytest.raises(openai.RateLimitError):
        chat(gateway, http, "error-429").invoke("hi")


def test_leaving_a_stream_closes_the_upstream(gateway: Gateway, upstream: Upstream, tag: str) -> None:
    with httpx.Client() as http:
        stream = chat(gateway, http, f"endless{tag}").stream("hi")
        next(chunk for chunk in stream if chunk.text)
        stream.close()  # type: ignore[attr-defined]
    assert upstream.wait(f"endless{tag}", "left") == 1
