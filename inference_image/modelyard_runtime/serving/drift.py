"""How the rows that come differ from those of training, counted beside the predictions.

The way of a prediction only lays rows aside, at most so many a second; once a second they are
counted by the bins of the training data, in the thread of ``reporting``. Counts cover the last
hour or two: after an hour new ones are begun, and the hour before still counts until then.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modelyard_crds.data_drift import ColumnCounts, DriftSummary, stability_index
from modelyard_runtime.features import words_in
from modelyard_runtime.serving.values import Row
from modelyard_runtime.store import Store

#: Rows that are laid aside between two counts, and so a second; of one batch not all of them.
PENDING_ROWS: Final = 1_024
BATCH_ROWS: Final = 256
#: Columns that are counted, in the order of the schema: a summary stays small.
MAX_COLUMNS: Final = 256
#: New counts are begun after this long, once there are enough rows to go on with.
WINDOW: Final = timedelta(hours=1)
WINDOW_ROWS: Final = 1_000
#: Categories with a bin of their own; the others share one.
TOP_CATEGORIES: Final = 9

Counts = NDArray[np.int64]
Tally = Callable[[Sequence[Any]], Counts]
Clock = Callable[[], datetime]


class _Bins(msgspec.Struct):
    edges: list[float]
    counts: list[int]


class _Column(msgspec.Struct):
    missing: int = 0
    distinct: int = 0
    type: str = ""
    bins: _Bins | None = None
    frequencies: dict[str, int] | None = None


class _Statistics(msgspec.Struct):
    rows: int = 0
    columns: dict[str, _Column] = msgspec.field(default_factory=dict)
    categories: dict[str, list[str]] = msgspec.field(default_factory=dict)


class _Watched(NamedTuple):
    """A column that is counted: where it is in a row, and its bins."""

    name: str
    position: int
    trained: list[int]
    tally: Tally


class DriftMonitor(Collector):
    """Counts the rows of one version; ``note`` from any thread, ``count`` from one."""

    def __init__(
        self, fields: Sequence[str], statistics: bytes, version: int, key: str | None, clock: Clock
    ) -> None:
        self._version = version
        self._key = key
        self._clock = clock
        self._watched = _watched(fields, msgspec.json.decode(statistics, type=_Statistics))
        self._pending: list[Sequence[Row]] = []
        self._room = PENDING_ROWS
        self._now = self._window(clock())
        self._before: _Window | None = None

    def note(self, rows: Sequence[Row]) -> None:
        """Lay some rows aside to be counted."""
        if self._room <= 0:
            return
        if len(rows) > BATCH_ROWS:
            rows = rows[:: -(-len(rows) // BATCH_ROWS)]
        self._room -= len(rows)
        self._pending.append(rows)

    def count(self) -> int:
        """Count what was laid aside; how many rows that were."""
        pending, self._pending, self._room = self._pending, [], PENDING_ROWS
        rows = [row for batch in pending for row in batch]
        if not rows:
            return 0
        now = self._clock()
        if now - self._now.since >= WINDOW and self._now.rows >= WINDOW_ROWS:
            self._before, self._now = self._now, self._window(now)
        columns = list(zip(*rows, strict=True))
        for index, watched in enumerate(self._watched):
            self._now.counts[index] += watched.tally(columns[watched.position])
        self._now.rows += len(rows)
        return len(rows)

    def report(self, store: Store) -> None:
        """Leave the summary where the operator looks; raises StoreError."""
        if self._key is not None:
            store.put(self._key, self.summary().model_dump_json(by_alias=True).encode())

    def summary(self) -> DriftSummary:
        """The counts of the last hour or two."""
        windows = [self._now] if self._before is None else [self._before, self._now]
        sums = [np.sum(counts, axis=0) for counts in zip(*(w.counts for w in windows), strict=True)]
        return DriftSummary(
            version=self._version,
            since=windows[0].since,
            updated_at=self._clock(),
            rows=sum(window.rows for window in windows),
            columns=[
                ColumnCounts(name=watched.name, trained=watched.trained, seen=seen.tolist())
                for watched, seen in zip(self._watched, sums, strict=True)
            ],
        )

    def collect(self) -> Iterator[Metric]:
        """What prometheus-client asks for at a scrape."""
        summary = self.summary()
        rows = GaugeMetricFamily("modelyard_drift_rows", "Rows of the last hour compared.")
        rows.add_metric([], summary.rows)
        yield rows
        index, missing, unseen = (
            GaugeMetricFamily(f"modelyard_column_{name}", text, labels=["column"])
            for name, text in (
                ("stability_index", "Population stability index against training."),
                ("missing_ratio", "Share of rows without a value."),
                ("unseen_ratio", "Share of rows with a category that training has not seen."),
            )
        )
        for column in summary.columns if summary.rows else ():
            index.add_metric([column.name], stability_index(column.trained, column.seen))
            missing.add_metric([column.name], column.seen[-1] / summary.rows)
            unseen.add_metric([column.name], column.seen[-2] / summary.rows)
        yield from (index, missing, unseen)

    def _window(self, since: datetime) -> "_Window":
        return _Window(since, [np.zeros(len(w.trained), np.int64) for w in self._watched])


class _Window:
    """Counts since a moment."""

    def __init__(self, since: datetime, counts: list[Counts]) -> None:
        self.since = since
        self.counts = counts
        self.rows = 0


def utc_now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def _watched(fields: Sequence[str], statistics: _Statistics) -> list[_Watched]:
    positions = {name: position for position, name in enumerate(fields)}
    made = [
        _Watched(name, positions[name], *binned)
        for name, column in statistics.columns.items()
        if name in positions
        and (binned := _binned(column, statistics.rows, statistics.categories.get(name, ())))
    ]
    return made[:MAX_COLUMNS]


def _binned(
    column: _Column, rows: int, categories: Sequence[str]
) -> tuple[list[int], Tally] | None:
    """The rows of training by bin, and how values are counted; None where nothing is known."""
    if column.bins is not None:
        tally = (_lengths if column.type == "string" else _numbers)(column.bins.edges)
        return [*column.bins.counts, 0, column.missing], tally
    if column.frequencies is None:
        return None
    if column.type == "boolean":
        counts = [column.frequencies.get("false", 0), column.frequencies.get("true", 0)]
        return [*counts, 0, column.missing], _numbers([0.5])
    # Sorted by frequency where they were made.
    names = list(column.frequencies)[:TOP_CATEGORIES]
    counts = [column.frequencies[name] for name in names]
    rest = rows - column.missing - sum(counts)
    known = {*column.frequencies, *categories}
    return [*counts, rest, 0, column.missing], _categories(
        # Where not every category of training is listed, an unlisted one may be of the rest.
        names,
        known,
        complete=len(known) >= column.distinct,
    )


def _numbers(edges: Sequence[float]) -> Tally:
    bounds = np.array(edges)
    size = len(edges) + 3

    def tally(values: Sequence[Any]) -> Counts:
        numbers = np.array(values, dtype=np.float64)
        known = numbers[~np.isnan(numbers)]
        counts = np.bincount(np.searchsorted(bounds, known), minlength=size)
        counts[-1] = len(numbers) - len(known)
        return counts

    return tally


def _lengths(edges: Sequence[float]) -> Tally:
    """Free text by the number of its words."""
    numbers = _numbers(edges)

    def tally(values: Sequence[Any]) -> Counts:
        return numbers([words_in(value) or None if value else None for value in values])

    return tally


def _categories(names: Sequence[str], known: set[str], *, complete: bool) -> Tally:
    rest, unseen, missing = len(names), len(names) + 1, len(names) + 2
    bins = dict.fromkeys(known, rest) | {name: index for index, name in enumerate(names)}
    other = unseen if complete else rest

    def tally(values: Sequence[Any]) -> Counts:
        places = [
            bins.get(text, other) if value and (text := value.strip()) else missing
            for value in values
        ]
        return np.bincount(places, minlength=missing + 1)

    return tally
