"""A chat's stream as Converse's frames: `messageStart`, the blocks, `messageStop`, `metadata` with the usage.

The blocks are those of Messages, one open at a time; a block that is no call has no beginning of its own here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.core.chat import ModelRequest
from gateway.dialects.converse.answer import ending, measured
from gateway.dialects.converse.blocks import wrapped
from gateway.dialects.eventstream import event
from gateway.dialects.messages.blocks import Blocks
from gateway.dialects.messages.events import Events
from gateway.dialects.messages.stream import Rendering as Messages
from gateway.dialects.shapes import Fields, Object


class Rendering(Messages):
    """One stream on its way to the caller."""

    __slots__ = ("_request", "_timed")

    def __init__(self, request: ModelRequest) -> None:
        super().__init__(request)
        self._request = request
        self._timed: Object = {}
        self._shows = True
        self._blocks = Blocks(_EVENTS)

    def end(self) -> bytes:
        """See `Renderer`."""
        out = [] if self._started else [self._start({})]
        self._blocks.finish()
        out += self._blocks.take()
        ended = ending(self._request, self._ending, called=self._blocks.called, refused=self._refused)
        out += (event("messageStop", ended), event("metadata", measured(self._usage, self._timed)))
        return b"".join(out)

    def _start(self, first: Object) -> bytes:  # noqa: ARG002  # neither an id nor a model is told
        self._started = True
        return event("messageStart", {"role": "assistant"})

    def _event(self, said: Mapping[str, Any], out: list[bytes]) -> None:
        if "latency_ms" in said:
            self._timed = said
        super()._event(said, out)


# ---------------------------------------------------------------- the events of a block


def _block_start(index: int, block: Object) -> bytes:
    match block["type"]:
        case "tool_use":
            return _begun(index, {"toolUse": {"toolUseId": block["id"], "name": block["name"]}})
        case "redacted_thinking":
            return _delta(index, {"reasoningContent": {"redactedContent": wrapped(block["data"])}})
    return b""


def _block_delta(index: int, kind: str, _: str, piece: str) -> bytes:
    match kind:
        case "text_delta":
            return _delta(index, {"text": piece})
        case "input_json_delta":
            return _delta(index, {"toolUse": {"input": piece}})
    return _delta(index, {"reasoningContent": {_REASONED[kind]: piece}}) if piece else b""


def _block_stop(index: int) -> bytes:
    return event("contentBlockStop", {"contentBlockIndex": index})


def _begun(index: int, start: Fields) -> bytes:
    return event("contentBlockStart", {"start": start, "contentBlockIndex": index})


def _delta(index: int, delta: Fields) -> bytes:
    return event("contentBlockDelta", {"delta": delta, "contentBlockIndex": index})


_REASONED: Final[Mapping[str, str]] = MappingProxyType({"thinking_delta": "text", "signature_delta": "signature"})
_EVENTS: Final = Events(_block_start, _block_delta, _block_stop)
