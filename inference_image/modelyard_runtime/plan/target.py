"""Which column is meant: names of the output schema, then the words of the intent.

Each candidate gets points for what speaks for it; too few points is TargetNotFound, two equal
ones is TargetAmbiguous, and both say how to name the column.
"""

import difflib
from collections.abc import Sequence
from typing import NamedTuple

from modelyard_crds.fields import FieldSchema
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.intent import Intent, read_intent
from modelyard_runtime.plan.points import points

ENOUGH = 0.5
APART = 0.08
#: Several columns with so many points are what was meant, though none of them is clearly.
HALF_MEANT = 0.25
#: The only column that the intent says anything about is meant, even if hardly named.
HARDLY, NOTHING = 0.35, 0.1
MAX_LISTED = 20
_AFFIXES = lexicon.GENERIC | {
    *("predicted", "prediction", "pred", "estimated", "expected", "next", "probability", "prob"),
    *("proba", "score", "likelihood", "risk", "estimate", "category", "confidence", "chance"),
}


class Target(NamedTuple):
    """The column that was found and how surely, from 0 to 1."""

    column: Column
    confidence: float
    intent: Intent


def resolve_target(
    text: str,
    table: Table,
    input_schema: Sequence[FieldSchema] | None,
    output_schema: Sequence[FieldSchema] | None,
) -> Target:
    """The column to predict.

    Raises UserError: TargetNotFound, TargetAmbiguous or UnsupportedTask.
    """
    fields = output_schema or []
    named = {column.name: column for field in fields if (column := column_of_field(field, table))}
    intent = read_intent(text, [field.name for field in fields])
    if len(named) > 1:
        raise UserError(
            Reason.UNSUPPORTED_TASK,
            f"The output schema names {len(named)} columns ({', '.join(named)}): a model "
            "predicts one. Make a model for each.",
        )
    if named:
        return Target(next(iter(named.values())), 1.0, intent)
    return _by_points(intent, table, {field.name for field in input_schema or []})


def column_of_field(field: FieldSchema, table: Table) -> Column | None:
    """The column that a field of the output schema speaks of: by its name, else without affixes."""
    if field.name in table.by_name:
        return table.by_name[field.name]
    tokens = lexicon.words(field.name)
    bare = [token for token in tokens if token not in _AFFIXES]
    for wanted in (tokens, bare):
        key = [lexicon.stem(token) for token in wanted]
        found = [column for column in table.columns if key and _key(column.name) == key]
        if len(found) == 1:
            return found[0]
    key = [lexicon.stem(token) for token in bare]
    found = [column for column in table.columns if key and _bare_key(column.name) == key]
    return found[0] if len(found) == 1 else None


def _key(name: str) -> list[str]:
    return lexicon.stems(name)


def _bare_key(name: str) -> list[str]:
    return [lexicon.stem(token) for token in lexicon.words(name) if token not in _AFFIXES]


def _by_points(intent: Intent, table: Table, inputs: set[str]) -> Target:
    ranked = sorted(
        ((points(intent, column, inputs), column) for column in table.columns),
        key=lambda pair: -pair[0],
    )
    best, column = ranked[0]
    rivals = [other.name for score, other in ranked[1:] if best - score < APART]
    alone = best >= HARDLY and all(score <= NOTHING for score, _ in ranked[1:])
    if best < ENOUGH and not alone:
        fallback = _conventional(intent, table, inputs) or _only_answer(intent, table, inputs)
        if fallback is not None and best < HALF_MEANT + APART:
            return fallback
        if not rivals or best < HALF_MEANT:
            raise _not_found(intent, table, [c.name for score, c in ranked if score > 0])
    if rivals:
        names = ", ".join([column.name, *rivals[:5]])
        raise UserError(
            Reason.TARGET_AMBIGUOUS,
            f"The intent fits several columns equally well: {names}. {_how_to_say(column.name)}",
        )
    return Target(column, min(1.0, best), intent)


def _conventional(intent: Intent, table: Table, inputs: set[str]) -> Target | None:
    """The one column with a name such as ``target``, where its kind is that of the answer."""
    found = [column for column in table.columns if _is_conventional(column.name)]
    if len(found) != 1 or found[0].name in inputs:
        return None
    column = found[0]
    return None if intent.quantity and not _is_number(column) else Target(column, ENOUGH, intent)


def _is_conventional(name: str) -> bool:
    return "".join(lexicon.words(name)) in lexicon.CONVENTIONAL


def _is_number(column: Column) -> bool:
    return column.type in {"integer", "float"} and column.distinct > 2  # noqa: PLR2004 - yes and no


def _only_answer(intent: Intent, table: Table, inputs: set[str]) -> Target | None:
    """The only column of yes and no, where that is what the question asks for."""
    if not intent.whether or intent.quantity:
        return None
    found = [
        column
        for column in table.columns
        if column.name not in inputs and (column.type == "boolean" or _is_zero_or_one(column))
    ]
    return Target(found[0], HARDLY, intent) if len(found) == 1 else None


def _is_zero_or_one(column: Column) -> bool:
    return column.type == "integer" and set(column.label_counts) == {"0", "1"}


def _how_to_say(name: str) -> str:
    return (
        f"Name the column in the intent (“Predict {name}”) or in the output schema (name: {name})."
    )


def _not_found(intent: Intent, table: Table, weak: list[str]) -> UserError:
    names = table.names
    shown = ", ".join(names[:MAX_LISTED])
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    close = weak[:3] or difflib.get_close_matches(intent.head or "", names, 3, 0.5)
    hint = f" Closest: {', '.join(close)}." if close else ""
    if intent.unbuilt is not None:
        return UserError(
            Reason.UNSUPPORTED_TASK,
            f"The intent asks to {intent.unbuilt.lower()}: only classification and regression of "
            f"one column are built. Columns: {shown}{more}. {_how_to_say(names[-1])}",
        )
    return UserError(
        Reason.TARGET_NOT_FOUND,
        "Neither the intent nor the output schema names a column to predict. Columns: "
        f"{shown}{more}.{hint} {_how_to_say((close or names[-1:])[0])}",
    )
