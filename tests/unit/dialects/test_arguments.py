"""Arguments of calls: parsed whatever they are, and known to be whole however they were cut."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.arguments import UNPARSED, Extent, calls_of, parsed

WORDS = st.text('a"\\{}[]\n', max_size=6)
VALUES = st.recursive(
    WORDS | st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)


@given(st.dictionaries(WORDS, VALUES, max_size=3), st.data())
def test_an_object_is_whole_at_its_last_bracket_and_not_before(value: dict[str, Any], data: st.DataObject) -> None:
    words = json.dumps(value)
    extent, at = Extent(), 0
    while at < len(words):
        size = data.draw(st.integers(1, len(words) - at))
        assert not extent.whole
        extent.feed(words[at : at + size])
        at += size
    assert extent.whole
    extent.feed(' {"')
    assert extent.whole


@pytest.mark.parametrize("words", ["", " ", "1", '"{}"'])
def test_what_is_no_object_is_never_whole(words: str) -> None:
    extent = Extent()
    extent.feed(words)
    assert not extent.whole


@pytest.mark.parametrize("words", ['{"a":', "[1]", "3", '"a"', "{" * 5000, "NaN"])
def test_what_is_no_object_is_kept_in_one(words: str) -> None:
    assert parsed(words) == {UNPARSED: words}


@pytest.mark.parametrize("words", [None, "", " \n", "null", " null "])
def test_nothing_is_an_empty_object(words: Any) -> None:
    assert parsed(words) == {}


def test_calls_have_an_index_and_a_function() -> None:
    call = {"function": {"name": "f"}}
    told = {"tool_calls": [3, {"index": 7, **call}, call, {"function": 3}, {"type": "custom", "custom": {}}]}
    assert list(calls_of(told)) == [(7, {"index": 7, **call}), (2, call)]
    assert list(calls_of({"tool_calls": {}})) == []
