"""The wires: how each kind of provider is spoken to, as a record of pure functions in one table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest
from gateway.core.errors import UpstreamFault
from gateway.core.transcript import Chunk
from gateway.providers.openai import answer, faults, request, stream
from gateway.providers.transport.contract import Header, Outgoing


class Normaliser(Protocol):
    """A stream on its way into the caller's dialect, without I/O.

    `begun`: there is content. `complete`: all choices asked for have their finish reasons, so that whatever may still come,
    the answer is whole. `done`: nothing will follow.
    `fault`: why not, to be raised once the chunk that came before it is handed out.
    """

    begun: bool
    complete: bool
    done: bool
    fault: UpstreamFault | None

    def feed(self, block: bytes) -> Chunk:
        """Takes a block of the body; the chunk may be empty. Raises `UpstreamFault`."""
        ...

    def end(self) -> Chunk:
        """The body is over. Raises `UpstreamFault` where the answer is not."""
        ...


@dataclass(frozen=True, slots=True)
class Wire:
    """How to speak to one kind of provider. Times are Unix time.

    `write(request, target, spec, key, headers)` gives the request; `headers` are the caller's.
    `read(request, body, wall_s)` gives a plain answer as one chunk; `stream(request, target, wall_s)` a normaliser for a
    streamed one. `fault(spec, status, headers, body, wall_s)` says what an answer means whose status is no success.
    """

    write: Callable[[ModelRequest, Target, ProviderSpec, str | None, Mapping[bytes, bytes]], Outgoing]
    read: Callable[[ModelRequest, bytes, float], Chunk]
    stream: Callable[[ModelRequest, Target, float], Normaliser]
    fault: Callable[[ProviderSpec, int, Sequence[Header], bytes, float], UpstreamFault]


OPENAI: Final = Wire(request.write, answer.read, stream.normaliser, faults.fault)

WIRES: Final[Mapping[str, Wire]] = MappingProxyType({"openai": OPENAI, "echo": OPENAI})
"""By the name in the configuration. `echo` speaks like OpenAI, over a transport of its own."""
