"""The two nouns between the gateway and whoever answers: an upstream that can be called, and its reply."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from gateway.core.catalog import Target, Timeouts
from gateway.core.chat import ModelRequest
from gateway.core.transcript import Chunk, Transcript


class Owner(NamedTuple):
    """For whom a call is made: a tenant, and the secret under which ids are marked as its own."""

    tenant: str = ""
    secret: bytes = b""


class Ask(NamedTuple):
    """One try: what is asked, of whom, with which of the caller's headers, how patiently, and for whom.

    `timeouts`: None for the provider's own.
    """

    request: ModelRequest
    target: Target
    headers: Mapping[bytes, bytes]
    timeouts: Timeouts | None = None
    owner: Owner = Owner()


class Reply(Protocol):
    """An answer as chunks; a plain answer is a stream of one. Iterating raises `UpstreamFault` when it breaks off.

    `streaming` says how it goes to the caller; `transcript` folds every chunk that has been handed out. A plain answer
    stands in it from the start, for it is paid for. `media_type`: of the body, where it is not what the way of answering
    says (`application/json`, `text/event-stream`). `dropped`: what the target could not take of the request, in words.
    `sequence`: events sent so far, in a dialect that numbers them.
    """

    @property
    def streaming(self) -> bool: ...

    @property
    def transcript(self) -> Transcript: ...

    @property
    def media_type(self) -> bytes | None: ...

    @property
    def dropped(self) -> Sequence[str]: ...

    @property
    def sequence(self) -> int: ...

    def __aiter__(self) -> AsyncIterator[Chunk]: ...

    async def __anext__(self) -> Chunk: ...

    def close(self) -> None:
        """Lets the upstream go; idempotent; before the end it closes the connection at once."""
        ...


class Upstream(Protocol):
    """A provider, open and ready to be called."""

    async def call(self, ask: Ask) -> Reply:
        """Asks; returns once the answer's first content is there.

        Raises `UpstreamFault`, `ProviderNotConfigured` where there are no credentials, or another `Refusal` for what this
        target can never do.
        """
        ...

    def retire(self) -> None:
        """No new calls will come; lets go of what is idle."""
        ...

    async def aclose(self) -> None:
        """Closes everything, calls in flight included."""
        ...
