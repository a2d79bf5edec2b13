"""Files that stand in a request itself: data URLs, and base64 as callers write it. Several wires take them apart."""

import base64
from typing import Final, NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from gateway.core.errors import InvalidValue

_SCHEME: Final = "data:"
_NAMES: Final = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg"}
"""Media types that callers write, and what they are called."""


class Held(NamedTuple):
    """A file: its media type in lower case, empty where none is said, and its bytes in base64."""

    kind: str
    data: str


def is_data_url(url: str) -> bool:
    """Whether the file stands in the URL itself; schemes are the same in capitals."""
    return has_scheme(url, _SCHEME)


def has_scheme(url: str, *schemes: str) -> bool:
    """Whether the URL begins with one of these, in letters of either case."""
    return any(url[: len(scheme)].lower() == scheme for scheme in schemes)


def held_in(url: str, place: str) -> Held:
    """What a data URL holds. Raises `InvalidValue`, which names the place."""
    head, comma, data = url[len(_SCHEME) :].partition(",")
    if not comma or not data:
        raise InvalidValue(f"The data URL in {place!r} has no data.", param=place)
    kind, *settings = (one.strip().lower() for one in head.split(";"))
    if "base64" not in settings:
        return Held(_NAMES.get(kind, kind), base64.b64encode(unquote_to_bytes(data.encode("utf-8", "replace"))).decode())
    return Held(_NAMES.get(kind, kind), in_base64(unquote(data) if "%" in data else data))


def in_base64(data: str) -> str:
    """The same in the one form that every API takes: in one line, with `+`, `/` and the padding."""
    if any(blank in data for blank in "\n\r \t"):
        data = "".join(data.split())
    if "-" in data or "_" in data:
        data = data.replace("-", "+").replace("_", "/")
    return data + "=" * (-len(data) % 4)
