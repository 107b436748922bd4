"""Which columns a model learns from, and why the others are left out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from modelyard_crds.fields import MAX_COLUMNS, FieldSchema
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.errors import UserError
from modelyard_runtime.features import FloatArray
from modelyard_runtime.plan import lexicon

MOSTLY_MISSING = 0.98
#: Text is identifiers or free text rather than categories where its values hardly repeat.
UNIQUE_SHARE = 0.5
MIN_UNIQUE = 30
NEARLY_ALL = 0.98
FREE_TEXT_WORDS = 3.0
SAMPLED_CATEGORIES = 1000
LEAK = 0.9999

#: Numbers that count up by these names are time, not identifiers.
_TIME_WORDS = frozenset({"year", "month", "week", "day", "hour", "time", "date", "period"})
_IDENTIFIER_WORDS = frozenset({"id", "ids", "uuid", "guid", "key", "index", "rowid", "idx", "no"})


class Dropped(NamedTuple):
    """A column that is left out, and why."""

    column: str
    reason: str


class Selection(NamedTuple):
    """The columns to learn from, those left out, and what a person should know."""

    features: list[Column]
    dropped: list[Dropped]
    warnings: list[str]
    #: Names of the features that are free text: their words are learnt from.
    free_text: list[str]


def select_features(
    table: Table,
    targets: Sequence[Column],
    input_schema: Sequence[FieldSchema] | None,
    exclude: Sequence[str] = (),
) -> Selection:
    """Choose the features, none of which is a target or excluded.

    Raises UserError: UnknownField, NoUsableFeatures or TooManyColumns.
    """
    candidates, warnings = _candidates(table, targets, input_schema)
    rows = ~np.logical_and.reduce([target.missing for target in targets])
    known = [target.take(rows) for target in targets]
    features: list[Column] = []
    dropped = [Dropped(name, _EXCLUDED) for name in exclude]
    seen: dict[bytes, str] = {}
    for whole in candidates:
        if whole.name in exclude:
            continue
        column = whole.take(rows)
        reason = _why_not(column, known, stated=input_schema is not None)
        if reason is None:
            # Equal columns have equal bytes; codes of strings are in order of appearance.
            twin = seen.setdefault(column.values.tobytes(), column.name)
            reason = None if twin == column.name else f"the same as {twin}"
        if reason is None:
            features.append(whole)
        else:
            dropped.append(Dropped(whole.name, reason))
    _expect_usable(features, dropped)
    warnings += [
        f"Column {name!r} is left out: {why}." for name, why in dropped if why == _IS_TARGET
    ]
    free_text = [column.name for column in features if is_free_text(column.take(rows))]
    warnings += [
        f"Column {name!r} is free text: what is learnt from it is which words it has, not their "
        "order."
        for name in free_text
    ]
    return Selection(features, dropped, warnings, free_text)


def _candidates(
    table: Table, targets: Sequence[Column], schema: Sequence[FieldSchema] | None
) -> tuple[list[Column], list[str]]:
    predicted = [target.name for target in targets]
    if schema is None:
        return [column for column in table.columns if column.name not in predicted], []
    for field in schema:
        if field.name not in table.by_name:
            raise UserError(Reason.UNKNOWN_FIELD, _unknown(field.name, table))
    names = [field.name for field in schema if field.name not in predicted]
    left = [
        f"The input schema has the target {field.name!r}: it is not an input and was left out."
        for field in schema
        if field.name in predicted
    ]
    return [table.by_name[name] for name in names], left


def _unknown(name: str, table: Table) -> str:
    key = lexicon.stems(name)
    close = [column for column in table.names if lexicon.stems(column) == key]
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"The input schema has the field {name!r}, which is no column of the dataset.{hint} "
        f"Columns: {', '.join(table.names[:20])}."
    )


def without(selection: Selection, name: str, reason: str) -> Selection:
    """The selection without a column, where it is learnt from.

    Raises UserError NoUsableFeatures where that was the last one.
    """
    features = [column for column in selection.features if column.name != name]
    if len(features) == len(selection.features):
        return selection
    dropped = [*selection.dropped, Dropped(name, reason)]
    _expect_usable(features, dropped)
    free_text = [text for text in selection.free_text if text != name]
    return Selection(features, dropped, selection.warnings, free_text)


_IS_TARGET = "the same as the target"
_EXCLUDED = "excluded by spec.plan.exclude"

Policy = Callable[[Column], str | None]


def _why_not(column: Column, targets: Sequence[Column], *, stated: bool) -> str | None:
    """The first reason to leave a column out; one that a schema asks for stays where it can."""
    policies: tuple[Policy, ...] = (_empty, _constant, _mostly_missing, _identifier, _unique_text)
    if stated:
        policies = (_empty, _constant, _unique_text)
    if any(_equal(column, target) for target in targets):
        return _IS_TARGET
    return next((reason for policy in policies if (reason := policy(column)) is not None), None)


def _empty(column: Column) -> str | None:
    return "no row has a value" if column.known == 0 else None


def _constant(column: Column) -> str | None:
    # Whether a value is there can tell something even where it is always the same.
    constant = column.distinct == 1 and column.known == len(column.values)
    return "the same value in every row" if constant else None


def _mostly_missing(column: Column) -> str | None:
    share = 1 - column.known / len(column.values)
    return f"{share:.1%} of the rows have no value" if share > MOSTLY_MISSING else None


def _identifier(column: Column) -> str | None:
    if column.type not in {"integer", "string"} or column.distinct < NEARLY_ALL * column.known:
        return None
    words = set(lexicon.words(column.name))
    named = bool(words & _IDENTIFIER_WORDS)
    if column.type == "integer":
        steps = np.diff(column.values[~column.missing])
        counted = (
            column.known >= MIN_UNIQUE and bool((steps == 1).all()) and not words & _TIME_WORDS
        )
        return "an identifier: a number of its own in each row" if named or counted else None
    return "an identifier: a text of its own in each row" if named else None


def _unique_text(column: Column) -> str | None:
    hides = _hardly_repeats(column) and not is_free_text(column)
    return "text that hardly repeats" if hides else None


def _hardly_repeats(column: Column) -> bool:
    many = column.distinct > max(MIN_UNIQUE, UNIQUE_SHARE * column.known)
    return column.type == "string" and many


def is_free_text(column: Column) -> bool:
    """Whether a column has texts of several words, rather than categories or identifiers."""
    if not _hardly_repeats(column):
        return False
    sample = column.categories[:SAMPLED_CATEGORIES]
    return sum(len(text.split()) for text in sample) >= FREE_TEXT_WORDS * len(sample)


def _equal(column: Column, target: Column) -> bool:
    """Whether a column is the target, or its classes as flags or numbers: 1 and 0 for yes and no.

    Words that go with the classes one by one may be a very good feature.
    """
    if column.type == target.type == "string":
        return bool(np.array_equal(column.labels(), target.labels()))
    if "string" in {column.type, target.type}:
        return _numbered(column, target)
    return bool(np.array_equal(column.values, target.values, equal_nan=True))


def _numbered(column: Column, target: Column) -> bool:
    rows = len(target.values)
    if rows < MIN_UNIQUE or column.known != rows or column.distinct != target.distinct:
        return False
    pairs = np.column_stack([column.values, target.values])
    return len(np.unique(pairs, axis=0)) == target.distinct


def _expect_usable(features: list[Column], dropped: list[Dropped]) -> None:
    if not features:
        why = "; ".join(f"{name}: {reason}" for name, reason in dropped[:10])
        why = why or "the input schema or the dataset has the target only"
        raise UserError(
            Reason.NO_USABLE_FEATURES,
            f"No column is left to predict from ({why}). Add columns that tell something about "
            "the target.",
        )
    if len(features) > MAX_COLUMNS:
        raise UserError(
            Reason.TOO_MANY_COLUMNS,
            f"{len(features)} columns could be learnt from, at most {MAX_COLUMNS} are: name those "
            "that matter in the input schema.",
        )


def leak_warnings(features: Sequence[Column], target: Column) -> list[str]:
    """Columns that give the target away nearly by themselves: perhaps known only afterwards."""
    if target.type == "string":
        return []
    known = ~target.missing
    return [
        f"Column {column.name!r} gives {target.name!r} away nearly by itself: leave it out of the "
        "input schema if it is known only afterwards."
        for column in features
        if column.type != "string"
        and _correlation(column.values[known], target.values[known]) > LEAK
    ]


def _correlation(one: FloatArray, other: FloatArray) -> float:
    both = ~np.isnan(one)
    one, other = one[both], other[both]
    if len(one) < MIN_UNIQUE or one.std() == 0 or other.std() == 0:
        return 0.0
    return float(abs(np.corrcoef(one, other)[0, 1]))
