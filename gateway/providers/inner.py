"""Refuses what a cloud would fetch from its own storage with the gateway's identity: a caller could read what it must not."""

from typing import Any, Final

from gateway.core.chat import ModelRequest
from gateway.core.errors import InvalidValue

_PLACES: Final = frozenset({"s3Location", "fileUri", "file_uri", "url", "image_url", "file_url", "file_data"})
"""Keys below which such an address stands in any of the dialects."""
_SIGNS: Final = (b"3://", b"s://", b"S://", b"\\/", b"\\u")
"""One of these stands in a body that has such an address, however its letters are written."""


def refuse_inner(request: ModelRequest) -> None:
    """Raises `InvalidValue` where the request, in the form in which it goes on, points into a cloud's storage."""
    body = request.body
    if not any(sign in body for sign in _SIGNS):
        return
    inside: list[Any] = [request.fields]
    for value in inside:  # which grows meanwhile
        if isinstance(value, list):
            inside += value
        elif isinstance(value, dict):
            for key, one in value.items():
                if key in _PLACES and (address := _address(one)) is not None:
                    raise InvalidValue(
                        f"{address[:100]!r} would be read with the gateway's own identity; send its content instead.", param=key
                    )
            inside += value.values()


def _address(value: Any) -> str | None:
    said = value.get("uri") or value.get("url") if isinstance(value, dict) else value
    return said if isinstance(said, str) and said.lower().startswith(("s3://", "gs://")) else None
