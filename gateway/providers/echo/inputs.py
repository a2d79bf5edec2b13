"""Reads the prompts of legacy completions and the inputs of embeddings: texts or token ids, one or several."""

from collections.abc import Sequence
from typing import Any

from gateway.providers.echo import tokens
from gateway.providers.echo.fault import Fault
from gateway.providers.echo.fields import Fields, wrong

MOST = 2048
"""Inputs in one request, as with OpenAI."""

Input = tuple[str, int]
"""A text and its tokens."""


def texts(request: Fields, name: str) -> Sequence[Input]:
    """The inputs of this field; token ids become the text of their numbers."""
    value = request.get(name)
    one = _one(value)
    if one is not None:
        return [one]
    if not isinstance(value, list) or not value:
        raise wrong(name, "a string, an array of strings, an array of token ids, or an array of those")
    if len(value) > MOST:
        raise Fault(f"Invalid {name!r}: at most {MOST} inputs, not {len(value)}.", param=name, code="invalid_value")
    found = [_one(part) for part in value]
    if not all(found):
        raise wrong(name, "strings or arrays of token ids, none of them empty")
    return [part for part in found if part is not None]


def _one(value: Any) -> Input | None:
    if isinstance(value, str):
        return value, tokens.count(value)
    if isinstance(value, list) and value and all(type(part) is int for part in value):
        return " ".join(map(str, value)), len(value)
    return None
