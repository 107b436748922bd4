"""The way of one version, from a dataset on local disk to an artifact in the store.

The same for a pod and by hand: callers differ in where the files lie and who watches.
"""

import importlib.metadata
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.build import BuildRequest, Manifest
from modelyard_crds.conditions import shorten
from modelyard_crds.fields import FieldType, seconds_of
from modelyard_crds.model_version import TrainingInfo
from modelyard_runtime.artifacts.card import model_card
from modelyard_runtime.artifacts.persisted import persisted
from modelyard_runtime.artifacts.progress import Reporter, utc_now
from modelyard_runtime.artifacts.publish import FileName, write_files, write_manifest
from modelyard_runtime.artifacts.statistics import example_of, statistics_of
from modelyard_runtime.data.reading import Reading, read_table
from modelyard_runtime.data.sampling import Room
from modelyard_runtime.data.source import Fetched
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.plan.plan import Plan, make_plan
from modelyard_runtime.store import Store
from modelyard_runtime.training.candidates import FAMILY_NAMES, Candidate, portfolio
from modelyard_runtime.training.conversion import Winner, choose
from modelyard_runtime.training.encoding import Encoding, Inputs, make_encoding
from modelyard_runtime.training.evaluation import baseline, measure
from modelyard_runtime.training.importance import importance
from modelyard_runtime.training.problem import Problem, Shape, make_folds
from modelyard_runtime.training.runner import local_runner
from modelyard_runtime.training.search import (
    PATIENCE,
    ROUND,
    Limits,
    Outcome,
    Watcher,
    search,
)

#: Percent of a build at which each phase begins.
READ, PLANNED, SEARCH, JUDGE, EXPLAIN, PUBLISH, DONE = 5, 10, 15, 80, 88, 94, 100
MAX_WARNINGS, WARNING_LENGTH = 20, 512
_LIBRARIES = ("scikit-learn", "numpy", "skl2onnx", "onnx", "onnxruntime", "skops")


@dataclass(frozen=True)
class Job:
    """One build: what is asked, where its files go, and what it may use."""

    request: BuildRequest
    store: Store
    prefix: str
    manifest_key: str
    folder: Path
    cpus: int
    #: Bytes that this process may use.
    memory: int
    #: time.monotonic() at the start of the process.
    started: float


class Built(NamedTuple):
    """What a build left behind; no digest where another pod was first."""

    manifest: Manifest
    plan: Plan
    digest: str | None
    difference: float


class _Data(NamedTuple):
    """The rows that are learnt from, encoded."""

    table: Table
    #: Rows of the dataset, of which the table may be a sample.
    dataset_rows: int
    target: Column
    encoding: Encoding
    inputs: Inputs


def build_version(job: Job, fetch: Callable[[], Fetched], reporter: Reporter) -> Built:
    """Build one version and publish it.

    Raises PodError with the reason that the ModelVersion will show.
    """
    reporter.step(READ, "Reading the dataset")
    fetched = fetch()
    table, _, rows = _read(job, fetched, reporter)
    plan = _plan(job, table, reporter)
    data = _encoded(table, rows, plan)
    problem = _problem(job, plan, data)
    outcome = _search(job, plan, problem, reporter)
    reporter.step(JUDGE, "Converting and measuring the best model")
    winner = choose(problem, data.encoding, data.inputs, outcome.ranked, job.cpus)
    reporter.log(_said(winner, outcome))
    reporter.step(EXPLAIN, "Measuring the importance of inputs")
    shares = importance(problem, data.encoding, data.inputs, winner.judged, problem.shape.seed)
    reporter.step(PUBLISH, "Writing the artifact")
    return _publish(job, plan, data, problem, (winner, outcome, shares), reporter)


def _read(job: Job, fetched: Fetched, reporter: Reporter) -> Reading:
    build = job.request.build
    types: dict[str, FieldType] = {
        field.name: field.type
        for field in (*(build.output_schema or ()), *(build.input_schema or ()))
    }
    room = Room(job.memory, build.training.seed)
    reading = read_table(fetched, build.format, types, job.folder, room)
    reporter.log(f"Read {reading.rows} rows and {len(reading.table.columns)} columns.")
    return reading


def _plan(job: Job, table: Table, reporter: Reporter) -> Plan:
    build = job.request.build
    reporter.step(PLANNED, "Planning")
    plan = make_plan(
        build.intent, table, build.input_schema, build.output_schema, build.training.metric
    )
    reporter.log(
        f"Predicting {plan.target!r} ({plan.task}) from {len(plan.features)} columns, "
        f"optimising {plan.metric}."
    )
    for dropped in plan.dropped:
        reporter.log(f"Column {dropped.column!r} is left out: {dropped.reason}.")
    for warning in plan.warnings:
        reporter.log(warning, "WARNING")
    return plan


def _encoded(table: Table, rows: int, plan: Plan) -> _Data:
    target = table.by_name[plan.target].as_type(plan.target_type)
    known = ~target.missing
    if not known.all():
        table, target = table.take(known), target.take(known)
    encoding = make_encoding([table.by_name[name] for name in plan.features])
    return _Data(table, rows, target, encoding, encoding.inputs(table))


def _problem(job: Job, plan: Plan, data: _Data) -> Problem:
    seed = job.request.build.training.seed
    truth = _truth(plan, data.target)
    shape = Shape(
        task=plan.task,
        rows=data.table.rows,
        numeric=len(data.encoding.numeric),
        categories=tuple(len(data.encoding.categories[name]) for name in data.encoding.text),
        classes=len(plan.classes),
        seed=seed,
    )
    return Problem(
        matrix=data.encoding.matrix(data.inputs),
        target=truth,
        shape=shape,
        metric=plan.metric,
        positive=None if plan.positive_class is None else plan.classes.index(plan.positive_class),
        folds=make_folds(truth, plan.task, seed),
    )


