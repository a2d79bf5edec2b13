"""The normaliser of Gemini's stream, for a chat and for a Gemini caller.

    block of bytes -> events -> an error raises
                             -> CHAT: chunks as every client of OpenAI's understands them, the end at the end
                             -> GENERATE: the event as it came, or as an element of a JSON array for who did not ask for events

A stream without a finish reason is not the whole answer. A 200 that turns out to be plain JSON is an error, or responses that
are taken one by one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamTruncated
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.providers import sse
from gateway.providers.google import faults
from gateway.providers.google.telling import Telling
from gateway.providers.intake import DONE, Intake, event_in, json_in

Fields = dict[str, Any]

_DONE: Final = b"data: [DONE]\n\n"
_UNSAID_LIMIT: Final = 16 * 1024
"""Events before the first content."""


def normaliser(ask: Ask, wall_s: float) -> "Stream":
    """See `Wire`."""
    request = ask.request
    telling = Telling(request, ask.target.named(request.model), int(wall_s))
    if request.operation is Operation.CHAT:
        return Stream(telling, _Chat(wants_usage=request.wants_usage))
    return Stream(telling, _Array() if as_array(request) else _Events())


def as_array(request: ModelRequest) -> bool:
    """Whether a Gemini caller wants the stream as a JSON array, which is what Gemini sends unless it is asked for events."""
    return ("alt", "sse") not in parse_qsl(request.query)


class _Chat:
    """Writes chunks of a chat. `media_type`: None for events."""

    media_type: bytes | None = None

    def __init__(self, *, wants_usage: bool) -> None:
        self._wants_usage = wants_usage

    def write(self, events: list[Fields], raw: bytes, data: bytes) -> bytes:  # noqa: ARG002  # as the others
        return b"".join(map(self._framed, events))

    def end(self, telling: Telling, events: list[Fields]) -> bytes:
        last = [*events]
        if telling.usage is not None and self._wants_usage:
            last.append(telling.event([], usage=telling.usage))
        return b"".join(map(self._framed, last)) + _DONE

    def _framed(self, event: Fields) -> bytes:
        """On the wire; whoever asks for usage gets none with each event but the last."""
        return b"data: %b\n\n" % lenient.dumps({"usage": None, **event} if self._wants_usage else event)


class _Events:
    """Hands on Gemini's events."""

    media_type: bytes | None = None

    def write(self, events: list[Fields], raw: bytes, data: bytes) -> bytes:  # noqa: ARG002
        return (raw or b"data: " + data) + b"\n\n"

    def end(self, telling: Telling, events: list[Fields]) -> bytes:  # noqa: ARG002
        return b""


class _Array:
    """Hands on what Gemini's events say, as an array."""

    media_type: bytes | None = b"application/json"

    def __init__(self) -> None:
        self._before = b"["

    def write(self, events: list[Fields], raw: bytes, data: bytes) -> bytes:  # noqa: ARG002
        before, self._before = self._before, b",\r\n"
        return before + data

    def end(self, telling: Telling, events: list[Fields]) -> bytes:  # noqa: ARG002
        return b"[]" if self._before == b"[" else b"]"


class Stream:
    """One stream: `feed` blocks, `end` at the end. See `Normaliser`.

    `media_type`: of the body that goes to the caller, where it is no stream of events.
    """

    __slots__ = (
        *("_counted", "_data", "_deltas", "_intake", "_telling", "_unsaid", "_usage", "_writer"),
        *("begun", "complete", "done", "fault", "media_type"),
    )

    sequence = 0  # neither dialect numbers its events

    def __init__(self, telling: Telling, writer: "_Chat | _Events | _Array") -> None:
        self.begun = self.complete = self.done = False
        self.fault: UpstreamFault | None = None
        self.media_type = writer.media_type
        self._telling = telling
        self._writer = writer
        self._intake = Intake()
        self._unsaid = 0
        self._usage: Fields | None = None
        self._counted: Fields | None = None
        self._data: list[bytes] = []
        self._deltas: list[bytes | Mapping[str, Any]] = []

    def feed(self, block: bytes) -> Chunk:
        """Takes the next block; the chunk is empty where nothing can be said yet."""
        return self._guarded(self._advance, block)

    def end(self) -> Chunk:
        """The upstream has ended. Raises `UpstreamTruncated` unless every candidate that began has its finish reason."""
        return self._guarded(self._conclude, b"")

    def _guarded(self, step: Callable[[bytes], None], block: bytes) -> Chunk:
        try:
            if not self.done:
                step(block)
        except UpstreamFault as fault:
            self.done, self.fault = True, fault
            if not self._data and self._usage is self._counted:
                raise
        self.begun = self.begun or self._telling.begun
        self.complete = self.complete or (self._telling.complete and self.fault is None)
        if self._usage is not self._counted:
            self._counted = self._usage
            self._deltas.append({"usage": self._usage})
        chunk = Chunk(b"".join(self._data), tuple(self._deltas))
        self._data, self._deltas = [], []
        return chunk

    # ------------------------------------------------------------ from bytes to responses

    def _advance(self, block: bytes) -> None:
        intake = self._intake
        intake.feed(block)
        while (raw := intake.cut()) is not None:
            self._read(raw)

    def _read(self, raw: bytes) -> None:
        """One event as it came."""
        said = sse.parse(raw)
        if said is not None and (data := said.data.strip()) and data != DONE:
            self._take(event_in(data), raw, data)

    def _conclude(self, _: bytes) -> None:
        body = self._intake.body()
        if body is None:
            self._read(self._intake.last())
        else:
            value = json_in(body)
            for one in value if isinstance(value, list) else [value]:
                self._take(one, b"", lenient.dumps(one))
        self._finish()

    # ------------------------------------------------------------ from responses to chunks

    def _take(self, value: Any, raw: bytes, data: bytes) -> None:
        faults.check(value)
        if not isinstance(value, dict):
            raise UpstreamBroken("An event of the provider's stream is not an object.")
        telling = self._telling
        if not telling.begun:
            self._wait_on()
        events = telling.take(value)
        self._deltas += events
        self._usage = telling.usage or self._usage
        if written := self._writer.write(events, raw, data):
            self._data.append(written)

    def _wait_on(self) -> None:
        self._unsaid += 1
        if self._unsaid > _UNSAID_LIMIT:
            raise UpstreamBroken(f"The provider's stream has {_UNSAID_LIMIT} events and no content.")

    def _finish(self) -> None:
        telling = self._telling
        if not telling.finished:
            raise UpstreamTruncated("The provider's stream ended before its finish reason; this is not the whole answer.")
        events = telling.end()
        self._deltas += events
        self._usage = telling.usage or self._usage
        if last := self._writer.end(telling, events):
            self._data.append(last)
        self.complete = self.done = True
