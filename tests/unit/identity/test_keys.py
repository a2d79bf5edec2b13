"""Keys are kept as digests, and found only by who presents the very text."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.tenant import KeyEntry, Principal, Tenant
from gateway.identity.keys import digest, find, new_pepper

PEPPER = b"a pepper"
PRINCIPAL = Principal(Tenant("acme"), "ci")


def ring(*texts: str, pepper: bytes = PEPPER) -> dict[bytes, KeyEntry]:
    entries = [KeyEntry(digest(pepper, text), PRINCIPAL) for text in texts]
    return {entry.digest: entry for entry in entries}


def test_a_key_is_found_by_its_text() -> None:
    assert find(ring("sk-fg-1", "sk-fg-2"), PEPPER, "sk-fg-2") is PRINCIPAL


@pytest.mark.parametrize("presented", ["", "sk-fg-", "sk-fg-11", "SK-FG-1", " sk-fg-1", "sk-fg-1\0", "\ud800", "\xe9"])
def test_anything_else_is_nobody(presented: str) -> None:
    assert find(ring("sk-fg-1"), PEPPER, presented) is None


def test_the_same_key_under_another_pepper_is_nobody() -> None:
    assert find(ring("sk-fg-1", pepper=b"other"), PEPPER, "sk-fg-1") is None


def test_an_entry_under_a_foreign_digest_does_not_count() -> None:
    computed = digest(PEPPER, "sk-fg-1")
    assert find({computed: KeyEntry(b"x" * 32, PRINCIPAL)}, PEPPER, "sk-fg-1") is None


def test_the_digest_is_hmac_sha_256_and_keeps_no_text() -> None:
    made = digest(PEPPER, "sk-fg-1")
    assert made == hmac.new(PEPPER, b"sk-fg-1", "sha256").digest()
    assert b"sk-fg-1" not in made


def test_every_process_makes_its_own_pepper() -> None:
    assert new_pepper() != new_pepper()
    assert len(new_pepper()) >= 32


@given(st.text(), st.text())
def test_two_texts_never_share_a_digest(one: str, other: str) -> None:
    assert (digest(PEPPER, one) == digest(PEPPER, other)) == (one == other)
