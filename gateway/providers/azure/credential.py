"""Where a key for Azure goes: there are two kinds, and each has a header of its own."""

from gateway.providers.transport.contract import Header


def credential(key: str) -> Header:
    """A key goes into `api-key`; a token of Entra's, which is a JWT, is a bearer's."""
    if key.startswith("eyJ") and key.count(".") >= 2:
        return b"authorization", b"Bearer " + key.encode()
    return b"api-key", key.encode()
