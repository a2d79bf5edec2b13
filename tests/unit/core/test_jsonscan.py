"""Fields are found and changed in the text itself, so that nothing else in it is touched."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.jsonscan import WINDOW, Census, at_most, census, repeated_key, splice, top_level_fields

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
    found = {key: json.loads(text[span.start : span.end]) for key, span in top_level_fields(text, value).items()}
    assert found == value
    assert list(found) == list(value)


@pytest.mark.parametrize(
    "text", [b'{"a":{"b":1},"b" : 2}', b'{"b" : 2,"a":[{"b":[1]}]}', b'{"a":"b","c":{"a":[]},"b" : 2,"d":{"b":3}}']
)
def test_only_the_fields_asked_for_are_found_and_only_at_the_top(text: bytes) -> None:
    found = top_level_fields(text, {"b", "x"})
    assert {key: text[span.start : span.end] for key, span in found.items()} == {"b": b"2"}


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
        (b'{"\\\\":1,"x":[], "\\\\" :2}', "\\"),
        (b'{"\\"":{}, "\\u0022":{}}', '"'),
    ],
)
def test_a_key_that_stands_twice_is_named(text: bytes, key: str) -> None:
    assert repeated_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":{"a":{"a":1}},"b":{"a":1}}',
        b'[{"a":1},{"a":2}]',
        b'{"a":"\\"a\\":1","b":"{\\"a\\":"}',
        b'{"a":["a","a"]}',
        b'{"a":1,"\\\\u0061":2}',
    ],
)
def test_the_same_key_in_different_objects_is_none(text: bytes) -> None:
    assert repeated_key(text) is None


@given(OBJECTS, STYLES, st.text(max_size=4))
def test_a_key_given_twice_is_found_wherever_it_stands(value: dict[str, Any], style: Any, key: str) -> None:
    text = text_of(value, style)
    assert repeated_key(text) is None
    field = json.dumps(key).encode() + b":1"
    twice = text[: text.rindex(b"}")] + (b"," if value else b"") + field + b"," + field + b"}"
    assert repeated_key(b'{"x":[0,%b,{}]}' % twice) == key


def counted(value: Any) -> Census:
    """What `census` says of the text of `value`, counted in the parsed value."""
    if isinstance(value, dict):
        inner = [counted(one) for one in value.values()]
        own = Census(len(value), 1, len(value), 1 if value else 2)
    elif isinstance(value, list):
        inner = [counted(one) for one in value]
        own = Census(0, 1, 0, 1 if value else 2)
    else:
        inner = []
        own = Census(0, 0, int(isinstance(value, str)), 1)
    return Census(*map(sum, zip(own, *inner, strict=True)))


@given(OBJECTS, STYLES)
def test_a_census_counts_what_a_parser_finds(value: dict[str, Any], style: Any) -> None:
    text = text_of(value, style)
    assert census(text) == counted(value)
    assert all(bound >= found for bound, found in zip(at_most(text), census(text), strict=True))


@pytest.mark.parametrize("inside", ["\\", '"', '\\"', '"\\', "\\n", 'a":{[,', "é"])
@pytest.mark.parametrize("before", range(5))
def test_an_escape_on_the_edge_of_a_window_is_one_still(inside: str, before: int) -> None:
    value = {"a": "-" * before + inside * WINDOW, inside: [inside, {}]}
    text = json.dumps(value, ensure_ascii=False).encode()
    assert census(text) == counted(value)
    found = top_level_fields(text, value)
    assert {key: json.loads(text[span.start : span.end]) for key, span in found.items()} == value


@pytest.mark.parametrize("text", [b"\\", b'{"a', b'{"a":"\\', b"\\" * WINDOW, b"\\" * (WINDOW + 1), b"]]]", b""])
def test_a_census_of_what_is_no_json_comes_to_an_end(text: bytes) -> None:
    assert census(text) <= Census(9, 9, 9, 9)


def test_deep_nesting_and_long_strings_cost_no_stack() -> None:
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    span = top_level_fields(deep, {"a"})["a"]
    assert (span.start, span.end) == (5, len(deep) - 1)
    assert repeated_key(deep) is None
    long = b'{"a":"' + b'\\"' * 1_000_000 + b'"}'
    assert top_level_fields(long, {"a"})["a"].end == len(long) - 1


@pytest.mark.parametrize("tail", [b" " * 5_000_000 + b"}", b"}" + b"\n" * 5_000_000])
def test_much_space_is_passed_once(tail: bytes) -> None:
    text = b'{ "a" : 1, "b" : [ ]' + tail  # quadratic work would not end within a test's time
    found = top_level_fields(text, {"a", "b", "c"})
    assert {key: text[span.start : span.end] for key, span in found.items()} == {"a": b"1", "b": b"[ ]"}
