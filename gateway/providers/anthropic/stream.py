"""The normaliser of a Messages stream: its events as they are for who speaks the API, chunks of a chat for everyone else.

    block of bytes -> events, parsed once (`Stream`) -> folded (`Events`) -> on as they came, or rendered (`Answering`)

`Answering` takes events out of any framing: other providers of Claude have their own.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.core.chat import Operation
from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamTruncated
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.dialects.shapes import Fields
from gateway.providers import sse
from gateway.providers.anthropic import answer, faults
from gateway.providers.anthropic.events import Said
from gateway.providers.anthropic.replay import events_of
from gateway.providers.intake import DONE, Intake, event_in
from gateway.providers.openai.envelope import is_error

_UNSAID_LIMIT: Final = 16 * 1024
"""Events before the first content; at one a second that is over four hours of signs of life."""
_DONE: Final = b"data: [DONE]\n\n"
_DELTA: Final = b"event: content_block_delta"
_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_TOLD_EARLY: Final = frozenset({"content_block_start", "content_block_delta", "message_delta"})
"""Events that mean nothing without the one that begins the message."""


def normaliser(ask: Ask, wall_s: float) -> "Stream":
    """The normaliser of the stream that answers; `wall_s` is Unix time."""
    return Stream(ask, wall_s)


class Answering:
    """One answer, event by event, into the caller's dialect. See `Normaliser` for the flags.

    `take` events and `finish`, within `step`: it gives the chunk of what they said, or raises what ended them.
    """

    __slots__ = (
        *("_blocks", "_data", "_deltas", "_events", "_lead", "_native", "_unsaid", "_usage", "_wants_usage"),
        *("begun", "complete", "done", "fault", "sequence"),
    )

    media_type: bytes | None = None

    def __init__(self, ask: Ask, wall_s: float) -> None:
        self.begun = self.complete = self.done = False
        self.sequence = 0  # neither this dialect nor a chat numbers its events
        self.fault: UpstreamFault | None = None
        self._native = ask.request.operation is Operation.MESSAGES
        self._wants_usage = ask.request.wants_usage
        self._events = answer.reading(ask, wall_s)
        self._lead = b""
        self._unsaid = self._blocks = 0
        self._usage: Fields | None = None
        self._data: list[bytes] = []
        self._deltas: list[bytes | Mapping[str, Any]] = []

    def step(self, act: Callable[[bytes], None], block: bytes) -> Chunk:
        """What `act` makes of a block. A fault is raised at once where nothing was said before it, and kept otherwise."""
        try:
            if not self.done:
                act(block)
        except UpstreamFault as fault:
            self.done, self.fault = True, fault
            if not self._data and not self._deltas:
                raise
        self.begun, self.complete = self._events.begun, self._events.finished
        chunk = Chunk(b"".join(self._data), self._deltas)
        self._data, self._deltas = [], []
        return chunk

    def take(self, event: Mapping[str, Any], raw: bytes | None = None) -> None:
        """The next event; `raw`: as it came, where it can go on like that to who speaks the API. Raises `UpstreamFault`."""
        events = self._events
        kind = event.get("type")
        if kind != "content_block_delta":
            self._look(event, kind)
        elif events.heading is None:
            raise _headless()
        if not events.begun:
            self._wait_on()
        said = events.take(event)
        if self._native:
            sound = raw is not None and (kind != "message_start" or not lacks_usage(event))
            self._data.append(raw + b"\n\n" if raw is not None and sound else _framed(event))
        for one in said:
            self._hand_out(one)
        if kind == "message_delta":
            self._note_usage()
        elif kind == "message_stop":
            self._stop(ended=True)

    def _look(self, event: Mapping[str, Any], kind: object) -> None:
        """What has to be seen in any event but those of the text."""
        if is_error(event):
            raise faults.within(event)
        if isinstance(kind, str) and kind in _TOLD_EARLY and self._events.heading is None:
            raise _headless()
        if kind == "message_stop" and not self._events.finished:
            raise _truncated()

    def _wait_on(self) -> None:
        self._unsaid += 1
        if self._unsaid > _UNSAID_LIMIT:
            raise UpstreamBroken(f"The provider's stream has {_UNSAID_LIMIT} events and no content.")

    def finish(self) -> None:
        """No event will come any more. Raises `UpstreamTruncated` where the answer is not whole."""
        if not self._events.finished:
            raise _truncated()
        self._stop(ended=False)

    def _stop(self, *, ended: bool) -> None:
        if not self._native:
            if self._wants_usage and self._usage is not None:
                self._data.append(_line({**self._heading(), "choices": [], "usage": self._usage}))
            self._data.append(_DONE)
        elif not ended:
            self._data.append(_STOP)
        self.done = True

    def _note_usage(self) -> None:
        if self._events.usage is not None and self._events.usage != self._usage:
            self._usage = self._events.usage
            self._deltas.append({"usage": self._usage})

    # ------------------------------------------------------------ as a chat

    def _hand_out(self, said: Said) -> None:
        if isinstance(said, str):
            written = lenient.dumps(said)
            if not self._native:
                self._data.append(b'%b%b},"finish_reason":null}]}\n\n' % (self._lead or self._leading(), written))
            self._deltas.append(_told(said, written))
        else:
            if not self._native:
                self._data.append(_line({**self._heading(), **self._numbered(said)}))
            self._deltas.append(said)

    def _leading(self) -> bytes:
        """What stands before the text in an event of text."""
        self._lead = b'data: %b,"choices":[{"index":0,"delta":{"content":' % lenient.dumps(self._heading())[:-1]
        return self._lead

    def _numbered(self, chunk: Fields) -> Fields:
        """The chunk with an index in each block of thinking: SDKs that add deltas up want one in every list."""
        choice = chunk["choices"][0]
        blocks = choice["delta"].get("thinking_blocks")
        if not blocks:
            return chunk
        numbered = [{"index": self._blocks + at, **block} for at, block in enumerate(blocks)]
        self._blocks += len(blocks)
        return {**chunk, "choices": [{**choice, "delta": {**choice["delta"], "thinking_blocks": numbered}}]}

    def _heading(self) -> Fields:
        """What every chunk begins with; whoever asks for usage gets none with each but the last."""
        heading = self._events.heading or {}
        return {**heading, "usage": None} if self._wants_usage else heading


def _told(words: str, written: bytes) -> bytes | Mapping[str, Any]:
    """What a transcript is told of some text: as it is written, where that is as it is."""
    if b"\\" in written:
        return {"choices": [{"index": 0, "delta": {"content": words}, "finish_reason": None}]}
    return written[1:-1]


def _line(chunk: Fields) -> bytes:
    return b"data: %b\n\n" % lenient.dumps(chunk)


def _headless() -> UpstreamBroken:
    return UpstreamBroken("The provider's stream does not begin with 'message_start'.")


def _truncated() -> UpstreamTruncated:
    return UpstreamTruncated("The provider's stream ended before its stop reason; this is not the whole answer.")


def _framed(event: Mapping[str, Any]) -> bytes:
    """The event on the wire; nothing for one without a type, which no client could read."""
    kind = event.get("type")
    if not isinstance(kind, str):
        return b""
    if lacks_usage(event):
        event = {**event, "message": {**event["message"], "usage": {"input_tokens": 0, "output_tokens": 0}}}
    return b"event: %b\ndata: %b\n\n" % (" ".join(kind.split()).encode("utf-8", "replace"), lenient.dumps(event))


class Stream(Answering):
    """A stream of server-sent events: `feed` blocks, `end` at the end."""

    __slots__ = ("_intake",)

    def __init__(self, ask: Ask, wall_s: float) -> None:
        super().__init__(ask, wall_s)
        self._intake = Intake()

    def feed(self, block: bytes) -> Chunk:
        """Takes the next block; the chunk is empty where nothing can be said yet."""
        return self.step(self._advance, block)

    def end(self) -> Chunk:
        """The upstream has ended. Raises `UpstreamTruncated` unless the answer has its finish reason."""
        return self.step(self._conclude, b"")

    def _advance(self, block: bytes) -> None:
        intake = self._intake
        intake.feed(block)
        while not self.done and (raw := intake.cut()) is not None:
            self._read(raw)

    def _conclude(self, _: bytes) -> None:
        if (body := self._intake.body()) is not None:
            for event in events_of(answer.message(answer.parsed(body))):
                self.take(event)
            return
        if not self.complete:
            self._read(self._intake.last())
        if not self.done:
            self.finish()

    def _read(self, raw: bytes) -> None:
        """One event as it came."""
        end = raw.find(b"\n")
        if raw.startswith(_DELTA) and raw.startswith(b"\ndata: {", end) and raw.find(b"\n", end + 1) < 0:
            name, data = _DELTA, raw[end + 7 :]  # most events, read in fewer steps
        else:
            said = sse.parse(raw)
            if said is None or not (data := said.data.strip()):
                return
            name = said.name if raw.startswith(b"event:") else b""
        if data == DONE:
            self.finish()
            return
        event = event_in(data)
        if name == b"error" and not is_error(event):
            raise faults.within({"error": event})
        if not isinstance(event, dict):
            raise faults.within(event) if is_error(event) else UpstreamBroken("An event of the provider's stream is no object.")
        self.take(event, raw if name else None)


def lacks_usage(event: Mapping[str, Any]) -> bool:
    """Whether SDKs would stumble over it: a message that begins without its usage."""
    message = event.get("message") if event.get("type") == "message_start" else None
    return isinstance(message, dict) and not isinstance(message.get("usage"), dict)
