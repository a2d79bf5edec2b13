"""What is asked: one request to a model, with the caller's bytes untouched beside the few facets that the gateway reads."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple


class Dialect(Enum):
    """The families of APIs that callers speak; decides how errors look."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    BEDROCK = "bedrock"

    __hash__ = object.__hash__  # members are themselves only; Enum's own hash is a call in Python


class Operation(Enum):
    """The things that can be asked of a model; the value is the path below the API's version."""

    CHAT = "/chat/completions"
    COMPLETIONS = "/completions"
    EMBEDDINGS = "/embeddings"
    RESPONSES = "/responses"
    MESSAGES = "/messages"
    COUNT_TOKENS = "/messages/count_tokens"
    GENERATE = "/models/{model}:generateContent"
    COUNT_CONTENT = "/models/{model}:countTokens"
    CONVERSE = "/model/{model}/converse"
    PASSAGE = "/{passage}"

    __hash__ = object.__hash__  # members are themselves only; Enum's own hash is a call in Python

    @property
    def label(self) -> str:
        """Its name in metrics and logs."""
        return self.name.lower()

    @property
    def dialect(self) -> Dialect:
        """Whose API it belongs to."""
        return _DIALECTS.get(self, Dialect.OPENAI)

    @property
    def streams(self) -> bool:
        """Whether its answer can be a stream."""
        return self not in _PLAIN


_DIALECTS: Mapping[Operation, Dialect] = MappingProxyType(
    {
        Operation.MESSAGES: Dialect.ANTHROPIC,
        Operation.COUNT_TOKENS: Dialect.ANTHROPIC,
        Operation.GENERATE: Dialect.GEMINI,
        Operation.COUNT_CONTENT: Dialect.GEMINI,
        Operation.CONVERSE: Dialect.BEDROCK,
    }
)
_PLAIN = frozenset({Operation.EMBEDDINGS, Operation.COUNT_TOKENS, Operation.COUNT_CONTENT})


class ModelRequest(NamedTuple):
    """A parsed request. `body` is what the caller sent, to the byte; `fields` is the same, parsed.

    `canonical`: `body` is known to be exactly what serialising `fields` gives (never said of a large one), so that
    changing one field and serialising again leaves every other byte as it was. `wants_usage`: the caller asked for the
    usage chunk of a stream. `query`: the query of the caller's URL, without its mark and without any key.
    `foreign`: it was translated from another dialect, so that fields of docs/translation.md may stand in it. `refers`: it may
    refer to what a provider keeps, see `gateway.dialects.referring`.
    """

    operation: Operation
    body: bytes
    fields: Mapping[str, Any]
    canonical: bool
    model: str
    stream: bool
    wants_usage: bool
    query: str = ""
    foreign: bool = False
    refers: bool = True

    def without_words(self) -> "ModelRequest":
        """The facets alone."""
        return ModelRequest(self.operation, b"", _NO_FIELDS, False, self.model, self.stream, self.wants_usage, self.query)


_NO_FIELDS: Mapping[str, Any] = MappingProxyType({})
