"""Reads the fields of a request, checked: what a real provider would refuse is refused here in the same form."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.providers.echo.fault import Fault

Fields = Mapping[str, Any]


def parse(body: bytes) -> Fields:
    """The request as an object that names a model."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Fault("The body is not valid JSON.") from None
    if not isinstance(fields, dict):
        raise Fault("The body must be a JSON object.")
    if not isinstance(fields.get("model"), str):
        raise wrong("model", "a string: the name of a model")
    return fields


def wrong(param: str, expected: str) -> Fault:
    """The refusal of one field."""
    return Fault(f"Invalid {param!r}: expected {expected}.", param=param, code="invalid_value")


def whole(fields: Fields, name: str, low: int, high: int) -> int | None:
    """A whole number between two bounds; None where there is none."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise wrong(name, f"a whole number from {low} to {high}")
    return value


def stops(fields: Fields) -> Sequence[str]:
    """The stop sequences: none, one or several."""
    value = fields.get("stop")
    if value is None:
        return ()
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list) or not all(isinstance(one, str) for one in several):
        raise wrong("stop", "a string or an array of strings")
    return [one for one in several if one]


def wants_usage(fields: Fields) -> bool:
    """Whether a stream shall end with its usage."""
    options = fields.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def tables(fields: Fields, name: str) -> Sequence[Fields]:
    """An array of objects; empty where there is none."""
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise wrong(name, "an array of objects")
    return value


def table(fields: Fields, name: str) -> Fields:
    """An object; empty where there is none."""
    value = fields.get(name)
    return value if isinstance(value, dict) else {}
