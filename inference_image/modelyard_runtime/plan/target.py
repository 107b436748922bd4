"""Which column is meant: names of the output schema, then the words of the intent.

Where the schema names none, ``ranking`` says how likely each column is meant; none that is likely
enough is TargetNotFound, several are TargetAmbiguous, and both say how to name the column.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from modelyard_crds.fields import FieldSchema
from modelyard_crds.plan import MAX_TARGETS, PlanOverrides, Task
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.intent import Intent, read_intent
from modelyard_runtime.plan.quantiles import field_ask
from modelyard_runtime.plan.ranking import rank
from modelyard_runtime.plan.unbuilt import (
    Unbuilt,
    answers,
    asks_for_spread,
    recommends,
    unbuilt_task,
)
from modelyard_runtime.plan.values import is_identifier

#: A column that is less likely is not even worth a hint.
WEAK = 0.01
MAX_LISTED = 20
_AFFIXES = lexicon.GENERIC | {
    *("predicted", "prediction", "pred", "estimated", "expected", "next", "probability", "prob"),
    *("proba", "score", "likelihood", "risk", "estimate", "category", "confidence", "chance"),
}


@dataclass(frozen=True)
class Targets:
    """The columns that are meant, how surely, from 0 to 1, and which output field is whose."""

    columns: list[Column]
    confidence: float
    intent: Intent
    owners: dict[str, str]

    def fields_of(self, column: Column, fields: Sequence[FieldSchema]) -> list[FieldSchema]:
        """The output fields of a column; those that name none are the first one's."""
        first = self.columns[0].name
        return [field for field in fields if self.owners.get(field.name, first) == column.name]


class Target(NamedTuple):
    """The column that was found and how surely, from 0 to 1."""

    column: Column
    confidence: float


def resolve_targets(
    text: str,
    table: Table,
    input_schema: Sequence[FieldSchema] | None,
    output_schema: Sequence[FieldSchema] | None,
    stated: PlanOverrides,
) -> Targets:
    """The columns to predict: stated ones, else those of the output schema, else the intent's.

    Raises UserError: UnknownField, TargetNotFound, TargetAmbiguous or UnsupportedTask.
    """
    _expect_columns(stated, table)
    fields = output_schema or []
    owners = {f.name: column.name for f in fields if (column := column_of_field(f, table))}
    intent = read_intent(text, [field.name for field in fields])
    inputs = {field.name for field in input_schema or []}
    named = stated.targets or list(dict.fromkeys(owners.values()))
    if named:
        columns = [table.by_name[name] for name in named]
        if len(columns) > 1:
            _expect_several(columns, inputs)
        owners = {field: name for field, name in owners.items() if name in named}
        return Targets(columns, 1.0, intent, owners)
    excluded = set(stated.exclude or ())
    asked = Table(tuple(c for c in table.columns if c.name not in excluded), table.rows)
    unbuilt = unbuilt_task(text)
    if unbuilt is not None and not any(answers(unbuilt, name) for name in asked.names):
        raise _not_built(unbuilt)
    column, confidence = _ranked(intent, asked, inputs)
    return Targets([column], confidence, intent, owners)


def _expect_columns(stated: PlanOverrides, table: Table) -> None:
    """Raise UserError for a column of spec.plan that the table does not have."""
    single = {
        "timeIndex": stated.time_index,
        "groupBy": stated.group_by,
        "split.column": None if stated.split is None else stated.split.column,
    }
    many = {"targets": stated.targets, "exclude": stated.exclude}
    given = [(key, name) for key, name in single.items() if name is not None]
    given += [(key, name) for key, names in many.items() for name in names or ()]
    for key, name in given:
        if name not in table.by_name:
            raise UserError(
                Reason.UNKNOWN_FIELD,
                f"spec.plan.{key} has {name!r}, which is no column of the dataset."
                f"{_did_you_mean(name, table)} "
                f"Columns: {', '.join(table.names[:MAX_LISTED])}.",
            )


