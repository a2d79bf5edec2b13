"""From the values of a file to its model: what pydantic finds wrong becomes findings with a fix, all at once."""

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.config.called import key_meant, nearest
from gateway.config.document import Document
from gateway.config.models.section import UNEXPECTED, Section
from gateway.config.problems import Finding, Where

M = TypeVar("M", bound=Section)
NAMED = ("providers", "models", "tenants", "tiers", "prices")
"""Sections whose keys are names that others refer to."""

_EXPECTED: Mapping[str, str] = types.MappingProxyType(
    {
        **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "a mapping of keys"),
        **dict.fromkeys(("list_type", "tuple_type"), "a list"),
        **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "a whole number"),
        **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
        "string_type": "text, in quotes if need be",
        "string_too_short": "at least one letter",
    }
)


def validate(model: type[M], document: Document) -> tuple[M | None, list[Finding]]:
    """The model, and all that is wrong. With findings it is what remains without the wrong values, so that references
    between its parts can be checked as well; None where whole entries are wrong, because then that would mislead.
    """
    if document.data is None:
        return None, []
    try:
        return model.model_validate(document.data), []
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
    findings = [_finding(model, document, one) for one in errors if one["loc"] not in document.dead]
    wrong = [one["loc"] for one in errors]
    if not all(len(where) > (2 if where[0] in NAMED else 1) and where in document.keys for where in wrong):
        return None, findings
    try:
        return model.model_validate(_without(document.data, wrong)), findings
    except ValidationError:
        return None, findings


def _finding(model: type[Section], document: Document, error: ErrorDetails) -> Finding:
    where, kind = error["loc"], error["type"]
    if kind == "extra_forbidden":
        return _unknown(where, _keys_at(model, where[:-1]))
    if kind == "missing":
        owner = f"{where[-2]!r}" if len(where) > 1 and isinstance(where[-2], str) else "this entry"
        return Finding(where, f"{owner} needs it", f"add {where[-1]!r}", rule="missing-key", at_key=True)
    return Finding(where, document.found(where), _fix(error, document.shown(where) or ""))


def _fix(error: ErrorDetails, shown: str) -> str:
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "literal_error":
            choices = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            near = nearest(shown, choices)
            return f"did you mean {near!r}?" if near else f"write one of {', '.join(choices)}"
        case "greater_than_equal":
            return f"write at least {context['ge']}"
        case "less_than_equal":
            return f"write at most {context['le']}"
        case str() if kind == UNEXPECTED:
            return f"write {context['expected']}"
        case _:
            return f"write {_EXPECTED[kind]}" if kind in _EXPECTED else error["msg"]


def _unknown(where: Where, known: Sequence[str]) -> Finding:
    name = str(where[-1])
    near = key_meant(name, known)
    message = f"unknown key {name!r}" if near else f"unknown key {name!r}; the keys here are {', '.join(known)}"
    return Finding(where, message, f"did you mean {near!r}?" if near else "", rule="unknown-key", at_key=True)


def _keys_at(model: type[Section], where: Where) -> list[str]:
    """The keys that may stand in the section at `where`."""
    here: Any = model
    for part in where:
        here = _inside(_bare_type(here), part)
    section = _bare_type(here)
    if not (isinstance(section, type) and issubclass(section, Section)):
        return []
    return [field.alias or name for name, field in section.model_fields.items()]


def _bare_type(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _bare_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare_type(get_args(annotation)[0])
    return annotation


def _inside(annotation: Any, part: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        return fields[str(part)].annotation if part in fields else None
    arguments = get_args(annotation)
    return arguments[-1] if arguments else None


def _without(data: Any, wrong: Sequence[Where]) -> Any:
    """A copy of the data without these keys of mappings."""
    if isinstance(data, dict):
        return {key: _without(value, _below(wrong, key)) for key, value in data.items() if (key,) not in wrong}
    if isinstance(data, list):
        return [_without(value, _below(wrong, at)) for at, value in enumerate(data)]
    return data


def _below(wrong: Sequence[Where], part: str | int) -> list[Where]:
    return [where[1:] for where in wrong if where[:1] == (part,)]
