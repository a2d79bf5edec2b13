"""Makes the smallest value that satisfies a JSON schema, always the same one: for structured answers and tool arguments.

It knows types, const, enum, required, nested objects and arrays, anyOf and oneOf (the first branch that ends), allOf, local
`$ref`, the bounds of numbers, strings and arrays, and the usual formats. `pattern`, `not` and `if` are beyond it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeGuard

from gateway.providers.echo.fields import wrong

Schema = Mapping[str, Any]

_NODES = 10_000
_DEPTH = 60
_CHARACTERS = 100_000
_WHOLE = 2**53

_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "date-time": "2025-01-01T00:00:00Z",
        "date": "2025-01-01",
        "time": "00:00:00Z",
        "duration": "PT1S",
        "email": "echo@example.com",
        "hostname": "example.com",
        "ipv4": "192.0.2.1",
        "ipv6": "2001:db8::1",
        "uri": "https://example.com/",
        "uuid": "00000000-0000-4000-8000-000000000000",
    }
)

_HINTS: Sequence[tuple[str, str]] = (
    ("properties", "object"),
    ("required", "object"),
    ("items", "array"),
    ("prefixItems", "array"),
    ("minimum", "number"),
    ("maximum", "number"),
)
"""What a schema without `type` is about, by the word that gives it away."""


class _Endless(Exception):
    """This branch leads back into itself."""


def instance(schema: object, param: str) -> Any:
    """A value for this schema. Raises a `Fault` for `param` where there is none of sensible size."""
    maker = _Maker(schema, param)
    try:
        return maker.value(schema, "text", 0)
    except _Endless:
        raise wrong(param, "a schema that some finite value satisfies") from None


class _Maker:
    """One walk through one schema, with its bounds on size and depth."""

    def __init__(self, root: object, param: str) -> None:
        self._root = root
        self._param = param
        self._nodes = 0
        self._open: list[str] = []
        self._by_type: Mapping[str, Callable[[Schema, str, int], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._integer,
            "number": lambda schema, _name, _depth: _number(schema),
            "boolean": lambda _schema, _name, _depth: True,
            "null": lambda _schema, _name, _depth: None,
        }

    def value(self, schema: object, name: str, depth: int) -> Any:
        """A value for a part of the schema; `name` is the property that it is for, and what strings say."""
        self._nodes += 1
        if self._nodes > _NODES or depth > _DEPTH:
            raise wrong(self._param, f"a schema whose smallest value has at most {_NODES} parts, {_DEPTH} deep")
        if not isinstance(schema, dict):
            return name
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return schema["enum"][0]
        return self._composed(schema, name, depth)

    def _composed(self, schema: Schema, name: str, depth: int) -> Any:
        if isinstance(schema.get("$ref"), str):
            return self._reference(schema, name, depth)
        if isinstance(schema.get("allOf"), list):
            return self.value(_merged(schema, "allOf", schema["allOf"]), name, depth + 1)
        for word in ("anyOf", "oneOf"):
            if isinstance(schema.get(word), list) and schema[word]:
                return self._first(schema, word, name, depth)
        return self._by_type.get(_type_of(schema), self._string)(schema, name, depth)

    def _reference(self, schema: Schema, name: str, depth: int) -> Any:
        reference = schema["$ref"]
        if reference in self._open:
            raise _Endless
        self._open.append(reference)
        try:
            return self.value(_merged(schema, "$ref", [self._resolve(reference)]), name, depth + 1)
        finally:
            self._open.pop()

    def _resolve(self, reference: str) -> object:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            if not isinstance(found, dict):
                break
            found = found.get(step.replace("~1", "/").replace("~0", "~"))
        if not reference.startswith("#") or not isinstance(found, (dict, bool)):
            raise wrong(self._param, f"a schema that holds its own {reference!r}")
        return found

    def _first(self, schema: Schema, word: str, name: str, depth: int) -> Any:
        for branch in schema[word]:
            try:
                return self.value(_merged(schema, word, [branch]), name, depth + 1)
            except _Endless:
                continue
        raise _Endless

    def _object(self, schema: Schema, _name: str, depth: int) -> dict[str, Any]:
        known, names = _properties(schema), _required(schema)
        names += [one for one in known if one not in names][: max(0, _bound(schema, "minProperties", 0) - len(names))]
        rest = schema.get("additionalProperties", True)
        return {one: self.value(known.get(one, rest), one, depth + 1) for one in names}

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        prefix = schema.get("prefixItems")
        first = prefix if isinstance(prefix, list) else []
        count = max(_bound(schema, "minItems", 0), len(first))
        if count > _NODES:
            raise wrong(self._param, f"minItems of at most {_NODES}")
        rest = schema.get("items", True)
        return [self.value(first[at] if at < len(first) else rest, name, depth + 1) for at in range(count)]

    def _string(self, schema: Schema, name: str, _depth: int) -> str:
        least, most = _bound(schema, "minLength", 0), _bound(schema, "maxLength", _CHARACTERS)
        if least > _CHARACTERS:
            raise wrong(self._param, f"minLength of at most {_CHARACTERS}")
        known = _FORMATS.get(str(schema.get("format")))
        return known if known is not None else name.ljust(least, ".")[: max(most, least)]

    def _integer(self, schema: Schema, _name: str, _depth: int) -> int:
        value = math.ceil(_number(schema, 1))
        if abs(value) > _WHOLE:
            raise wrong(self._param, f"integers within {_WHOLE}")
        return value


def _number(schema: Schema, unit: float | None = None) -> float:
    """The smallest number from 0 or from the lower bound on; a multiple of `unit` or of the schema's own."""
    step = schema.get("multipleOf")
    unit = step if _is_number(step) and step > 0 else unit
    low, above = _lowest(schema)
    high = min((schema[word] for word in ("maximum", "exclusiveMaximum") if _is_number(schema.get(word))), default=None)
    if low is None:
        low = 0 if high is None or high > 0 else high - 1
    if unit is not None and math.isfinite(low / unit):
        return unit * (math.floor(low / unit) + 1 if above else math.ceil(low / unit))
    if above:
        return low + 1 if high is None else (low + high) / 2
    return low


def _lowest(schema: Schema) -> tuple[float | None, bool]:
    """The lower bound of a number, and whether the number must lie above it."""
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    if _is_number(above) and (not _is_number(low) or above >= low):
        return above, True
    return (low, False) if _is_number(low) else (None, False)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _bound(schema: Schema, word: str, default: int) -> int:
    value = schema.get(word)
    return value if isinstance(value, int) and value >= 0 else default


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list) and kind:
        kind = kind[0]
    if isinstance(kind, str):
        return kind
    return next((found for word, found in _HINTS if word in schema), "string")


def _merged(schema: Schema, word: str, parts: Sequence[object]) -> Schema:
    """The schema with `word` replaced by its parts: properties and required names add up, the rest is overlaid."""
    merged = {key: value for key, value in schema.items() if key != word}
    for part in parts:
        if not isinstance(part, dict):
            continue
        properties = {**_properties(merged), **_properties(part)}
        required = list(dict.fromkeys((*_required(merged), *_required(part))))
        merged.update(part)
        if properties:
            merged["properties"] = properties
        if required:
            merged["required"] = required
    return merged


def _properties(schema: Schema) -> dict[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _required(schema: Schema) -> list[str]:
    found = schema.get("required")
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
