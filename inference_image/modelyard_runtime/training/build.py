"""The way of one version, from a dataset on local disk to an artifact in the store.

The same for a pod and by hand: callers differ in where the files lie and who watches.
"""

import importlib.metadata
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from modelyard_crds.build import BuildRequest, Manifest
from modelyard_crds.conditions import shorten
from modelyard_crds.fields import Metric
from modelyard_crds.memory import is_large
from modelyard_crds.model_version import TrainingInfo
from modelyard_crds.plan import PlanOverrides
from modelyard_runtime.artifacts.card import card_files
from modelyard_runtime.artifacts.persisted import persisted, prepare
from modelyard_runtime.artifacts.progress import Reporter, utc_now
from modelyard_runtime.artifacts.publish import write_files, write_manifest
from modelyard_runtime.artifacts.statistics import example_of, statistics_of
from modelyard_runtime.data.reading import Reading, read_table, stated_types
from modelyard_runtime.data.sampling import Room
from modelyard_runtime.data.source import Fetched
from modelyard_runtime.data.table import Table
from modelyard_runtime.plan import matcher
from modelyard_runtime.plan.goal import with_goals
from modelyard_runtime.plan.plan import NOTHING_STATED, Plan, make_plan
from modelyard_runtime.plan.proposed import Ask, plan_with
from modelyard_runtime.store import Store, StoreError
from modelyard_runtime.training.calibration import Calibrated
from modelyard_runtime.training.encoding import Encoding, make_encoding
from modelyard_runtime.training.ensemble import members_of
from modelyard_runtime.training.evidence import card_of
from modelyard_runtime.training.heads import head_of, joined, metrics_of, shares_of
from modelyard_runtime.training.learning import Learnt, RunnerOf, learn, stages
from modelyard_runtime.training.log_scale import OnLogScale
from modelyard_runtime.training.planner import Planner
from modelyard_runtime.training.quantiles import WithQuantiles
from modelyard_runtime.training.records import Records
from modelyard_runtime.training.resources import trim_memory
from modelyard_runtime.training.runner import local_runner
from modelyard_runtime.training.target_means import TargetEncoded
from modelyard_runtime.training.widening import Together

#: Percent of a build at which each phase begins.
READ, PLANNED, SEARCH, PUBLISH, DONE = 5, 10, 15, 94, 100
MAX_WARNINGS, WARNING_LENGTH, ALGORITHM_LENGTH = 20, 512, 128
_LIBRARIES = ("scikit-learn", "lightgbm", "numpy", "skl2onnx", "onnx", "onnxruntime", "skops")


@dataclass(frozen=True)
class Job:
    """One build: what is asked, where its files go, and what it may use."""

    request: BuildRequest
    store: Store
    prefix: str
    manifest_key: str
    #: Where finished fits are recorded, for a pod that takes this one's place.
    records_prefix: str
    folder: Path
    #: The secret of a build of several pods; None where there is one.
    pods_secret: str | None
    cpus: int
    #: Bytes that this process may use.
    memory: int
    #: time.monotonic() at the start of the process.
    started: float
    #: What may propose a plan where the intent leaves one in doubt.
    planner: Planner | None = None


class Built(NamedTuple):
    """What a build left behind; no digest where another pod was first."""

    manifest: Manifest
    plan: Plan
    digest: str | None
    difference: float
    #: From the table in memory to the models, without reading, explaining and writing.
    learning_seconds: float


class _Result(NamedTuple):
    """What was learnt, and how many rows the dataset has, of which some may be a sample."""

    learnt: list[Learnt]
    dataset_rows: int


