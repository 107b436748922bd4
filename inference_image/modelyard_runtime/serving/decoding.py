"""From bytes to rows: a decoder compiled once from the version's input schema.

The compiled decoder accepts exactly the common case and says no to everything else; ``careful``
then reads the same bytes again slowly, and is the one that knows what is wrong, or finds that
nothing is. Called by ``predictor``.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import msgspec

from modelyard_crds.fields import FieldSchema
from modelyard_runtime.serving.careful import Reader
from modelyard_runtime.serving.values import FLOAT32_MAX, Check, Row, checks

#: What the compiled decoder raises for anything that it does not read.
_REFUSALS = (msgspec.DecodeError, ValueError, RecursionError)
#: Larger bodies are split into rows first, so that other requests get their turn in between.
ONE_CALL_BYTES = 1024 * 1024
_INT64_MAX = 2**63 - 1

Finish: TypeAlias = Callable[[Row], Row]


class Rows(NamedTuple):
    """Rows as tuples of values in the order of the schema, and fields that were passed over."""

    rows: list[Row]
    ignored: frozenset[str] = frozenset()


class Decoder:
    """Reads the JSON body of a request into rows.

    Raises MalformedError for what is not JSON, InvalidRowsError for values that do not follow
    the schema, TooLargeError above ``max_rows``.
    """

    def __init__(self, schema: Sequence[FieldSchema], max_rows: int) -> None:
        self._careful = Reader(schema, max_rows)
        self._max_rows = max_rows
        struct = _row_struct(schema)
        self._one = msgspec.json.Decoder(struct)
        self._many = msgspec.json.Decoder(list[struct])  # type: ignore[valid-type]  # made here
        self._raw = msgspec.json.Decoder(list[msgspec.Raw])
        self._finish = _finisher(schema)

    def one(self, body: bytes) -> Rows:
        """The one row of an object."""
        try:
            row = msgspec.structs.astuple(self._one.decode(body))
            return Rows([row if self._finish is None else self._finish(row)])
        except _REFUSALS:
            return Rows(*self._careful.one(body))

    def many(self, body: bytes) -> Rows:
        """The rows of an array of objects."""
        # Empty objects would be rows of full size in memory before they could be counted.
        if body.count(b"{") > self._max_rows:
            return Rows(*self._careful.many(body))
        try:
            rows = list(map(msgspec.structs.astuple, self._structs(body)))
            return Rows(rows if self._finish is None else list(map(self._finish, rows)))
        except _REFUSALS:
            return Rows(*self._careful.many(body))

    def objects(self, objects: Sequence[Any]) -> Rows:
        """The rows of objects that were decoded elsewhere."""
        return Rows(*self._careful.all(objects))

    def _structs(self, body: bytes) -> Iterable[Any]:
        """Row by row where the body is large: one call would hold the interpreter too long."""
        if len(body) <= ONE_CALL_BYTES:
            return self._many.decode(body)
        return map(self._one.decode, self._raw.decode(body))


def _row_struct(schema: Sequence[FieldSchema]) -> type[msgspec.Struct]:
    """A struct of the schema's fields in their order; their names need not be identifiers."""
    return msgspec.defstruct(
        "Row",
        [
            (f"f{index}", _annotation(field), *([] if field.required else [None]))
            for index, field in enumerate(schema)
        ],
        rename={f"f{index}": field.name for index, field in enumerate(schema)},
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )


def _annotation(field: FieldSchema) -> Any:
    exact = _exact_type(field)
    return exact if field.required else exact | None


def _exact_type(field: FieldSchema) -> Any:
    match field.type:
        case "float":
            least, greatest = _bounds(field, FLOAT32_MAX)
            return Annotated[float, msgspec.Meta(ge=least, le=greatest)]
        case "integer":
            least, greatest = _bounds(field, _INT64_MAX)
            return Annotated[int, msgspec.Meta(ge=math.ceil(least), le=math.floor(greatest))]
        case "boolean":
            return bool
        case "string" if field.enum:
            return Literal[tuple(field.enum)]
        case _:
            return str


def _bounds(field: FieldSchema, limit: float) -> tuple[float, float]:
    least = -limit if field.minimum is None else max(-limit, field.minimum)
    greatest = limit if field.maximum is None else min(limit, field.maximum)
    return least, greatest


def _finisher(schema: Sequence[FieldSchema]) -> Finish | None:
    """What is left to check where a type alone does not say it; None where it does."""
    left = [
        (index, check)
        for index, (field, check) in enumerate(zip(schema, checks(schema), strict=True))
        if field.type == "datetime" or (field.enum is not None and field.type != "string")
    ]
    return _apply(left) if left else None


def _apply(left: Sequence[tuple[int, Check]]) -> Finish:
    def finish(row: Row) -> Row:
        values = list(row)
        for index, check in left:
            if values[index] is not None:
                values[index] = check(values[index])
        return tuple(values)

    return finish
