"""What a provider must get back to the byte, in `encrypted_content` of reasoning items: `fgr1.` and base64url of deflated JSON.

Clients bring it back without looking into it, which is what the field is for. Nothing in it is secret from the caller, and
Anthropic and Google see for themselves whether it is what they signed.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gateway.dialects import lenient

PREFIX: Final = "fgr1."

OPENED_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of what one item may hold: items come from the caller."""

Block = Mapping[str, Any]
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Held(NamedTuple):
    """Anthropic's thinking blocks, in order, and Google's signatures by the id of the call that they belong to."""

    blocks: tuple[Block, ...] = ()
    signatures: Mapping[str, str] = _NONE


def sealed(held: Held) -> str:
    """The value of `encrypted_content`. With nothing to be kept it still says whose the item is."""
    kept: dict[str, Any] = {}
    if held.blocks:
        kept["b"] = list(held.blocks)
    if held.signatures:
        kept["g"] = dict(held.signatures)
    return PREFIX + base64.urlsafe_b64encode(zlib.compress(lenient.dumps(kept), 6)).rstrip(b"=").decode()


def is_ours(value: object) -> bool:
    """Whether this gateway wrote it, rather than a provider."""
    return isinstance(value, str) and value.startswith(PREFIX)


def opened(value: str) -> Held:
    """What is in it; nothing where it was damaged on its way."""
    packed = value.removeprefix(PREFIX)
    try:
        deflated = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        kept = lenient.loads(zlib.decompressobj().decompress(deflated, OPENED_LIMIT))
    except (binascii.Error, ValueError, zlib.error):
        return Held()
    if not isinstance(kept, dict):
        return Held()
    blocks, signatures = kept.get("b"), kept.get("g")
    return Held(
        tuple(block for block in blocks if isinstance(block, dict)) if isinstance(blocks, list) else (),
        {key: one for key, one in signatures.items() if isinstance(one, str)} if isinstance(signatures, dict) else {},
    )