def build_version(job: Job, fetch: Callable[[], Fetched], reporter: Reporter) -> Built:
    """Build one version and publish it.

    Raises PodError with the reason that the ModelVersion will show.
    """
    reporter.step(READ, "Reading the dataset")
    fetched = fetch()
    reading = _read(job, fetched, reporter)
    table = reading.table
    trim_memory()
    plan = _plan(job, table, reporter)
    table = with_goals(table, plan.goals)
    training = job.request.build.training
    encoding = _encoding(table, plan, training.seed)
    if job.pods_secret is None and not is_large(table.rows, len(table.columns)):
        prepare()
    records_of = partial(Records, job.store, job.records_prefix)
    runner_of = _runner_of(job, reporter)
    where, span = (runner_of, team_of(job, reading, reporter)), (SEARCH, PUBLISH)
    parts = stages(plan.goals, training, job.cpus, reporter, records_of, where, span)
    learnt = [
        learn(goal, table, encoding, stage, plan)
        for goal, stage in zip(plan.goals, parts, strict=True)
    ]
    plan = _with_warnings(plan, learnt, reading, reporter)
    reporter.step(PUBLISH, "Writing the artifact")
    return _publish(job, plan, _Result(learnt, reading.rows), reporter)


def _runner_of(job: Job, reporter: Reporter) -> RunnerOf:
    """Where the fits run: here, or on all pods of the build."""
    secret = job.pods_secret
    if secret is None:
        return lambda problem, began: local_runner(problem, job.cpus, began)
    from modelyard_runtime.training.pods import pods_runner

    team = (secret, job.folder)
    return lambda problem, began: pods_runner(problem, job.cpus, began, team, reporter.log)


def team_of(job: Job, reading: Reading, reporter: Reporter) -> Together | None:
    """How all pods of the build learn from what this one left out; None where that is nothing."""
    if job.pods_secret is None or not reading.left_out:
        return None
    from modelyard_runtime.training.together import Team

    training = job.request.build.training
    room = Room(job.memory, training.seed)
    given = (job.pods_secret, job.folder, training.parallelism, job.cpus, room)
    return Team(*given, reporter.log)


def _read(job: Job, fetched: Fetched, reporter: Reporter) -> Reading:
    build = job.request.build
    types = stated_types(build.output_schema, build.input_schema)
    room = Room(job.memory, build.training.seed)
    reading = read_table(fetched, build.format, types, job.folder, room)
    reporter.log(f"Read {reading.rows} rows and {len(reading.table.columns)} columns.")
    return reading


def _plan(job: Job, table: Table, reporter: Reporter) -> Plan:
    build = job.request.build
    reporter.step(PLANNED, "Planning")

    def make(stated: PlanOverrides, metric: Metric | None) -> Plan:
        schemas = (build.input_schema, build.output_schema)
        return make_plan(build.intent, table, *schemas, metric, stated)

    ask = Ask(build.plan or NOTHING_STATED, build.training.metric, build.input_schema or ())
    propose = None
    if job.planner is not None:
        propose = partial(job.planner.propose, build.intent, table, ask.stated.exclude or ())
    plan = plan_with(propose, make, ask, lambda text: reporter.log(text, "WARNING"))
    matcher.forget()
    for goal in plan.goals:
        reporter.log(
            f"Predicting {goal.target!r} ({goal.task}) from {len(plan.features)} columns, "
            f"optimising {goal.metric}."
        )
    for dropped in plan.dropped:
        reporter.log(f"Column {dropped.column!r} is left out: {dropped.reason}.")
    for warning in plan.warnings:
        reporter.log(warning, "WARNING")
    return plan


def _encoding(table: Table, plan: Plan, seed: int) -> Encoding:
    """The encoding that all goals share, learnt from the rows in which one of them is known."""
    known = ~np.logical_and.reduce([table.by_name[goal.target].missing for goal in plan.goals])
    rows = table if known.all() else table.take(known)
    features = [rows.by_name[name] for name in plan.features]
    return make_encoding(features, plan.free_text, seed)


def _with_warnings(plan: Plan, learnt: list[Learnt], reading: Reading, reporter: Reporter) -> Plan:
    """The plan, and what was noticed while it was carried out."""
    found = [text for item in learnt for text in item.warnings]
    for text in found:
        reporter.log(text, "WARNING")
    wider = [
        f"{item.goal.target!r} is predicted by what {item.widened.rows:,} of {reading.rows:,} rows "
        "on several pods taught; the search saw a sample of them."
        for item in learnt
        if item.widened.rows
    ]
    # What was said of the sample does not hold for what all rows of the pods taught.
    replaced = reading.left_out[:1] if len(wider) == len(learnt) else ()
    kept = [text for text in plan.warnings if text not in replaced]
    return replace(plan, warnings=[*wider, *kept, *found])


