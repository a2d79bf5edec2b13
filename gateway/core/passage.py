"""What passes through the gateway without being read as a chat: which paths there are, what comes in, goes on and comes back.

client ── Passage ──> Forward ── Parcel ──> Courier (a provider) ── Delivery ──> client
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, runtime_checkable

from gateway.core.catalog import ProviderSpec
from gateway.core.upstream import Owner, Reply

CARRIERS: Final = frozenset({"openai", "azure", "echo"})
"""The wires of providers that passages can go to; `echo` is one of them so that it can say what it does not have."""


@dataclass(frozen=True, slots=True)
class Way:
    """A method of a path below the API's version. `group` is its name in metrics.

    `named`: the body may name a model, which decides where it goes. `unread`: the body is a file, and passes as it comes.
    """

    method: str
    path: str
    named: bool = False
    unread: bool = False

    @property
    def group(self) -> str:
        """The first part of the path."""
        return self.path.split("/", 2)[1]

    @property
    def lists(self) -> bool:
        """It answers with everything that the account holds, whoever it belongs to."""
        return self.method == "GET" and "{" not in self.path

    @property
    def blind(self) -> bool:
        """It runs what stands in a file, and so models that nobody sees here."""
        return self.method == "POST" and self.path == "/batches"

    @property
    def raw(self) -> bool:
        """Its answer is a file, and passes as it comes."""
        return self.path.endswith("/content") and self.group != "vector_stores"


_NAMED: Final = (
    "/moderations",
    "/images/generations",
    "/images/edits",
    "/images/variations",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
    "/responses/compact",
    "/responses/input_tokens",
    "/videos",
)
_UNREAD: Final = ("/files", "/uploads/{id}/parts")
_OWNED: Final = """
    GET              /files
    GET DELETE       /files/{id}
    GET              /files/{id}/content
    POST             /uploads
    POST             /uploads/{id}/cancel
    POST             /uploads/{id}/complete
    GET POST         /batches
    GET              /batches/{id}
    POST             /batches/{id}/cancel
    GET POST         /vector_stores
    GET POST DELETE  /vector_stores/{id}
    POST             /vector_stores/{id}/search
    GET POST         /vector_stores/{id}/files
    GET POST DELETE  /vector_stores/{id}/files/{inner}
    GET              /vector_stores/{id}/files/{inner}/content
    POST             /vector_stores/{id}/file_batches
    GET              /vector_stores/{id}/file_batches/{inner}
    POST             /vector_stores/{id}/file_batches/{inner}/cancel
    GET              /vector_stores/{id}/file_batches/{inner}/files
    POST             /conversations
    GET POST DELETE  /conversations/{id}
    GET POST         /conversations/{id}/items
    GET DELETE       /conversations/{id}/items/{inner}
    GET DELETE       /responses/{id}
    POST             /responses/{id}/cancel
    GET              /responses/{id}/input_items
    GET POST         /fine_tuning/jobs
    GET              /fine_tuning/jobs/{id}
    POST             /fine_tuning/jobs/{id}/cancel
    POST             /fine_tuning/jobs/{id}/pause
    POST             /fine_tuning/jobs/{id}/resume
    GET              /fine_tuning/jobs/{id}/events
    GET              /fine_tuning/jobs/{id}/checkpoints
    GET POST         /evals
    GET POST DELETE  /evals/{id}
    GET POST         /evals/{id}/runs
    GET POST DELETE  /evals/{id}/runs/{inner}
    GET              /evals/{id}/runs/{inner}/output_items
    GET              /evals/{id}/runs/{inner}/output_items/{innermost}
    GET POST         /containers
    GET DELETE       /containers/{id}
    GET POST         /containers/{id}/files
    GET DELETE       /containers/{id}/files/{inner}
    GET              /containers/{id}/files/{inner}/content
    GET POST         /assistants
    GET POST DELETE  /assistants/{id}
    POST             /threads
    POST             /threads/runs
    GET POST DELETE  /threads/{id}
    GET POST         /threads/{id}/messages
    GET POST DELETE  /threads/{id}/messages/{inner}
    GET POST         /threads/{id}/runs
    GET POST         /threads/{id}/runs/{inner}
    POST             /threads/{id}/runs/{inner}/cancel
    POST             /threads/{id}/runs/{inner}/submit_tool_outputs
    GET              /threads/{id}/runs/{inner}/steps
    GET              /threads/{id}/runs/{inner}/steps/{innermost}
    GET              /videos
    GET DELETE       /videos/{id}
    GET              /videos/{id}/content
    POST             /videos/{id}/remix
"""
"""Objects that belong to whoever made them; `{id}` is the one that tells whose all below it is."""


def _owned() -> list[Way]:
    rows = (line.split() for line in _OWNED.split("\n") if line.strip())
    return [Way(method, path) for *methods, path in rows for method in methods]


WAYS: Final[Sequence[Way]] = (
    *(Way("POST", path, named=True) for path in _NAMED),
    *(Way("POST", path, unread=True) for path in _UNREAD),
    *_owned(),
)
"""Everything that passes. A path that could also be that of an object stands before it."""


class Passage(Protocol):
    """One call that passes, beside what its request says: the way, the ids in its path, and a body that is not read."""

    @property
    def way(self) -> Way: ...

    @property
    def ids(self) -> Mapping[str, str]:
        """The parts in braces of the way's path, as the caller has them, unescaped."""
        ...

    @property
    def length(self) -> int | None:
        """Bytes of the body; None where it comes in chunks."""
        ...

    def blocks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises `UpstreamBroken` where the caller leaves in the middle of it."""
        ...


class Parcel(NamedTuple):
    """A passage as its provider gets it.

    `path` stands below the API's version, with its query. `blocks` (of `length` bytes, if known) comes instead of `body`.
    `model`: the name at the provider, where one was named. `owner`: in whose name ids are marked in the answer. `shown`: by
    the provider's ids, how the caller knows them.
    """

    way: Way
    path: str
    headers: Mapping[bytes, bytes]
    owner: Owner
    shown: Mapping[str, str]
    body: bytes = b""
    model: str = ""
    blocks: AsyncIterator[bytes] | None = None
    length: int | None = None


@runtime_checkable
class Delivery(Reply, Protocol):
    """The answer to a parcel: a reply with a status and headers of its own."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]: ...


@runtime_checkable
class Courier(Protocol):
    """An upstream that passages can go to."""

    async def deliver(self, parcel: Parcel) -> Delivery:
        """Sends; returns once the head of the answer is there. Raises as `Upstream.call` does."""
        ...


def carries(spec: ProviderSpec) -> bool:
    """Whether passages can go to this provider."""
    return spec.wire in CARRIERS
