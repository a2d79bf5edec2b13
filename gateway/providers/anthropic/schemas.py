"""JSON schemas as the API takes them: of a tool's input, and of an answer's format."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.errors import InvalidValue
from gateway.dialects.shapes import DEPTH, Fields
from gateway.dialects.shapes import written as shown

_COMBINED: Final = ("anyOf", "oneOf", "allOf")
_PARTS: Final = 200
"""Parts of which one tool's schema may be combined."""
_FORMATS: Final = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
_KEPT: Final = frozenset({"$ref", "type", "enum", "const", "description", "title", "required", "default"})
_QUIET: Final = frozenset({"$schema", "$id", "strict"})


def input_schema(parameters: object) -> Fields:
    """A tool's schema: an object at the top, without alternatives there (the API refuses both)."""
    if not isinstance(parameters, dict) or not parameters:
        return {"type": "object", "properties": {}}
    if parameters.get("type") == "object" and not any(key in parameters for key in (*_COMBINED, "$ref")):
        return parameters
    schema = _merged(parameters, parameters, set())
    schema["type"] = "object"
    schema.setdefault("properties", {})
    return schema


def _merged(schema: Mapping[str, Any], root: Mapping[str, Any], seen: set[int]) -> Fields:
    """The schema with its alternatives, and what it refers to, made one: the properties of all, required what all require.

    Each part is taken once, however often it is referred to: schemas may be circular.
    """
    seen.add(id(schema))
    merged = {key: value for key, value in schema.items() if key not in (*_COMBINED, "$ref")}
    required, either = set(_names(schema.get("required"))), list[set[str]]()
    for part, certain in _alternatives(schema, root):
        if id(part) in seen or len(seen) > _PARTS:
            continue
        inner = _merged(part, root, seen)
        merged["properties"] = {**_object(inner.get("properties")), **_object(merged.get("properties"))}
        names = set(_names(inner.get("required")))
        if certain:
            required |= names
        else:
            either.append(names)
    if required := required | (set.intersection(*either) if either else set()):
        merged["required"] = sorted(required)
    return merged


def _alternatives(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], bool]]:
    """The parts that the schema is combined of, and whether they hold in any case."""
    referred = _referred(schema.get("$ref"), root)
    parts = [] if referred is None else [(referred, True)]
    for key in _COMBINED:
        listed = schema.get(key)
        parts += [(part, key == "allOf") for part in (listed if isinstance(listed, list) else ()) if isinstance(part, dict)]
    return parts


def _referred(ref: object, root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a `$ref` within the schema points to."""
    if not isinstance(ref, str) or not ref.startswith("#/"):
        return None
    found: object = root
    for step in ref[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def answer_schema(schema: Mapping[str, Any], depth: int = 0) -> Fields:
    """A schema for `output_config.format`: objects are closed, and what the API refuses is told in the description."""
    if depth > DEPTH:
        raise InvalidValue("The schema is nested too deeply.", param="response_format")
    written: Fields = {key: value for key, value in schema.items() if key in _KEPT}
    rest = {key: value for key, value in schema.items() if key not in _KEPT and key not in _QUIET}
    _write_parts(written, rest, depth)
    _keep_limits(written, rest)
    if schema.get("type") == "object" or "properties" in schema:
        rest.pop("additionalProperties", None)
        written["additionalProperties"] = False
    if rest:
        words = f"{written.get('description') or ''}\n\n{shown(rest, 'response_format')}"
        written["description"] = words.strip()
    return written


def _write_parts(written: Fields, rest: Fields, depth: int) -> None:
    """The schemas within the schema."""
    for key in ("$defs", "definitions", "properties"):
        if isinstance(named := rest.pop(key, None), dict):
            written[key] = {name: _inner(part, depth) for name, part in named.items()}
    for key, ours in (("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")):
        if isinstance(listed := rest.pop(key, None), list):
            written[ours] = [_inner(part, depth) for part in listed]
    if "items" in rest:
        written["items"] = _inner(rest.pop("items"), depth)


def _inner(part: object, depth: int) -> object:
    return answer_schema(part, depth + 1) if isinstance(part, dict) else part


def _keep_limits(written: Fields, rest: Fields) -> None:
    """The formats and the only limit that the API knows."""
    if rest.get("format") in _FORMATS:
        written["format"] = rest.pop("format")
    if rest.get("minItems") in (0, 1):
        written["minItems"] = rest.pop("minItems")
