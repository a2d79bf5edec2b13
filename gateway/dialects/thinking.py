"""Signatures of thinking, sealed into the id of a tool call: the one thing that every client brings back.

    toolu_01A__fgs1_eJyrVspIzcnJV7JSUEorys9VqAUAO2sGBQ
    the id    mark  base64url of the deflated JSON

Only letters, digits, `_` and `-`, so that it is an id everywhere (Anthropic and Bedrock take no other characters).
"""

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

MARK: Final = "__fgs1_"

SEAL_LIMIT: Final = 64 * 1024
"""Characters of one sealed id; thinking that needs more is not sealed, and the next turn goes without it."""
OPENED_LIMIT: Final = 1024 * 1024
"""Bytes of what one seal may hold: ids come from the caller."""
GROWTH_LIMIT: Final = 16
"""How many times its length a seal may hold, beyond a start: a thousand times is what a request full of bombs would need."""
_START: Final = 4096

Block = Mapping[str, Any]


class Opened(NamedTuple):
    """A tool call's own id, and what was sealed into it: Anthropic's blocks of the turn, Gemini's signature of the part."""

    id: str
    blocks: tuple[Block, ...] = ()
    signature: str | None = None


def seal(call_id: str, blocks: Sequence[Block] = (), signature: str | None = None) -> str:
    """The id with both in it; the id alone where there is nothing to seal, too much, or what cannot be written."""
    held: dict[str, Any] = {}
    if blocks:
        held["b"] = list(blocks)
    if signature:
        held["s"] = signature
    if not held:
        return call_id
    try:
        plain = orjson.dumps(held)
    except orjson.JSONEncodeError:  # half of a surrogate pair
        return call_id
    deflated = zlib.compress(plain, 6)
    sealed = f"{call_id}{MARK}{base64.urlsafe_b64encode(deflated).rstrip(b'=').decode()}"
    return sealed if len(sealed) <= SEAL_LIMIT and len(plain) <= _most(deflated) else call_id


def own_id(call_id: str) -> str:
    """The id without what is sealed into it, which is not looked at; the whole, where there is no other."""
    return call_id.partition(MARK)[0] or call_id


def opened(call_id: str) -> Opened:
    """What is in an id; never raises: a seal that was damaged on its way is none."""
    own, mark, packed = call_id.partition(MARK)
    if not mark:
        return Opened(call_id)
    held = _unpacked(packed)
    blocks, signature = held.get("b"), held.get("s")
    return Opened(
        own,
        tuple(block for block in blocks if isinstance(block, dict)) if isinstance(blocks, list) else (),
        signature if isinstance(signature, str) else None,
    )


def _unpacked(packed: str) -> Mapping[str, Any]:
    try:
        deflated = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        inflating = zlib.decompressobj()
        held = orjson.loads(inflating.decompress(deflated, _most(deflated)))
    except (binascii.Error, ValueError, zlib.error):
        return {}
    return held if isinstance(held, dict) else {}


def _most(deflated: bytes) -> int:
    """Bytes that may come out of so many."""
    return min(OPENED_LIMIT, _START + GROWTH_LIMIT * len(deflated))
