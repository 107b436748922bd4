"""Jobs: a build as REST shows it, also before its ModelVersion exists."""

from modelyard_api.mapping import rest_platform as rest
from modelyard_api.mapping.view import ModelView, fault, last_change
from modelyard_crds import ModelVersion, names

_STATUS: dict[str | None, rest.JobStatus] = {
    None: "PENDING",
    "PENDING": "PENDING",
    "BUILDING": "RUNNING",
    "READY": "SUCCEEDED",
    "ERROR": "FAILED",
    "CANCELLED": "CANCELLED",
}


def job_json(view: ModelView, number: int) -> rest.JobJson:
    """The build of a version."""
    version = view.versions.get(number)
    return _made(view, version) if version else _asked_for(view, number)


def _made(view: ModelView, version: ModelVersion) -> rest.JobJson:
    number, status = version.spec.version, version.status
    return rest.JobJson(
        job_id=view.job_id(number),
        model_name=view.name,
        model_version=names.version_label(number),
        version_id=view.version_id(number),
        status=_STATUS[status.phase],
        progress=100 if status.phase == "READY" else status.progress or 0,
        step=status.step,
        created_at=last_change(version.metadata.creation_timestamp, []),
        started_at=status.started_at,
        finished_at=status.finished_at,
        error=fault(status.conditions) if status.phase in {"ERROR", "CANCELLED"} else None,
    )


def _asked_for(view: ModelView, number: int) -> rest.JobJson:
    return rest.JobJson(
        job_id=view.job_id(number),
        model_name=view.name,
        model_version=names.version_label(number),
        version_id=view.version_id(number),
        status="PENDING",
        progress=0,
        step=None,
        created_at=view.updated_at,
        started_at=None,
        finished_at=None,
        error=view.version_fault(number),
    )
