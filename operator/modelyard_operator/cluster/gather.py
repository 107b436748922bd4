"""Observations: what a decision on one object needs to know, gathered once, frozen."""

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from modelyard_crds import Dataset, Model, ModelDeployment, ModelVersion, names
from modelyard_crds.base import ApiModel
from modelyard_crds.build import (
    Manifest,
    Profile,
    Progress,
    manifest_key,
    profile_key,
    progress_key,
)
from modelyard_operator.cluster.apply import controller_uid
from modelyard_operator.cluster.cache import Cache, owned_by, refers_to, served_from
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.drift_summaries import DriftSummaries
from modelyard_operator.cluster.event_warnings import EventWarnings
from modelyard_operator.cluster.kinds import (
    AUTOSCALER,
    DATASET,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    EVENT,
    JOB,
    MODEL,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    POD,
    SERVICE,
    Kind,
)
from modelyard_operator.cluster.store import Store
from modelyard_operator.errors import NotFoundError, StoreUnavailableError
from modelyard_operator.reconcile.dataset import DatasetObserved, source_hash
from modelyard_operator.reconcile.deployment_canary import CanaryObserved
from modelyard_operator.reconcile.deployment_children import Children
from modelyard_operator.reconcile.facts import JobFacts, PodFacts
from modelyard_operator.reconcile.job_problem import JobView, unexplained_wait
from modelyard_operator.reconcile.model import ModelObserved
from modelyard_operator.reconcile.model_deployment import DeploymentObserved
from modelyard_operator.reconcile.model_version import VersionObserved
from modelyard_operator.reconcile.model_version_result import Published
from modelyard_operator.resources import deployment as serving
from modelyard_operator.resources import profile_job, training_job
from modelyard_operator.resources.deployment import Track
from modelyard_operator.resources.runtime import Runtime
from modelyard_operator.resources.training_pods import pods_name

Raw = Mapping[str, Any]
T = TypeVar("T", bound=ApiModel)


