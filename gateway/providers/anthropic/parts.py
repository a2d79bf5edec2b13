"""The blocks of an answer while they are open: each knows what its deltas say in a chat, and what its end does."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from gateway.core.errors import UpstreamBroken
from gateway.dialects import lenient
from gateway.dialects.arguments import parsed
from gateway.dialects.shapes import Fields
from gateway.dialects.thinking import Block
from gateway.providers.anthropic.tooling import FREE

Delta = Fields
"""The `delta` of a chat's chunk."""

HELD_LIMIT: Final = 8 * 1024 * 1024
"""Characters of one answer that are held back: thinking, to be given whole, and calls that have to be whole to be said."""

_FRAME: Final = 64
"""Characters that a block counts for beside its own."""


class Room:
    """How much of an answer may still be held back."""

    __slots__ = ("_left",)

    def __init__(self, limit: int = HELD_LIMIT) -> None:
        self._left = limit

    def take(self, size: int) -> bool:
        """Takes so much of it; False where that is more than there is, and then for whatever else comes, too."""
        self._left -= size
        return self._left >= 0


class Part(Protocol):
    """An open block."""

    def take(self, delta: Fields) -> Sequence[Delta]:
        """What a delta of it says."""
        ...

    def close(self) -> Sequence[Delta]:
        """What its end says."""
        ...


class Text:
    """Text: the fragments as they come."""

    __slots__ = ()

    def take(self, delta: Fields) -> Sequence[Delta]:
        """See `Part`."""
        words = delta.get("text")
        return ({"content": words},) if isinstance(words, str) and words else ()

    def close(self) -> Sequence[Delta]:
        """See `Part`."""
        return ()


class Other:
    """A block that a chat has no place for: server tools, and their results."""

    __slots__ = ()

    def take(self, delta: Fields) -> Sequence[Delta]:  # noqa: ARG002  # whatever it says
        """See `Part`."""
        return ()

    def close(self) -> Sequence[Delta]:
        """See `Part`."""
        return ()


class Thought:
    """Thinking: shown as it comes, given whole at the end, if it is signed. `kept` is the list of those that are.

    What there is no room for is shown, but not given.
    """

    __slots__ = ("_fits", "_kept", "_room", "_separator", "_signature", "_words")

    def __init__(self, kept: list[Block], separator: str, room: Room) -> None:
        self._kept = kept
        self._separator = separator
        self._room = room
        self._words: list[str] = []
        self._signature: list[str] = []
        self._fits = room.take(_FRAME)

    def take(self, delta: Fields) -> Sequence[Delta]:
        """See `Part`."""
        words, signature = delta.get("thinking"), delta.get("signature")
        if isinstance(signature, str) and signature:
            self._keep(self._signature, signature)
        if not isinstance(words, str) or not words:
            return ()
        self._keep(self._words, words)
        shown, self._separator = self._separator + words, ""
        return ({"reasoning_content": shown},)

    def close(self) -> Sequence[Delta]:
        """See `Part`."""
        if not self._signature or not self._fits:
            return ()
        block = {"type": "thinking", "thinking": "".join(self._words), "signature": "".join(self._signature)}
        self._kept.append(block)
        return ({"thinking_blocks": [block]},)

    def _keep(self, held: list[str], words: str) -> None:
        if self._fits and self._room.take(len(words)):
            held.append(words)
        else:
            self._fits = False
            self._words.clear()
            self._signature.clear()


class Redacted:
    """Thinking that only the provider can read."""

    __slots__ = ("_data", "_kept")

    def __init__(self, kept: list[Block], data: str, room: Room) -> None:
        self._kept = kept
        self._data = data if room.take(len(data) + _FRAME) else ""

    def take(self, delta: Fields) -> Sequence[Delta]:  # noqa: ARG002  # it comes whole
        """See `Part`."""
        return ()

    def close(self) -> Sequence[Delta]:
        """See `Part`."""
        if not self._data:
            return ()
        block = {"type": "redacted_thinking", "data": self._data}
        self._kept.append(block)
        return ({"thinking_blocks": [block]},)


class Call:
    """A call of a tool: the fragments of its arguments as they come, and at least an empty object."""

    __slots__ = ("_begun", "_input", "_number")

    def __init__(self, number: int, given: Any) -> None:
        self._number = number
        self._input = given if isinstance(given, dict) else {}
        self._begun = False

    def take(self, delta: Fields) -> Sequence[Delta]:
        """See `Part`."""
        words = delta.get("partial_json")
        if not isinstance(words, str) or not words:
            return ()
        self._begun = True
        return (self._said(words),)

    def close(self) -> Sequence[Delta]:
        """See `Part`."""
        return () if self._begun else (self._said(lenient.dumps(self._input).decode()),)

    def _said(self, words: str) -> Delta:
        return {"tool_calls": [{"index": self._number, "function": {"arguments": words}}]}


class FreeCall:
    """A call of a tool that takes free text: what its one string says, once it is whole."""

    __slots__ = ("_input", "_number", "_room", "_words")

    def __init__(self, number: int, given: Any, room: Room) -> None:
        self._number = number
        self._input = given
        self._room = room
        self._words: list[str] = []

    def take(self, delta: Fields) -> Sequence[Delta]:
        """See `Part`."""
        words = delta.get("partial_json")
        if isinstance(words, str) and words:
            if not self._room.take(len(words)):
                raise UpstreamBroken(f"The tool calls in the provider's stream are over {HELD_LIMIT} characters.")
            self._words.append(words)
        return ()

    def close(self) -> Sequence[Delta]:
        """See `Part`."""
        text = free_text(parsed("".join(self._words)) if self._words else self._input)
        return ({"tool_calls": [{"index": self._number, "custom": {"input": text}}]},) if text else ()


class Answer(Call):
    """The call by which a model answers in JSON: its arguments are the text."""

    __slots__ = ()

    def __init__(self, given: Any) -> None:
        super().__init__(0, given)

    def _said(self, words: str) -> Delta:
        return {"content": words}


def free_text(given: Any) -> str:
    """What stands in the one field of a tool that takes free text; all that was given, where that is something else."""
    words = given.get(FREE) if isinstance(given, dict) else None
    if isinstance(words, str):
        return words
    return lenient.dumps(given).decode() if given else ""
