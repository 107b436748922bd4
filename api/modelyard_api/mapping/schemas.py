"""Schemas: the object of REST (field → type or JSON-Schema fragment) ⇄ the list of the CRD."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import JsonValue, ValidationError

from modelyard_api.errors import InvalidInputError
from modelyard_crds.fields import FieldSchema, FieldType, schema_by_name

RestSchema = dict[str, JsonValue]

FIELD_TYPES: tuple[str, ...] = get_args(FieldType)
#: JSON Schema's words for types that have another name here.
_JSON_SCHEMA_TYPES = {"number": "float"}
_KEYWORDS = ("type", "description", "enum", "minimum", "maximum", "required")


def schema_of(schema: Mapping[str, JsonValue], where: str) -> list[FieldSchema]:
    """The fields of a REST schema.

    Raises InvalidInputError that names the field, its value and what may stand there.
    """
    return [_field(name, value, f"{where}.{name}") for name, value in schema.items()]


def rest_schema(
    resolved: list[FieldSchema] | None, given: list[FieldSchema] | None
) -> RestSchema | None:
    """The REST form of a schema; None where there is none yet.

    A field is its type, as in the specification, unless the client gave a fragment for it: what
    the build found out besides (what is required, what a probability is of) is in the version's
    OpenAPI and in describe.
    """
    if resolved is None and given is None:
        return None
    own = schema_by_name(given)
    return {f.name: own.get(f.name, f.type) for f in (resolved or given or [])}


def meanings(schema: list[FieldSchema] | None) -> str:
    """What the fields of a prediction mean, in sentences; empty where it goes without saying."""
    return " ".join(f"{f.name}: {f.description}" for f in schema or [] if f.description)


def _field(name: str, value: JsonValue, where: str) -> FieldSchema:
    if isinstance(value, str):
        fragment: dict[str, Any] = {"type": value}
    elif isinstance(value, dict):
        fragment = {key: item for key, item in value.items() if key != "format"}
        if value.get("format") in {"date-time", "date"}:
            fragment["type"] = "datetime"
    else:
        raise _wrong(where, value, "a type or an object with a type")
    unknown = sorted(set(fragment) - set(_KEYWORDS))
    if unknown:
        raise _wrong(f"{where}.{unknown[0]}", fragment[unknown[0]], f"one of {_listed(_KEYWORDS)}")
    kind = fragment.get("type")
    kind = _JSON_SCHEMA_TYPES.get(kind, kind) if isinstance(kind, str) else kind
    if kind not in FIELD_TYPES:
        raise _wrong(where, kind, f"one of {_listed(FIELD_TYPES)}")
    try:
        return FieldSchema.model_validate({**fragment, "name": name, "type": kind})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join([where, *(str(part) for part in first["loc"])])
        raise _wrong(place, first.get("input"), first["msg"]) from None


def _wrong(where: str, value: object, expected: str) -> InvalidInputError:
    return InvalidInputError(
        f"{where} is {value!r}; expected {expected}.",
        details={where: expected},
        suggestions=['Write a schema as {"field": "type"}, for instance {"age": "integer"}.'],
    )


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words)
