"""curl, as the README shows it, through the gateway to a second server."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.journeys.answers import SCHEMA_ANSWER, TEXT, WEATHER, vector
from tests.journeys.configs import ACME
from tests.journeys.processes import Gateway, Upstream

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def command(gateway: Gateway, path: str, *options: str, key: str = ACME, **fields: Any) -> list[str]:
    data = ["-d", json.dumps({"messages": [{"role": "user", "content": "hi"}]} | fields)] if fields else []
    head = [
        "curl",
        "-sS",
        "--noproxy",
        "*",
        "--max-time",
        "10",
        f"{gateway.base_url}{path}",
        "-H",
        f"Authorization: Bearer {key}",
    ]
    return [*head, "-H", "Content-Type: application/json", *data, *options]


def curl(gateway: Gateway, path: str, *options: str, key: str = ACME, **fields: Any) -> str:
    asked = command(gateway, path, *options, key=key, **fields)
    return subprocess.run(asked, check=True, capture_output=True, timeout=15).stdout.decode()


def test_a_plain_answer(gateway: Gateway) -> None:
    answer = json.loads(curl(gateway, "/chat/completions", model="plain"))
    assert answer["choices"][0]["message"]["content"] == TEXT


def test_a_stream(gateway: Gateway) -> None:
    lines = curl(gateway, "/chat/completions", "-N", model="plain", stream=True).splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    assert "".join(json.loads(one)["choices"][0]["delta"].get("content") or "" for one in data[:-1]) == TEXT


def test_a_tool_call(gateway: Gateway) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    answer = json.loads(curl(gateway, "/chat/completions", model="plain", tools=[tool]))
    assert json.loads(answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == WEATHER


def test_a_json_schema(gateway: Gateway) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": {"type": "object"}}}
    answer = json.loads(curl(gateway, "/chat/completions", model="plain", response_format=wanted))
    assert json.loads(answer["choices"][0]["message"]["content"]) == SCHEMA_ANSWER


def test_embeddings(gateway: Gateway) -> None:
    answer = json.loads(curl(gateway, "/embeddings", model="plain", input="a"))
    assert answer["data"][0]["embedding"] == vector(0)


def test_an_error_with_its_status(gateway: Gateway) -> None:
    body, _, status = curl(gateway, "/chat/completions", "-w", "\n%{http_code}", key="sk-wrong", model="plain").rpartition("\n")
    assert status == "401"
    assert json.loads(body)["error"]["code"] == "invalid_api_key"


def test_a_large_body_that_curl_announces_with_expect(gateway: Gateway) -> None:
    text = "word " * 300_000
    asked = command(gateway, "/chat/completions", "-H", "Expect: 100-continue", "-d", "@-")
    body = json.dumps({"model": "plain", "messages": [{"role": "user", "content": text}]}).encode()
    answer = subprocess.run(asked, input=body, check=True, capture_output=True, timeout=15)
    assert json.loads(answer.stdout)["choices"][0]["message"]["content"] == TEXT


def test_an_interrupted_curl_closes_the_upstream(gateway: Gateway, upstream: Upstream, tag: str) -> None:
    asked = command(gateway, "/chat/completions", "-N", model=f"endless{tag}", stream=True)
    with subprocess.Popen(asked, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"data: ")
        process.terminate()
        assert upstream.wait(f"endless{tag}", "left") == 1
