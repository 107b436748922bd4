"""Forecasts as a table: for each row what was known of its series a horizon before.

The direct way (Ben Taieb and Hyndman 2014): one model for all steps ahead, which looks at the last
values of the series, at the value a season before, at how far ahead the row is and at its calendar.
Values are relative to the level of their series, so that a trend goes on and series of any size
share a model. Time is cut into windows of the horizon, counted back from the end: a row knows what
was known when its window began, and later windows judge what earlier ones taught.

What serving needs of the history, the last season of each series, is a constant of the graph.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.build import NumericFeature
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.features import NUMERIC_INPUT, TEXT_INPUT, FloatArray
from modelyard_runtime.plan.series import Series, Step, steps_of
from modelyard_runtime.training.encoding import Encoding, Inputs, Matrix
from modelyard_runtime.training.problem import Fold, Indices

LAGS = 3
#: Columns of ``history``: scale, steps ahead, lags, mean, value a season before.
WIDTH = 4 + LAGS
MAX_BACKTESTS = 5
_LEAST_SCALE = 1e-6

#: The step of a moment as a weighted sum of its parts: weights, constant, divisor.
_SUMS: dict[Step, tuple[dict[str, float], float, float]] = {
    "hour": ({"epoch_day": 24.0, "hour": 1.0}, 0.0, 1.0),
    "day": ({"epoch_day": 1.0}, 0.0, 1.0),
    "week": ({"epoch_day": 1.0}, 3.0, 7.0),
    "month": ({"year": 12.0, "month": 1.0}, -1.0, 1.0),
    "quarter": ({"year": 12.0, "month": 1.0}, -1.0, 3.0),
    "year": ({"year": 12.0, "month": 1.0}, -1.0, 12.0),
}
_CALENDAR = ("month", "day", "weekday", "hour")


@dataclass(frozen=True)
class SeriesEncoding(Encoding):
    """An encoding whose matrix has what is known of a row's series.

    ``tails`` has a line for each code of the series, 0 being an unknown one: its last values, the
    newest last.
    """

    series: Series
    tails: NDArray[np.float32]
    #: The numbers of the series, in the order of their codes, where a number tells them apart.
    ids: tuple[float, ...] = ()

    @property
    def step_weights(self) -> tuple[NDArray[np.float32], float, float]:
        """What makes steps of the input ``numeric``: weights, a constant, a divisor."""
        parts, constant, divisor = _SUMS[self.series.step]
        weights = [
            parts.get(item.part, 0.0) if item.column == self.series.time_index else 0.0
            for item in self.numeric
        ]
        return np.array(weights, dtype=np.float32), constant, divisor

    @property
    def kept(self) -> list[int]:
        """The columns of ``numeric`` that are learnt from: of the date only what comes again."""
        return [
            index
            for index, item in enumerate(self.numeric)
            if item.column != self.series.time_index or item.part in _CALENDAR
        ]

    @property
    def numeric_width(self) -> int:
        """Columns of the matrix before the codes."""
        return len(self.kept) + WIDTH

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return self.numeric_width + len(self.text)

    @property
    def text_column(self) -> int | None:
        """Which text tells the series."""
        group = self.series.group_by
        return self.text.index(group) if group in self.text else None

    @property
    def number_column(self) -> int | None:
        """Which column of ``numeric`` tells the series."""
        columns = [item.column for item in self.numeric]
        group = self.series.group_by
        return columns.index(group) if group in columns else None

    def matrix(self, inputs: Inputs) -> Matrix:
        """The matrix of rows after the history: what a request is answered from."""
        numbers = np.asarray(inputs[NUMERIC_INPUT], dtype=np.float32)
        weights, constant, divisor = self.step_weights
        steps = np.floor((numbers @ weights + constant) / divisor)
        codes = self.series_codes(inputs)
        ahead = np.clip(steps - self.series.last, 1, self.series.horizon).astype(np.int64)
        return self.assembled(inputs, history(self.tails[codes], ahead, self.series.season))

    def series_codes(self, inputs: Inputs) -> Indices:
        """The code of each row's series."""
        text, number = self.text_column, self.number_column
        if text is not None:
            return self._codes(self.text[text], inputs[TEXT_INPUT][:, text]).astype(np.int64)
        if number is None:
            return np.zeros(len(inputs[NUMERIC_INPUT]), dtype=np.int64)
        code = {value: place for place, value in enumerate(self.ids, 1)}
        found = np.asarray(inputs[NUMERIC_INPUT])[:, number].tolist()
        return np.array([code.get(value, 0) for value in found], dtype=np.int64)

    def assembled(self, inputs: Inputs, known: Matrix) -> Matrix:
        """The columns that are learnt from: numbers, history, codes."""
        numbers = np.asarray(inputs[NUMERIC_INPUT], dtype=np.float32)[:, self.kept]
        parts = [numbers, known]
        parts += [
            self._codes(name, inputs[TEXT_INPUT][:, position]).reshape(-1, 1)
            for position, name in enumerate(self.text)
        ]
        return np.ascontiguousarray(np.hstack(parts), dtype=np.float32)


