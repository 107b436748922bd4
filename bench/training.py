"""Models of real tables beside default boosting and FLAML: ``python bench/training.py``.

For each table of ``intents.toml``: the plans of its intents, then the score on held-out rows with
the same time on the same cores. Results are kept, so that an interrupted run goes on. Writes
training.* into bench.json and a table to the screen.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

import contestants
import effort
import intents
import report
from contestants import Contestant, Result, Task
from effort import Effort
from results import Results, code_version
from tables import BenchTable, load, read_tables, split

#: Scores closer than this are equal: other random numbers move them by more.
EQUAL = 0.0005
OURS, BOOSTING, FLAML = "modelyard", "boosting", "FLAML"
CONTESTANTS: dict[str, Contestant] = {
    OURS: contestants.ours,
    BOOSTING: contestants.boosting,
    FLAML: contestants.flaml,
}


class Compared(NamedTuple):
    """One table: the share of right plans, and the results of all contestants, by name."""

    table: BenchTable
    rows: int
    columns: int
    right: str
    results: dict[str, Result]

    def ahead(self, of: str) -> float:
        """By how much we are better than somebody."""
        return self.results[OURS].score - self.results[of].score


def main() -> None:
    options = _options()
    results = Results(fresh=options.fresh)
    tables = [
        table
        for table in read_tables()
        if table.train and (not options.tables or table.name in options.tables)
    ][: None if options.tables else options.most]
    compared = []
    for number, table in enumerate(tables, 1):
        compared.append(compare(table, options, results))
        print(f"{number}/{len(tables)}  {_line(compared[-1])}", flush=True)
    print(table_of(compared))
    found = figures(compared, options.budget)
    if not options.tables:
        planned = list(intents.plan_all(read_tables()))
        print(intents.misses(planned))
        efforts = [effort.measure(rows, columns) for rows, columns in effort.SIZES]
        print(table_of_efforts(efforts))
        found += intents.figures(planned) + [f for e in efforts for f in figures_of_effort(e)]
    report.merge(found)
    for item in found:
        print(f"{item.name}: {item.value:g} {item.unit}")


def compare(table: BenchTable, options: argparse.Namespace, results: Results) -> Compared:
    """The results of all contestants on a table, the mean over its splits."""
    planned = list(intents.plan_all([table]))
    rights = [item for item in planned if item.right]
    intent = rights[0].intent.text if rights else f"Predict {table.target}"
    frame = load(table)
    scored: dict[str, Result] = {}
    for name, contestant in CONTESTANTS.items():
        budget = _as_long_as(scored[OURS]) if name == FLAML else options.budget
        many = [
            _known(name, contestant, _task(table, frame, intent, budget, seed), results)
            for seed in range(options.splits)
        ]
        scored[name] = Result(
            statistics.mean(one.score for one in many),
            statistics.mean(one.seconds for one in many),
            many[0].algorithm,
            max(one.onnx_difference for one in many),
        )
    return Compared(table, len(frame), frame.shape[1], f"{len(rights)}/{len(planned)}", scored)


def _as_long_as(ours: Result) -> int:
    """The budget of FLAML: all that we took from the table to the model, conversion included."""
    return math.ceil(ours.seconds)


def _task(table: BenchTable, frame: pd.DataFrame, intent: str, budget: int, seed: int) -> Task:
    cpus = len(os.sched_getaffinity(0))
    return Task(table, split(frame, table, seed), intent, budget, cpus, seed)


def _known(name: str, contestant: Contestant, task: Task, results: Results) -> Result:
    """A result from an earlier run, or a new one."""
    version = {OURS: code_version(), FLAML: contestants.FLAML[0]}.get(name, "default")
    parts = [name, version, task.table.name, task.seed, task.budget, task.cpus]
    if name == OURS:
        parts.append(task.intent)
    key = "|".join(map(str, parts))
    known = results.get(key)
    if known is None:
        known = list(contestant(task))
        results.put(key, known)
    return Result(*known)


def figures(compared: list[Compared], budget: int) -> list[report.Figure]:
    """The records of bench.json."""
    margins = [item.ahead(FLAML) for item in compared]
    seconds = {
        name: statistics.median(item.results[name].seconds for item in compared)
        for name in CONTESTANTS
    }
    return [
        report.Figure("training.tables", len(compared), "tables"),
        report.Figure("training.budget_s", budget, "s"),
        report.Figure("training.ahead_of_flaml", _share(m > EQUAL for m in margins), "share"),
        report.Figure("training.equal_to_flaml", _share(abs(m) <= EQUAL for m in margins), "share"),
        report.Figure(
            "training.worst_gap_to_boosting",
            min(item.ahead(BOOSTING) for item in compared),
            "score",
        ),
        report.Figure(
            "training.worst_onnx_difference",
            max(item.results[OURS].onnx_difference for item in compared),
            "",
        ),
        report.Figure(
            "training.median_s",
            seconds[OURS],
            "s",
            FLAML,
            seconds[FLAML],
            seconds[FLAML] / seconds[OURS],
        ),
    ]


def figures_of_effort(took: Effort) -> list[report.Figure]:
    """What one size of table took."""
    name = f"training.{took.rows}x{took.columns}"
    return [
        report.Figure(f"{name}_s", round(took.seconds, 2), "s"),
        report.Figure(f"{name}_cpu_s", round(took.cpu_seconds, 2), "s"),
        report.Figure(f"{name}_peak_mib", round(took.peak_mib), "MiB"),
    ]


def table_of(compared: list[Compared]) -> str:
    """All tables, the ones where we are furthest behind FLAML first."""
    header = ["table", "rows", "columns", "plans", *CONTESTANTS, "to FLAML", "to boosting", "s"]
    header += ["FLAML s", "algorithm"]
    return report.table(header, [_row(item) for item in sorted(compared, key=_behind)])


def table_of_efforts(efforts: list[Effort]) -> str:
    """Time and memory from the start of the process to the artifact."""
    rows = [
        [
            f"{e.rows:,} x {e.columns}",
            f"{e.seconds:.1f} s",
            f"{e.cpu_seconds:.1f} s",
            f"{e.peak_mib:.0f} MiB",
            f"{e.data_mib:.1f} MiB",
        ]
        for e in efforts
    ]
    return report.table(["made table", "to artifact", "CPU", "peak memory", "data"], rows)


def _behind(item: Compared) -> float:
    return item.ahead(FLAML)


def _row(item: Compared) -> list[str]:
    return [
        item.table.name,
        str(item.rows),
        str(item.columns),
        item.right,
        *(f"{item.results[name].score:.4f}" for name in CONTESTANTS),
        f"{item.ahead(FLAML):+.4f}",
        f"{item.ahead(BOOSTING):+.4f}",
        f"{item.results[OURS].seconds:.0f}",
        f"{item.results[FLAML].seconds:.0f}",
        item.results[OURS].algorithm,
    ]


def _line(item: Compared) -> str:
    return "  ".join(_row(item))


def _share(rights: Iterable[bool]) -> float:
    found = list(rights)
    return round(sum(found) / len(found), 4)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=int, default=10, help="seconds of our search")
    parser.add_argument("--splits", type=int, default=1, help="splits of each table")
    parser.add_argument("--most", type=int, default=30, help="of all tables the first so many")
    parser.add_argument("--tables", nargs="*", help="only these, by name")
    parser.add_argument("--fresh", action="store_true", help="measure everything anew")
    return parser.parse_args()


if __name__ == "__main__":
    main()
