"""The tool calls of an answer, and their arguments: a string of JSON in a chat, an object everywhere else."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.dialects import lenient

UNPARSED: Final = "unparsed_arguments"
"""Under which name arguments that are no object reach a caller whose dialect has only objects: the tool will refuse them,
and the model learns why. As an empty object they would be a call that nobody made."""

_MARKS: Final = re.compile(r'["\\{}\[\]]')
_QUOTES: Final = re.compile(r'["\\]')


def parsed(words: object) -> Mapping[str, Any]:
    """The arguments as an object; an empty one for none at all."""
    if isinstance(words, dict):
        return words
    if not isinstance(words, str) or not words.strip():
        return {}
    try:
        value = lenient.loads(words.encode("utf-8", "surrogatepass"))
    except ValueError:
        return {UNPARSED: words}
    if value is None:
        return {}
    return value if isinstance(value, dict) else {UNPARSED: words}


def calls_of(said: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The calls of functions in a message or a delta, each with its index; what is none is passed over.

    These dialects have no tools of another kind, so that none is called.
    """
    calls = said.get("tool_calls")
    for at, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, Mapping) and isinstance(call.get("function"), Mapping):
            index = call.get("index")
            yield (index if isinstance(index, int) else at), call


class Extent:
    """Tells whether an object that comes bit by bit is whole, by its brackets; a string may be cut anywhere."""

    __slots__ = ("_begun", "_depth", "_escaped", "_quoted")

    def __init__(self) -> None:
        self._begun = self._escaped = self._quoted = False
        self._depth = 0

    @property
    def whole(self) -> bool:
        """Its last bracket is closed; what follows is not of it."""
        return self._begun and self._depth <= 0

    def feed(self, piece: str) -> None:
        """Takes more of it in."""
        at = 0
        if self._escaped and piece:
            self._escaped, at = False, 1
        while (mark := (_QUOTES if self._quoted else _MARKS).search(piece, at)) is not None and not self.whole:
            at = self._take(mark[0], mark.end(), len(piece))

    def _take(self, mark: str, at: int, end: int) -> int:
        """Where to look further."""
        if mark == "\\":
            self._escaped = at == end
            return at + 1
        if mark == '"':
            self._quoted = not self._quoted
        else:
            self._depth += 1 if mark in "{[" else -1
            self._begun = True
        return at
