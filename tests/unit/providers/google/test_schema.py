"""JSON Schema in the subset that older Gemini models take."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.google.schema import subset

KNOWN = {
    *("type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required"),
    *("minimum", "maximum", "minLength", "maxLength", "pattern", "anyOf", "items"),
}


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "string", "$schema": "x", "additionalProperties": False, "default": 1}, {"type": "string"}),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": "null"}, {"type": "string", "nullable": True}),
        ({"type": ["integer", "string"]}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"type": "integer", "nullable": True}),
        (
            {"oneOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}], "description": "d"},
            {"anyOf": [{"type": "integer"}, {"type": "string"}], "description": "d", "nullable": True},
        ),
        ({"const": "a"}, {"type": "string", "enum": ["a"], "format": "enum"}),
        ({"enum": ["a", None, "", 3]}, {"type": "string", "enum": ["a", "3"], "format": "enum"}),
        ({"type": "integer", "enum": [1, 2], "format": "int64"}, {"type": "integer", "format": "int64"}),
        ({"type": "string", "format": "uri"}, {"type": "string"}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
        (
            {"type": "array", "items": {"type": "number"}, "maxItems": 3},
            {"type": "array", "items": {"type": "number"}, "maxItems": 3},
        ),
        (
            {"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}]},
            {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "string"}]}},
        ),
        (
            {"properties": {"a": {"type": "boolean"}}, "required": ["a", "b", 7]},
            {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]},
        ),
        (
            {
                "allOf": [
                    {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "string"}}, "required": ["b"]},
                ]
            },
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]},
        ),
        (
            {
                "type": "object",
                "properties": {"p": {"$ref": "#/$defs/P", "description": "d"}},
                "$defs": {"P": {"type": "integer"}},
            },
            {"type": "object", "properties": {"p": {"type": "integer", "description": "d"}}},
        ),
        ({"$ref": "#/nowhere"}, {"type": "string"}),
        ({"$ref": "#"}, {"type": "string"}),
        ({"$ref": "https://x.test/schema"}, {"type": "string"}),
        (True, {"type": "string"}),
        (7, {"type": "string"}),
        ({"type": "mystery"}, {"type": "string"}),
    ],
)
def test_what_a_schema_becomes(schema: Any, wanted: Any) -> None:
    found = subset(schema)
    if isinstance(wanted.get("required"), list):
        found["required"] = sorted(found["required"])
    assert found == wanted


def test_references_in_a_circle_end() -> None:
    node: Any = {"type": "object", "properties": {"left": {"$ref": "#/$defs/N"}, "right": {"$ref": "#/$defs/N"}}}
    found = subset({"$ref": "#/$defs/N", "$defs": {"N": node}})
    assert found["type"] == "object"
    assert len(orjson.dumps(found, option=0)) < 4_000_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["string", "null", "object", "#/a", "array", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "anyOf", "allOf", "$ref", "enum", "required", "a", "const", "format"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def only_known(schema: Any) -> bool:
    assert set(schema) <= KNOWN
    assert ("type" in schema) != ("anyOf" in schema)
    if schema.get("type") == "array":
        assert only_known(schema["items"])
    return all(map(only_known, [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]))


@given(JSON)
def test_whatever_comes_in_only_what_is_known_goes_out(schema: Any) -> None:
    assert only_known(subset(schema))
