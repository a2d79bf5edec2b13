"""The bytes around the text of a stream's events, learned from one of them, so that those like it need no parsing.

Most of a stream is one event over and over, with another text in it:

    data: {...,"choices":[{"index":0,"delta":{"content":"        <- open
     word                                                        <- the text
    "},"finish_reason":null}]}                                   <- close, to the blank line

A run of such events is cut at `close + open`; what must then be true of the pieces is only that each is the inside of a
JSON string. Where events end in padding of varying length (`"obfuscation":"xQ3"}`), the part between text and padding is
`middle`. Where the events have to be mended, `fragments` is the mended event, cut where the text goes.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from gateway.core.transcript import Chunk

Fields = dict[str, Any]
Mend = Callable[[Fields], bytes | None]
"""Does to a parsed event what the stream does to all: changes it in place and gives its bytes, or None where they stay."""

_PROBE: Final = b"fleetgate:probe"
_PAD_PROBE: Final = b"fleetgate:padding"
_HEAD: Final = 16
_STRING: Final = re.compile(rb'(?:[^"\\]++|\\.)*+(?=")')
_TEXTS: Final = ("content", "reasoning_content", "reasoning", "refusal")


class Hole(NamedTuple):
    """Where the text stands in a parsed event: of which choice, in which field, and for arguments, of which call."""

    choice: int
    field: str
    call: int | None

    def delta(self, text: bytes) -> bytes | Mapping[str, Any]:
        """What a transcript is told for `text`."""
        if self.choice == 0 and self.field in ("content", "text"):
            return text
        words = text.decode()
        if self.field == "text":
            return {"choices": [{"index": self.choice, "text": words}]}
        if self.call is not None:
            delta: Fields = {"tool_calls": [{"index": self.call, "function": {"arguments": words}}]}
        else:
            delta = {self.field: words}
        return {"choices": [{"index": self.choice, "delta": delta}]}


class Run(NamedTuple):
    """Events taken at once: where they end in the block, and the chunk that they make."""

    end: int
    chunk: Chunk


class Seam:
    """Bytes between pieces. Cutting looks for their head alone: searching for long strings costs several times as much."""

    __slots__ = ("head", "rest", "size")

    def __init__(self, seam: bytes) -> None:
        self.size = len(seam)
        self.head = seam[:_HEAD]
        self.rest = seam[_HEAD:]

    def cut(self, text: bytes) -> list[bytes]:
        """The pieces; where what follows a head is not the rest, it stays in its piece."""
        first, *others = text.split(self.head)
        rest = self.rest
        return [first, *[piece.removeprefix(rest) for piece in others]]

    def joined(self, pieces: list[bytes], separator: bytes, length: int) -> bytes:
        """The pieces of a text of that length with `separator` for the seams. Raises ValueError for a seam that was none."""
        whole = separator.join(pieces)
        if len(whole) != length - (self.size - len(separator)) * (len(pieces) - 1):
            raise ValueError("not the same seam everywhere")
        return whole


class Template:
    """See the module's docstring."""

    __slots__ = ("_bare", "_fragments", "_middle", "_seam", "close", "hole", "open")

    def __init__(self, opening: bytes, middle: bytes, closing: bytes, fragments: list[bytes] | None, hole: Hole) -> None:
        self.open = opening
        self.close = closing + b"\n\n"
        self.hole = hole
        self._seam = Seam(self.close + opening)
        self._middle = Seam(middle) if middle else None
        self._fragments = fragments
        # Nothing to be mended, no padding, and a transcript takes the text as it is: most streams there are.
        self._bare = fragments is None and not middle and hole.choice == 0 and hole.field in ("content", "text")

    def whole(self, block: bytes) -> Chunk | None:
        """The chunk of a block that begins with `open` and ends with `close`; None where it holds anything else."""
        start, end = len(self.open), len(block) - len(self.close)
        if start > end:
            return None
        inner = block[start:end]
        if not self._bare or b"\\" in inner or len(inner) >= self._seam.size:
            return self._chunk(inner, block)
        try:
            orjson.loads(b'"%b"' % inner)
        except ValueError:
            return None
        return Chunk(block, (inner,))

    def run(self, text: bytes, at: int) -> Run | None:
        """The events like this one at the head of `text[at:]`, which begins with `open`; None where there are none.

        They end where the last `close` does; should events of another kind stand before that, it is None, too.
        """
        start = at + len(self.open)
        last = text.rfind(self.close, start)
        if last < 0:
            return None
        end = last + len(self.close)
        chunk = self._chunk(text[start:last], text[at:end])
        return None if chunk is None else Run(end, chunk)

    def _chunk(self, inner: bytes, block: bytes) -> Chunk | None:
        """The chunk of `block`, of which `inner` is what stands between the first `open` and the last `close`."""
        pieces = [inner] if len(inner) < self._seam.size else self._seam.cut(inner)
        try:
            text = self._text(pieces, inner) if self._middle is None else self._padded(pieces, inner, self._middle)
        except ValueError:
            return None
        if (fragments := self._fragments) is not None:
            # bytes.join the other way round: the text goes between the fragments of each event.
            block = b"".join([piece.join(fragments) for piece in pieces])
        return Chunk(block, (self.hole.delta(text),))

    def _text(self, pieces: list[bytes], inner: bytes) -> bytes:
        """The text of all events. Raises ValueError where a piece is not the inside of a JSON string.

        The line break in the separator sees to that: it cannot be inside a string, so no piece can swallow its neighbour.
        """
        if len(pieces) == 1:
            text = orjson.loads(b'"%b"' % inner)
            return inner if b"\\" not in inner else bytes(text, "utf-8")
        joined = self._seam.joined(pieces, b'"\n,"', len(inner))
        texts: list[str] = orjson.loads(b'["%b"]' % joined)
        if len(texts) != len(pieces):
            raise ValueError("a piece is more than a text")
        return "".join(texts).encode()

    def _padded(self, pieces: list[bytes], inner: bytes, middle: Seam) -> bytes:
        """The same where each piece is a text, `middle` and padding."""
        joined = self._seam.joined(pieces, b'"]\n,["', len(inner))
        halves = middle.cut(joined)
        pairs: list[list[str]] = orjson.loads(b'[["%b"]]' % middle.joined(halves, b'"\n,"', len(joined)))
        if len(pairs) != len(pieces) or len(halves) != len(pieces) + 1:
            raise ValueError("a piece is more than a text and its padding")
        return "".join([text for text, _ in pairs]).encode()


