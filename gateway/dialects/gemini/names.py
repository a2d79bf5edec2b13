"""Fields by either of their names: Google's JSON takes `systemInstruction` and `system_instruction` for the same."""

import re
from functools import lru_cache
from typing import Any, Final

from gateway.dialects.shapes import Dropped, Object

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LOW: Final = re.compile(r"_+([a-z0-9])")


@lru_cache(maxsize=256)
def snake(name: str) -> str:
    """`systemInstruction` as `system_instruction`."""
    return _HUMP.sub("_", name).lower()


def camel(name: str) -> str:
    """`system_instruction` as `systemInstruction`."""
    return _LOW.sub(lambda found: found[1].upper(), name)


def field(value: Object, name: str) -> Any:
    """The field of this name, which is given in its first form; None where it is not there."""
    found = value.get(name)
    return found if found is not None else value.get(snake(name))


def drop_others(dropped: Dropped, value: Object, known: frozenset[str], prefix: str = "") -> None:
    """Names every field beside those known, each by its first name."""
    for name, said in value.items():
        if said is not None and (called := camel(name)) not in known:
            dropped.add(f"{prefix}{called}")
