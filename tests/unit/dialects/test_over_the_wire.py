"""Both dialects over OpenAI's wire: a provider's bytes, cut anywhere, end up as what the caller asked for."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.catalog import Timeouts
from gateway.core.chat import ModelRequest
from gateway.dialects.table import TRANSLATIONS
from gateway.providers.remote import StreamReply
from gateway.providers.translated import TranslatedReply
from gateway.providers.transport.contract import Header
from gateway.providers.wire import OPENAI
from tests.unit.dialects.messages.folding import folded
from tests.unit.dialects.speech import FIRST, USAGE, Json, begun, gemini, messages, more_of, said, user
from tests.wires.driving import WALL_S, ask

EVENTS = [
    FIRST,
    said({"content": "Hel"}),
    said({"content": "lo €"}),
    said({"content": '\n"q"'}),
    begun(0, "call_1", "get"),
    begun(1, "call_2", "put"),
    more_of(1, '{"b":"x"}'),
    more_of(0, '{"a":1}'),
    said({}, "tool_calls"),
    {**FIRST, "choices": [], "usage": USAGE},
]
BODY = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in EVENTS) + b"data: [DONE]\n\n"
MESSAGES = messages(user("hi"), stream=True)
GEMINI = gemini({"role": "user", "parts": [{"text": "hi"}]}, stream=True)


class Body:
    """What a transport hands out: blocks, and then nothing more."""

    status = 200
    headers: Sequence[Header] = ()

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def whole(self, limit: int) -> bytes:
        return b"".join(self._pieces)

    def part(self, within_s: float) -> None:
        return

    def close(self) -> None:
        return


async def carried(request: ModelRequest, pieces: Sequence[bytes]) -> bytes:
    translation = TRANSLATIONS[request.operation]
    wire = OPENAI.stream(ask(translation.into_chat(request).request), WALL_S)
    inner = StreamReply(Body(pieces), wire)
    await inner.begin(Timeouts())
    return b"".join([chunk.data async for chunk in TranslatedReply(inner, translation, request, ())])


def streamed(request: ModelRequest, pieces: Sequence[bytes]) -> bytes:
    """What the caller gets."""
    return asyncio.run(carried(request, pieces))


@given(st.lists(st.integers(0, len(BODY)), max_size=30))
def test_a_message_is_the_same_however_its_bytes_came(cuts: list[int]) -> None:
    ends = sorted(cuts)
    message = folded(streamed(MESSAGES, [BODY[a:b] for a, b in zip([0, *ends], [*ends, len(BODY)], strict=True)]))
    assert message["content"] == [
        {"type": "text", "text": 'Hello €\n"q"'},
        {"type": "tool_use", "id": "call_1", "name": "get", "input": {"a": 1}},
        {"type": "tool_use", "id": "call_2", "name": "put", "input": {"b": "x"}},
    ]
    assert message["stop_reason"] == "tool_use"
    assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (12, 9)


def test_every_byte_on_its_own_is_as_good() -> None:
    pieces = [BODY[at : at + 1] for at in range(len(BODY))]
    responses = [json.loads(raw[6:]) for raw in streamed(GEMINI, pieces).split(b"\r\n\r\n")[:-1]]
    parts = [part for response in responses for part in response["candidates"][0]["content"]["parts"]]
    assert "".join(part.get("text", "") for part in parts) == 'Hello €\n"q"'
    assert [part["functionCall"]["args"] for part in parts if "functionCall" in part] == [{"a": 1}, {"b": "x"}]
    assert responses[-1]["usageMetadata"]["totalTokenCount"] == 29


@pytest.mark.parametrize("request_", [MESSAGES, GEMINI])
def test_a_plain_answer_is_translated_too(request_: Any) -> None:
    asked = request_._replace(stream=False, fields={**request_.fields, "stream": False})
    translation = TRANSLATIONS[asked.operation]
    choice: Json = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "p",
        "choices": [choice],
        "usage": USAGE,
    }
    chunk = OPENAI.read(ask(translation.into_chat(asked).request), json.dumps(completion).encode(), WALL_S)
    (said_,) = chunk.deltas
    assert not isinstance(said_, bytes)
    assert b'"text":"Hi"' in translation.answer(asked, said_)
