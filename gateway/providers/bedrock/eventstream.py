"""AWS's event stream without I/O: blocks of bytes, split anywhere, into frames whose checksums are right.

    total length, length of the headers, CRC of these two | headers | payload | CRC of all before it
    4 bytes       4 bytes                4 bytes                               4 bytes

A header is a name, a type and a value: `:message-type` and `:event-type` say what the payload is.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

from gateway.core.errors import UpstreamBroken

FRAME_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one frame. Amazon's own limit for a payload is 24 MB, Bedrock's for a piece of a model's answer 1 MB."""
HEADERS_LIMIT: Final = 128 * 1024
"""Bytes of a frame's headers; AWS's own limit."""

Value = bool | int | bytes | str | datetime | UUID

_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_LEAST: Final = _PRELUDE.size + _CRC.size
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Frame(NamedTuple):
    """One message of the stream; `raw` is all of it, as it came."""

    headers: Mapping[str, Value]
    payload: bytes
    raw: bytes

    def said(self, name: str) -> str:
        """A header that is a string; empty where it is none."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""


class Frames:
    """Cuts a stream into frames: `feed` a block, then `cut` until None."""

    __slots__ = ("_buffer", "_headers", "_need", "_raw_headers")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._need = 0  # bytes of the frame at the front; 0: its prelude has not been read
        self._raw_headers = b""
        self._headers: Mapping[str, Value] = MappingProxyType({})

    @property
    def pending(self) -> bool:
        """A frame has begun and is not complete."""
        return bool(self._buffer)

    def feed(self, block: bytes) -> None:
        """Takes a block in."""
        self._buffer += block

    def cut(self) -> Frame | None:
        """The next complete frame; None until more has come. Raises `UpstreamBroken` for what is no frame."""
        buffer = self._buffer
        if not self._need:
            if len(buffer) < _PRELUDE.size:
                return None
            self._need = _length(buffer)
        if len(buffer) < self._need:
            return None
        raw = bytes(memoryview(buffer)[: self._need])
        del buffer[: self._need]
        self._need = 0
        return self._read(raw)

    def _read(self, raw: bytes) -> Frame:
        (expected,) = _CRC.unpack_from(raw, len(raw) - _CRC.size)
        if zlib.crc32(memoryview(raw)[: -_CRC.size]) != expected:
            raise UpstreamBroken("A frame of the provider's stream has a wrong checksum.")
        begin = _PRELUDE.size
        end = begin + _PRELUDE.unpack_from(raw)[1]
        if (headers := raw[begin:end]) != self._raw_headers:  # most frames of a stream have the same
            self._headers, self._raw_headers = MappingProxyType(headers_of(headers)), headers
        return Frame(self._headers, raw[end : -_CRC.size], raw)


def _length(buffer: bytearray) -> int:
    """The length of the frame that begins here, if it is one."""
    total, headers, expected = _PRELUDE.unpack_from(buffer)
    if zlib.crc32(memoryview(buffer)[:8]) != expected:
        raise UpstreamBroken("The provider's stream is no AWS event stream, or a frame of it has a wrong checksum.")
    if total > FRAME_LIMIT:
        raise UpstreamBroken(f"One frame of the provider's stream is over {FRAME_LIMIT} bytes.")
    if headers > HEADERS_LIMIT or total < _LEAST + headers:
        raise UpstreamBroken("A frame of the provider's stream has impossible lengths.")
    return int(total)


# ---------------------------------------------------------------- headers


def headers_of(raw: bytes) -> dict[str, Value]:
    """The headers of one frame. Raises `UpstreamBroken` where they are none."""
    headers: dict[str, Value] = {}
    at = 0
    try:
        while at < len(raw):
            start = at + 1
            at = start + raw[at]
            name = raw[start:at].decode()
            read = _READERS[raw[at]]
            headers[name], at = read(raw, at + 1)
    except (IndexError, struct.error, UnicodeDecodeError, OverflowError, ValueError) as error:
        raise UpstreamBroken("The headers of a frame of the provider's stream cannot be read.") from error
    return headers


_Reader = Callable[[bytes, int], tuple[Value, int]]


def _constant(value: bool) -> _Reader:  # noqa: FBT001  # a value, no switch
    return lambda _raw, at: (value, at)


def _integer(form: str) -> _Reader:
    packed = struct.Struct(form)

    def read(raw: bytes, at: int) -> tuple[Value, int]:
        (value,) = packed.unpack_from(raw, at)
        return value, at + packed.size

    return read


def _bytes(raw: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", raw, at)
    end = at + 2 + length
    if end > len(raw):
        raise IndexError(end)
    return raw[at + 2 : end], end


def _string(raw: bytes, at: int) -> tuple[str, int]:
    text, end = _bytes(raw, at)
    return text.decode(), end


def _timestamp(raw: bytes, at: int) -> tuple[datetime, int]:
    (since_ms,) = struct.unpack_from(">q", raw, at)
    return _EPOCH + timedelta(milliseconds=since_ms), at + 8


def _uuid(raw: bytes, at: int) -> tuple[UUID, int]:
    return UUID(bytes=raw[at : at + 16]), at + 16


_READERS: Final[tuple[_Reader, ...]] = (
    *(_constant(True), _constant(False)),
    *map(_integer, (">b", ">h", ">i", ">q")),
    *(_bytes, _string, _timestamp, _uuid),
)
"""By the number of the type."""
