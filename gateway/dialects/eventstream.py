"""Writes AWS's event stream: what is said, in frames with their checksums (`gateway.providers.bedrock` reads the same).

    total length, length of the headers, CRC of these two | headers | payload | CRC of all before it
    4 bytes       4 bytes                4 bytes                               4 bytes

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from gateway.dialects import lenient

MEDIA_TYPE: Final = b"application/vnd.amazon.eventstream"

_LENGTHS: Final = struct.Struct(">II")
_CRC: Final = struct.Struct(">I")
_AROUND: Final = _LENGTHS.size + 2 * _CRC.size
_STRING: Final = b"\x07"
"""The number of this type of header."""


def frame(headers: bytes, payload: bytes) -> bytes:
    """One frame; `headers` are written already."""
    lengths = _LENGTHS.pack(_AROUND + len(headers) + len(payload), len(headers))
    body = b"".join((lengths, _CRC.pack(zlib.crc32(lengths)), headers, payload))
    return body + _CRC.pack(zlib.crc32(body))


def event(kind: str, fields: Mapping[str, Any]) -> bytes:
    """An event of this kind."""
    return frame(_headers(":event-type", kind, "event"), lenient.dumps(fields))


def exception(kind: str, fields: Mapping[str, Any]) -> bytes:
    """An exception, which ends the stream."""
    return frame(_headers(":exception-type", kind, "exception"), lenient.dumps(fields))


@lru_cache(maxsize=64)
def _headers(name: str, kind: str, message: str) -> bytes:
    return b"".join(_header(*one) for one in ((name, kind), (":content-type", "application/json"), (":message-type", message)))


def _header(name: str, value: str) -> bytes:
    return b"%c%b%b%b%b" % (len(name), name.encode(), _STRING, struct.pack(">H", len(value)), value.encode())
