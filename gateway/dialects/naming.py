"""Names of tools, which no two APIs want alike: in a chat each has one that all of them take, and is called by its own."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

LIMIT: Final = 64
"""Characters of a name that every API takes."""

_FITS: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
_OTHER: Final = re.compile(r"[^a-zA-Z0-9_-]", re.ASCII)
_MADE: Final = re.compile(r"_[0-9a-f]{8}\Z", re.ASCII)


def fitting(name: str) -> str:
    """A name that every API takes: the tool's own, or one made of it that no other tool's gives."""
    if _FITS.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_OTHER.sub('_', name)[: LIMIT - 9]}_{digest}"


def own(name: str, known: Iterable[object]) -> str:
    """The tool's own name, of those `known` to the caller, for one that an answer has."""
    if not _MADE.search(name):
        return name
    return next((one for one in known if isinstance(one, str) and fitting(one) == name), name)
