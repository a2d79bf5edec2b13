"""The wires: how each kind of provider is spoken to, as a record of pure functions in one table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

from gateway.core.catalog import ProviderSpec, Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import UpstreamFault
from gateway.core.transcript import Chunk
from gateway.core.upstream import Ask
from gateway.providers.openai import answer, faults, request, stream
from gateway.providers.transport.contract import Header, Outgoing


class Normaliser(Protocol):
    """A stream on its way into the caller's dialect, without I/O.

    `begun`: there is content. `complete`: all choices asked for have their finish reasons, so that whatever may still come,
    the answer is whole. `done`: nothing will follow. `fault`: why not, to be raised once the chunk that came before it is
    handed out. `sequence`: events so far, in a dialect that numbers them.
    """

    begun: bool
    complete: bool
    done: bool
    fault: UpstreamFault | None
    sequence: int

    def feed(self, block: bytes) -> Chunk:
        """Takes a block of the body; the chunk may be empty. Raises `UpstreamFault`."""
        ...

    def end(self) -> Chunk:
        """The body is over. Raises `UpstreamFault` where the answer is not."""
        ...


class Signer(Protocol):
    """What a provider's credentials need beyond a key in a header: a token that is fetched, or a signature."""

    async def sign(self, outgoing: Outgoing) -> Outgoing:
        """The same request with its credentials. Raises `UpstreamFault`, or `ProviderNotConfigured` where there are none."""
        ...


Speaks = Callable[[ProviderSpec, Target], frozenset[Operation]]


@dataclass(frozen=True, slots=True)
class Wire:
    """How to speak to one kind of provider. Times are Unix time.

    `speaks(spec, target)`: the operations that go to this target as they are; any other is translated into a chat, which
    every wire speaks, if `gateway.dialects` can. For these operations alone are the following called.

    `write(request, target, spec, key, headers)` gives the request; `headers` are the caller's.
    `read(ask, body, wall_s)` gives a plain answer as one chunk; `stream(ask, wall_s)` a normaliser for a streamed one; both
    answer in the dialect of the operation, with deltas in OpenAI's form.
    `fault(spec, status, headers, body, wall_s)` says what an answer means whose status is no success.
    """

    write: Callable[[ModelRequest, Target, ProviderSpec, str | None, Mapping[bytes, bytes]], Outgoing]
    read: Callable[[Ask, bytes, float], Chunk]
    stream: Callable[[Ask, float], Normaliser]
    fault: Callable[[ProviderSpec, int, Sequence[Header], bytes, float], UpstreamFault]
    speaks: Speaks
    signer: Callable[[ProviderSpec], Signer] | None = None


_OPENAIS: Final = frozenset({Operation.CHAT, Operation.COMPLETIONS, Operation.EMBEDDINGS})


def _openais(_spec: ProviderSpec, _target: Target) -> frozenset[Operation]:
    return _OPENAIS


OPENAI: Final = Wire(request.write, answer.read, stream.normaliser, faults.fault, _openais)

WIRES: Final[Mapping[str, Wire]] = MappingProxyType({"openai": OPENAI, "echo": OPENAI})
"""By the name in the configuration. `echo` speaks like OpenAI, over a transport of its own."""
