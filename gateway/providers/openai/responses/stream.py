"""The normaliser of a response's stream: complete events go on as they came, but for the response's id in them.

    response.created .. deltas .. response.completed | response.incomplete    on their way, then done
    response.failed, error                                                    the fault that they tell
    nothing                                                                   `UpstreamTruncated`

A 200 that turns out to be plain JSON is an error, or a whole response that is played as a stream.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.core.errors import UpstreamBroken, UpstreamFault, UpstreamTruncated
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.dialects import lenient
from gateway.dialects.responses import odd
from gateway.dialects.translation import Delta
from gateway.providers import sse
from gateway.providers.intake import Intake, event_in
from gateway.providers.openai.envelope import is_error
from gateway.providers.openai.responses import framing, resource
from gateway.providers.openai.responses.replay import events_of
from gateway.providers.openai.responses.telling import Telling

_ENDS: Final = frozenset({"response.completed", "response.incomplete"})
_FRAMES: Final = _ENDS | {"response.failed"}
_SHORT: Final = 32
"""Bytes below which data may be no event."""
UNSAID_LIMIT: Final = 16 * 1024
"""Events before the first content."""
EVENT_LIMIT: Final = 32 * 1024 * 1024
"""Bytes of one event: the last repeats the whole answer, with every image in it."""


class ResponsesStream:
    """See `gateway.providers.wire.Normaliser`."""

    __slots__ = (
        *("_ask", "_data", "_deltas", "_headed", "_intake", "_telling", "_unsaid"),
        *("begun", "complete", "done", "fault", "sequence"),
    )

    media_type: bytes | None = None

    def __init__(self, ask: Ask) -> None:
        self.begun = self.complete = self.done = False
        self.fault: UpstreamFault | None = None
        self.sequence = 0
        self._ask = ask
        self._intake = Intake(EVENT_LIMIT)
        self._telling = Telling()
        self._headed = False
        self._unsaid = 0
        self._data: list[bytes] = []
        self._deltas: list[Delta] = []

    def feed(self, block: bytes) -> Chunk:
        """Takes the next block; the chunk is empty where nothing can be said yet."""
        return self._guarded(self._advance, block)

    def end(self) -> Chunk:
        """The upstream has ended; unless the response had, `fault` is `UpstreamTruncated`."""
        return self._guarded(self._conclude, b"")

    def _guarded(self, step: Callable[[bytes], None], block: bytes) -> Chunk:
        try:
            if not self.done:
                step(block)
        except UpstreamFault as fault:
            self.done, self.fault = True, fault
        chunk = Chunk(b"".join(self._data), tuple(self._deltas))
        self._data, self._deltas = [], []
        return chunk

    # ------------------------------------------------------------ from bytes to events

    def _advance(self, block: bytes) -> None:
        self._intake.feed(block)
        while not self.done and (raw := self._intake.cut()) is not None:
            self._read(raw)

    def _conclude(self, _: bytes) -> None:
        if (whole := self._intake.body()) is not None:
            for event in events_of(resource.parsed(whole)):
                self._take(event["type"], event, framing.framed(event["type"], lenient.dumps(event)))
            return
        if rest := self._intake.last():
            self._read(rest)
        if not self.done:
            raise UpstreamTruncated("The provider's stream ended before its response did; this is not the whole answer.")

    def _read(self, raw: bytes) -> None:
        data = framing.data_in(raw)
        plain = data is not None
        if data is None:
            said = sse.parse(raw)
            data = said.data if said is not None else b""
        if len(data) < _SHORT and data.strip() in (b"", b"[DONE]"):
            return
        event = event_in(data)
        if not isinstance(event, dict):
            raise resource.failure(event) if is_error(event) else UpstreamBroken("An event of the stream is not an object.")
        kind = event.get("type")
        if not isinstance(kind, str):
            kind = framing.name_in(raw)
        self._take(kind, event, raw if plain else framing.plain(kind, raw))

    # ------------------------------------------------------------ from events to chunks

    def _take(self, kind: str, event: dict[str, Any], raw: bytes) -> None:
        number = event.get("sequence_number")
        if type(number) is not int or number < 0:  # not every provider counts
            number = event["sequence_number"] = self.sequence
            raw = framing.framed(kind, lenient.dumps(event))
        if "response" in event or kind in _FRAMES:
            raw = self._frame(kind, event, odd.mapping(event.get("response")), raw)
        elif not kind.startswith("response.") and (kind == "error" or is_error(event)):
            raise resource.failure(event)
        else:
            if (delta := self._telling.take(kind, event)) is not None:
                self._deltas.append(delta)
            if not self.begun:
                self._wait_on()
                self.begun = self._telling.begun
            if not kind.endswith(".delta"):
                raw = resource.marked(raw, event, {}, self._ask)
        self.sequence = number + 1
        self._data += (raw, b"\n\n")

    def _frame(self, kind: str, event: dict[str, Any], response: Mapping[str, Any], raw: bytes) -> bytes:
        """An event that holds the whole response: its beginning, its end, and signs of life."""
        if kind == "response.failed":
            if (spent := resource.usage(response.get("usage"))) is not None:
                self._deltas.append({"usage": spent})
            raise resource.failure(response)
        if kind in _ENDS:
            if not response:
                raise UpstreamBroken("The provider's stream ends with a response that is none.")
            self._deltas += self._telling.end(response)
            self.complete = self.done = True
        else:
            self._wait_on()
            # What runs in the background is begun: its id is what the caller asks again with, however long that takes.
            self.begun = self.begun or response.get("background") is True
            if not self._headed:
                self._headed = True
                self._deltas.append({**resource.heading(response), "choices": []})
        return resource.marked(raw, event, response, self._ask)

    def _wait_on(self) -> None:
        self._unsaid += 1
        if self._unsaid > UNSAID_LIMIT:
            raise UpstreamBroken(f"The provider's stream has {UNSAID_LIMIT} events and no content.")
