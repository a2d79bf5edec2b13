"""Writes AWS's event stream, as Bedrock would: the counterpart of what the wire reads, written apart from it."""

import base64
import json
import struct
import zlib
from datetime import datetime
from typing import Any
from uuid import UUID


def header(name: str, value: Any) -> bytes:
    """One header, of the type that Python's stands for; an int is written as long."""
    head = bytes([len(name)]) + name.encode()
    match value:
        case bool():
            return head + bytes([0 if value else 1])
        case int():
            return head + b"\x05" + struct.pack(">q", value)
        case bytes():
            return head + b"\x06" + struct.pack(">H", len(value)) + value
        case str():
            return head + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()
        case datetime():
            return head + b"\x08" + struct.pack(">q", round(value.timestamp() * 1000))
        case UUID():
            return head + b"\x09" + value.bytes
    raise TypeError(value)


def packed(headers: bytes, payload: bytes) -> bytes:
    """One frame."""
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return body + struct.pack(">I", zlib.crc32(body))


def frame(kind: str, payload: Any, *, message: str = "event") -> bytes:
    """An event of Bedrock's."""
    named = {":event-type": kind} if message == "event" else {":exception-type": kind}
    headers = named | {":content-type": "application/json", ":message-type": message}
    return packed(b"".join(header(*one) for one in headers.items()), json.dumps(payload, separators=(",", ":")).encode())


def exception(kind: str, message: str) -> bytes:
    """An exception behind a 200."""
    return frame(kind, {"message": message}, message="exception")


def wrapped(event: dict[str, Any]) -> bytes:
    """An event of Anthropic's in a frame of InvokeModelWithResponseStream's."""
    inner = base64.b64encode(json.dumps(event, separators=(",", ":")).encode()).decode()
    return frame("chunk", {"bytes": inner, "p": "abcdefghijk"})


def converse(*events: tuple[str, Any]) -> bytes:
    """A stream of events."""
    return b"".join(frame(kind, payload) for kind, payload in events)
