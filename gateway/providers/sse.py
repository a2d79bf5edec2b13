"""Server-sent events without I/O: blocks of bytes, split anywhere, into complete events.

Apart from the wires, because several speak it. Cutting (`Splitter`) and reading (`parse`) are two steps, so that a wire
that knows what comes next can take many events in one piece from between them.
"""

from typing import Final, NamedTuple

from gateway.core.errors import UpstreamBroken

EVENT_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of one event. Images and sound arrive as one, in base64."""

_BOM: Final = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """What an event says: the `data` lines, joined, and the name that an `event` line gives it."""

    data: bytes
    name: bytes = b""


def parse(raw: bytes) -> Event | None:
    """Reads one event, its lines ended by LF; None where it has no data (comments, `id`, `retry`, a name alone)."""
    if raw.startswith(b"data:") and b"\n" not in raw:
        return Event(raw[6:] if raw[5:6] == b" " else raw[5:])
    name, data = b"", []
    for line in raw.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return Event(b"\n".join(data), name) if data else None


class Splitter:
    """Cuts a stream at its blank lines: `feed` a block, then `cut` until None. Line ends become LF, a BOM is dropped.

    What is cut next stands in `text` from `at` on; whoever takes some of it in another way moves `at` behind it.
    """

    __slots__ = ("_after_cr", "_limit", "_parts", "_size", "_started", "at", "text")

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._parts: list[bytes] | None = None
        self._size = 0
        self._started = False
        self._after_cr = False
        self.text = b""
        self.at = 0

    @property
    def between(self) -> bool:
        """The next block begins a new event."""
        return self._parts is None and self._started

    def feed(self, block: bytes) -> None:
        """Takes a block in. Raises `UpstreamBroken` when one event grows over the limit."""
        if not self._started and (block := self._begin(block)) == b"":
            return
        if (block := self._with_lf(block)) == b"":
            return
        if self._parts is None:
            self.text, self.at = block, 0
            return
        ends = b"\n\n" in block or (block.startswith(b"\n") and self._parts[-1].endswith(b"\n"))
        self._parts.append(block)
        self._size += len(block)
        if ends:
            self.text, self.at, self._parts = b"".join(self._parts), 0, None
        else:
            self._bound()

    def cut(self) -> bytes | None:
        """The next complete event, without the blank line behind it; None until more has come."""
        text, at = self.text, self.at
        while text.startswith(b"\n", at):
            at += 1
        end = text.find(b"\n\n", at)
        if end >= 0:
            self.at = end + 2
            return text[at:end]
        self.text, self.at = b"", 0
        if at < len(text):
            self._parts, self._size = [text[at:]], len(text) - at
            self._bound()
        return None

    def last(self) -> bytes:
        """What stands behind the last blank line when the stream is over."""
        rest = b"".join(self._parts or ())
        self._parts = None
        return rest.rstrip(b"\n")

    def _begin(self, block: bytes) -> bytes:
        """Drops a BOM; gives nothing as long as what has come could be the beginning of one."""
        block = b"".join(self._parts or ()) + block
        if len(block) < len(_BOM) and _BOM.startswith(block):
            self._parts = [block] if block else None
            return b""
        self._parts = None
        self._started = True
        return block.removeprefix(_BOM)

    def _with_lf(self, block: bytes) -> bytes:
        if self._after_cr and block:
            self._after_cr = False
            block = block.removeprefix(b"\n")
        if b"\r" in block:
            self._after_cr = block.endswith(b"\r")
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return block

    def _bound(self) -> None:
        if self._size > self._limit:
            raise UpstreamBroken(f"One event of the provider's stream is over {self._limit} bytes.")
