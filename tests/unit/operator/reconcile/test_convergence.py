"""Whatever happens in whatever order: one Job a version, and in the end all is as asked.

A small world of a Dataset, a Model, its versions and their Jobs takes steps in any order: a
reconcile of any object, a reconcile whose process is killed before any of its writes, a pod that
ends well or badly, a Job that somebody deletes. The decisions are the real ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_crds import Dataset, Model, ModelVersion, names
from modelyard_crds.build import Profile
from modelyard_operator.reconcile.dataset import DatasetObserved, decide_dataset, source_hash
from modelyard_operator.reconcile.decision import Create, Decision, Delete, Write
from modelyard_operator.reconcile.facts import JobFacts, PodFacts
from modelyard_operator.reconcile.job_problem import JobView
from modelyard_operator.reconcile.model import ModelObserved, decide_model
from modelyard_operator.reconcile.model_version import VersionObserved, decide_version
from modelyard_operator.reconcile.model_version_result import Published
from unit.operator import samples

Raw = dict[str, Any]
#: More writes than any decision makes.
ALL_WRITES = 99


@dataclass
class World:
    """The API server and the store, as far as these kinds need them."""

    now: datetime = samples.NOW
    dataset: Raw = field(default_factory=lambda: _raw(samples.dataset(ready=False)))
    model: Raw = field(default_factory=lambda: _raw(samples.model()))
    versions: dict[str, Raw] = field(default_factory=dict)
    jobs: dict[str, Raw] = field(default_factory=dict)
    published: set[str] = field(default_factory=set)
    profiled: bool = False
    jobs_made: list[str] = field(default_factory=list)
    writes: int = 0

    def reconcile(self, name: str, *, killed_after: int = ALL_WRITES) -> None:
        """One reconcile; a killed process gets no further than so many writes."""
        if name == "dataset":
            target, decision = self.dataset, decide_dataset(self._see_dataset())
        elif name == "model":
            target, decision = self.model, decide_model(self._see_model())
        elif name in self.versions:
            target = self.versions[name]
            decision = decide_version(self._see_version(target))
        else:
            return
        self._carry_out(target, decision, killed_after)

    def reconcile_all(self) -> None:
        for name in ("dataset", "model", *list(self.versions)):
            self.reconcile(name)

    def finish_pods(self) -> None:
        """Everything that runs comes to a good end."""
        for name, job in self.jobs.items():
            if "conditions" in job["status"]:
                continue
            job["status"] = samples.ended("Complete", at=self.now)
            if name in self.versions:
                self.published.add(name)
            else:
                self.profiled = True

    def fail_pods(self) -> None:
        """Everything that runs fails in a way that nobody explains."""
        for job in self.jobs.values():
            if "conditions" not in job["status"]:
                job["status"] = samples.ended("Failed", "BackoffLimitExceeded", at=self.now)

    def delete_jobs(self) -> None:
        self.jobs.clear()

    def _see_dataset(self) -> DatasetObserved:
        dataset = Dataset.parse(self.dataset)
        wanted = names.profile_job_name("table", source_hash(dataset))
        others = [job for name, job in self.jobs.items() if name.startswith("table-p")]
        profile = Profile(
            digest=samples.DIGEST, rows=9, size_bytes=9, column_count=0, columns=[], format="csv"
        )
        return DatasetObserved(
            dataset=dataset,
            now=self.now,
            runtime=samples.RUNTIME,
            current=_view(self.jobs.get(wanted)),
            outdated=tuple(JobFacts.of(job) for job in others if job["metadata"]["name"] != wanted),
            profile=profile if self.profiled else None,
        )

    def _see_model(self) -> ModelObserved:
        versions = sorted(
            (ModelVersion.parse(raw) for raw in self.versions.values()),
            key=lambda version: version.spec.version,
        )
        return ModelObserved(
            model=Model.parse(self.model),
            now=self.now,
            dataset=Dataset.parse(self.dataset),
            versions=tuple(versions),
        )

    def _see_version(self, raw: Raw) -> VersionObserved:
        version = ModelVersion.parse(raw)
        name = version.metadata.name
        manifest = samples.manifest(version)
        return VersionObserved(
            version=version,
            now=self.now,
            runtime=samples.RUNTIME,
            store_url=samples.STORE_URL,
            view=_view(self.jobs.get(name)),
            published=(
                Published(manifest, samples.DIGEST, samples.STORE_URL)
                if name in self.published
                else None
            ),
        )

    def _carry_out(self, target: Raw, decision: Decision, killed_after: int) -> None:
        for number, write in enumerate(decision.writes):
            if number >= killed_after:
                return
            self._write(write)
        status = decision.status.to_json()
        if len(decision.writes) < killed_after and target.get("status", {}) != status:
            target["status"] = status
            self.writes += 1

    def _write(self, write: Write) -> None:
        self.writes += 1
        if isinstance(write, Delete):
            self.jobs.pop(write.name, None)
            return
        assert isinstance(write, Create)
        raw = {**write.manifest, "metadata": {**write.manifest["metadata"]}}
        name = raw["metadata"]["name"]
        raw["metadata"] |= samples.meta(name)
        if raw["kind"] == "Job":
            if name not in self.jobs:
                self.jobs_made.append(name)
                self.jobs[name] = {**raw, "status": {"active": 1}}
        else:
            self.versions.setdefault(name, {**raw, "status": {}})


def _raw(resource: Dataset | Model) -> Raw:
    return {**resource.to_json(), "status": {}}


def _view(job: Raw | None) -> JobView | None:
    if job is None:
        return None
    pod = PodFacts.of(samples.raw_pod(), "train")
    return JobView(JobFacts.of(job), () if "conditions" in job["status"] else (pod,))


def settle(world: World) -> None:
    for _ in range(20):
        world.reconcile_all()
        world.finish_pods()
        world.now += timedelta(minutes=11)


NAMES = st.sampled_from(["dataset", "model", "churn-v1", "churn-v2"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reconcile"), NAMES),
        st.tuples(st.just("killed at once"), NAMES),
        st.tuples(st.just("killed before the status"), NAMES),
        st.tuples(st.sampled_from(["finish", "fail", "lose", "wait", "retrain"]), st.just("")),
    ),
    max_size=40,
)


def take(world: World, step: tuple[str, str]) -> None:
    action, name = step
    if action == "reconcile":
        world.reconcile(name)
    elif action == "killed at once":
        world.reconcile(name, killed_after=0)
    elif action == "killed before the status":
        world.reconcile(name, killed_after=1)
    elif action == "finish":
        world.finish_pods()
    elif action == "fail":
        world.fail_pods()
    elif action == "lose":
        world.delete_jobs()
    elif action == "wait":
        world.now += timedelta(minutes=1)
    elif action == "retrain":
        world.model["metadata"]["annotations"] = {"modelyard.dev/retrain": str(world.now)}


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_any_order_converges(steps: list[tuple[str, str]]) -> None:
    world = World()
    for step in steps:
        take(world, step)
    settle(world)
    if world.dataset["status"]["phase"] == "ERROR":
        # A fault that nobody explains is final for a source: it takes somebody to ask again.
        world.dataset["metadata"]["annotations"] = {"modelyard.dev/refresh": "again"}
        settle(world)

    assert world.dataset["status"]["phase"] == "READY"
    newest = world.versions[f"churn-v{world.model['status']['latestVersion']}"]
    assert newest["status"]["phase"] in ("READY", "ERROR")
    assert world.model["status"]["phase"] == newest["status"]["phase"]
    assert world.jobs == {}

    before = world.writes
    world.reconcile_all()
    assert world.writes == before, "a steady world is not written to"


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_a_version_never_gets_a_job_too_many(steps: list[tuple[str, str]]) -> None:
    """One Job, and one more for each that was lost, of which one is made up for."""
    world = World()
    lost = 0
    for step in steps:
        lost += step[0] == "lose"
        take(world, step)
    settle(world)
    numbers = sorted(int(name.rpartition("-v")[2]) for name in world.versions)
    assert numbers == list(range(1, len(numbers) + 1)), "no number is skipped"
    for name, raw in world.versions.items():
        made = world.jobs_made.count(name)
        assert made <= 1 + lost
        assert raw["status"].get("rebuilds", 0) <= 1


def test_shortest_life_has_no_write_too_many() -> None:
    """The counts are what the objects need: a Job, its deletion, and a status a step."""
    world = World()
    settle(world)
    assert world.jobs_made == ["table-p" + world.jobs_made[0][7:], "churn-v1"]
    # Dataset 2 statuses, Model 3, version 2 and its creation, 2 Jobs made and deleted.
    assert world.writes <= 13
