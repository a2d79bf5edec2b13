"""What is sealed into an id comes out of it, and nothing else does: ids come back from the caller, who may change them."""

import base64
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.thinking import MARK, OPENED_LIMIT, SEAL_LIMIT, opened, own_id, seal

THOUGHT = {"type": "thinking", "thinking": "Let me see.", "signature": "Eq=="}


def packed(plain: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(plain, 9)).rstrip(b"=").decode()


@given(st.text("abcAZ09-", min_size=1, max_size=9), st.text(), st.none() | st.text("aZ09+/=", min_size=1))
def test_what_is_sealed_is_opened(call_id: str, words: str, signature: str | None) -> None:
    block = {**THOUGHT, "thinking": words}
    sealed = seal(call_id, [block], signature)
    assert opened(sealed) == (call_id, (block,), signature)
    assert own_id(sealed) == call_id


def test_half_a_surrogate_pair_is_not_sealed() -> None:
    assert seal("a", [{**THOUGHT, "thinking": "\ud83d"}]) == "a"


def test_an_id_with_nothing_to_seal_stays_as_it_is() -> None:
    assert seal("a") == "a"
    assert opened("a") == ("a", (), None)
    assert own_id("a") == "a"
    assert own_id(f"{MARK}x") == f"{MARK}x"


def test_what_is_too_long_is_not_sealed() -> None:
    words = "".join(f"{number * number % 99991:x} " for number in range(SEAL_LIMIT))
    assert seal("a", [{**THOUGHT, "thinking": words}]) == "a"


@pytest.mark.parametrize(
    "damaged",
    ["", "!", "\u00fc", "AAAA", "eJw", packed(b"[]"), packed(b'{"b":3,"s":4}'), packed(b'{"b":[1,"x"]}'), packed(b"{")],
)
def test_a_damaged_seal_is_none(damaged: str) -> None:
    assert opened(f"a{MARK}{damaged}") == ("a", (), None)


def test_what_is_cut_off_or_added_damages() -> None:
    sealed = seal("a", [THOUGHT])
    assert opened(sealed[:-9]) == ("a", (), None)
    assert opened(f"{sealed}_more!") == ("a", (), None)


def test_a_seal_grows_only_so_far_and_is_made_only_so_that_it_opens() -> None:
    bomb = packed(b'{"s":"' + b"x" * (OPENED_LIMIT // 2) + b'"}')
    assert len(bomb) < 1000
    assert opened(f"a{MARK}{bomb}") == ("a", (), None)
    again = {**THOUGHT, "thinking": "again " * 50_000}
    assert seal("a", [again]) == "a"
    small = {**THOUGHT, "thinking": "again " * 500}
    assert opened(seal("a", [small])).blocks == (small,)


def test_a_request_full_of_bombs_is_read_at_once() -> None:
    bomb = f"a{MARK}{packed(b'[' + b'1,' * (OPENED_LIMIT // 3) + b'1]')}"
    started = time.perf_counter()
    for _ in range(2000):
        opened(bomb)
    assert time.perf_counter() - started < 2  # without a limit to how it grows: half a minute
