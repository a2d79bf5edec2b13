"""Converse for callers who speak it themselves: their bytes go on as they are, and so do the answer's; a chat is read along."""

from typing import Any, Final

from gateway.core.chat import ModelRequest
from gateway.core.errors import UpstreamFault
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import thinking
from gateway.dialects.eventstream import MEDIA_TYPE
from gateway.providers.anthropic.tooling import Expected
from gateway.providers.bedrock import answer, stream
from gateway.providers.bedrock.body import Body, dumped
from gateway.providers.bedrock.eventstream import Frame

_MARK: Final = thinking.MARK.encode()
_CALLED: Final = ("toolUse", "toolResult")


def body(request: ModelRequest) -> Body:
    """The caller's bytes; but ids that another wire has sealed something into are too long for Bedrock, and opened."""
    if _MARK not in request.body:
        return Body(request.body, ())
    return Body(dumped(_opened(request.fields)), ())


def _opened(value: Any, depth: int = 0) -> Any:
    """The same with every id in its blocks opened; those stand within four levels of the top."""
    if depth > 4:
        return value
    if isinstance(value, list):
        return [_opened(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _block(one) if key in _CALLED else _opened(one, depth + 1) for key, one in value.items()}


def _block(block: Any) -> Any:
    call_id = block.get("toolUseId") if isinstance(block, dict) else None
    return {**block, "toolUseId": thinking.opened(call_id).id} if isinstance(call_id, str) else block


def read(ask: Ask, said: bytes, wall_s: float) -> Chunk:
    """A plain answer as one chunk."""
    return Chunk(said, answer.read(ask, said, wall_s).deltas)


def normaliser(ask: Ask, wall_s: float) -> "Stream":
    """The normaliser of the stream that answers."""
    return Stream(stream.heading(ask, wall_s), Expected(), wants_usage=False)


class Stream(stream.Stream):
    """One stream: every frame that is sound goes on as it came."""

    __slots__ = ("_raw",)

    media_type: bytes | None = MEDIA_TYPE

    def __init__(self, heading: stream.Fields, read_with: Expected, *, wants_usage: bool) -> None:
        super().__init__(heading, read_with, wants_usage=wants_usage)
        self._raw: list[bytes] = []

    def _take(self, frame: Frame) -> None:
        super()._take(frame)
        self._raw.append(frame.raw)

    def _fail(self, fault: UpstreamFault) -> None:
        if self._raw and not self.complete:
            self.done, self.fault = True, fault  # what came before it goes out first
            return
        super()._fail(fault)

    def _chunk(self) -> Chunk:
        raw, self._raw = self._raw, []
        return Chunk(b"".join(raw), super()._chunk().deltas)
