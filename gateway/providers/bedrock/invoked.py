"""Reads what InvokeModel answers for Claude: a message as Anthropic's, or its events, each wrapped into a frame of AWS's."""

import base64
import binascii

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamTruncated
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.providers.anthropic import answer
from gateway.providers.anthropic.stream import Answering
from gateway.providers.bedrock import faults
from gateway.providers.bedrock.eventstream import Frame, Frames


def read(ask: Ask, body: bytes, wall_s: float) -> Chunk:
    """A plain answer as one chunk: Anthropic's message, or its count of tokens."""
    if ask.request.operation is not Operation.COUNT_TOKENS:
        return answer.read(ask, body, wall_s)
    count = answer.parsed(body).get("inputTokens")
    if not isinstance(count, int):
        raise UpstreamBroken("The provider's answer has no count of tokens.")
    return Chunk(b'{"input_tokens":%d}' % count, (answer.FREE_OF_CHARGE,))


def normaliser(ask: Ask, wall_s: float) -> "Stream":
    """The normaliser of the stream that answers; `wall_s` is Unix time."""
    return Stream(ask, wall_s)


class Stream(Answering):
    """One stream: see `Normaliser`."""

    __slots__ = ("_frames",)

    def __init__(self, ask: Ask, wall_s: float) -> None:
        super().__init__(ask, wall_s)
        self._frames = Frames()

    def feed(self, block: bytes) -> Chunk:
        """Takes the next block; the chunk is empty where nothing can be said yet."""
        return self.step(self._advance, block)

    def end(self) -> Chunk:
        """The body is over. Raises `UpstreamTruncated` where the answer is not."""
        return self.step(self._conclude, b"")

    def _advance(self, block: bytes) -> None:
        self._frames.feed(block)
        try:
            while not self.done and (frame := self._frames.cut()) is not None:
                self._unwrap(frame)
        except UpstreamFault as fault:
            self._end_with(fault)

    def _end_with(self, fault: UpstreamFault) -> None:
        """Whatever goes wrong behind an answer that is whole, it does not suffer."""
        try:
            self.finish()
        except UpstreamTruncated:
            raise fault from None

    def _unwrap(self, frame: Frame) -> None:
        faults.check(frame)
        if frame.said(":event-type") != "chunk":
            return
        try:
            event, raw = lenient.loads(frame.payload), frame.payload
            if "type" not in event:  # servers that imitate AWS's may leave the wrapping out
                raw = base64.b64decode(event["bytes"])
                event = lenient.loads(raw)
        except (binascii.Error, ValueError, TypeError, LookupError) as error:
            raise UpstreamBroken("An event of the provider's stream cannot be read.") from error
        if not isinstance(event, dict) or not isinstance(event.get("type", ""), str):
            raise UpstreamBroken("An event of the provider's stream is not an object of a type.")
        self.take(event, _named(event.get("type"), raw))

    def _conclude(self, _: bytes) -> None:
        self.finish()


def _named(kind: object, raw: bytes) -> bytes | None:
    """The event as Anthropic itself would have sent it; None where it cannot go on as it came."""
    if not isinstance(kind, str) or not kind.isidentifier() or b"\n" in raw or b"\r" in raw:
        return None
    return b"event: %b\ndata: %b" % (kind.encode(), raw)
