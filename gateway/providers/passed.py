"""What comes back of a passage: JSON is read whole, so that its ids can be marked and its usage be counted; all else goes by.

JSON             whole; as it was, to the byte, where no id is marked
events           as they come; the ids of objects marked, event by event; usage from the end of those of models
anything else    as it comes: files, sound, subtitles
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from json import JSONDecoder
from typing import Any, Final

from gateway.core.errors import UpstreamBroken
from gateway.core.passage import Parcel
from gateway.core.transcript import Chunk, Transcript
from gateway.dialects.lenient import dumps, loads
from gateway.dialects.owned import Marking, rewritten
from gateway.providers.intake import ANSWER_LIMIT
from gateway.providers.sse import Splitter
from gateway.providers.transport.contract import Header, Incoming

RETURNED: Final = frozenset({b"content-type", b"content-disposition", b"content-language", b"openai-processing-ms"})
"""The provider's headers that reach the caller, but for the length. Nothing of its account: no limits, no cookies."""
EVENTS: Final = b"text/event-stream"
LARGE: Final = 512 * 1024
"""Answers longer than this are read in a thread."""
USAGE_BYTES: Final = 8 * 1024
"""So long may what a stream says of its usage be."""

Usage = Mapping[str, Any] | None

_MENTIONED: Final = b'"usage"'
_USAGE: Final = re.compile(rb'"usage"\s*:\s*(?=\{)')
_DECODER: Final = JSONDecoder()


class Passed:
    """A `Delivery`: `whole`, or as it comes. `streams`: in events, which `events` changes; `counted`: they say their usage."""

    dropped: Sequence[str] = ()
    sequence = 0

    def __init__(
        self,
        incoming: Incoming,
        whole: bytes | None = None,
        events: "Events | None" = None,
        *,
        streams: bool = False,
        counted: bool = False,
    ) -> None:
        self.status = incoming.status
        self.streaming = whole is None
        self.transcript = Transcript()
        self.headers = returned(incoming.headers, whole, as_it_comes=events is None)
        self.media_type: bytes | None = None if streams else media_type_of(incoming)
        self._incoming = incoming
        self._events = events
        self._counted = counted
        self._whole = whole
        self._usage = b""
        self._ended = False

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        while not self._ended:
            block = await self._incoming.read() if self._whole is None else b""
            if block:
                data = self._passing(block)
            else:
                self._ended = True
                data = self._last()
            if data:
                return Chunk(data)
        raise StopAsyncIteration

    def _passing(self, block: bytes) -> bytes:
        if self._counted:
            self._usage = mentioned(self._usage + block)
        return block if self._events is None else self._events.feed(block)

    def _last(self) -> bytes:
        if self._whole is not None:
            return self._whole
        if self._counted:
            self.transcript.usage = usage_in(self._usage)
        return b"" if self._events is None else self._events.end()

    def close(self) -> None:
        """See `Reply`."""
        self._incoming.close()


class Events:
    """Marks the ids in a stream of events; what is not JSON, and all that is no data, stays as it is."""

    def __init__(self, marking: Marking) -> None:
        self._marking = marking
        self._splitter = Splitter()

    def feed(self, block: bytes) -> bytes:
        """A block in; all events out that are complete. Raises `UpstreamBroken` for an event over the limit."""
        self._splitter.feed(block)
        events: list[bytes] = []
        while (raw := self._splitter.cut()) is not None:
            events.append(self._marked(raw) + b"\n\n")
        return b"".join(events)

    def end(self) -> bytes:
        """What stands behind the last blank line."""
        return self._marked(self._splitter.last())

    def _marked(self, raw: bytes) -> bytes:
        return b"\n".join(self._line(line) for line in raw.split(b"\n"))

    def _line(self, line: bytes) -> bytes:
        field, _, said = line.partition(b":")
        try:
            value = loads(said) if field == b"data" else None
        except ValueError:
            return line
        return b"data: " + dumps(rewritten(value, self._marking)) if isinstance(value, dict | list) else line


async def received(parcel: Parcel, incoming: Incoming, provider: str) -> Passed:
    """The answer, from its head on. Raises `UpstreamFault`."""
    kind = media_type_of(incoming)
    marking = Marking(provider, parcel.owner) if parcel.owner.secret else None
    counted = parcel.way.named
    if parcel.way.raw:
        return Passed(incoming)
    if kind == b"text/html":
        raise UpstreamBroken("The provider answered with a web page; its base URL may be wrong.")
    if kind == EVENTS:
        events = None if counted or marking is None else Events(marking)
        return Passed(incoming, events=events, streams=True, counted=counted)
    if kind != b"application/json" and not kind.endswith(b"+json"):
        return Passed(incoming)
    body = await incoming.whole(ANSWER_LIMIT)
    text, usage = await asyncio.to_thread(read, body, marking) if len(body) > LARGE else read(body, marking)
    passed = Passed(incoming, text)
    passed.transcript.usage = usage if counted else None
    return passed


def read(body: bytes, marking: Marking | None) -> tuple[bytes, Usage]:
    """An answer in JSON with its ids marked, and its usage. Raises `UpstreamBroken` for what is none."""
    if not body.strip():
        return body, None
    try:
        value = loads(body)
    except ValueError as error:
        raise UpstreamBroken("The provider's answer is announced as JSON, and is none.") from error
    usage = chat_usage(value.get("usage")) if isinstance(value, dict) else None
    if marking is None or not isinstance(value, dict | list):
        return body, usage
    before = marking.made
    rewritten(value, marking)
    return (dumps(value) if marking.made > before else body), usage


def chat_usage(said: object) -> Usage:
    """The usage of images, sound and responses, as a chat says it; None where there is none in tokens."""
    if not isinstance(said, Mapping):
        return None
    if "prompt_tokens" in said or "input_tokens" not in said:
        return said if "prompt_tokens" in said else None
    return {
        "prompt_tokens": said["input_tokens"],
        "completion_tokens": said.get("output_tokens", 0),
        "prompt_tokens_details": said.get("input_tokens_details"),
        "completion_tokens_details": said.get("output_tokens_details"),
    }


def mentioned(seen: bytes) -> bytes:
    """What must be kept of a stream so far for the usage that it says last, beginning with its name."""
    at = seen.rfind(_MENTIONED)
    return seen[1 - len(_MENTIONED) :] if at < 0 else seen[at : at + USAGE_BYTES]


def usage_in(text: bytes) -> Usage:
    """The usage at the beginning of a text."""
    found = _USAGE.match(text)
    if found is None:
        return None
    try:
        said, _ = _DECODER.raw_decode(text[found.end() :].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return chat_usage(said)


def media_type_of(incoming: Incoming) -> bytes:
    """What the body is announced as, without parameters."""
    said = next((value for name, value in incoming.headers if name == b"content-type"), b"")
    return said.partition(b";")[0].strip().lower()


def returned(headers: Sequence[Header], whole: bytes | None, *, as_it_comes: bool) -> list[Header]:
    """What of an answer's headers the caller sees, and its length where that is known."""
    kept = [one for one in headers if one[0] in RETURNED]
    if whole is not None:
        kept.append((b"content-length", b"%d" % len(whole)))
    elif as_it_comes:
        kept += [one for one in headers if one[0] == b"content-length"]
    return kept
