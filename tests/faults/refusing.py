"""A provider that speaks every wire and answers none: its filter stops the answer, or the prompt is too long for it.

The model's name says which: `filtered` (a 200 without content, or a stream of that), `cut` (the filter stops an answer that
has begun) and `long`. The form follows from the path.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tests.faults.provider import JSON, LAST, Piece, Provider
from tests.journeys.answers import chunk, completion, dumps
from tests.wires.anthropic import exchanges as anthropic
from tests.wires.bedrock import frames as bedrock
from tests.wires.google import exchanges as google
from tests.wires.responses import exchanges as responses

Blocks = list[bytes]
TOO_LONG = "This model's maximum context length is 8192 tokens; the prompt is too long for it."
FRAMES = b"application/vnd.amazon.eventstream"


class Refusing(Provider):
    """The same server, whose ways depend on the path as well."""

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:"))
        body = json.loads(await reader.readexactly(length))
        path = head.split(" ")[1].partition("?")[0]
        way = next(one for one in ("filtered", "cut", "long") if one in path or one == body.get("model"))
        self.calls[way] += 1
        stream = body.get("stream") is True or "stream" in path
        form = next(answer for part, answer in FORMS.items() if part in path)
        for piece in form(way, stream):
            assert isinstance(piece, bytes)
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.005)  # event by event
        return True


def refused(body: Any, status: int = 400, headers: bytes = b"") -> list[Piece]:
    """An error with a status."""
    said = dumps(body)
    head = b"HTTP/1.1 %d Scripted\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n"
    return [head % (status, headers, len(said)) + said]


def told(body: Any) -> list[Piece]:
    """A plain answer."""
    said = dumps(body)
    return [JSON + b"content-length: %d\r\n\r\n" % len(said) + said]


def streamed(blocks: Blocks, media_type: bytes = b"text/event-stream") -> list[Piece]:
    """A stream, block by block."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n" % media_type
    return [head, *(b"%x\r\n" % len(one) + one + b"\r\n" for one in blocks), LAST]


def events(*said: Any) -> Blocks:
    """Events without names."""
    return [b"data: " + (one if isinstance(one, bytes) else dumps(one)) + b"\n\n" for one in said]


def chats(way: str, stream: bool) -> list[Piece]:
    if way == "long":
        return refused({"error": {"message": TOO_LONG, "type": "BadRequestError", "param": None, "code": 400}})
    if not stream:
        return told(completion("x", {"content": "I ca" if way == "cut" else ""}, "content_filter"))
    words = [chunk("x", {"content": "I ca"})] if way == "cut" else []
    role = chunk("x", {"role": "assistant", "content": ""})
    return streamed(events(role, *words, chunk("x", {}, "content_filter"), b"[DONE]"))


def responded(way: str, stream: bool) -> list[Piece]:
    if way == "long":
        error = {"message": TOO_LONG, "type": "invalid_request_error", "param": "input", "code": "context_length_exceeded"}
        return refused({"error": error})
    output = [responses.message(responses.text("I ca"))] if way == "cut" else []
    whole = responses.response(*output, status="incomplete", incomplete_details={"reason": "content_filter"})
    return streamed(responses.stream(whole)) if stream else told(whole)


def messages(way: str, stream: bool) -> list[Piece]:
    if way == "long":
        error = {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"}
        return refused({"type": "error", "error": error})
    content = [{"type": "text", "text": "I ca"}] if way == "cut" else []
    if not stream:
        return told(anthropic.MESSAGE | {"content": content, "stop_reason": "refusal"})
    text = [anthropic.text(0, "I ca")] if way == "cut" else []
    return streamed([anthropic.start(), *text, anthropic.end("refusal")])


def generated(way: str, stream: bool) -> list[Piece]:
    if way == "long":
        words = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
        return refused({"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}})
    said = [google.response(google.candidate({"text": "I ca"}))] if way == "cut" else []
    if stream:
        return streamed(events(*said, google.FILTERED if said else google.BLOCKED))
    return told(google.FILTERED if way == "cut" else google.BLOCKED)


def conversed(way: str, stream: bool) -> list[Piece]:
    if way == "long":
        return refused({"message": "Input is too long for requested model."}, 400, b"x-amzn-errortype: ValidationException\r\n")
    content = [{"text": "I ca"}] if way == "cut" else []
    usage = {"inputTokens": 9, "outputTokens": 1, "totalTokens": 10}
    if not stream:
        message = {"role": "assistant", "content": content}
        whole = {"output": {"message": message}, "stopReason": "content_filtered", "usage": usage, "metrics": {"latencyMs": 1}}
        return told(whole)
    said = [("contentBlockDelta", {"contentBlockIndex": 0, "delta": one}) for one in content]
    told_in = [("messageStart", {"role": "assistant"}), *said, ("messageStop", {"stopReason": "content_filtered"})]
    counted = ("metadata", {"usage": usage, "metrics": {"latencyMs": 1}})
    return streamed([bedrock.converse(one) for one in (*told_in, counted)], FRAMES)


FORMS: dict[str, Callable[[str, bool], list[Piece]]] = {
    "/chat/completions": chats,
    "/responses": responded,
    "/messages": messages,
    "enerateContent": generated,
    "/converse": conversed,
}