def history(tails: NDArray[np.float32], ahead: Indices, season: int) -> Matrix:
    """What is known of each row: scale, steps ahead, and values relative to the scale."""
    recent = tails[:, -season:]
    scale = np.maximum(np.abs(recent).mean(axis=1, dtype=np.float32), np.float32(_LEAST_SCALE))
    relative = tails / scale[:, None]
    before = relative[np.arange(len(tails)), tails.shape[1] - season + (ahead - 1) % season]
    return np.column_stack(
        [
            scale,
            ahead.astype(np.float32),
            relative[:, -LAGS:],
            relative[:, -season:].mean(axis=1, dtype=np.float32),
            before,
        ]
    ).astype(np.float32)


@dataclass(frozen=True)
class Backtest:
    """Rows with what was known a horizon before them, and the folds by time."""

    table: Table
    matrix: Matrix
    encoding: SeriesEncoding
    inputs: Inputs
    folds: list[Fold]


def backtest(
    table: Table, target: Column, encoding: Encoding, series: Series, seed: int
) -> Backtest:
    """The rows of a history that have one of their own, encoded."""
    time = table.by_name[series.time_index]
    keep = ~time.missing
    table, target = table.take(keep), target.take(keep)
    encoding = _with_parts(encoding, series)
    steps = steps_of(table.by_name[series.time_index].values, series.step).astype(np.int64)
    inputs = encoding.inputs(table)
    first = SeriesEncoding(encoding.numeric, encoding.text, encoding.categories, series, _NO_TAILS)
    if first.number_column is not None:
        numbers = np.asarray(inputs[NUMERIC_INPUT])[:, first.number_column]
        first = replace(first, ids=tuple(np.unique(numbers[np.isfinite(numbers)]).tolist()))
    codes = first.series_codes(inputs)
    grid, origin = _grid(steps, codes, target.values, _codes_count(first))
    size = max(series.season, LAGS)
    ahead = (steps - series.last - 1) % series.horizon + 1
    begins = steps - ahead
    windows = (series.last - begins) // series.horizon
    tails = _tails(grid, codes, begins - origin, size)
    usable = np.asarray(np.isfinite(tails).all(axis=1))
    final = _tails(grid, np.arange(len(grid)), np.full(len(grid), grid.shape[1] - 1), size)
    done = replace(first, tails=_filled(final))
    known = {name: values[usable] for name, values in inputs.items()}
    matrix = done.assembled(
        known, history(tails[usable].astype(np.float32), ahead[usable], series.season)
    )
    return Backtest(table.take(usable), matrix, done, known, _folds(windows[usable], seed))


_NO_TAILS = np.zeros((1, 1), dtype=np.float32)


