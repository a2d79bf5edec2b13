"""One request on its way: given at birth, written by stages, ended once.

given      id, operation, headers, source, snapshot, born_s; passage, where it is one
facts      each written once, by the stage that its declaration names; reading too early names that stage
ending     reply, taps, outcome
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, overload

from gateway.core.catalog import Target
from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import GatewayError
from gateway.core.passage import Passage
from gateway.core.record import Record, Usage
from gateway.core.snapshot import Snapshot
from gateway.core.tenant import Principal
from gateway.core.transcript import Chunk
from gateway.core.upstream import Reply

T = TypeVar("T")
Tap = Callable[[Chunk], None]


class FactMissing(RuntimeError):
    """A fact was read before the stage that writes it has run."""


class FactRewritten(RuntimeError):
    """A fact was written a second time."""


class Fact(Generic[T]):
    """A field of the exchange that one stage writes once."""

    __slots__ = ("name", "stage")

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, exchange: None, owner: type) -> "Fact[T]": ...

    @overload
    def __get__(self, exchange: "Exchange", owner: type) -> T: ...

    def __get__(self, exchange: "Exchange | None", owner: type) -> "T | Fact[T]":
        if exchange is None:
            return self
        try:
            value: T = exchange.facts[self.name]
        except KeyError:
            raise FactMissing(f"{self.name!r} is not known yet: stage {self.stage!r} writes it") from None
        return value

    def __set__(self, exchange: "Exchange", value: T) -> None:
        facts, name = exchange.facts, self.name
        if name in facts:
            raise FactRewritten(f"{name!r} is written already; only stage {self.stage!r} writes it, once")
        facts[name] = value


class Ending(Enum):
    """How an exchange ended; the value is its name in metrics and logs."""

    COMPLETE = "complete"
    REFUSED = "refused"
    FAILED = "failed"
    TRUNCATED = "truncated"
    ABANDONED = "abandoned"
    SHUTDOWN = "shutdown"

    __hash__ = object.__hash__  # as in Operation


class Outcome(NamedTuple):
    """The ending, and the error that made it, where there was one."""

    ending: Ending
    error: GatewayError | None = None


class Source(Protocol):
    """Where the request comes from; it delivers the body when a stage asks for it."""

    async def request(self, snapshot: Snapshot) -> ModelRequest:
        """Receives and parses the body. Raises a `Refusal` for what cannot be accepted."""
        ...


class Exchange:
    """A request, what is known of it, and how it ended."""

    __slots__ = ("born_s", "facts", "headers", "id", "operation", "outcome", "passage", "reply", "snapshot", "source", "taps")

    record = Fact[Record]("trace")
    principal = Fact[Principal]("identify")
    request = Fact[ModelRequest]("read")
    usage = Fact[Usage]("meter")
    target = Fact[Target]("call")

    def __init__(
        self,
        id: str,  # noqa: A002  # the field's own word
        operation: Operation,
        headers: Mapping[bytes, bytes],
        source: Source,
        snapshot: Snapshot,
        born_s: float,
    ) -> None:
        self.id = id
        self.operation = operation
        self.headers = headers
        self.source = source
        self.snapshot = snapshot
        self.born_s = born_s
        self.passage: Passage | None = None
        self.facts: dict[str, Any] = {}
        self.reply: Reply | None = None
        self.taps: list[Tap] = []
        self.outcome: Outcome | None = None

    def lighten(self) -> None:
        """Lets go of what was asked, word for word, and of the headers: an answer that has begun needs them no more.

        A stream may last for minutes, and there are thousands of them. The facets of the request stay.
        """
        self.headers = {}
        del self.source
        if "request" in self.facts:
            self.facts["request"] = self.facts["request"].without_words()

    def knows(self, fact: str) -> bool:
        """Whether this fact has been written: for settlements, which run whatever the way in has reached."""
        return fact in self.facts

    def end(self, ending: Ending, error: GatewayError | None = None) -> None:
        """States the outcome; the first statement stands."""
        if self.outcome is None:
            self.outcome = Outcome(ending, error)
