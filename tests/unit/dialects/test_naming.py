"""Names of tools: fitting everywhere, different where they were different, and the caller's own on the way back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.naming import fitting, own

NAMES = st.text(max_size=200) | st.from_regex(r"[a-zA-Z0-9_.:-]{1,130}", fullmatch=True)


@given(st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_every_name_fits_and_leads_back(names: list[str]) -> None:
    sent = [fitting(name) for name in names]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", one) for one in sent)
    assert len(set(sent)) == len(names)
    assert [own(one, [3, *names]) for one in sent] == names


@pytest.mark.parametrize("name", ["get", "a" * 64, "mcp__server__tool-1", "x_0123abcd"])
def test_a_name_that_fits_stays_as_it_is(name: str) -> None:
    assert fitting(name) == own(name, []) == name
