"""The caller's JSON, read with the place in hand, so that an error names what is wrong: `messages[3].content[0].source`.

Beside it what every dialect does at the end: it gathers what was left out, and makes a chat of its fields.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from gateway.core.chat import ModelRequest, Operation
from gateway.core.errors import InvalidValue
from gateway.dialects.translation import Translated

DEPTH: Final = 100
"""Levels to which schemas and values of the caller's are followed; those of real tools end at about ten."""

_NAMED: Final = 32
"""Things left out that are named; who leaves out more is told of the first."""
_SHOWN: Final = 64

Fields = dict[str, Any]
Object = Mapping[str, Any]


def wrong(place: str, expected: str) -> InvalidValue:
    """The error for a field that is not what it has to be."""
    return InvalidValue(f"The field {place!r} must be {expected}.", param=place)


def text(value: object, place: str) -> str:
    """A string. Raises `InvalidValue`, as all of these do."""
    if not isinstance(value, str):
        raise wrong(place, "a string")
    return value


def said(value: object, place: str) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value:
        raise wrong(place, "a string that is not empty")
    return value


def mapping(value: object, place: str) -> Object:
    """An object."""
    if not isinstance(value, dict):
        raise wrong(place, "an object")
    return value


def optional(value: object, place: str) -> Object:
    """An object; an empty one where there is none."""
    return {} if value is None else mapping(value, place)


def items(value: object, place: str) -> Sequence[Any]:
    """An array; an empty one where there is none."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise wrong(place, "an array")
    return value


def objects(value: object, place: str) -> Iterable[tuple[Object, str]]:
    """The objects of an array, each with its own place."""
    for at, item in enumerate(items(value, place)):
        yield mapping(item, f"{place}[{at}]"), f"{place}[{at}]"


def written(value: object, place: str) -> str:
    """JSON, as a string. Raises `InvalidValue` for what nests too deeply."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise wrong(place, "nested less deeply") from error


class Dropped:
    """What of a request no chat can say, each thing once, in words."""

    __slots__ = ("_words",)

    def __init__(self) -> None:
        self._words: dict[str, None] = {}

    def add(self, name: str, kind: object = None) -> None:
        """Names a field, and of which kind it was where that tells more. Either may be the caller's own word."""
        if len(self._words) < _NAMED:
            shown = name[:_SHOWN]
            self._words[f"{shown} ({kind[:_SHOWN]})" if isinstance(kind, str) and kind else shown] = None

    def others(self, value: Object, known: Iterable[str], prefix: str = "") -> None:
        """Names every field that is not known and says something."""
        for name in value.keys() - frozenset(known):
            if value[name] is not None:
                self.add(f"{prefix}{name}")

    def words(self) -> tuple[str, ...]:
        """All of it, in order."""
        return tuple(sorted(self._words))


def as_chat(request: ModelRequest, fields: Fields, dropped: Dropped) -> Translated:
    """The request for these fields of a chat; a stream is asked for with its usage, since every dialect tells it."""
    chat = {"model": request.model, **fields}
    if request.stream:
        chat |= {"stream": True, "stream_options": {"include_usage": True}}
    asked = ModelRequest(
        operation=Operation.CHAT,
        body=written(chat, "messages").encode(),
        fields=chat,
        canonical=True,
        model=request.model,
        stream=request.stream,
        wants_usage=request.stream,
        foreign=True,
    )
    return Translated(asked, dropped.words())
