"""The form that all sections share (unknown keys forbidden, empty means default) and the types of values with units."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    SecretStr,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from gateway.config import units
from gateway.config.units import Rate, Spend

UNEXPECTED = "unexpected"
"""The type of the errors that our own validators raise; the context says what was `expected`."""


class Section(BaseModel):
    """A mapping of known keys. A key without a value (`tenants:`) is as good as absent."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, given: Any) -> Any:
        return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given


def unexpected(expected: str) -> PydanticCustomError:
    """The error that says only what would be right; what was found is shown by whoever knows whether it is a secret."""
    return PydanticCustomError(UNEXPECTED, "expected {expected}", {"expected": expected})


def _reads(reader: Any) -> Any:
    def read(value: Any) -> Any:
        try:
            return reader(value)
        except units.UnitError as error:
            raise unexpected(error.expected) from None

    return read


def _described(expected: str, *, number: bool = False) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": ["string", "number"] if number else "string", "description": expected[0].upper() + expected[1:]}
    )


Duration = Annotated[float, PlainValidator(_reads(units.duration)), _described(units.DURATION)]
Size = Annotated[int, PlainValidator(_reads(units.size)), _described(units.SIZE)]
Share = Annotated[float, PlainValidator(_reads(units.share)), _described(units.SHARE)]
Count = Annotated[int, PlainValidator(_reads(units.count)), _described(units.COUNT, number=True)]
RateOf = Annotated[Rate, PlainValidator(_reads(units.rate)), _described(units.RATE)]
Usd = Annotated[int, PlainValidator(_reads(units.usd)), _described(units.USD, number=True)]
SpendOf = Annotated[Spend, PlainValidator(_reads(units.spend)), _described(units.SPEND)]


def _positive(value: float) -> float:
    if value <= 0:
        raise unexpected("more than nothing")
    return value


Positive = AfterValidator(_positive)


def _one_is_a_list(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def _empty_entries(given: Any) -> Any:
    return {key: {} if value is None else value for key, value in given.items()} if isinstance(given, dict) else given


class _Lenient(BeforeValidator):
    """A reader of shorter forms, which the schema offers as well."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        if "items" in schema:
            return {"anyOf": [schema, schema["items"]]}
        return {**schema, "additionalProperties": {"anyOf": [schema["additionalProperties"], {"type": "null"}]}}


ListOrOne = _Lenient(_one_is_a_list)
"""A list; a single value stands for a list of one."""

Entries = _Lenient(_empty_entries)
"""A mapping of names to sections; a name without a value (`echo:`) has all defaults."""


def quantity(default: str, reader: Any, description: str) -> Any:
    """A field whose default is written as users write it, in the schema too."""
    return Field(default_factory=lambda: reader(default), description=description, json_schema_extra={"default": default})


__all__ = [
    "UNEXPECTED",
    "Count",
    "Duration",
    "Entries",
    "ListOrOne",
    "Positive",
    "RateOf",
    "SecretStr",
    "Section",
    "Share",
    "Size",
    "SpendOf",
    "Usd",
    "quantity",
    "unexpected",
]
