"""What an answer holds, as nothing where it is of another kind; and what an answer repeats of its request, in the same way."""

from collections.abc import Mapping, Sequence
from typing import Any


def string(value: object) -> str | None:
    """A string; None for anything else."""
    return value if isinstance(value, str) else None


def mapping(value: object) -> Mapping[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    """An array; an empty one for anything else."""
    return value if isinstance(value, list | tuple) else ()


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects in an array."""
    return [one for one in sequence(value) if isinstance(one, Mapping)]


def of_first_choice(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one choice that a response has; a chat's answer may hold others."""
    return next((one for one in objects(event.get("choices")) if one.get("index", 0) == 0), {})
