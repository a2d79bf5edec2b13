"""An answer in the caller's dialect, from a provider that was asked for a chat."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from gateway.core.chat import ModelRequest
from gateway.core.transcript import Chunk, Transcript
from gateway.core.upstream import Reply
from gateway.dialects.translation import Renderer, Translation
from gateway.providers.aside import aside


class TranslatedReply:
    """Wraps the reply to the chat; its transcript is that reply's own. `elapsed_s`: how long the call has taken so far."""

    __slots__ = (
        *("_elapsed_s", "_ended", "_inner", "_renderer", "_request", "_translation"),
        *("dropped", "media_type", "streaming"),
    )

    def __init__(
        self,
        inner: Reply,
        translation: Translation,
        request: ModelRequest,
        dropped: Sequence[str],
        elapsed_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._elapsed_s = elapsed_s
        self._inner = inner
        self._ended = False
        self._translation = translation
        self._request = request
        self._renderer: Renderer | None = translation.stream(request) if inner.streaming else None
        self.streaming = inner.streaming
        self.media_type = translation.media_type(request) if inner.streaming else None
        self.dropped = (*dropped, *inner.dropped)

    @property
    def transcript(self) -> Transcript:
        """See `Reply`."""
        return self._inner.transcript

    @property
    def sequence(self) -> int:
        """See `Reply`."""
        return self._renderer.sequence if self._renderer is not None else 0

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        renderer = self._renderer
        if renderer is None:
            return await self._whole(await anext(self._inner))
        while True:
            try:
                chunk = await anext(self._inner)
            except StopAsyncIteration:
                return self._last(renderer)
            if data := renderer.feed(chunk.deltas):
                return Chunk(data, chunk.deltas)

    async def _whole(self, chunk: Chunk) -> Chunk:
        said: Any = chunk.deltas[0] if chunk.deltas else {}
        completion = {**said, **self._timed()}
        return Chunk(await aside(len(chunk.data), self._translation.answer, self._request, completion), chunk.deltas)

    def _last(self, renderer: Renderer) -> Chunk:
        """The end, once."""
        if self._ended:
            raise StopAsyncIteration
        self._ended = True
        # A chunk that says its usage alone was nothing for the caller, and has not come by here.
        usage = self.transcript.usage
        last = self._timed() | ({"usage": usage} if usage else {})
        return Chunk(renderer.feed((last,)) + renderer.end())

    def _timed(self) -> dict[str, Any]:
        """Some dialects tell how long it took."""
        return {"latency_ms": round(self._elapsed_s() * 1000)}

    def close(self) -> None:
        """See `Reply`."""
        self._inner.close()
