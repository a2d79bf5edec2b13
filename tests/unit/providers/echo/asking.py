"""Asks the echo provider as a wire would, and reads its answers: shared by the tests of this folder."""

import json
from collections.abc import Mapping
from typing import Any

from gateway.core.catalog import ProviderSpec, Timeouts
from gateway.providers.echo.transport import EchoReply, EchoTransport
from gateway.providers.transport.contract import Outgoing

PATIENT = Timeouts(first_byte_s=10, between_bytes_s=10, total_s=15)


def echo(**script: str) -> EchoTransport:
    return EchoTransport(ProviderSpec("echo", "echo", script=tuple(script.items())))


def outgoing(path: str, fields: Any) -> Outgoing:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return Outgoing(b"POST", f"/v1{path}".encode(), ((b"content-type", b"application/json"),), body)


def chat(text: Any = "hello world", model: str = "echo", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


async def send(path: str, fields: Any, transport: EchoTransport | None = None, timeouts: Timeouts = PATIENT) -> EchoReply:
    return await (transport or echo()).send(outgoing(path, fields), timeouts)


async def ask(fields: Any, path: str = "/chat/completions", transport: EchoTransport | None = None) -> Any:
    """The plain answer, which must be a 200."""
    reply = await send(path, fields, transport)
    body = await reply.whole(10_000_000)
    assert reply.status == 200, body
    return json.loads(body)


async def error(fields: Any, path: str = "/chat/completions", transport: EchoTransport | None = None) -> tuple[int, Any]:
    """Status and error of an answer that must be OpenAI's envelope."""
    reply = await send(path, fields, transport)
    found = json.loads(await reply.whole(10_000_000))
    assert list(found) == ["error"]
    assert set(found["error"]) == {"message", "type", "param", "code"}
    return reply.status, found["error"]


def events(body: bytes) -> list[Any]:
    """The data of every event; [DONE] as that text."""
    lines = body.decode().split("\n\n")
    assert lines.pop() == "", "the last event ends with a blank line"
    data = [line.removeprefix("data: ") for line in lines]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


async def stream(
    fields: Mapping[str, Any], path: str = "/chat/completions", transport: EchoTransport | None = None
) -> list[Any]:
    reply = await send(path, {**fields, "stream": True}, transport)
    assert reply.status == 200
    assert dict(reply.headers)[b"content-type"].startswith(b"text/event-stream")
    return events(await reply.whole(50_000_000))


def said(chunks: list[Any], index: int = 0) -> str:
    """The text of one choice of a stream."""
    return "".join(
        choice["delta"].get("content") or ""
        for chunk in chunks
        if chunk != "[DONE]"
        for choice in chunk["choices"]
        if choice["index"] == index
    )
