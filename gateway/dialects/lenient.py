"""JSON as providers write it: strict and fast first, then with the halves of surrogate pairs that some cut across events."""

import json
from typing import Any, NoReturn

import orjson

from gateway.core.errors import UpstreamBroken


def loads(text: bytes) -> Any:
    """Parses. Raises ValueError for what is no JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if b"\\u" not in text:
            raise
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def is_json(text: bytes) -> bool:
    """Whether it can be parsed."""
    try:
        loads(text)
    except ValueError:
        return False
    return True


def dumps(value: Any) -> bytes:
    """Writes, with half surrogates as escapes where there are some. Raises `UpstreamBroken` for what nests too deeply."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        pass  # half surrogates, integers over 64 bits, or depth
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except RecursionError as error:
        raise UpstreamBroken("The provider's answer is nested too deeply.") from error
    except ValueError as error:
        raise UpstreamBroken("A number in the provider's answer is too great for JSON.") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