def _did_you_mean(name: str, table: Table) -> str:
    close = difflib.get_close_matches(name, table.names, 1, 0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def _expect_several(columns: Sequence[Column], inputs: set[str]) -> None:
    if len(columns) > MAX_TARGETS:
        raise UserError(
            Reason.UNSUPPORTED_TASK,
            f"{len(columns)} columns are to be predicted, at most {MAX_TARGETS} are by one model: "
            "make several models.",
        )
    for column in columns:
        if column.name in inputs or is_identifier(column):
            why = "an input too" if column.name in inputs else "an identifier of its row"
            raise UserError(
                Reason.UNSUPPORTED_TASK,
                f"The output schema names {column.name!r}, which is {why} and not predicted: leave "
                "it out; predictions come back in the order of the rows.",
            )


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
    if found:
        return found[0] if len(found) == 1 else None
    ask = field_ask(field.name)
    if ask is None or not ask.rest:
        return None
    return column_of_field(field.model_copy(update={"name": ask.rest}), table)


def expect_meant(found: Targets, task: Task, fields: Sequence[FieldSchema], table: Table) -> None:
    """Raise UserError for a field that names something else than the column beside it.

    A field of any name may stand for the only target; beside one that names the target, the same
    value again cannot be what it asks for.
    """
    first = found.columns[0]
    if first.name not in found.owners.values():
        return
    for field in fields:
        spoken = [token for token in lexicon.words(field.name) if token not in _AFFIXES]
        labels = set() if task == "regression" else {*lexicon.stems(" ".join(first.label_counts))}
        asks = field_ask(field.name, first.name) or asks_for_spread(field.name, first.name)
        fits = field.type in ({"float", "integer"} if task == "regression" else {"string"})
        known = field.name in found.owners or {*map(lexicon.stem, spoken)} & labels
        if known or not fits or not spoken or asks:
            continue
        raise UserError(
            Reason.UNKNOWN_FIELD,
            f"The output schema has the field {field.name!r}, which names no column, beside one "
            f"for {first.name!r}.{_did_you_mean(field.name, table)} Leave it out, or name a column "
            f"to predict: {', '.join(table.names[:MAX_LISTED])}.",
        )


def _key(name: str) -> list[str]:
    return lexicon.stems(name)


def _bare_key(name: str) -> list[str]:
    return [lexicon.stem(token) for token in lexicon.words(name) if token not in _AFFIXES]


def _ranked(intent: Intent, table: Table, inputs: set[str]) -> Target:
    ranking = rank(intent, table, inputs)
    if ranking.best is not None:
        return Target(*ranking.best)
    if ranking.rivals:
        raise UserError(
            Reason.TARGET_AMBIGUOUS,
            f"The intent fits several columns about equally: {', '.join(ranking.rivals[:6])}. "
            f"{_how_to_say(ranking.rivals[0])}",
        )
    close = [item.column.name for item in ranking.columns if item.chance >= WEAK]
    raise _not_found(intent, table, close)


def _not_built(task: Unbuilt) -> UserError:
    return UserError(
        Reason.UNSUPPORTED_TASK,
        f"The intent asks {task.what}: only classes and numbers of a column that the data has are "
        f"predicted. Instead, {task.instead}. If a column is meant, name it in the output schema "
        "or in spec.plan.targets.",
    )


def _how_to_say(name: str) -> str:
    return (
        f"Name the column in the intent (“Predict {name}”), in the output schema (name: {name}) "
        f"or in spec.plan.targets."
    )


def _not_found(intent: Intent, table: Table, weak: list[str]) -> UserError:
    names = table.names
    shown = ", ".join(names[:MAX_LISTED])
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    close = weak[:3] or difflib.get_close_matches(intent.head or "", names, 3, 0.5)
    hint = f" Closest: {', '.join(close)}." if close else ""
    if recommends(intent.text):
        return UserError(
            Reason.UNSUPPORTED_TASK,
            "The intent asks to recommend: only classes and numbers of a column are predicted. "
            f"Columns: {shown}{more}. {_how_to_say(names[-1])}",
        )
    return UserError(
        Reason.TARGET_NOT_FOUND,
        "Neither the intent nor the output schema names a column to predict. Columns: "
        f"{shown}{more}.{hint} {_how_to_say((close or names[-1:])[0])}",
    )