def _with_parts(encoding: Encoding, series: Series) -> Encoding:
    """The encoding with every part of the date that its step is worked out from."""
    wanted = dict.fromkeys([*_SUMS[series.step][0], *(p for p in _CALENDAR)])
    have = {item.part for item in encoding.numeric if item.column == series.time_index}
    needed = [part for part in wanted if part in _SUMS[series.step][0] and part not in have]
    extra = [
        NumericFeature.model_validate({"column": series.time_index, "part": part})
        for part in needed
    ]
    return Encoding([*encoding.numeric, *extra], encoding.text, encoding.categories)


def _codes_count(encoding: SeriesEncoding) -> int:
    column = encoding.text_column
    return 1 + len(encoding.ids if column is None else encoding.categories[encoding.text[column]])


def _grid(steps: Indices, codes: Indices, values: FloatArray, count: int) -> tuple[FloatArray, int]:
    """A line a series and a column a step; a step without a row has the value before it."""
    origin = int(steps.min())
    grid = np.full((count, int(steps.max()) - origin + 1), np.nan)
    grid[codes, steps - origin] = values
    if count > 1:
        with np.errstate(all="ignore"):
            known = np.isfinite(grid[1:]).sum(axis=0)
            grid[0] = np.where(
                known > 0, np.nansum(grid[1:], axis=0) / np.maximum(known, 1), np.nan
            )
    places = np.where(np.isfinite(grid), np.arange(grid.shape[1]), 0)
    latest = np.maximum.accumulate(places, axis=1)
    return np.take_along_axis(grid, latest, axis=1), origin


def _tails(grid: FloatArray, lines: Indices, ends: Indices, size: int) -> FloatArray:
    """The last values up to and including some steps; NaN before a history begins."""
    places = ends[:, None] + np.arange(1 - size, 1)
    found = grid[lines[:, None], np.clip(places, 0, grid.shape[1] - 1)]
    return np.where(places < 0, np.nan, found)


def _filled(tails: FloatArray) -> NDArray[np.float32]:
    """A series that is shorter than a season has its mean before."""
    with np.errstate(all="ignore"):
        known = np.isfinite(tails)
        means = np.where(known, tails, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, tails, means[:, None]).astype(np.float32)


def _folds(windows: Indices, seed: int) -> list[Fold]:
    """The last windows, each judged by a model of those before it; the newest comes first."""
    numbers = np.unique(windows)
    count = max(1, min(MAX_BACKTESTS, (len(numbers) - 1) // 2))
    # A fit on some rows takes the first ones: they are to be of all times.
    order = np.random.default_rng(seed).permutation(len(windows))
    return [
        Fold(order[windows[order] > number], np.flatnonzero(windows == number))
        for number in numbers[:count]
    ]


class Relative:
    """A regression of values relative to a column of the matrix."""

    def __init__(self, inner: Any, column: int) -> None:
        self.inner, self.column = inner, column

    def fit(
        self,
        matrix: Matrix,
        target: FloatArray,
        eval_set: Sequence[tuple[Matrix, FloatArray]] | None = None,
        **watched: Any,
    ) -> "Relative":
        """Learn how values relate to their scale; what watches a fit sees such values too."""
        if eval_set is not None:
            watched["eval_set"] = [(rows, self._relative(rows, truth)) for rows, truth in eval_set]
        self.inner.fit(matrix, self._relative(matrix, target), **watched)
        return self

    def _relative(self, matrix: Matrix, target: FloatArray) -> FloatArray:
        return np.asarray(target / matrix[:, self.column])

    @property
    def best_iteration_(self) -> int | None:
        """Rounds of boosting that a watched fit found best, as LightGBM tells them."""
        return getattr(self.inner, "best_iteration_", None)

    def predict(self, matrix: Matrix) -> FloatArray:
        """Values in their own size."""
        return np.asarray(self.inner.predict(matrix) * matrix[:, self.column])
