"""Schemas and effort: what the dialects ask of a model's form and thinking, in the words of a chat."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.dialects.shapes import DEPTH, Fields

_LOW: Final = 4096
_MEDIUM: Final = 16_384
_COMBINED: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED: Final = ("properties", "$defs", "definitions")


def effort(budget: int) -> str:
    """The effort that a budget of thinking tokens comes closest to: other APIs have words where Claude and Gemini count."""
    if budget < _LOW:
        return "low"
    return "medium" if budget < _MEDIUM else "high"


def rooted(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with what its root refers to in its place: not every API follows a reference there."""
    found: object = schema
    ref = schema.get("$ref")
    if not isinstance(ref, str) or not ref.startswith("#/"):
        return schema
    for step in ref[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        return schema
    return {**found, **{key: value for key, value in schema.items() if key != "$ref"}}


def response_format(schema: Mapping[str, Any], name: str = "answer") -> Fields:
    """A chat's field for an answer of this schema; strict where the schema is one that can be enforced."""
    schema = rooted(schema)
    told: Fields = {"name": name, "schema": schema}
    if is_strict(schema):
        told["strict"] = True
    return {"type": "json_schema", "json_schema": told}


def is_strict(schema: object, depth: int = 0) -> bool:
    """Whether OpenAI would enforce it: every object closed, and each of its properties required.

    https://platform.openai.com/docs/guides/structured-outputs (supported schemas)
    """
    if not isinstance(schema, dict) or depth > DEPTH:
        return False
    if _is_object(schema) and not _is_closed(schema):
        return False
    return all(is_strict(part, depth + 1) for part in _parts(schema))


def _is_object(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "object" or "properties" in schema or (isinstance(kind, list) and "object" in kind)


def _is_closed(schema: Mapping[str, Any]) -> bool:
    properties, required = schema.get("properties"), schema.get("required")
    if schema.get("additionalProperties") is not False or not isinstance(properties, dict):
        return False
    return isinstance(required, list) and properties.keys() <= {name for name in required if isinstance(name, str)}


def _parts(schema: Mapping[str, Any]) -> list[object]:
    parts: list[object] = [schema["items"]] if "items" in schema else []
    for key in _COMBINED:
        parts += schema[key] if isinstance(schema.get(key), list) else ()
    for key in _NAMED:
        parts += schema[key].values() if isinstance(schema.get(key), dict) else ()
    return parts
