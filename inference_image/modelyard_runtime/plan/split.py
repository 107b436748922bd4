"""Which rows are to judge a model: any, those of other entities, or the newest.

Rows of one patient are alike, and so are those of one week: where both sides have some, a model
that only remembers them looks good. Called by ``plan``; ``training.folds`` carries it out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from modelyard_crds.conditions import shorten
from modelyard_crds.plan import MAX_REASON, PlannedSplit, PlanOverrides, SplitBy, SplitOverride
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.goal import Goal
from modelyard_runtime.plan.intent import Intent
from modelyard_runtime.plan.series import Series

#: Words of a column that names what its row is of.
_IDS = frozenset({"id", "ids", "uuid", "guid"})
#: Whoever these are, a model is mostly asked about ones that it has not met.
_BEINGS = frozenset(
    {
        *("patient", "subject", "participant", "person", "individual", "respondent", "customer"),
        *("client", "user", "member", "borrower", "applicant", "household", "family", "animal"),
        *("student", "pupil", "employee", "worker", "driver", "rider", "player", "device"),
        *("machine", "engine", "vehicle", "sensor", "account", "session"),
    }
)
#: Entities that a table must have: of others, such as shops, few are a choice to learn from.
MIN_BEINGS, MIN_ENTITIES = 20, 200
#: Rows that must share their entity with another row, and those that one of them may have.
REPEATED, MOST_OF_ONE = 0.5, 0.5
#: Rows in the order of time, of those that have a date.
IN_ORDER = 0.99
#: Entities that each class must be seen in.
OF_A_CLASS = 5


@dataclass(frozen=True)
class Split:
    """What keeps the rows that judge apart from those that are learnt from, and why."""

    by: SplitBy
    column: str | None
    reason: str

    def summary(self) -> PlannedSplit:
        """The split as manifest and status show it."""
        return PlannedSplit(by=self.by, column=self.column, reason=shorten(self.reason, MAX_REASON))


ANY_ROWS = Split("random", None, "nothing ties rows together")


def find_split(
    table: Table,
    goals: Sequence[Goal],
    intent: Intent,
    stated: PlanOverrides,
    inputs: Collection[str] | None,
    series: Series | None,
) -> tuple[Split | None, list[str]]:
    """The split and what a person should know of it; None for a forecast, which has its own.

    Raises UserError where what is stated cannot be.
    """
    if series is not None:
        return None, []
    targets = [table.by_name[goal.target] for goal in goals]
    known = ~np.logical_and.reduce([target.missing for target in targets])
    rows = Table(
        tuple(column.take(known) for column in table.columns if column not in targets),
        int(np.count_nonzero(known)),
    )
    if stated.split is not None:
        return _stated(stated.split, rows), []
    classes = [table.by_name[goal.target].take(known) for goal in goals if goal.classes]
    entities, noticed = _entities(rows, classes, inputs)
    if entities is not None:
        why = f"{entities.distinct} of them repeat on {entities.known} rows"
        return _noticed(Split("group", entities.name, why))
    time = _time(rows) if intent.future else None
    if time is not None:
        why = "rows run over time, and the intent speaks of what is to come"
        return _noticed(Split("time", time.name, why))
    return ANY_ROWS, noticed


def _noticed(split: Split) -> tuple[Split, list[str]]:
    how = {
        "group": f"by rows of a {split.column!r} that it has not seen: {split.reason}",
        "time": f"by the newest rows, by {split.column!r}: {split.reason}",
    }[split.by]
    return split, [f"The model is judged {how}. {_ELSE}"]


_ELSE = "spec.plan.split decides otherwise."


def _stated(asked: SplitOverride, table: Table) -> Split:
    why = "spec.plan.split"
    if asked.by == "random":
        return Split("random", None, why)
    column = _stated_column(asked, table)
    if column.known == 0:
        raise _unfit(f"by {column.name!r}, which no row has a value of")
    if column.distinct < 2:  # noqa: PLR2004 - two sides
        raise _unfit(f"by {column.name!r}, which is the same in all rows")
    if asked.by == "time" and column.type not in {"datetime", "integer", "float"}:
        raise _unfit(f"by time, and {column.name!r} is {column.type}, no date or number")
    return Split(asked.by, column.name, why)


def _stated_column(asked: SplitOverride, table: Table) -> Column:
    if asked.column is not None:
        if asked.column not in table.by_name:
            raise _unfit(f"by {asked.column!r}, which is predicted")
        return table.by_name[asked.column]
    found = _dates(table) if asked.by == "time" else [c for c in table.columns if _names_entity(c)]
    if len(found) != 1:
        names = ", ".join(column.name for column in found) or "none"
        kind = "dates" if asked.by == "time" else "ids"
        raise _unfit(f"by {asked.by} and names no column, and columns of {kind} are {names}")
    return found[0]


def _unfit(what: str) -> UserError:
    return UserError(
        Reason.UNSUPPORTED_TASK,
        f"spec.plan.split asks to split {what}: name in spec.plan.split.column a column that tells "
        "rows apart, or set spec.plan.split.by to random.",
    )


def _entities(
    table: Table, classes: Sequence[Column], inputs: Collection[str] | None
) -> tuple[Column | None, list[str]]:
    """The column of what rows are of, where it repeats: of nested ones that of the fewest."""
    found = [column for column in table.columns if _names_entity(column) and _repeats(column)]
    if not found:
        return None, []
    coarsest = min(found, key=lambda column: column.distinct)
    others = [column.name for column in found if not _nested(column, coarsest)]
    if others:
        why = f"as much as {others[0]!r}"
    elif coarsest.name in (inputs or ()):
        why = "which the input schema has"
    elif not all(_spread(coarsest, target) for target in classes):
        why = "and a class is of too few of them to be judged by others"
    else:
        return coarsest, []
    return None, [
        f"Rows repeat {coarsest.name!r}, {why}: the figures are of entities that rows were learnt "
        f"from, and may be worse for new ones. {_ELSE}"
    ]


def _names_entity(column: Column) -> bool:
    words = lexicon.words(column.name)
    if column.type not in {"integer", "string"} or not words:
        return False
    return bool(_IDS & set(words)) or (len(words) == 1 and words[0] in _BEINGS)


def _repeats(column: Column) -> bool:
    least = MIN_BEINGS if _BEINGS & set(lexicon.words(column.name)) else MIN_ENTITIES
    counts = np.unique(column.values[~column.missing], return_counts=True)[1]
    if len(counts) < least or counts.max() > MOST_OF_ONE * column.known:
        return False
    return int(counts[counts > 1].sum()) >= REPEATED * len(column.values)


def _spread(entities: Column, target: Column) -> bool:
    """Whether each class is seen in enough entities to be learnt from some and judged by others."""
    both = ~(entities.missing | target.missing)
    pairs = np.column_stack([target.values[both], entities.values[both]])
    counts = np.unique(np.unique(pairs, axis=0)[:, 0], return_counts=True)[1]
    return len(counts) > 1 and int(counts.min()) >= OF_A_CLASS


def _nested(fine: Column, coarse: Column) -> bool:
    """Whether each value of one column goes with one of the other."""
    both = ~(fine.missing | coarse.missing)
    pairs = np.column_stack([fine.values[both], coarse.values[both]])
    return len(np.unique(pairs, axis=0)) == len(np.unique(pairs[:, 0]))


def _dates(table: Table) -> list[Column]:
    return [column for column in table.columns if column.type == "datetime"]


def _time(table: Table) -> Column | None:
    """The one column of dates, where rows are in its order, of old to new or back."""
    dates = _dates(table)
    if len(dates) != 1 or dates[0].distinct < MIN_BEINGS:
        return None
    moments = dates[0].values[~dates[0].missing]
    if len(moments) < IN_ORDER * table.rows:
        return None
    steps = np.diff(moments)
    ordered = max(np.count_nonzero(steps >= 0), np.count_nonzero(steps <= 0))
    return dates[0] if ordered >= IN_ORDER * len(steps) else None
