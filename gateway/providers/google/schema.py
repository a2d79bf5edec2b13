"""JSON Schema as older Gemini models take it: a subset of OpenAPI's, without references, with `nullable` for null.

What the subset cannot say is left out: a schema that allows more is better than a call that is refused.
"""

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

_DEPTH: Final = 32
"""Levels of a schema; deeper ones, and references that lead to themselves, become strings."""
_NODES: Final = 20_000
"""Nodes of one schema: references may double it at every level."""
_KEPT: Final = ("title", "description", "minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength", "pattern")
_FORMATS: Final = frozenset({"date-time", "enum", "float", "double", "int32", "int64"})
_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "array", "object"})
_ANYTHING: Final[Schema] = {"type": "string"}


def without_dialect(schema: Any) -> Any:
    """For models that take JSON Schema: the same but for the name of its dialect, which they do not know."""
    return {key: value for key, value in schema.items() if key != "$schema"} if isinstance(schema, dict) else schema


def subset(schema: Any) -> Schema:
    """The schema in the subset; never raises."""
    return _Converter(schema).converted(schema, _DEPTH)


class _Converter:
    """Converts the nodes of one schema."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = _NODES

    def converted(self, node: Any, depth: int) -> Schema:
        self._left -= 1
        node = self._followed(node)
        if not isinstance(node, Mapping) or depth <= 0 or self._left <= 0:
            return dict(_ANYTHING)
        node = self._merged(node)
        types = _types(node)
        found: Schema = {key: node[key] for key in _KEPT if node.get(key) is not None}
        options = [one for key in ("anyOf", "oneOf") for one in _list(node.get(key))]
        if len(types - {"null"}) > 1:
            options += [{**node, "type": one, "anyOf": None, "oneOf": None} for one in sorted(types - {"null"})]
            types = types & {"null"}
        if "null" in types or any(_is_null(one) for one in options):
            found["nullable"] = True
        self._fill(found, node, types - {"null"}, depth)
        return self._chosen(found, [one for one in options if not _is_null(one)], depth)

    def _chosen(self, found: Schema, options: list[Any], depth: int) -> Schema:
        """With the alternatives: one alone is no choice."""
        if len(options) == 1:
            return {**self.converted(options[0], depth - 1), **{key: value for key, value in found.items() if key != "type"}}
        if options:
            found.pop("type", None)
            found["anyOf"] = [self.converted(one, depth - 1) for one in options]
        elif "type" not in found:
            found["type"] = "string"
        return found

    def _fill(self, found: Schema, node: Mapping[str, Any], types: set[str], depth: int) -> None:
        kind = next(iter(types), None) or _guessed(node)
        if kind is None:
            return
        found["type"] = kind
        if kind == "object":
            self._object(found, node, depth)
        elif kind == "array":
            items = node.get("items")
            prefix = _list(node.get("prefixItems"))
            several = items if isinstance(items, list) else prefix
            found["items"] = self.converted({"anyOf": several} if several else items, depth - 1)
        elif kind == "string":
            _string(found, node)
        else:
            _form(found, node)

    def _object(self, found: Schema, node: Mapping[str, Any], depth: int) -> None:
        properties = node.get("properties")
        if not isinstance(properties, Mapping) or not properties:
            return
        found["properties"] = {name: self.converted(one, depth - 1) for name, one in properties.items()}
        required = [name for name in _list(node.get("required")) if isinstance(name, str) and name in properties]
        if required:
            found["required"] = required

    def _followed(self, node: Any) -> Any:
        """What a reference leads to, with what stands beside it."""
        for _ in range(_DEPTH):
            if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
                return node
            beside = {key: value for key, value in node.items() if key != "$ref"}
            target = self._target(node["$ref"])
            node = {**target, **beside} if isinstance(target, Mapping) else beside
        return None

    def _target(self, reference: str) -> Any:
        found = self._root
        for step in reference.removeprefix("#").strip("/").split("/") if reference.startswith("#") else ():
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) and name else found
        return found if reference.startswith("#") and found is not self._root else None

    def _merged(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """`allOf` as one node."""
        parts = [self._followed(one) for one in _list(node.get("allOf"))]
        if not parts:
            return node
        merged: Schema = {key: value for key, value in node.items() if key != "allOf"}
        for part in parts:
            if isinstance(part, Mapping):
                merged = _both(merged, part)
        return merged


def _both(one: Schema, other: Mapping[str, Any]) -> Schema:
    both = {**other, **one}
    if isinstance(one.get("properties"), Mapping) and isinstance(other.get("properties"), Mapping):
        both["properties"] = {**other["properties"], **one["properties"]}
    if isinstance(one.get("required"), list) and isinstance(other.get("required"), list):
        both["required"] = [*one["required"], *other["required"]]
    return both


def _types(node: Mapping[str, Any]) -> set[str]:
    said = node.get("type")
    found = {one.lower() for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)}
    if node.get("nullable") is True:
        found.add("null")
    return found & (_TYPES | {"null"})


def _guessed(node: Mapping[str, Any]) -> str | None:
    if isinstance(node.get("properties"), Mapping):
        return "object"
    if "items" in node or "prefixItems" in node:
        return "array"
    return "string" if "enum" in node or "const" in node else None


def _string(found: Schema, node: Mapping[str, Any]) -> None:
    values = [node["const"]] if "const" in node else _list(node.get("enum"))
    texts = [one if isinstance(one, str) else str(one) for one in values if one is not None and one != ""]
    if texts:
        found["enum"], found["format"] = texts, "enum"
    else:
        _form(found, node)


def _form(found: Schema, node: Mapping[str, Any]) -> None:
    said = node.get("format")
    if isinstance(said, str) and said in _FORMATS:
        found["format"] = said


def _is_null(option: Any) -> bool:
    return isinstance(option, Mapping) and option.get("type") == "null"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
