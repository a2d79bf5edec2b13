"""JSON Schemas of config.yaml and of policy files, for editors; made from the models, without a network."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.config.models import Config, Policy

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE: Mapping[str, Any] = MappingProxyType(
    {"type": "string", "pattern": r"^(file:|.*\$\{)", "description": "${NAME}, ${NAME:-default} or file:/path."}
)
NOT_TEXT = ("integer", "number", "boolean")


def config_schema() -> dict[str, Any]:
    """The schema of config.yaml."""
    return _schema(Config, "Fleetgate configuration")


def policy_schema() -> dict[str, Any]:
    """The schema of one policy file."""
    return _schema(Policy, "Fleetgate policy")


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as the text of a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema(model: type[Config] | type[Policy], title: str) -> dict[str, Any]:
    made: Any = model.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, "title": title, **_with_references(made)}


def _with_references(part: Any) -> Any:
    """Every value may be a reference: where numbers, truths or choices stand, such a text is right as well."""
    if isinstance(part, list):
        return [_with_references(one) for one in part]
    if not isinstance(part, dict):
        return part
    if "enum" in part or "const" in part or part.get("type") in NOT_TEXT:
        return _or_reference(part)
    return {key: value if key == "default" else _with_references(value) for key, value in part.items() if key != "title"}


def _or_reference(part: dict[str, Any]) -> dict[str, Any]:
    outside: dict[str, Any] = {key: part[key] for key in ("default", "description") if key in part}
    inside = {key: value for key, value in part.items() if key not in (*outside, "title")}
    return {"anyOf": [inside, dict(REFERENCE)], **outside}
