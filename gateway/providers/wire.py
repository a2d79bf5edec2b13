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
from gateway.providers.anthropic import answer as anthropic_answer
from gateway.providers.anthropic import faults as anthropic_faults
from gateway.providers.anthropic import request as anthropic_request
from gateway.providers.anthropic import stream as anthropic_stream
from gateway.providers.azure import faults as azure_faults
from gateway.providers.azure import request as azure_request
from gateway.providers.bedrock import faults as bedrock_faults
from gateway.providers.bedrock import operations as bedrock
from gateway.providers.bedrock.signing import signer as bedrock_signer
from gateway.providers.google import answer as google_answer
from gateway.providers.google import faults as google_faults
from gateway.providers.google import request as google_request
from gateway.providers.google import stream as google_stream
from gateway.providers.openai import by_operation, faults
from gateway.providers.transport.contract import Header, Outgoing
from gateway.providers.vertex import operations as vertex
from gateway.providers.vertex.signing import signer as vertex_signer


class Normaliser(Protocol):
    """A stream on its way into the caller's dialect, without I/O.

    `begun`: there is content. `complete`: all choices asked for have their finish reasons, so that whatever may still come,
    the answer is whole. `done`: nothing will follow. `fault`: why not, to be raised once the chunk that came before it is
    handed out. `sequence`: events so far, in a dialect that numbers them. `media_type`: as in `Reply`.
    """

    begun: bool
    complete: bool
    done: bool
    fault: UpstreamFault | None
    sequence: int
    media_type: bytes | None

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


Speaks = Callable[[ProviderSpec, str], frozenset[Operation]]


@dataclass(frozen=True, slots=True)
class Wire:
    """How to speak to one kind of provider. Times are Unix time.

    `speaks(spec, model)`: the operations that go to this model as they are; any other is translated into a chat, which
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
    signer: Callable[[ProviderSpec], Signer | None] | None = None


OPENAI: Final = Wire(by_operation.write, by_operation.read, by_operation.normaliser, faults.fault, by_operation.speaks)
AZURE: Final = Wire(azure_request.write, by_operation.read, by_operation.normaliser, azure_faults.fault, azure_request.speaks)
ANTHROPIC: Final = Wire(
    anthropic_request.write,
    anthropic_answer.read,
    anthropic_stream.normaliser,
    anthropic_faults.fault,
    anthropic_request.speaks,
)
GOOGLE: Final = Wire(
    google_request.write,
    google_answer.read,
    google_stream.normaliser,
    google_faults.fault,
    google_request.speaks,
)
VERTEX: Final = Wire(vertex.write, vertex.read, vertex.normaliser, vertex.fault, vertex.speaks, vertex_signer)
BEDROCK: Final = Wire(bedrock.write, bedrock.read, bedrock.normaliser, bedrock_faults.fault, bedrock.speaks, bedrock_signer)

WIRES: Final[Mapping[str, Wire]] = MappingProxyType(
    {
        "openai": OPENAI,
        "azure": AZURE,
        "anthropic": ANTHROPIC,
        "echo": OPENAI,
        "google": GOOGLE,
        "vertex": VERTEX,
        "bedrock": BEDROCK,
    }
)
"""By the name in the configuration. `echo` speaks like OpenAI, over a transport of its own."""
