"""What is asked: one request to a model, with the caller's bytes untouched beside the few facets that the gateway reads."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple


class Operation(Enum):
    """The things that can be asked of a model; the value is the path below `/v1`."""

    CHAT = "/chat/completions"
    COMPLETIONS = "/completions"
    EMBEDDINGS = "/embeddings"

    __hash__ = object.__hash__  # members are themselves only; Enum's own hash is a call in Python

    @property
    def label(self) -> str:
        """Its name in metrics and logs."""
        return self.name.lower()


class ModelRequest(NamedTuple):
    """A parsed request. `body` is what the caller sent, to the byte; `fields` is the same, parsed.

    `canonical`: `body` is known to be exactly what serialising `fields` gives (never said of a large one), so that
    changing one field and serialising again leaves every other byte as it was. `wants_usage`: the caller asked for the
    usage chunk of a stream.
    """

    operation: Operation
    body: bytes
    fields: Mapping[str, Any]
    canonical: bool
    model: str
    stream: bool
    wants_usage: bool

    def without_words(self) -> "ModelRequest":
        """The facets alone."""
        return ModelRequest(self.operation, b"", _NO_FIELDS, False, self.model, self.stream, self.wants_usage)


_NO_FIELDS: Mapping[str, Any] = MappingProxyType({})
