"""The same question in every dialect that the gateway speaks."""

from typing import Any

from tests.journeys.answers import dumps
from tests.journeys.wire import request

DIALECTS = ("chat", "responses", "messages", "gemini", "converse")


def call(dialect: str, model: str, *, stream: bool) -> bytes:
    """One call in a dialect."""
    words: Any = [{"role": "user", "content": "hi"}]
    if dialect == "gemini":
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        path, body = f"/v1beta/models/{model}:{method}", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    elif dialect == "converse":
        path = f"/model/{model}/converse{'-stream' if stream else ''}"
        body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    else:
        path = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}[dialect]
        asked = {"input": words} if dialect == "responses" else {"messages": words, "max_tokens": 100}
        body = asked | {"model": model, "stream": stream}
    return request("POST", path, dumps(body))
