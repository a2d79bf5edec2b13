"""A plain response goes on as it came, but for its id; an error dressed as one is a fault."""

import json
from typing import Any

import pytest

from gateway.core.catalog import Target
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamRefused
from gateway.core.transcript import PlainTranscript
from gateway.core.upstream import Owner
from gateway.dialects.ownership import mark
from gateway.providers.wire import OPENAI
from tests.wires.responses.exchanges import OWNER, THOUGHT, USAGE, ask, call, custom, message, request, response, text

Json = dict[str, Any]


def read(value: object) -> tuple[bytes, Json]:
    chunk = OPENAI.read(ask(request(streaming=False)), json.dumps(value, indent=2).encode(), 0.0)
    (told,) = chunk.deltas
    assert isinstance(told, dict)
    return chunk.data, told


def test_bytes_stay_but_for_the_id() -> None:
    whole = response(message(text('say "resp_68f1" or resp_68f1')))
    data, _ = read(whole)
    shown = mark("resp_68f1", "openai", OWNER)
    assert data == json.dumps({**whole, "id": shown}, indent=2).encode()


def test_a_chat_says_the_same() -> None:
    _, told = read(response(THOUGHT, message(text("one"), text("two")), call("f", "{}"), custom("p", "x", 2)))
    assert told["object"] == "chat.completion"
    assert told["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "onetwo",
                "reasoning_content": "Think.",
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                    {"id": "call_2", "type": "custom", "custom": {"name": "p", "input": "x"}},
                ],
            },
            "finish_reason": "tool_calls",
        }
    ]
    assert PlainTranscript(told).usage == {
        "prompt_tokens": USAGE["input_tokens"],
        "completion_tokens": USAGE["output_tokens"],
        "total_tokens": USAGE["total_tokens"],
        "prompt_tokens_details": USAGE["input_tokens_details"],
        "completion_tokens_details": USAGE["output_tokens_details"],
    }


def test_queued_is_an_answer() -> None:
    data, told = read(response(status="queued", background=True, usage=None))
    assert json.loads(data)["status"] == "queued"
    assert told["choices"][0]["finish_reason"] is None


def test_nobodys_id_stays_as_it_is() -> None:
    unowned = ask(request(streaming=False))._replace(owner=Owner())
    body = json.dumps(response()).encode()
    assert OPENAI.read(unowned, body, 0.0).data == body


def test_the_provider_is_part_of_the_mark() -> None:
    elsewhere = ask(request(streaming=False))._replace(target=Target("azure", "*", "azure/*"))
    chunk = OPENAI.read(elsewhere, json.dumps(response()).encode(), 0.0)
    assert json.loads(chunk.data)["id"] == mark("resp_68f1", "azure", OWNER)


def test_a_failed_response_is_a_fault() -> None:
    failed = response(status="failed", error={"code": "server_error", "message": "It is so."})
    with pytest.raises(UpstreamRefused, match="It is so") as fault:
        read(failed)
    assert fault.value.retryable
    with pytest.raises(UpstreamFault):
        read(response(status="failed"))


@pytest.mark.parametrize("body", [b"", b"<html>", b"5", b"[]", b"null", b"{}", b'{"object":"response","output":{}}'])
def test_what_is_no_response_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        OPENAI.read(ask(request(streaming=False)), body, 0.0)


@pytest.mark.parametrize(
    "odd",
    [
        {"id": 5, "usage": [], "output": [5, {"type": "message", "content": [None, {"type": "output_text"}]}]},
        {"id": None, "created_at": "now", "model": 4, "conversation": 5, "incomplete_details": {"reason": ["x"]}},
        {"output": [{"type": "function_call"}, {"type": "reasoning", "summary": "x"}], "usage": {"input_tokens": None}},
    ],
)
def test_odd_fields_are_no_reason_to_fail(odd: Json) -> None:
    data, told = read(response() | odd)
    assert json.loads(data)["object"] == "response"
    PlainTranscript(told).completion()
