"""A reply whose first chunk has been looked at before anybody decided whether it is the answer."""

from collections.abc import AsyncIterator, Sequence

from gateway.core.transcript import Chunk, Transcript
from gateway.core.upstream import Reply

FILTERED = "content_filter"
"""The finish reason of an answer that the provider has withheld."""


class Peeked:
    """Wraps a reply and hands its first chunk out again."""

    __slots__ = ("_first", "_inner", "dropped", "media_type", "streaming")

    def __init__(self, inner: Reply, first: Chunk | None) -> None:
        self._inner = inner
        self._first = first
        self.streaming = inner.streaming
        self.media_type = inner.media_type
        self.dropped: Sequence[str] = inner.dropped

    @property
    def transcript(self) -> Transcript:
        """See `Reply`."""
        return self._inner.transcript

    @property
    def sequence(self) -> int:
        """See `Reply`."""
        return self._inner.sequence

    @property
    def filtered(self) -> bool:
        """The first chunk says that the answer was withheld."""
        return any(choice.finish_reason == FILTERED for choice in self._inner.transcript.choices.values())

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        first, self._first = self._first, None
        return first if first is not None else await anext(self._inner)

    def close(self) -> None:
        """See `Reply`."""
        self._inner.close()


async def peek(reply: Reply) -> Peeked:
    """Takes the first chunk. Raises as the reply does, and closes it then."""
    try:
        first = await anext(reply, None)
    except BaseException:
        reply.close()
        raise
    return Peeked(reply, first)