def _publish(job: Job, plan: Plan, result: _Result, reporter: Reporter) -> Built:
    learnt = result.learnt
    manifest = _manifest(job, plan, result)
    contents = _contents(manifest, plan, learnt)
    pipelines = {item.goal.target: item.winner.model for item in learnt}
    pipeline = persisted(learnt[0].winner.model if len(learnt) == 1 else pipelines)
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
    _forget_fits(job, reporter)
    reporter.step(DONE, "Done")
    difference = max(item.winner.difference for item in learnt)
    return Built(manifest, plan, digest, difference, sum(item.seconds for item in learnt))


def _forget_fits(job: Job, reporter: Reporter) -> None:
    """The artifact is in the store: nobody goes on from the fits any more."""
    try:
        job.store.delete_prefix(job.records_prefix)
    except StoreError as error:
        reporter.log(f"Records of fits stay until the version is deleted: {error}.", "WARNING")


def _contents(manifest: Manifest, plan: Plan, learnt: list[Learnt]) -> dict[str, bytes]:
    """The files of the artifact, but for the scikit-learn pipeline."""
    graphs = [item.winner.graph for item in learnt]
    data = max((item.data for item in learnt), key=lambda data: data.table.rows)
    return {
        "model.onnx": joined(graphs) if manifest.heads else graphs[0],
        "statistics.json": statistics_of(
            data.table,
            plan.features,
            [item.data.target for item in learnt],
            data.encoding.categories,
            plan.free_text,
        ),
        **card_files(card_of(manifest, learnt)),
    }


def _manifest(job: Job, plan: Plan, result: _Result) -> Manifest:
    learnt = result.learnt
    request, first = job.request, learnt[0]
    heads = [head_of(item.goal) for item in learnt] if len(learnt) > 1 else []
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
        task=first.goal.task,
        target=first.goal.target,
        classes=first.goal.classes,
        positive_class=first.goal.positive_class,
        quantiles=list(first.goal.quantiles),
        metric=first.goal.metric,
        metrics=metrics_of({item.goal.target: item.winner.metrics for item in learnt}),
        training_info=_training_info(job, result),
        input_schema=plan.input_schema,
        output_schema=plan.output_schema,
        outputs=plan.outputs,
        heads=heads,
        plan=plan.summary(),
        numeric=first.data.encoding.numeric,
        text=first.data.encoding.text,
        example=example_of(
            first.data.table,
            plan.input_schema,
            {name: words.typical for name, words in first.data.encoding.words.items()},
        ),
        warnings=[shorten(text, WARNING_LENGTH) for text in plan.warnings[:MAX_WARNINGS]],
        files=[],
    )


def _training_info(job: Job, result: _Result) -> TrainingInfo:
    learnt = result.learnt
    algorithms = dict.fromkeys(_algorithm(item.winner.model) for item in learnt)
    return TrainingInfo(
        dataset_size=max(item.rows for item in learnt),
        dataset_rows=result.dataset_rows,
        training_seconds=round(time.monotonic() - job.started, 2),
        algorithm=shorten(", ".join(algorithms), ALGORITHM_LENGTH),
        candidates=sum(item.outcome.tried for item in learnt),
        feature_importance=shares_of([item.shares for item in learnt]),
    )


def _algorithm(model: Any) -> str:
    if isinstance(model, Calibrated | OnLogScale | TargetEncoded | WithQuantiles):
        return _algorithm(model.inner)
    members = members_of(model)
    if members:
        return " + ".join(dict.fromkeys(_algorithm(member) for _, member in members))
    inner = getattr(model, "regressor_", model)
    return type(getattr(inner, "steps", [(None, inner)])[-1][1]).__name__