def hole_of(event: Fields) -> tuple[Hole, str] | None:
    """Where a mended event has the one text that may differ in the next one, and the text; None for any other event."""
    choices = event["choices"]
    if len(choices) != 1 or choices[0]["finish_reason"] is not None:
        return None
    choice = choices[0]
    if event["object"] == "text_completion":
        return (Hole(choice["index"], "text", None), choice["text"]) if choice["text"] else None
    delta = choice["delta"]
    found = [(Hole(choice["index"], name, None), delta[name]) for name in _TEXTS if delta.get(name)]
    if delta.get("tool_calls"):
        found += _in_calls(choice["index"], delta["tool_calls"])
    texts = {text for _, text in found if isinstance(text, str)}
    return found[0] if len(texts) == 1 and all(isinstance(text, str) for _, text in found) else None


def _in_calls(index: int, entries: list[Fields]) -> list[tuple[Hole, Any]]:
    """The arguments of a delta that continues a call. Anything else there gives None as text, so that nothing is learned."""
    entry = entries[0]
    function = entry.get("function")
    if len(entries) > 1 or "id" in entry or not isinstance(function, dict) or function.keys() != {"arguments"}:
        return [(Hole(index, "arguments", None), None)]
    return [(Hole(index, "arguments", entry["index"]), function["arguments"])]


def learn(raw: bytes, event: Fields, hole: Hole, mend: Mend) -> Template | None:
    """The template of `raw`, an event of one line, of which `event` is the mended form, with its text in `hole`.

    `mend` is asked about a copy with a probe in the text's place, which shows whether that is the text's place: None
    where it is not, where the text stands in two places, or where the event is of a kind that has no template.
    """
    if not raw.startswith(b"data:") or b"\n" in raw or _PROBE in raw:
        return None
    for name in ("reasoning", hole.field) if hole.field == "reasoning_content" else (hole.field,):
        place = _place(raw, name.encode())
        if place is not None:
            parts = _without_padding(raw[: place[0]], raw[place[1] :], event.get("obfuscation"))
            template = None if parts is None else _proved(*parts, hole, mend)
            if template is not None:
                return template
    return None


def _place(raw: bytes, name: bytes) -> tuple[int, int] | None:
    """Where the text behind a key of this name begins and ends."""
    for key in (b'"%b":"' % name, b'"%b": "' % name):
        at = raw.find(key)
        if at >= 0 and (string := _STRING.match(raw, at + len(key))) is not None:
            return at + len(key), string.end()
    return None


def _without_padding(opening: bytes, closing: bytes, padding: object) -> tuple[bytes, bytes, bytes] | None:
    """What stands before the text, between it and the padding (nothing where there is none), and behind that."""
    if padding is None:
        return opening, b"", closing
    if not isinstance(padding, str) or not padding.isascii():
        return None
    tail = b'"%b"}' % padding.encode()
    if not padding or not closing.endswith(tail):
        return None
    return opening, closing[: 1 - len(tail)], b'"}'


def _proved(opening: bytes, middle: bytes, closing: bytes, hole: Hole, mend: Mend) -> Template | None:
    padding = _PAD_PROBE if middle else b""
    raw = b"".join((opening, _PROBE, middle, padding, closing))
    try:
        event = orjson.loads(raw[5:])
    except orjson.JSONDecodeError:
        return None
    if middle and event.get("obfuscation") != _PAD_PROBE.decode():
        return None
    mended = mend(event)
    if hole_of(event) != (hole, _PROBE.decode()):
        return None
    if mended is None:
        return Template(opening, middle, closing, None, hole)
    return None if middle else Template(opening, middle, closing, mended.split(_PROBE), hole)
