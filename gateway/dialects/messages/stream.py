"""A chat's stream as a message's: `message_start`, the blocks, `message_delta` with the usage, `message_stop`."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.core.chat import ModelRequest
from gateway.dialects.arguments import calls_of
from gateway.dialects.messages.answer import ending_of, heading, signed, usage
from gateway.dialects.messages.blocks import Blocks
from gateway.dialects.messages.events import DELTA, START, STOP, TEXT, THINKING, event
from gateway.dialects.messages.offers import known_names
from gateway.dialects.messages.request import shows_thinking
from gateway.dialects.naming import own
from gateway.dialects.shapes import Object
from gateway.dialects.translation import Delta
from gateway.dialects.words import text_of


class Rendering:
    """One stream on its way to the caller. Of several choices only the first is told: a message has no more."""

    __slots__ = ("_blocks", "_ending", "_model", "_refused", "_shows", "_started", "_usage", "sequence")

    def __init__(self, request: ModelRequest) -> None:
        self._model = request.model
        self._shows = shows_thinking(request)
        self._blocks = Blocks(named=lambda name: own(name, known_names(request)))
        self._started = False
        self._refused = False
        self._ending: dict[str, Any] = {}
        self._usage: Object | None = None
        self.sequence = 0

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """See `Renderer`."""
        out: list[bytes] = []
        blocks = self._blocks
        for delta in deltas:
            if isinstance(delta, bytes):
                if not self._started:
                    out.append(self._start({}))
                if words := text_of(delta):
                    blocks.words(TEXT, words)
            else:
                self._event(delta, out)
        out += blocks.take()
        return b"".join(out)

    def end(self) -> bytes:
        """See `Renderer`."""
        out = [] if self._started else [self._start({})]
        self._blocks.finish()
        out += self._blocks.take()
        ending = ending_of(self._ending, called=self._blocks.called, refused=self._refused)
        out.append(event(DELTA, {"delta": ending._asdict(), "usage": usage(self._usage)}))
        out.append(event(STOP, {}))
        return b"".join(out)

    def _start(self, first: Object) -> bytes:
        self._started = True
        message = heading(first.get("id"), first.get("model") or self._model)
        message["usage"] = usage(first.get("usage"))
        return event(START, {"message": message})

    def _event(self, said: Mapping[str, Any], out: list[bytes]) -> None:
        if not self._started:
            out.append(self._start(said))
        if isinstance(told := said.get("usage"), Mapping) and told:
            self._usage = told
        choices = said.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, Mapping) and choice.get("index") in (0, None):
                self._choice(choice)

    def _choice(self, choice: Object) -> None:
        delta = choice.get("delta")
        if isinstance(delta, Mapping):
            self._delta(delta)
        for key in ("finish_reason", "native_finish_reason", "stop_sequence"):
            if isinstance(told := choice.get(key), str) and told:
                self._ending[key] = told

    def _delta(self, delta: Object) -> None:
        blocks = self._blocks
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if self._shows and isinstance(reasoning, str) and reasoning:
            blocks.words(THINKING, reasoning)
        for block in signed(delta.get("thinking_blocks")):
            blocks.signed(block)
        for key in ("content", "refusal"):
            if isinstance(words := delta.get(key), str) and words:
                self._refused = self._refused or key == "refusal"
                blocks.words(TEXT, words)
        for index, call in calls_of(delta):
            blocks.call(index, call)
