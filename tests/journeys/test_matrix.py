"""Whatever a provider gets wrong on a stream, through the gateway every client has the whole answer or an explicit error."""

import httpx
import pytest
from langchain_openai import ChatOpenAI
from openai import OpenAI
from pydantic import SecretStr

from tests.journeys.configs import ACME
from tests.journeys.folding import QUESTION, by_langchain, by_sdk
from tests.journeys.outcome import Got, judge, outcome_of
from tests.journeys.processes import Gateway
from tests.journeys.variants import ROWS


@pytest.mark.parametrize("name", ROWS)
def test_openai_python_has_the_whole_answer_or_an_error(gateway: Gateway, name: str) -> None:
    row = ROWS[name]
    with OpenAI(base_url=gateway.base_url, api_key=ACME, max_retries=0) as client:
        judge(name, row, outcome_of(lambda: by_sdk(client, name, row.tools)))


@pytest.mark.parametrize("name", ROWS)
def test_langchain_has_the_whole_answer_or_an_error(gateway: Gateway, name: str) -> None:
    row, key = ROWS[name], SecretStr(ACME)
    with httpx.Client() as http:
        model = ChatOpenAI(
            model=name, base_url=gateway.base_url, api_key=key, max_retries=0, stream_usage=True, http_client=http
        )
        judge(name, row, outcome_of(lambda: by_langchain(model, row.tools)))


@pytest.mark.parametrize("name", ["json-error", "json-error-as-stream", "html", "short-body", "reset", "reset-before-content"])
def test_a_plain_answer_that_is_none_is_an_error(gateway: Gateway, name: str) -> None:
    with OpenAI(base_url=gateway.base_url, api_key=ACME, max_retries=0) as client:
        got = outcome_of(lambda: Got(str(client.chat.completions.create(model=name, messages=QUESTION))))
    assert got.error == "InternalServerError", got
    assert got.message
