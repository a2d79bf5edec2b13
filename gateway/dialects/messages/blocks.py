"""The content blocks of a message's stream: one open at a time, in strictly rising order, whatever order a chat has them in.

A chat's deltas of parallel calls may interleave, and text may come between the pieces of a call. A block that cannot begin
yet waits until the open call is whole:

    open     nothing ── text | thinking ── a call, whole by its brackets ──> the next may begin at once
    waits    behind a call that is not whole: words, blocks and calls, with what has come of them
"""

from collections import deque
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

from gateway.core.errors import UpstreamBroken
from gateway.dialects import lenient
from gateway.dialects.arguments import Extent, parsed
from gateway.dialects.messages.answer import tool_use
from gateway.dialects.messages.events import EVENTS, THINKING, Events, Words
from gateway.dialects.shapes import Object

WAITING_LIMIT: Final = 16 * 1024 * 1024
"""Characters that may wait for one call to become whole."""
BETWEEN: Final = "\n\n"
"""What a wire puts between the words of two blocks of thinking, in `reasoning_content`, and in neither of the blocks."""


class _Call:
    """A call, as far as it has come; `held` is what of its arguments has not been sent. It begins when its name is whole.

    Arguments that are no object, which they have to be, are told at the end, as one.
    """

    __slots__ = ("_first", "begun", "closed", "extent", "held", "id", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.held: list[str] = []
        self.extent = Extent()
        self._first = ""
        self.begun = self.closed = False

    def take(self, said: Object) -> int:
        """Takes in one delta; the length of what it says."""
        call_id, function = said.get("id"), said["function"]
        if isinstance(call_id, str) and not self.id:
            self.id = call_id
        name, piece = function.get("name"), function.get("arguments")
        if isinstance(name, str) and not self.begun:
            self.name += name
        if not isinstance(piece, str) or not piece or (not self._first and piece.isspace()):
            return 0
        self._first = self._first or piece.lstrip()[0]
        self.held.append(piece)
        self.extent.feed(piece)
        return len(piece)

    def told(self, *, last: bool = False) -> str:
        """What of its arguments can be sent. `last`: there is no more to come."""
        if not self.held or not (last or self._first == "{"):
            return ""
        words = "".join(self.held)
        self.held.clear()
        return words if self._first == "{" else lenient.dumps(parsed(words)).decode()


class _Held:
    """Words that wait."""

    __slots__ = ("kind", "pieces")

    def __init__(self, kind: Words) -> None:
        self.kind = kind
        self.pieces: list[str] = []


_Waiting = _Call | _Held | Mapping[str, Any]


class Blocks:
    """The blocks of one message; `take` what they say since the last time. `called`: there is a call among them.

    `events` writes them; those of another dialect may be empty. `named` gives the caller's name for a tool of an answer.
    """

    __slots__ = ("_calls", "_events", "_index", "_named", "_open", "_out", "_shown", "_signed", "_size", "_waiting", "called")

    def __init__(self, events: Events = EVENTS, named: Callable[[str], str] = str) -> None:
        self._events = events
        self._named = named
        self._open: Words | _Call | None = None
        self._index = -1
        self._signed = False
        self._shown = blake2b()
        self._out: list[bytes] = []
        self._calls: dict[int, _Call] = {}
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self.called = False

    def take(self) -> list[bytes]:
        """The events so far."""
        out, self._out = self._out, []
        return out

    def words(self, kind: Words, piece: str) -> None:
        """More text, or more thinking."""
        if self._open is not kind:
            if not self._is_free():
                self._hold(kind, piece)
                return
            if not (piece := self._first(kind, piece)):
                return
            self._begin(kind)
        self._more(kind, piece)

    def signed(self, block: Object) -> None:
        """A block of thinking that is complete, behind its words where those were shown.

        A signature stands for the words to the letter. Where others were shown, these stay unsigned, and the block follows.
        """
        thinking = block["type"] == "thinking"
        if thinking and self._open is THINKING and self._shown.digest() == _digest(block["thinking"]):
            self._signed = True
            self._close(block["signature"])
        elif self._is_free():
            self._whole(block)
        else:
            last = self._waiting[-1] if self._waiting else None
            if thinking and isinstance(last, _Held) and last.kind is THINKING:
                self._waiting.pop()
            self._wait(block, len(block.get("thinking") or block.get("data") or ""))

    def call(self, index: int, said: Object) -> None:
        """More of a call; `index` is the chat's."""
        call = self._calls.get(index)
        if call is None:
            call = self._calls[index] = _Call()
            self.called = True
            if self._is_free():
                self._close()
                self._open = call
            else:
                self._wait(call, 64)
        if call.closed:
            return
        length = call.take(said)
        if self._open is call:
            self._send(call)
            if call.extent.whole:
                self._advance()
        if call.held:
            self._weigh(length)

    def finish(self) -> None:
        """Closes what is open, and sends what still waits."""
        while self._waiting:
            self._next()
        self._close()

    # ------------------------------------------------------------ one open at a time

    def _is_free(self) -> bool:
        """Whether another block may begin."""
        return not self._waiting and (not isinstance(self._open, _Call) or self._open.extent.whole)

    def _begin(self, kind: Words) -> None:
        self._close()
        self._index += 1
        self._open = kind
        self._out.append(self._events.start(self._index, kind.block))
        if kind is THINKING:
            self._shown = blake2b()

    def _first(self, kind: Words, piece: str) -> str:
        """The first words of a block, without what sets them apart from those of a block that was signed."""
        return piece.removeprefix(BETWEEN) if kind is THINKING and self._signed else piece

    def _more(self, kind: Words, piece: str) -> None:
        if kind is THINKING:
            self._shown.update(piece.encode("utf-8", "surrogatepass"))
        self._out.append(self._events.delta(self._index, kind.delta, kind.field, piece))

    def _whole(self, block: Object) -> None:
        if block["type"] == "thinking":
            self._signed = True
            self._begin(THINKING)
            if block["thinking"]:
                self._more(THINKING, block["thinking"])
            self._close(block["signature"])
            return
        self._close()
        self._index += 1
        self._out += (
            self._events.start(self._index, {"type": block["type"], "data": block["data"]}),
            self._events.stop(self._index),
        )

    def _send(self, call: _Call, *, last: bool = False) -> None:
        """What has come of the open call's arguments."""
        if words := call.told(last=last):
            self._start(call)
            self._out.append(self._events.delta(self._index, "input_json_delta", "partial_json", words))

    def _start(self, call: _Call) -> None:
        if not call.begun:
            call.begun = True
            self._index += 1
            self._out.append(self._events.start(self._index, tool_use(call.id, self._named(call.name), {})))

    def _close(self, signature: str = "") -> None:
        ended, self._open = self._open, None
        if ended is None:
            return
        if isinstance(ended, _Call):
            self._send(ended, last=True)
            self._start(ended)
            ended.closed = True
        elif ended is THINKING:
            self._out.append(self._events.delta(self._index, "signature_delta", "signature", signature))
        self._out.append(self._events.stop(self._index))

    # ------------------------------------------------------------ the others wait

    def _hold(self, kind: Words, piece: str) -> None:
        last = self._waiting[-1] if self._waiting else None
        if not isinstance(last, _Held) or last.kind is not kind:
            last = _Held(kind)
            self._wait(last, 64)
        last.pieces.append(piece)
        self._weigh(len(piece))

    def _wait(self, what: _Waiting, size: int) -> None:
        self._waiting.append(what)
        self._weigh(size)

    def _weigh(self, size: int) -> None:
        self._size += size
        if self._size > WAITING_LIMIT:
            raise UpstreamBroken(f"The provider's stream has over {WAITING_LIMIT} characters between the pieces of one call.")

    def _advance(self) -> None:
        """The open call is whole: what waits may follow, up to a call that is not."""
        while self._waiting and self._is_whole():
            self._next()

    def _is_whole(self) -> bool:
        return not isinstance(self._open, _Call) or self._open.extent.whole

    def _next(self) -> None:
        waiting = self._waiting.popleft()
        if not self._waiting:
            self._size = 0
        if isinstance(waiting, _Call):
            self._close()
            self._open = waiting
            self._send(waiting)
        elif isinstance(waiting, _Held):
            if words := self._first(waiting.kind, "".join(waiting.pieces)):
                self._begin(waiting.kind)
                self._more(waiting.kind, words)
        else:
            self._whole(waiting)


def _digest(words: str) -> bytes:
    return blake2b(words.encode("utf-8", "surrogatepass")).digest()
