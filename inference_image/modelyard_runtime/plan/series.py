"""Whether rows are a series over time, and how it is to be continued.

Called by ``plan``: where an intent asks for a forecast, or a person states it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from modelyard_crds.plan import PlanOverrides
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column, Mask, Table
from modelyard_runtime.errors import UserError
from modelyard_runtime.features import SECONDS_PER_DAY, FloatArray, date_part
from modelyard_runtime.plan.goal import Goal
from modelyard_runtime.plan.intent import Intent

Step = Literal["hour", "day", "week", "month", "quarter", "year"]

#: Days between rows up to which a step is taken; steps a season; steps ahead by default.
_STEPS: tuple[tuple[Step, float, int, int], ...] = (
    ("hour", 0.5, 24, 24),
    ("day", 4.0, 7, 14),
    ("week", 20.0, 52, 8),
    ("month", 45.0, 12, 12),
    ("quarter", 200.0, 4, 4),
    ("year", 10_000.0, 1, 3),
)
_LEAST_GAP_DAYS = 0.9 / 24
#: Windows of the horizon that a history must have: some to learn from, some to judge by.
MIN_WINDOWS = 4
#: Share of steps without a row from which that is said.
UNEVEN = 0.1
MIN_STEPS = 12
MAX_SERIES = 200
#: Steps times series: a wrong date far away must not take all memory.
MAX_CELLS = 20_000_000


@dataclass(frozen=True)
class Series:
    """A target over time: one value a step and series."""

    time_index: str
    group_by: str | None
    step: Step
    season: int
    horizon: int
    #: The last step of the history, and what a request may ask for, in seconds since 1970.
    last: int
    after: float
    until: float


def steps_of(seconds: FloatArray, step: Step) -> FloatArray:
    """The number of the step of each moment; neighbouring steps have neighbouring numbers."""
    if step in {"month", "quarter", "year"}:
        months = date_part(seconds, "year") * 12 + date_part(seconds, "month") - 1
        return np.asarray(np.floor(months / {"month": 1, "quarter": 3, "year": 12}[step]))
    days = date_part(seconds, "epoch_day")
    if step == "hour":
        return np.asarray(days * 24 + date_part(seconds, "hour"))
    # 1970-01-01 was a Thursday; weeks begin on Mondays.
    return np.asarray(np.floor((days + 3) / 7)) if step == "week" else days


def find_series(
    table: Table,
    goals: Sequence[Goal],
    intent: Intent,
    stated: PlanOverrides,
    inputs: Collection[str] | None,
) -> tuple[Series | None, list[str]]:
    """The series that a forecast continues, or None with what a person should know.

    Raises UserError where a person states that there is one and there is none.
    """
    asked = _is_stated(stated)
    numbers = all(goal.task == "regression" for goal in goals)
    if asked and stated.split is not None:
        raise _unfit("a forecast is judged by its last windows: leave out spec.plan.split.")
    independent = stated.task is not None or stated.split is not None
    if not asked and (not intent.series or independent or not numbers):
        return None, []
    try:
        if not numbers or len(goals) > 1:
            raise _unfit("one column of numbers is forecast by one model: name just it.")
        series = _series(table, table.by_name[goals[0].target], stated)
        _expect_inputs(series, inputs)
        return series, _uneven(table, table.by_name[goals[0].target], series)
    except UserError as error:
        if asked:
            raise
        if all(column.type != "datetime" for column in table.columns):
            return None, []
        return None, [f"Rows are taken as independent of each other: {error.message}"]


def _uneven(table: Table, target: Column, series: Series) -> list[str]:
    """What to know of steps that have no row or several."""
    time = table.by_name[series.time_index]
    known = ~target.missing & ~time.missing
    steps = steps_of(time.values[known], series.step)
    group = np.zeros(len(steps))
    if series.group_by is not None:
        group = table.by_name[series.group_by].values[known]
    pairs = np.unique(np.column_stack([group, steps]), axis=0)
    _, begins = np.unique(pairs[:, 0], return_index=True)
    ends = np.append(begins[1:], len(pairs)) - 1
    span = int((pairs[ends, 1] - pairs[begins, 1] + 1).sum())
    said = []
    if len(pairs) < (1 - UNEVEN) * span:
        said.append(
            f"{span - len(pairs)} of {span} steps of a {series.step} have no row: the value before "
            "stands for them. Add rows for them if they are known."
        )
    if len(pairs) < len(steps):
        said.append(
            f"{len(steps) - len(pairs)} rows share their {series.step} with another row, and the "
            f"last one is continued: add them up to one row a {series.step}."
        )
    return said


def _is_stated(stated: PlanOverrides) -> bool:
    details = (stated.time_index, stated.group_by, stated.horizon)
    return stated.task == "forecasting" or any(item is not None for item in details)


def _without(table: Table, names: Collection[str]) -> Table:
    return Table(tuple(c for c in table.columns if c.name not in names), table.rows)


def _expect_inputs(series: Series, inputs: Collection[str] | None) -> None:
    """Raise UserError where a request would not have what tells its step and series."""
    for name in (series.time_index, series.group_by):
        if name is not None and inputs is not None and name not in inputs:
            raise _unfit(f"a forecast is asked for by {name!r}: add it to the input schema.")


def _stated_column(table: Table, key: str, name: str) -> Column:
    if name not in table.by_name:
        raise _unfit(f"spec.plan.{key} is {name!r}, predicted or excluded: choose another.")
    return table.by_name[name]


def _series(table: Table, target: Column, stated: PlanOverrides) -> Series:
    table = _without(table, {target.name, *(stated.exclude or ())})
    time = _time_index(table, stated)
    known = ~target.missing & ~time.missing
    moments = time.values[known]
    group = _group(table, time, known, stated)
    step, season, ahead = _step(moments, None if group is None else group.values[known])
    steps = steps_of(moments, step)
    span = int(steps.max() - steps.min()) + 1
    horizon = stated.horizon or max(1, min(ahead, span // (MIN_WINDOWS + 1)))
    if span < max(MIN_STEPS, MIN_WINDOWS * horizon):
        raise _unfit(
            f"{time.name!r} spans {span} steps of a {step}, at least "
            f"{max(MIN_STEPS, MIN_WINDOWS * horizon)} are needed to forecast {horizon}: add "
            "history, or lower spec.plan.horizon."
        )
    if span * (1 if group is None else group.distinct) > MAX_CELLS:
        raise _unfit(
            f"{time.name!r} spans {span} steps of a {step}, too many: correct dates that are far "
            "from the others, or add rows up to longer steps."
        )
    last = int(steps.max())
    return Series(
        time.name,
        None if group is None else group.name,
        step,
        season,
        horizon,
        last,
        float(moments.max()) + 1,
        _end_of(last + horizon, step),
    )


def _time_index(table: Table, stated: PlanOverrides) -> Column:
    dates = [column for column in table.columns if column.type == "datetime"]
    if stated.time_index is not None:
        column = _stated_column(table, "timeIndex", stated.time_index)
        if column.type != "datetime":
            raise _unfit(f"spec.plan.timeIndex is {column.name!r}, which is no date.")
        return column
    if len(dates) != 1:
        names = ", ".join(column.name for column in dates) or "none"
        raise _unfit(
            f"a forecast needs one column of dates, found {names}: set spec.plan.timeIndex."
        )
    return dates[0]


def _group(table: Table, time: Column, known: Mask, stated: PlanOverrides) -> Column | None:
    """The column that tells series apart; None where each moment has one row."""
    if stated.group_by is not None:
        column = _stated_column(table, "groupBy", stated.group_by)
        if column.type not in {"string", "integer"} or column.distinct > MAX_SERIES:
            raise _unfit(
                f"spec.plan.groupBy is {column.name!r}: expected text or whole numbers of at most "
                f"{MAX_SERIES} values, one a series."
            )
        if not _unique(time, column, known):
            raise _unfit(
                f"{column.name!r} has several rows at one time: add them up to one row a step."
            )
        return column
    if len(np.unique(time.values[known])) == np.count_nonzero(known):
        return None
    found = [
        column
        for column in table.columns
        if column.type in {"string", "integer"}
        and 1 < column.distinct <= MAX_SERIES
        and column.distinct * MIN_STEPS <= column.known
        and _unique(time, column, known)
    ]
    if not found:
        raise _unfit(
            f"{time.name!r} has several rows at one time and no column tells series apart: add "
            "them up to one row a step, or set spec.plan.groupBy."
        )
    return min(found, key=lambda column: column.distinct)


def _unique(time: Column, group: Column, known: Mask) -> bool:
    pairs = np.column_stack([time.values[known], group.values[known]])
    return len(np.unique(pairs, axis=0)) == len(pairs)


def _step(moments: FloatArray, groups: FloatArray | None) -> tuple[Step, int, int]:
    """The step between rows, from the usual gap within a series."""
    order = np.lexsort((moments,) if groups is None else (moments, groups))
    gaps = np.diff(moments[order]) / SECONDS_PER_DAY
    if groups is not None:
        gaps = gaps[np.diff(groups[order]) == 0]
    gaps = gaps[gaps > 0]
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    if usual < _LEAST_GAP_DAYS:
        raise _unfit("steps of less than an hour are not forecast: add rows up to hours or days.")
    return next((step, season, ahead) for step, most, season, ahead in _STEPS if usual <= most)


def _end_of(step_number: int, step: Step) -> float:
    """The last second of a step."""
    following = step_number + 1
    if step == "hour":
        return following * 3600.0 - 1
    if step in {"day", "week"}:
        days = following if step == "day" else following * 7 - 3
        return days * SECONDS_PER_DAY - 1
    months = following * {"month": 1, "quarter": 3, "year": 12}[step] - 1970 * 12
    start = np.datetime64("1970-01") + np.timedelta64(months, "M")
    return float(start.astype("datetime64[s]").astype(np.int64)) - 1


def covariates(
    names: Sequence[str], inputs: Sequence[str] | None, series: Series
) -> tuple[list[str], list[str]]:
    """Of the usable columns those that a forecast looks at, and those not known ahead."""
    own = [name for name in (series.time_index, series.group_by) if name is not None]
    kept = [name for name in names if name in (inputs or ()) and name not in own]
    return own + kept, [name for name in names if name not in own and name not in kept]


def _unfit(message: str) -> UserError:
    return UserError(Reason.UNSUPPORTED_TASK, message)
