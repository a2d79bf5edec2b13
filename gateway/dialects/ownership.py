"""Whose an id is that a provider gave: the tenant's and the provider's mark in the id itself, so that no store is asked.

    resp_68f1a7_fg3b1c09d2a95e...
    the id     mark, 8 digits of the provider, 24 of the proof

Both are keyed with the gateway's own secret: every worker can tell them, after every restart, and nobody can make one.
"""

import hmac
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from gateway.core.errors import PreviousResponseNotFound
from gateway.core.upstream import Owner

MARK: Final = b"_fg"
"""What stands in every marked id."""

_PROVIDER: Final = 8
_TAG: Final = 32


class Claim(NamedTuple):
    """An id as its provider knows it, and that provider's name."""

    id: str
    provider: str


def mark(own_id: str, provider: str, owner: Owner) -> str:
    """The id as the caller sees it. An owner without a secret has nothing that could be proved: the id stays as it is."""
    if not owner.secret:
        return own_id
    return f"{own_id}_fg{_named(provider, owner)}{_proof(own_id, provider, owner)}"


def claimed(text_id: str, owner: Owner, providers: Iterable[str]) -> Claim | None:
    """Whose the id is; None without a mark, with another tenant's, or with that of a provider that is not among these."""
    own_id, found, tag = text_id.rpartition("_fg")
    if not found or len(tag) != _TAG or not tag.isascii() or not own_id.isascii() or not owner.secret:
        return None
    for provider in providers:
        if hmac.compare_digest(tag[:_PROVIDER], _named(provider, owner)) and hmac.compare_digest(
            tag[_PROVIDER:], _proof(own_id, provider, owner)
        ):
            return Claim(own_id, provider)
    return None


def require_known(fields: Mapping[str, Any], owner: Owner, providers: Iterable[str]) -> None:
    """Raises `PreviousResponseNotFound` where a request continues what does not carry this tenant's mark.

    To be asked before the marks are taken off.
    """
    for name in ("previous_response_id", "conversation"):
        said = fields.get(name)
        if isinstance(said, Mapping):
            said = said.get("id")
        if said is not None and (not isinstance(said, str) or claimed(said, owner, providers) is None):
            raise not_found(said, name)


def not_found(said: object, param: str) -> PreviousResponseNotFound:
    """The refusal of what should be continued and is not known here."""
    shown = repr(said[:100]) if isinstance(said, str) else "This"
    return PreviousResponseNotFound(
        f"{shown} is not known here. It may be another key's, or come from a model whose provider keeps no responses; "
        "send the whole conversation as 'input' instead.",
        param=param,
    )


def _named(provider: str, owner: Owner) -> str:
    key = owner.secret[:64]
    return blake2b(provider.encode(), digest_size=_PROVIDER // 2, key=key, person=b"fg-provider").hexdigest()


def _proof(own_id: str, provider: str, owner: Owner) -> str:
    said = repr((owner.tenant, provider, own_id)).encode()  # where one ends and the next begins is part of it
    return blake2b(said, digest_size=(_TAG - _PROVIDER) // 2, key=owner.secret[:64], person=b"fg-owner").hexdigest()
