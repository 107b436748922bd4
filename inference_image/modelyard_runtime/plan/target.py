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

ENOUGH = 0.5
APART = 0.08
#: Several columns with so many points are what was meant, though none of them is clearly.
HALF_MEANT = 0.25
MAX_LISTED = 20
#: A column of more categories is not asked for by the names of its values.
MAX_NAMED_CATEGORIES = 50
FEW_VALUES = 20

_COVERAGE, _HEAD = 0.65, 0.35
_GENERIC_WEIGHT = 0.15
_TWO_VALUES, _ONE_VALUE = 0.9, 0.45
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
    points = sorted(
        ((_points(intent, column, inputs), column) for column in table.columns),
        key=lambda pair: -pair[0],
    )
    best, column = points[0]
    rivals = [other.name for score, other in points[1:] if best - score < APART]
    if best < ENOUGH and not (rivals and best >= HALF_MEANT):
        conventional = [c for c in table.columns if c.name.lower() in lexicon.CONVENTIONAL]
        if len(conventional) == 1 and conventional[0].name not in inputs:
            return Target(conventional[0], ENOUGH, intent)
        raise _not_found(intent, table, [c.name for score, c in points if score > 0])
    if rivals:
        names = ", ".join([column.name, *rivals[:5]])
        raise UserError(
            Reason.TARGET_AMBIGUOUS,
            f"The intent fits several columns equally well: {names}. {_how_to_say(column.name)}",
        )
    return Target(column, min(1.0, best), intent)


def _points(intent: Intent, column: Column, inputs: set[str]) -> float:
    if column.name.lower() in intent.text.lower() and "_" in column.name:
        # Nobody writes an underscore by chance.
        return 1.5 if column.name not in inputs else 1.0
    name, values = _name_points(intent, column.name), _value_points(intent, column)
    evidence = max(name, values) + 0.3 * min(name, values)
    if evidence == 0:
        return 0.0
    bonus = _type_points(intent, column)
    if intent.head is not None and lexicon.likeness(_last(column.name), intent.head) > 0:
        bonus += 0.12
    if inputs:
        bonus += -0.6 if column.name in inputs else 0.2
    if _is_identifier(column):
        bonus -= 0.5
    return evidence + bonus


def _name_points(intent: Intent, name: str) -> float:
    tokens = lexicon.name_words(name)
    if not tokens:
        return 0.0
    weights = [_GENERIC_WEIGHT if token in lexicon.GENERIC else 1.0 for token in tokens]
    found = [max(intent.likeness(token), _inside(intent, token)) for token in tokens]
    coverage = sum(w * f for w, f in zip(weights, found, strict=True)) / sum(weights)
    return _COVERAGE * coverage + _HEAD * found[tokens.index(_last(name))]


def _last(name: str) -> str:
    """The word that a name is about: its last one that says something."""
    tokens = lexicon.name_words(name) or [name]
    telling = [token for token in tokens if token not in lexicon.GENERIC and not token.isdigit()]
    return (telling or tokens)[-1]


def _inside(intent: Intent, token: str) -> float:
    """A word of the intent at either end of a name written as one, such as ``saleprice``."""
    shares = [
        weight * len(word) / len(token)
        for word, weight in intent.weights.items()
        if 4 <= len(word) < len(token) and (token.startswith(word) or token.endswith(word))  # noqa: PLR2004 - shorter ones occur by chance
    ]
    return max(shares, default=0.0)


def _value_points(intent: Intent, column: Column) -> float:
    """Categories that the intent names, as in ``malignant or benign``."""
    if column.type != "string" or len(column.categories) > MAX_NAMED_CATEGORIES:
        return 0.0
    named = named_categories(intent, column.categories)
    if not named:
        return 0.0
    return _TWO_VALUES if len(named) > 1 else _ONE_VALUE


def named_categories(intent: Intent, categories: Sequence[str]) -> list[str]:
    """The categories whose words all stand in the intent, in the order of the intent."""
    spoken = intent.stems
    found = []
    for category in categories:
        tokens = [token for token in lexicon.words(category) if token not in lexicon.STOPWORDS]
        keys = [lexicon.stem(token) for token in tokens]
        if keys and all(key in spoken for key in keys) and not all(k.isdigit() for k in keys):
            found.append((spoken.index(keys[0]), category))
    return [category for _, category in sorted(found)]


def _type_points(intent: Intent, column: Column) -> float:
    measured = column.type in {"integer", "float"} and column.distinct > FEW_VALUES
    if intent.quantity:
        two_valued = column.distinct <= 2  # noqa: PLR2004 - yes and no are no quantity
        return 0.1 if measured else -0.15 if column.type == "string" or two_valued else 0.0
    if intent.kind or intent.whether:
        return -0.15 if measured and column.type == "float" else 0.0 if measured else 0.1
    return 0.0


def _is_identifier(column: Column) -> bool:
    tokens = set(lexicon.words(column.name))
    unique = column.type != "float" and column.distinct > 0.95 * max(1, column.known)
    return bool(tokens & {"id", "uuid", "guid", "key", "index"}) and unique


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
