"""The two nouns between the gateway and whoever answers: an upstream that can be called, and its reply."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from gateway.core.catalog import Target
from gateway.core.chat import ModelRequest
from gateway.core.transcript import Chunk, Transcript


class Reply(Protocol):
    """An answer as chunks; a plain answer is a stream of one. Iterating raises `UpstreamFault` when it breaks off.

    `streaming` says how it goes to the caller; `transcript` folds every chunk that has been handed out. A plain answer
    stands in it from the start, for it is paid for.
    """

    streaming: bool
    transcript: Transcript

    def __aiter__(self) -> AsyncIterator[Chunk]: ...

    async def __anext__(self) -> Chunk: ...

    def close(self) -> None:
        """Lets the upstream go; idempotent; before the end it closes the connection at once."""
        ...


class Upstream(Protocol):
    """A provider, open and ready to be called."""

    async def call(self, request: ModelRequest, target: Target, headers: Mapping[bytes, bytes]) -> Reply:
        """Asks `target`; returns once the answer's first content is there. `headers` are the caller's.

        Raises `UpstreamFault`, or `ProviderNotConfigured` where there are no credentials.
        """
        ...

    def retire(self) -> None:
        """No new calls will come; lets go of what is idle."""
        ...

    async def aclose(self) -> None:
        """Closes everything, calls in flight included."""
        ...