class Gatherer:
    """Makes observations out of the cache, the store and, where neither tells, the API server."""

    def __init__(
        self, api: Api, cache: Cache, store: Store, runtime: Runtime, drift: DriftSummaries
    ) -> None:
        self._api = api
        self._cache = cache
        self._store = store
        self._runtime = runtime
        self._drift = drift
        self._warnings = EventWarnings(self._list_warnings, time.monotonic)

    async def dataset(self, raw: Raw) -> DatasetObserved:
        """All that a decision on a Dataset rests on."""
        dataset, now = Dataset.parse(raw), _now()
        wanted = source_hash(dataset)
        job_name = names.profile_job_name(dataset.metadata.name, wanted)
        jobs = self._cache.find(JOB, owned_by(dataset.metadata.uid))
        current = [job for job in jobs if job["metadata"]["name"] == job_name]
        view = await self._view(current[0], profile_job.CONTAINER, now) if current else None
        profile, problem = None, ""
        if view is not None and view.job.succeeded:
            key = profile_key(dataset.metadata.uid, wanted)
            profile, problem = await self._stored(key, Profile)
        return DatasetObserved(
            dataset=dataset,
            now=now,
            runtime=self._runtime,
            current=view,
            outdated=tuple(JobFacts.of(job) for job in jobs if job not in current),
            profile=profile,
            store_problem=problem,
        )

    async def version(self, raw: Raw) -> VersionObserved:
        """All that a decision on a ModelVersion rests on."""
        version, now = ModelVersion.parse(raw), _now()
        job = await self._training_job(version)
        view = await self._view(job, training_job.CONTAINER, now) if job else None
        published, progress, problem = None, None, ""
        if not version.ended and not version.spec.cancelled:
            if _may_be_published(version, view):
                published, problem = await self._published(version.metadata.uid)
            if view is not None and view.newest_pod is not None and view.newest_pod.running:
                progress, _ = await self._stored(progress_key(version.metadata.uid), Progress)
        return VersionObserved(
            version=version,
            now=now,
            runtime=self._runtime,
            store_url=self._store.url,
            view=view,
            published=published,
            progress=progress,
            store_problem=problem,
            jobs=len(self._cache.keys(JOB)),
            connected=self._cache.get(SERVICE, (version.metadata.namespace, pods_name(version)))
            is not None,
            fresh_secret=secrets.token_hex(32),
        )

    async def model(self, raw: Raw) -> ModelObserved:
        """All that a decision on a Model rests on."""
        model = Model.parse(raw)
        namespace, name = model.key
        dataset = self._cache.get(DATASET, (namespace, model.spec.dataset_ref.name))
        return ModelObserved(
            model=model,
            now=_now(),
            dataset=Dataset.parse(dataset) if dataset else None,
            versions=self._versions(namespace, name, model),
            deployments=tuple(
                ModelDeployment.parse(item)
                for item in self._cache.find(MODEL_DEPLOYMENT, refers_to(MODEL, namespace, name))
            ),
        )

    async def deployment(self, raw: Raw) -> DeploymentObserved:
        """All that a decision on a ModelDeployment rests on."""
        deployment = ModelDeployment.parse(raw)
        namespace, model_name = deployment.metadata.namespace, deployment.spec.model_ref.name
        found = self._cache.get(MODEL, (namespace, model_name))
        model = Model.parse(found) if found else None
        return DeploymentObserved(
            deployment=deployment,
            now=_now(),
            runtime=self._runtime,
            model=model,
            versions=self._versions(namespace, model_name, model),
            children=Children(
                deployment=self._child(DEPLOYMENT, deployment),
                service=self._child(SERVICE, deployment),
                autoscaler=self._child(AUTOSCALER, deployment),
                disruption_budget=self._child(DISRUPTION_BUDGET, deployment),
            ),
            pods=self._serving_pods(deployment, Track.STABLE),
            canary=CanaryObserved(
                Children(
                    deployment=self._child(DEPLOYMENT, deployment, Track.CANARY),
                    service=self._child(SERVICE, deployment, Track.CANARY),
                ),
                self._serving_pods(deployment, Track.CANARY),
            ),
            drift=self._drift.of(deployment.metadata.uid),
        )

    async def exists(self, kind: Kind, namespace: str, name: str, uid: str) -> bool:
        """Whether the API server still has this very object."""
        try:
            raw = await self._api.get(kind, namespace, name)
        except NotFoundError:
            return False
        return bool(raw["metadata"]["uid"] == uid)

    def _versions(
        self, namespace: str, model_name: str, model: Model | None
    ) -> tuple[ModelVersion, ...]:
        """Versions of this very Model; those of one that had its name before are left out."""
        found = self._cache.find(MODEL_VERSION, refers_to(MODEL, namespace, model_name))
        versions = [
            ModelVersion.parse(raw)
            for raw in found
            if model is None or controller_uid(raw) in (None, model.metadata.uid)
        ]
        return tuple(sorted(versions, key=lambda version: version.spec.version))

    def _serving_pods(self, deployment: ModelDeployment, track: Track) -> tuple[PodFacts, ...]:
        found = self._cache.find(POD, served_from(serving.pods_id(deployment, track)))
        return _pods(found, serving.CONTAINER)

    def _child(self, kind: Kind, owner: ModelDeployment, track: Track = Track.STABLE) -> Raw | None:
        name = serving.child_name(owner, track)
        raw = self._cache.get(kind, (owner.metadata.namespace, name))
        return raw if raw and controller_uid(raw) == owner.metadata.uid else None

    async def _training_job(self, version: ModelVersion) -> Raw | None:
        jobs = self._cache.find(JOB, owned_by(version.metadata.uid))
        if jobs:
            return jobs[0]
        if version.ended or version.status.started_at is None:
            return None
        # Calling a Job lost has consequences, and the cache may lag: ask.
        try:
            raw = await self._api.get(JOB, *version.key)
        except NotFoundError:
            return None
        if controller_uid(raw) != version.metadata.uid:
            return None
        self._cache.put(JOB, raw)
        return raw

    async def _view(self, raw: Raw, container: str, now: datetime) -> JobView:
        job = JobFacts.of(raw)
        pods = _pods(self._cache.find(POD, owned_by(job.uid)), container)
        asked = unexplained_wait(job, pods, now)
        namespace = raw["metadata"]["namespace"]
        return JobView(job, pods, await self._warnings.about(namespace, asked) if asked else "")

    async def _list_warnings(self, namespace: str) -> list[Raw]:
        found = self._api.list(EVENT, namespace, fieldSelector="type=Warning")
        return [event async for event in found]

    async def _published(self, version_uid: str) -> tuple[Published | None, str]:
        try:
            data = await self._store.read(manifest_key(version_uid))
        except StoreUnavailableError as error:
            return None, str(error)
        if data is None:
            return None, ""
        try:
            manifest = Manifest.model_validate_json(data)
        except ValidationError as error:
            return None, f"The manifest of the artifact cannot be read: {error.errors()[0]['msg']}"
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        return Published(manifest, digest, self._store.url), ""

    async def _stored(self, key: str, type_: type[T]) -> tuple[T | None, str]:
        try:
            data = await self._store.read(key)
            return (type_.model_validate_json(data) if data else None), ""
        except StoreUnavailableError as error:
            return None, str(error)
        except ValidationError as error:
            return None, f"{key} cannot be read: {error.errors()[0]['msg']}"


def _may_be_published(version: ModelVersion, view: JobView | None) -> bool:
    """Whether the build may have come to its end: its pod did, its Job did, or it is gone."""
    if view is None:
        return version.status.started_at is not None
    ended = view.job.succeeded or view.job.failed
    return ended or any(pod.terminated is not None for pod in view.pods)


def _pods(raws: Sequence[Raw], container: str) -> tuple[PodFacts, ...]:
    return tuple(PodFacts.of(raw, container) for raw in raws)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
