"""Values made from JSON schemas."""

import re
from typing import Any

import pytest

from gateway.providers.echo.fault import Fault
from gateway.providers.echo.schema import instance

NODE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}, "value": {"type": "integer"}},
            "required": ["left", "value"],
        }
    },
}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "text"),
        ({"type": "integer"}, 0),
        ({"type": "number"}, 0),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": "array"}, []),
        ({"type": "object"}, {}),
        ({"type": ["integer", "null"]}, 0),
        ({}, "text"),
        (True, "text"),
        ({"properties": {"a": True}, "required": ["a"]}, {"a": "a"}),
        ({"items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"const": 7}, 7),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": "array", "items": {"enum": [1]}, "minItems": 3}, [1, 1, 1]),
        (
            {"type": "array", "prefixItems": [{"const": 1}, {"type": "string"}], "items": {"const": 2}, "minItems": 3},
            [1, "text", 2],
        ),
        ({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["b"]}, {"b": 0}),
        ({"type": "object", "properties": {"a": {"type": "null"}, "b": {}}, "minProperties": 1}, {"a": None}),
        ({"type": "object", "required": ["x"], "additionalProperties": {"type": "integer"}}, {"x": 0}),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 0),
        ({"oneOf": [{"const": "first"}, {"const": "second"}]}, "first"),
        (
            {
                "properties": {"a": {"const": 1}},
                "required": ["a"],
                "allOf": [{"properties": {"b": {"const": 2}}, "required": ["b"]}, {"required": ["c"]}],
            },
            {"a": 1, "b": 2, "c": "c"},
        ),
        (NODE, {"left": None, "value": 0}),
        ({"type": "string", "minLength": 8}, "text...."),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "format": "date"}, "2025-01-01"),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "minimum": 2.5}, 3),
        ({"type": "integer", "minimum": 7, "multipleOf": 5}, 10),
        ({"type": "integer", "maximum": -4}, -5),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 0.5),
        ({"type": "number", "exclusiveMinimum": 0}, 1),
        ({"type": "number", "exclusiveMaximum": 0}, -1),
        ({"type": "integer", "minimum": 1, "multipleOf": 1e-320}, 1),
    ],
)
def test_the_smallest_value_satisfies_the_schema(schema: object, value: Any) -> None:
    assert instance(schema, "response_format") == value


def test_a_reference_may_point_through_escapes() -> None:
    schema = {"$defs": {"a/b~c": {"const": 5}}, "$ref": "#/$defs/a~1b~0c"}
    assert instance(schema, "tools") == 5


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]}, "finite"),
        ({"$ref": "https://example.com/schema"}, "holds its own"),
        ({"$ref": "#/$defs/missing"}, "holds its own"),
        ({"type": "array", "minItems": 10**9}, "minItems"),
        ({"type": "string", "minLength": 10**9}, "minLength"),
        ({"type": "integer", "minimum": 1e300}, "integers"),
    ],
)
def test_a_schema_that_nothing_sensible_satisfies_is_refused(schema: object, part: str) -> None:
    with pytest.raises(Fault, match=re.escape(part)) as caught:
        instance(schema, "tools")
    assert caught.value.status == 400


def test_a_schema_that_doubles_at_every_step_ends() -> None:
    defs: dict[str, Any] = {"d30": {"type": "integer"}}
    for number in range(30):
        part = {"$ref": f"#/$defs/d{number + 1}"}
        defs[f"d{number}"] = {"type": "object", "properties": {"a": part, "b": part}, "required": ["a", "b"]}
    with pytest.raises(Fault, match="parts"):
        instance({"$ref": "#/$defs/d0", "$defs": defs}, "tools")


def test_a_deep_schema_ends() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(500):
        schema = {"type": "array", "items": schema, "minItems": 1}
    with pytest.raises(Fault, match="deep"):
        instance(schema, "tools")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 3},
        {"type": []},
        {"type": "object", "properties": [1], "required": [1, {}]},
        {"type": "object", "required": "a"},
        {"allOf": [1, None]},
        {"anyOf": [1]},
        {"anyOf": []},
        {"enum": []},
        {"type": "array", "prefixItems": 4, "items": 5, "minItems": "x"},
        {"type": "number", "minimum": "x", "multipleOf": 0},
        {"type": "string", "minLength": -1, "format": {}},
    ],
)
def test_a_malformed_schema_does_no_harm(schema: object) -> None:
    instance(schema, "tools")
