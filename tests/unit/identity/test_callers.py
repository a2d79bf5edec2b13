"""In which headers a key may come."""

import pytest

from gateway.identity.callers import presented_key

SCOPE = b"/20261124/us-east-1/bedrock/aws4_request"
SIGNED = b", SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"authorization", b"Bearer sk-1"),
        (b"authorization", b"bearer  sk-1 "),
        (b"x-api-key", b"sk-1"),
        (b"api-key", b" sk-1"),
        (b"x-goog-api-key", b"sk-1"),
        (b"authorization", b"AWS4-HMAC-SHA256 Credential=sk-1" + SCOPE + SIGNED),
        (b"authorization", b"AWS4-HMAC-SHA256 SignedHeaders=host, Signature=5d,Credential=sk-1" + SCOPE),
        (b"authorization", b"AWS4-ECDSA-P256-SHA256 Credential=sk-1/20261124/bedrock/aws4_request/x" + SIGNED),
    ],
)
def test_where_a_key_is_looked_for(name: bytes, value: bytes) -> None:
    assert presented_key({name: value}) == "sk-1"


def test_a_key_may_have_slashes_in_a_signature_too() -> None:
    assert presented_key({b"authorization": b"AWS4-HMAC-SHA256 Credential=a/b" + SCOPE + SIGNED}) == "a/b"


@pytest.mark.parametrize(
    "value",
    [
        b"AWS4-HMAC-SHA256",
        b"AWS4-HMAC-SHA256 Credential=",
        b"AWS4-HMAC-SHA256 Credential=" + SCOPE + SIGNED,
        b"AWS4-HMAC-SHA256 Signature=5d",
        b"Basic Credential=sk-1" + SCOPE,
        b"Bearer ",
        b"",
    ],
)
def test_anything_else_is_no_key(value: bytes) -> None:
    assert presented_key({b"authorization": value}) is None


def test_another_header_counts_where_the_first_has_no_key() -> None:
    assert presented_key({b"authorization": b"AWS4-HMAC-SHA256 Credential=", b"x-api-key": b"sk-2"}) == "sk-2"
