"""Gemini's own form of a schema as JSON Schema: types in capitals, `nullable`, and numbers that come as strings."""

from typing import Any, Final

from gateway.dialects.gemini.names import camel
from gateway.dialects.shapes import DEPTH, Fields, Object, items, mapping, text, wrong

_SILENT: Final = frozenset({"nullable", "propertyOrdering", "example"})
"""What JSON Schema does not have: the first is said in another way, the others change no answer's validity."""
_COUNTS: Final = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_NAMED: Final = frozenset({"properties", "defs", "$defs"})
_LISTS: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_RENAMED: Final = {"defs": "$defs", "ref": "$ref"}


def json_schema(schema: object, place: str, depth: int = 0) -> Fields:
    """The same as JSON Schema. Raises `InvalidValue`."""
    if depth > DEPTH:
        raise wrong(place, "nested less deeply")
    given = mapping(schema, place)
    told: Fields = {}
    for name, value in given.items():
        key = name if name.startswith("$") else camel(name)
        if value is not None and key not in _SILENT:
            told[_RENAMED.get(key, key)] = _value(key, value, f"{place}.{key}", depth)
    if told.get("type") == "type_unspecified":
        del told["type"]
    return _nullable(told) if given.get("nullable") is True else told


def _value(key: str, value: Any, place: str, depth: int) -> Any:
    if key == "type":
        return [text(one, place).lower() for one in value] if isinstance(value, list) else text(value, place).lower()
    if key in _NAMED:
        return {name: json_schema(one, f"{place}.{name}", depth + 1) for name, one in mapping(value, place).items()}
    if key in _LISTS:
        return [json_schema(one, f"{place}[{at}]", depth + 1) for at, one in enumerate(items(value, place))]
    if key == "items" or (key == "additionalProperties" and isinstance(value, dict)):
        return json_schema(value, place, depth + 1)
    if key == "ref" and isinstance(value, str):
        return value.replace("#/defs/", "#/$defs/", 1)
    return _number(value) if key in _COUNTS else value


def _number(value: Any) -> Any:
    """Google writes 64-bit integers as strings."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 19 else value


def _nullable(schema: Object) -> Fields:
    kind = schema.get("type")
    if not isinstance(kind, str):
        return {"anyOf": [dict(schema), {"type": "null"}]}
    told: Fields = {**schema, "type": [kind, "null"]}
    if isinstance(allowed := schema.get("enum"), list) and None not in allowed:
        told["enum"] = [*allowed, None]
    return told
