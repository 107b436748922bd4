"""Objects as the API server would give them, for tests of builders and decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from modelyard_crds import Dataset, Model, ModelDeployment, ModelVersion
from modelyard_crds.build import Manifest, PodResult
from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.dataset import source_hash
from modelyard_operator.reconcile.facts import JobFacts, PodFacts
from modelyard_operator.reconcile.job_problem import JobView
from modelyard_operator.resources.model_version import build_model_version
from modelyard_operator.resources.runtime import Runtime

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
RUNTIME = Runtime(image="modelyard/inference:1")
STORE_URL = "s3://modelyard"

Raw = dict[str, Any]


def meta(name: str, uid: str | None = None, **more: Any) -> Raw:
    return {
        "name": name,
        "namespace": "team-a",
        "uid": uid or f"uid-{name}",
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": "2026-03-01T11:00:00Z",
        **more,
    }


def conditions(
    ready: str, reason: str = "Ready", message: str = "", stalled: str = "False"
) -> list[Raw]:
    common = {
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-03-01T11:30:00Z",
        "observedGeneration": 1,
    }
    return [
        {"type": "Ready", "status": ready, **common},
        {"type": "Stalled", "status": stalled, **common},
    ]


def dataset(*, ready: bool = True, digest: str = DIGEST, **spec: Any) -> Dataset:
    status: Raw = {}
    if ready:
        status = {
            "phase": "READY",
            "digest": digest,
            "rows": 1000,
            "columnCount": 10,
            "sizeBytes": 50_000,
            "conditions": conditions("True"),
        }
    source = {"source": {"uri": "s3://bucket/table.csv"}, **spec}
    raw = {"metadata": meta("table"), "kind": "Dataset", "spec": source, "status": status}
    if ready:
        status["sourceHash"] = source_hash(Dataset.parse(raw))
    return Dataset.parse(raw)


def model(
    *, annotations: dict[str, str] | None = None, status: Raw | None = None, **spec: Any
) -> Model:
    wanted = {"intent": "predict churn", "datasetRef": {"name": "table"}, **spec}
    return Model.parse(
        {
            "kind": "Model",
            "metadata": meta("churn", annotations=annotations or {}),
            "spec": wanted,
            "status": status or {},
        }
    )


def version(
    number: int = 1, *, of: Model | None = None, status: Raw | None = None, cancelled: bool = False
) -> ModelVersion:
    raw = build_model_version(of or model(), dataset(), number)
    raw["metadata"] |= meta(raw["metadata"]["name"])
    raw["spec"]["cancelled"] = cancelled
    return ModelVersion.parse({**raw, "status": status or {}})


def ready_version(number: int = 1, *, of: Model | None = None) -> ModelVersion:
    return version(number, of=of, status=ready_status())


def ready_status() -> Raw:
    return {
        "phase": "READY",
        "startedAt": "2026-03-01T11:00:00Z",
        "finishedAt": "2026-03-01T11:10:00Z",
        "artifact": {"uri": "s3://modelyard/x", "digest": DIGEST, "sizeBytes": 1},
        "conditions": conditions("True", message="Predicts churn."),
    }


def deployment(*, status: Raw | None = None, **spec: Any) -> ModelDeployment:
    return ModelDeployment.parse(
        {
            "kind": "ModelDeployment",
            "metadata": meta("churn-production"),
            "spec": {"modelRef": {"name": "churn"}, **spec},
            "status": status or {},
        }
    )


def manifest(version_: ModelVersion, **changes: Any) -> Manifest:
    fields: Raw = {
        "runtime": "1",
        "libraries": {},
        "namespace": "team-a",
        "model": "churn",
        "version": version_.spec.version,
        "version_uid": version_.metadata.uid,
        "created_at": NOW,
        "intent": "predict churn",
        "dataset_digest": DIGEST,
        "task": "binary",
        "target": "churned",
        "classes": ["no", "yes"],
        "metric": "roc_auc",
        "metrics": {"roc_auc": 0.912345678, "accuracy": 0.9},
        "training_info": {"dataset_size": 1000, "training_seconds": 3.0, "algorithm": "Boosting"},
        "input_schema": [],
        "output_schema": [],
        "outputs": [],
        "numeric": [],
        "text": [],
        "example": {},
        "files": [],
    }
    return Manifest(**{**fields, **changes})


def job(name: str = "churn-v1", *, status: Raw | None = None, **spec: Any) -> JobFacts:
    return JobFacts.of(raw_job(name, status=status, **spec))


def raw_job(name: str = "churn-v1", *, status: Raw | None = None, **spec: Any) -> Raw:
    return {"metadata": meta(name), "spec": spec, "status": status or {"active": 1}}


def ended(type_: str, reason: str = "", at: datetime = NOW) -> Raw:
    condition = {
        "type": type_,
        "status": "True",
        "reason": reason,
        "message": "",
        "lastTransitionTime": at.isoformat(),
    }
    return {"conditions": [condition]}


def raw_pod(
    state: Raw | None = None,
    *,
    container: str = "train",
    seen: Raw | None = None,
    status: Raw | None = None,
    age: timedelta = timedelta(minutes=5),
    **metadata: Any,
) -> Raw:
    """A pod; ``seen`` goes into the container's status, ``status`` into the pod's."""
    container_status = {
        "name": container,
        "state": state or {"running": {}},
        "restartCount": 0,
        **(seen or {}),
    }
    created = (NOW - age).isoformat()
    return {
        "metadata": {**meta("churn-v1-x", creationTimestamp=created), **metadata},
        "spec": {
            "nodeName": "node-1",
            "containers": [
                {
                    "name": container,
                    "image": "modelyard/inference:1",
                    "resources": {"limits": {"memory": "2Gi"}},
                }
            ],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [container_status],
            **(status or {}),
        },
    }


def pod(state: Raw | None = None, *, container: str = "train", **more: Any) -> PodFacts:
    return PodFacts.of(raw_pod(state, container=container, **more), container)


def terminated(code: int, reason: str = "Error", result: PodResult | None = None) -> Raw:
    return {
        "terminated": {
            "exitCode": code,
            "reason": reason,
            "message": result.encode() if result else "",
            "finishedAt": NOW.isoformat(),
        }
    }


def user_fault(reason: Reason = Reason.TARGET_NOT_FOUND, message: str = "No column fits.") -> Raw:
    return terminated(65, result=PodResult(reason=reason, message=message))


def view(job_: JobFacts, *pods: PodFacts, warning: str = "") -> JobView:
    return JobView(job_, pods, warning)
