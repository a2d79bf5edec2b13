"""Bodies that come compressed although nobody asked: gzip and deflate, bounded in what they may grow to."""

import zlib
from collections.abc import Sequence
from typing import Protocol

from gateway.core.errors import UpstreamBroken
from gateway.providers.transport.contract import Header, Incoming
from gateway.providers.transport.whole import read_whole

BLOCK_BYTES = 256 * 1024
"""The most that one read gives."""
FREE_BYTES = 1024 * 1024
"""So much may come out whatever went in."""
EXPANSION = 100
"""Above that, how many times what went in may come out. (JSON with much repetition reaches about 20.)"""

_GZIP = 16 + zlib.MAX_WBITS


class _Inflater(Protocol):
    """What is used of `zlib.decompressobj`."""

    @property
    def unconsumed_tail(self) -> bytes: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


def decoded(answer: Incoming, coding: bytes) -> Incoming:
    """The answer without its content encoding. Raises UpstreamBroken (and closes it) where the encoding is unknown."""
    match coding.strip().lower():
        case b"" | b"identity":
            return answer
        case b"gzip" | b"x-gzip" | b"deflate" as known:
            return Decoded(answer, raw_deflate_possible=known == b"deflate")
        case unknown:
            answer.close()
            raise UpstreamBroken(f"The provider's answer has the content encoding {unknown.decode('latin-1')!r}, unasked.")


class Decoded:
    """An `Incoming` that unpacks another one as it is read."""

    __slots__ = ("_answer", "_came", "_deflate", "_inflater", "_made", "headers", "status")

    def __init__(self, answer: Incoming, *, raw_deflate_possible: bool) -> None:
        self._answer = answer
        self._deflate = raw_deflate_possible
        self._inflater: _Inflater | None = None
        self._came = self._made = 0
        self.status = answer.status
        self.headers: Sequence[Header] = [
            (name, value) for name, value in answer.headers if name not in (b"content-encoding", b"content-length")
        ]

    async def read(self) -> bytes:
        """See `Incoming`."""
        while True:
            block = self._pending() or await self._answer.read()
            if not block:
                return self._end()
            out = self._inflate(block)
            if out:
                return out

    async def whole(self, limit: int) -> bytes:
        """See `Incoming`."""
        return await read_whole(self, limit)

    def close(self) -> None:
        """See `Incoming`."""
        self._answer.close()

    def part(self, within_s: float) -> None:
        """See `Incoming`."""
        self._answer.part(within_s)

    def _pending(self) -> bytes:
        return b"" if self._inflater is None else self._inflater.unconsumed_tail

    def _inflate(self, block: bytes) -> bytes:
        if self._inflater is None:
            self._inflater = zlib.decompressobj(self._window(block))
        fed = len(block)
        try:
            out = self._inflater.decompress(block, BLOCK_BYTES)
        except zlib.error as error:
            raise self._broken("is not compressed as it says") from error
        if self._inflater.unused_data:
            raise self._broken("goes on after the end of its compressed part")
        self._came += fed - len(self._inflater.unconsumed_tail)
        self._made += len(out)
        if self._made > FREE_BYTES and self._made > EXPANSION * self._came:
            raise self._broken(f"unpacks to more than {EXPANSION} times its size")
        return out

    def _window(self, first: bytes) -> int:
        """zlib's name for the format. Some servers send `deflate` without the wrapper that the RFC asks for."""
        if not self._deflate:
            return _GZIP
        return zlib.MAX_WBITS if first[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS

    def _end(self) -> bytes:
        if self._inflater is not None and not self._inflater.eof:
            raise self._broken("ends in the middle of its compressed part")
        return b""

    def _broken(self, what: str) -> UpstreamBroken:
        self._answer.close()
        return UpstreamBroken(f"The provider's answer {what}.")
