"""What a dialect has to offer so that its callers can be answered by a provider that does not speak it.

A chat in OpenAI's form stands between all dialects and all wires, with a few fields of its own where that form is poorer
than what it carries (docs/translation.md lists them).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from gateway.core.chat import ModelRequest

Delta = bytes | Mapping[str, Any]
"""As in `Chunk.deltas`: an event of a chat's stream, or text of its first choice."""


class Renderer(Protocol):
    """Turns a chat's stream into the dialect's. `sequence`: events given so far, where the dialect numbers them."""

    sequence: int

    def feed(self, deltas: Sequence[Delta]) -> bytes:
        """What these say, in the dialect; empty where that is nothing yet."""
        ...

    def end(self) -> bytes:
        """The end of an answer that is whole. (One that breaks off is ended by `gateway.web.errors`.)"""
        ...


class Translated(NamedTuple):
    """A request as a chat, and what of it could not be said there, in words."""

    request: ModelRequest
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Translation:
    """The record of a dialect's functions.

    `into_chat(request)` raises a `Refusal` for what no chat can say. `answer(request, completion)` gives the body of a plain
    answer from a finished chat completion; `stream(request)` a renderer for one that comes bit by bit. `request` is the
    caller's own. `media_type`: of a stream, where it is not `text/event-stream`.
    """

    into_chat: Callable[[ModelRequest], Translated]
    answer: Callable[[ModelRequest, Mapping[str, Any]], bytes]
    stream: Callable[[ModelRequest], Renderer]
    media_type: Callable[[ModelRequest], bytes | None] = lambda _request: None
