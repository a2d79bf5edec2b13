"""Marked ids prove whose they are, without a store; nobody can use another's, nor make one up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import PreviousResponseNotFound
from gateway.core.upstream import Owner
from gateway.dialects.ownership import MARK, Claim, claimed, mark, require_known

ACME = Owner("acme", b"secret")
OTHER = Owner("other", b"secret")
PROVIDERS = ("azure", "openai")
IDS = st.text("abcXYZ019_-.", min_size=1, max_size=60)


@given(IDS, st.sampled_from(PROVIDERS))
def test_a_mark_tells_the_id_and_the_provider(own_id: str, provider: str) -> None:
    shown = mark(own_id, provider, ACME)
    assert shown.startswith(own_id)
    assert MARK.decode() in shown
    assert claimed(shown, ACME, PROVIDERS) == Claim(own_id, provider)
    assert claimed(shown, OTHER, PROVIDERS) is None
    assert claimed(shown, ACME._replace(secret=b"another"), PROVIDERS) is None
    assert claimed(shown, ACME, [one for one in PROVIDERS if one != provider]) is None


@given(IDS, st.integers(0, 200), st.sampled_from("0123456789abcdef_x\u0660\u00e9"))
def test_a_mark_that_was_touched_is_none(own_id: str, at: int, sign: str) -> None:
    shown = mark(own_id, "openai", ACME)
    touched = shown[: at % len(shown)] + sign + shown[at % len(shown) + 1 :]
    assert (claimed(touched, ACME, PROVIDERS) is None) == (touched != shown)


@pytest.mark.parametrize(
    "text", ["", "_fg", "resp_1", "resp_1_fg", "resp_1_fg" + "0" * 32, "resp_1_fg" + "\u0660" * 32, "é_fg"]
)
def test_what_nobody_marked_is_nobodys(text: str) -> None:
    assert claimed(text, ACME, PROVIDERS) is None


def test_tenant_provider_and_id_cannot_be_shifted_into_each_other() -> None:
    tag = mark("px", "p", Owner("a", b"s")).removeprefix("px")
    assert claimed("px" + tag, Owner("a", b"s"), ["p"]) == Claim("px", "p")
    assert claimed("x" + tag, Owner("ap", b"s"), ["p"]) is None


def test_without_a_secret_there_are_no_marks() -> None:
    assert mark("resp_1", "openai", Owner("acme")) == "resp_1"
    assert claimed(mark("resp_1", "openai", ACME), Owner("acme"), PROVIDERS) is None


def test_a_gateway_behind_a_gateway_keeps_its_own_mark() -> None:
    theirs = mark("resp_1", "openai", OTHER)
    assert claimed(mark(theirs, "azure", ACME), ACME, PROVIDERS) == Claim(theirs, "azure")


@pytest.mark.parametrize("name", ["previous_response_id", "conversation"])
def test_what_is_continued_must_be_known(name: str) -> None:
    known = mark("resp_1", "openai", ACME)
    require_known({name: known}, ACME, PROVIDERS)
    require_known({name: None}, ACME, PROVIDERS)
    require_known({}, ACME, PROVIDERS)
    require_known({"conversation": {"id": known}}, ACME, PROVIDERS)
    for said in ("resp_1", mark("resp_1", "openai", OTHER), 5, "", {"id": "conv_1"}):
        with pytest.raises(PreviousResponseNotFound) as refused:
            require_known({name: said}, ACME, PROVIDERS)
        assert refused.value.param == name
