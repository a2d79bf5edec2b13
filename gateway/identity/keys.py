"""Keys as the gateway keeps them: digests under a pepper, never the text; and how a presented key is found among them."""

import hmac
import secrets
from collections.abc import Mapping
from functools import lru_cache

from gateway.core.tenant import KeyEntry, Principal

PEPPER_BYTES = 32


def digest(pepper: bytes, key: str) -> bytes:
    """HMAC-SHA-256 of the key under the pepper; any text has one."""
    hashed = _peppered(pepper).copy()
    hashed.update(key.encode("utf-8", "surrogatepass"))
    return hashed.digest()


@lru_cache(maxsize=4)
def _peppered(pepper: bytes) -> hmac.HMAC:
    """Made once, to be copied: half of what an HMAC costs is the work on its key."""
    return hmac.new(pepper, digestmod="sha256")


def find(keys: Mapping[bytes, KeyEntry], pepper: bytes, presented: str) -> Principal | None:
    """Whom the presented key stands for, else None.

    Which digest is looked up depends on the secret pepper, so the time of the look-up tells nothing about any key;
    the last word is a comparison in constant time.
    """
    computed = digest(pepper, presented)
    entry = keys.get(computed)
    if entry is None or not hmac.compare_digest(entry.digest, computed):
        return None
    return entry.principal


def new_pepper() -> bytes:
    """A pepper for the life of this process, where none is configured."""
    return secrets.token_bytes(PEPPER_BYTES)
