"""Fields are found and changed in the text itself, so that nothing else in it is touched."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.jsonscan import RepeatedKey, splice, top_level_fields

JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
        st.sampled_from(['"', "\\", '\\"', "{", "}],"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)),
    max_leaves=15,
)
OBJECTS = st.dictionaries(st.text(max_size=4), JSON, max_size=5)
STYLES = st.tuples(st.booleans(), st.sampled_from([None, 0, 3]), st.sampled_from([(",", ":"), (" , ", "\t:\n")]))


def text_of(value: Any, style: tuple[bool, int | None, tuple[str, str]]) -> bytes:
    ascii_only, indent, separators = style
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators).encode("utf-8", "surrogatepass")


@given(OBJECTS, STYLES)
def test_every_field_is_found_where_its_value_stands(value: dict[str, Any], style: Any) -> None:
    text = b" \n" + text_of(value, style) + b"\t"
    found = {key: json.loads(text[span.start : span.end]) for key, span in top_level_fields(text).items()}
    assert found == value
    assert list(found) == list(value)


@given(OBJECTS, st.dictionaries(st.text(max_size=4), JSON, max_size=3), STYLES)
def test_splicing_is_what_changing_the_parsed_object_is(value: dict[str, Any], changes: dict[str, Any], style: Any) -> None:
    text = b" " + text_of(value, style) + b"\n"
    changed = splice(text, {key: json.dumps(one).encode() for key, one in changes.items()})
    assert json.loads(changed) == value | changes
    assert changed.startswith(b" {")
    assert changed.endswith(b"}\n")


def test_every_other_byte_is_kept() -> None:
    text = b'\n{ "a" : 1E+3,"m\\u006fdel": "x" ,"b":[{"model":"y"}], "c" : "\\/" }  '
    assert splice(text, {"model": b'"z"'}) == text.replace(b'"x"', b'"z"')
    assert splice(text, {"new": b"{}"}) == text[:-3] + b',"new":{}}  '
    assert splice(text, {"c": b"0", "a": b"2"}) == text.replace(b"1E+3", b"2").replace(b'"\\/"', b"0")
    assert splice(text, {}) == text
    assert splice(b"{}", {"a": b"1", "b": b"2"}) == b'{"a":1,"b":2}'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b'{"a":1,"a":2}', "a"),
        (b'{"a":1,"\\u0061":2}', "a"),
        (b'{"x":[{"b":1,"c":{},"b":2}]}', "b"),
        (b'{"x":{"y":{"":1,"":2}}}', ""),
    ],
)
def test_a_key_that_stands_twice_is_seen(text: bytes, key: str) -> None:
    with pytest.raises(RepeatedKey) as caught:
        top_level_fields(text)
    assert str(caught.value) == key


@pytest.mark.parametrize(
    "text", [b'{"a":{"a":{"a":1}},"b":{"a":1}}', b'[{"a":1},{"a":2}]', b'{"a":"\\"a\\":1","b":"{\\"a\\":"}', b'{"a":["a","a"]}']
)
def test_the_same_key_in_different_objects_is_none(text: bytes) -> None:
    top_level_fields(text)


def test_deep_nesting_and_long_strings_cost_no_stack() -> None:
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    span = top_level_fields(deep)["a"]
    assert (span.start, span.end) == (5, len(deep) - 1)
    long = b'{"a":"' + b'\\"' * 1_000_000 + b'"}'
    assert top_level_fields(long)["a"].end == len(long) - 1