def _truth(plan: Plan, target: Column) -> NDArray[Any]:
    """The target as numbers: values, or the position of each row's class."""
    if plan.task == "regression":
        return np.asarray(target.values, dtype=np.float64)
    position = {label: number for number, label in enumerate(plan.classes)}
    values, where = np.unique(target.values, return_inverse=True)
    return np.array([position[target.label_of(value)] for value in values.tolist()])[where]


def _search(job: Job, plan: Plan, problem: Problem, reporter: Reporter) -> Outcome:
    training = job.request.build.training
    budget = float(seconds_of(training.time_budget))
    reporter.step(SEARCH, "Preparing the search")
    began = time.monotonic()
    expected = training.max_iterations or len(portfolio(problem.shape)) + ROUND * (PATIENCE + 1)
    limits = Limits(began + budget, training.max_iterations)
    watch = _watcher(plan, reporter, began, budget, expected)
    with local_runner(problem, job.cpus) as runner:
        outcome = search(problem, limits, runner, watch)
    reporter.log(f"The search ended after {outcome.tried} candidates: {outcome.stopped}.")
    return outcome


def _watcher(plan: Plan, reporter: Reporter, began: float, budget: float, expected: int) -> Watcher:
    def watch(number: int, candidate: Candidate, best: float | None) -> None:
        share = max((number - 1) / expected, (time.monotonic() - began) / max(budget, 1.0))
        so_far = "" if best is None else f", best so far {plan.metric} {abs(best):.3f}"
        step = f"Trying {FAMILY_NAMES[candidate.family]}, candidate {number}{so_far}"
        reporter.step(round(SEARCH + (JUDGE - SEARCH) * min(share, 0.97)), step)
        reporter.log(f"{step}.")

    return watch


def _said(winner: Winner, outcome: Outcome) -> str:
    figures = ", ".join(f"{name} {value:.3f}" for name, value in winner.metrics.items())
    return (
        f"The best of {outcome.tried} candidates is {FAMILY_NAMES[winner.candidate.family]}: "
        f"{figures}. Its graph differs from scikit-learn by at most {winner.difference:.1e}."
    )


def _publish(
    job: Job,
    plan: Plan,
    data: _Data,
    problem: Problem,
    result: tuple[Winner, Outcome, dict[str, float]],
    reporter: Reporter,
) -> Built:
    winner, outcome, shares = result
    manifest = _manifest(job, plan, data, winner, outcome, shares)
    naive = measure(
        plan.task,
        problem.target,
        baseline(plan.task, problem.target, plan.classes),
        problem.positive,
    )
    card = model_card(manifest, plan.dropped, naive, _matrix_columns(data.encoding))
    contents: dict[FileName, bytes] = {
        "model.onnx": winner.graph,
        "card.md": card.encode(),
        "statistics.json": statistics_of(
            data.table, plan.features, data.target, data.encoding.categories
        ),
    }
    pipeline = persisted(winner.model)
    if pipeline is None:
        reporter.log("model.skops is left out: it has types that loaders refuse.", "WARNING")
    else:
        contents["model.skops"] = pipeline
    files = write_files(job.store, job.prefix, contents)
    manifest = manifest.model_copy(update={"files": files})
    digest = write_manifest(job.store, job.manifest_key, manifest)
    if digest is None:
        reporter.log("Another pod of this build has published already; its artifact stays.")
        job.store.delete_prefix(job.prefix)
    reporter.step(DONE, "Done")
    return Built(manifest, plan, digest, winner.difference)


def _manifest(
    job: Job,
    plan: Plan,
    data: _Data,
    winner: Winner,
    outcome: Outcome,
    shares: dict[str, float],
) -> Manifest:
    request = job.request
    return Manifest(
        runtime=importlib.metadata.version("modelyard"),
        libraries={name: importlib.metadata.version(name) for name in _LIBRARIES},
        namespace=request.namespace,
        model=request.model,
        version=request.version,
        version_uid=request.version_uid,
        created_at=utc_now().replace(microsecond=0),
        intent=request.build.intent,
        dataset_digest=request.build.dataset_digest,
        task=plan.task,
        target=plan.target,
        classes=plan.classes,
        positive_class=plan.positive_class,
        metric=plan.metric,
        metrics=winner.metrics,
        training_info=TrainingInfo(
            dataset_size=data.table.rows,
            dataset_rows=data.dataset_rows,
            training_seconds=round(time.monotonic() - job.started, 2),
            algorithm=_algorithm(winner.model),
            candidates=outcome.tried,
            feature_importance=shares,
        ),
        input_schema=plan.input_schema,
        output_schema=plan.output_schema,
        outputs=plan.outputs,
        numeric=data.encoding.numeric,
        text=data.encoding.text,
        example=example_of(data.table, plan.input_schema),
        warnings=[shorten(text, WARNING_LENGTH) for text in plan.warnings[:MAX_WARNINGS]],
        files=[],
    )


def _algorithm(model: Any) -> str:
    return type(getattr(model, "steps", [(None, model)])[-1][1]).__name__


def _matrix_columns(encoding: Encoding) -> list[str]:
    parts = [
        item.column if item.part == "value" else f"{item.column} ({item.part})"
        for item in encoding.numeric
    ]
    return parts + encoding.text
