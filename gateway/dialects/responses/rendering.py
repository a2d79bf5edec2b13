"""A chat's stream as the events of a response: numbered without gaps, each item begun and done, and one event to end all.

    response.created, response.in_progress
      output_item.added   reasoning   summary part and text, deltas   output_item.done
      output_item.added   message     content part and text, deltas   output_item.done
      output_item.added   call        arguments, deltas               output_item.done (at the end: calls may interleave)
    response.completed | response.incomplete

How a stream that breaks off ends is decided in `gateway.web.errors`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.core.chat import ModelRequest
from gateway.core.clock import Clock, SystemClock
from gateway.core.errors import UpstreamBroken
from gateway.dialects import lenient
from gateway.dialects.responses import odd, output, resource, tools
from gateway.dialects.responses.open_items import Call, Item, Message, Reasoning
from gateway.dialects.translation import Delta

LIMIT: Final = 16 * 1024 * 1024
"""Characters of one answer: its last events repeat all of it, so all of it is kept."""
CALL_LIMIT: Final = 1024
"""Calls of one answer."""

_CLOCK: Final = SystemClock()


class ResponseStream:
    """See `Renderer`."""

    def __init__(self, request: ModelRequest, clock: Clock = _CLOCK) -> None:
        self.sequence = 0
        self._request = request
        self._clock = clock
        self._resource: dict[str, Any] = {}
        self._known = tools.names(request.fields)
        self._items: list[Item] = []
        self._now: Message | Reasoning | None = None
        self._calls: dict[int, Call] = {}
        self._finish: str | None = None
        self._usage: dict[str, Any] | None = None
        self._size = 0
        self._sent: list[bytes] = []

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """See `Renderer`. Raises `UpstreamBroken` for what is too much; then nothing of this step counts as sent."""
        try:
            for delta in deltas:
                if isinstance(delta, bytes):
                    self._begin({})
                    self._say(delta.decode("utf-8", "replace"))
                else:
                    self._begin(delta)
                    self._take(delta)
        except UpstreamBroken:
            self.sequence -= len(self._sent)
            raise
        return self._flush()

    def end(self) -> bytes:
        """See `Renderer`."""
        self._begin({})
        status = "incomplete" if resource.is_cut(self._finish) else "completed"
        self._close(status)
        for call in self._calls.values():
            call.close(self.emit, status)
        done = resource.ended(
            self._resource, [item.done for item in self._items], self._finish, self._usage, self._clock.wall_s()
        )
        self.emit(f"response.{done['status']}", {"response": done})
        return self._flush()

    def emit(self, kind: str, said: Mapping[str, Any]) -> None:
        """Sends one event."""
        data = lenient.dumps({"type": kind, "sequence_number": self.sequence, **said})
        self._sent.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), data))
        self.sequence += 1

    def _flush(self) -> bytes:
        sent, self._sent = b"".join(self._sent), []
        return sent

    def _begin(self, chat: Mapping[str, Any]) -> None:
        if self._resource:
            return
        head = resource.heading(self._request, chat, self._clock.wall_s())
        self._resource = resource.begun(self._request, head)
        self.emit("response.created", {"response": self._resource})
        self.emit("response.in_progress", {"response": self._resource})

    # ------------------------------------------------------------ what a chat's event says

    def _take(self, event: Mapping[str, Any]) -> None:
        if event.get("usage"):
            self._usage = resource.usage(event["usage"]) or self._usage
        if tier := odd.string(event.get("service_tier")):
            self._resource["service_tier"] = tier
        choice = odd.of_first_choice(event)
        if choice:
            self._choose(choice, odd.mapping(choice.get("delta")))

    def _choose(self, choice: Mapping[str, Any], delta: Mapping[str, Any]) -> None:
        self._think(odd.string(delta.get("reasoning_content")) or odd.string(delta.get("reasoning")) or "", delta)
        if text := odd.string(delta.get("content")):
            self._say(text, output.logprobs_in(choice))
        for annotation in output.annotations_in(delta):
            self._message().annotate(self.emit, annotation)
        if refusal := odd.string(delta.get("refusal")):
            self._grow(refusal)
            self._message().refuse(self.emit, refusal)
        for position, entry in enumerate(odd.objects(delta.get("tool_calls"))):
            self._call(entry, position)
        self._finish = odd.string(choice.get("finish_reason")) or self._finish

    def _say(self, text: str, logprobs: Sequence[Any] = ()) -> None:
        self._grow(text)
        self._message().say(self.emit, text, logprobs)

    def _think(self, text: str, delta: Mapping[str, Any]) -> None:
        blocks = odd.objects(delta.get("thinking_blocks"))
        if not text and not blocks:
            return
        self._grow(text)
        thought = self._reasoning()
        if text:
            thought.think(self.emit, text)
        for block in blocks:
            self._grow(str(block))
            thought.keep(block)

    def _call(self, entry: Mapping[str, Any], position: int) -> None:
        index = entry.get("index")
        index = index if isinstance(index, int) else position
        call = self._calls.get(index)
        if call is None:
            call = self._begin_call(entry, index)
        call.go_on(self.emit, words := _words(entry))
        self._grow(words)

    def _begin_call(self, entry: Mapping[str, Any], index: int) -> Call:
        if len(self._calls) >= CALL_LIMIT:
            raise UpstreamBroken(f"The provider's answer calls more than {CALL_LIMIT} tools.")
        if signatures := output.signatures_in([entry]):
            self._reasoning().sign(signatures)  # what the call needs is behind what was thought, and before the call
        self._close("completed")
        call = Call(len(self._items), entry, self._known)
        self._calls[index] = call
        self._items.append(call)
        call.begin(self.emit)
        return call

    # ------------------------------------------------------------ the item that grows

    def _message(self) -> Message:
        if isinstance(self._now, Message):
            return self._now
        self._close("completed")
        self._now = message = Message(len(self._items))
        self._items.append(message)
        message.begin(self.emit)
        return message

    def _reasoning(self) -> Reasoning:
        if isinstance(self._now, Reasoning):
            return self._now
        self._close("completed")
        self._now = thought = Reasoning(len(self._items))
        self._items.append(thought)
        thought.begin(self.emit)
        return thought

    def _close(self, status: str) -> None:
        if self._now is not None:
            self._now.close(self.emit, status)
            self._now = None

    def _grow(self, text: str) -> None:
        self._size += len(text)
        if self._size > LIMIT:
            raise UpstreamBroken(f"The provider's answer is over {LIMIT} characters.")


def _words(entry: Mapping[str, Any]) -> str:
    """What a delta adds to a call's arguments, or to the input of a custom tool."""
    function, custom = odd.mapping(entry.get("function")), odd.mapping(entry.get("custom"))
    return odd.string(function.get("arguments")) or odd.string(custom.get("input")) or ""
