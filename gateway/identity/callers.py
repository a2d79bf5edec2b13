"""From the headers of a request to the principal: which headers carry a key, and what is said when none does."""

from collections.abc import Mapping

from gateway.core.errors import MissingKey, WrongKey
from gateway.core.snapshot import Snapshot
from gateway.core.tenant import ANONYMOUS, Principal
from gateway.identity.keys import find

HOW = "Send it as 'Authorization: Bearer KEY' (x-api-key and api-key work too)."


def presented_key(headers: Mapping[bytes, bytes]) -> str | None:
    """The key that came, from the first of the headers that SDKs use; None where there is none."""
    authorization = headers.get(b"authorization")
    if authorization is not None:
        scheme, _, key = authorization.partition(b" ")
        if scheme.lower() == b"bearer" and key.strip():
            return key.strip().decode("latin-1")
        if scheme.startswith(b"AWS4-") and (key_id := _access_key_id(key)):
            return key_id.decode("latin-1")
    key = headers.get(b"x-api-key") or headers.get(b"api-key") or headers.get(b"x-goog-api-key") or b""
    return key.strip().decode("latin-1") or None


def _access_key_id(signature: bytes) -> bytes:
    """The access key's id out of `Credential=ID/DATE/REGION/SERVICE/aws4_request, SignedHeaders=..., Signature=...`.

    It is the gateway's key, sent in clear as a bearer's is. What was signed, and with which secret, cannot be checked: of a
    key only a digest is known here.
    """
    credential = signature.partition(b"Credential=")[2].partition(b",")[0]
    return credential.strip().rsplit(b"/", 4)[0]


def principal_of(headers: Mapping[bytes, bytes], snapshot: Snapshot) -> Principal:
    """The caller. Without configured keys everybody is `ANONYMOUS`. Raises `MissingKey` or `WrongKey`."""
    if not snapshot.keys:
        return ANONYMOUS
    key = presented_key(headers)
    if key is None:
        raise MissingKey(f"No API key came with the request. {HOW}")
    principal = find(snapshot.keys, snapshot.pepper, key)
    if principal is None:
        raise WrongKey(f"The API key is not one of this gateway's. {HOW}")
    return principal
