"""Embeddings: for every text a unit vector that only the text decides."""

import base64
import hashlib
import math
import struct

import orjson

from gateway.providers.echo import fields, inputs
from gateway.providers.echo.fields import Fields, wrong

DIMENSIONS = 64
MOST_DIMENSIONS = 8192


def plain(request: Fields) -> bytes:
    """The answer to an embeddings request."""
    asked = inputs.texts(request, "input")
    size = fields.whole(request, "dimensions", 1, MOST_DIMENSIONS) or DIMENSIONS
    form = request.get("encoding_format") or "float"
    if form not in ("float", "base64"):
        raise wrong("encoding_format", "float or base64")
    data = [
        {"object": "embedding", "index": index, "embedding": _written(vector(text, size), form)}
        for index, (text, _) in enumerate(asked)
    ]
    cost = sum(tokens for _, tokens in asked)
    usage = {"prompt_tokens": cost, "total_tokens": cost}
    return orjson.dumps({"object": "list", "data": data, "model": request["model"], "usage": usage})


def vector(text: str, size: int) -> bytes:
    """A vector of length 1: the text's hash, stretched to `size` numbers, as little-endian 32-bit floats."""
    stretched = hashlib.shake_256(text.encode("utf-8", "surrogatepass")).digest(2 * size)
    # The half keeps every number, and so the length, from being zero.
    raw = [number - 32767.5 for number in struct.unpack(f"<{size}H", stretched)]
    length = math.sqrt(math.fsum(number * number for number in raw))
    return struct.pack(f"<{size}f", *(number / length for number in raw))


def _written(packed: bytes, form: str) -> list[float] | str:
    if form == "base64":
        return base64.b64encode(packed).decode()
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))
