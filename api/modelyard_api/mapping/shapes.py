"""What the shapes of REST are made of: field types, and the bases of requests and answers."""

from datetime import datetime
from typing import Annotated, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)

from modelyard_crds.conditions import rfc3339
from modelyard_crds.fields import MAX_COLUMNS, FieldType
from modelyard_crds.model import INTENT_MAX_LENGTH

UtcTime = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    Field(json_schema_extra={"format": "date-time"}),
]


def _a_number(value: object) -> object:
    """2.0 is an integer in JSON, "2" and true are not."""
    if isinstance(value, str | bool):
        msg = "Input should be a valid integer"
        raise ValueError(msg)
    return value


#: Behind the bounds of a field, or pydantic would not document them.
WHOLE_NUMBER = BeforeValidator(_a_number)
Status = Literal["DRAFT", "BUILDING", "READY", "ERROR"]
DeploymentStatus = Literal["DEPLOYING", "DEPLOYED", "DEGRADED", "FAILED", "UNDEPLOYING"]
SchemaJson = dict[str, JsonValue]
_FIELD_TYPE = {"enum": list(get_args(FieldType))}
#: How a schema is documented; ``schemas`` reads it, with messages that name the field.
SchemaRequest = Annotated[
    SchemaJson,
    WithJsonSchema(
        {
            "type": "object",
            "description": "Field name to type, or to an object with a type and more.",
            "propertyNames": {"minLength": 1, "maxLength": 253},
            "maxProperties": MAX_COLUMNS,
            "additionalProperties": {
                "anyOf": [
                    _FIELD_TYPE,
                    {
                        "type": "object",
                        "required": ["type"],
                        "additionalProperties": False,
                        "properties": {
                            "type": _FIELD_TYPE,
                            "description": {"type": "string", "maxLength": 1024},
                            "required": {"type": "boolean"},
                            "enum": {"type": "array", "items": {"type": "string"}},
                            "minimum": {"type": "number"},
                            "maximum": {"type": "number"},
                        },
                    },
                ]
            },
        }
    ),
]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=63)]], Field(max_length=32)]
DisplayName = Annotated[str, Field(min_length=1, max_length=253)]
Description = Annotated[str, Field(max_length=4096)]
Intent = Annotated[str, Field(min_length=1, max_length=INTENT_MAX_LENGTH)]
DatasetReference = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        description="Id of a dataset (ds_…) or a finished upload (upload_…), or a dataset's name.",
    ),
]
Environment = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=32)]


class Request(BaseModel):
    """Base of request bodies."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class Answer(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())


class Pagination(Answer):
    """Which part of a list this is."""

    total: int
    limit: int
    offset: int
    has_more: bool


class Fault(Answer):
    """Why something is not as asked."""

    reason: str
    message: str


FaultField = Annotated[
    Fault | None, Field(exclude_if=lambda value: value is None, description="Only where it fails.")
]
