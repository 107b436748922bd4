"""Log lines: those of a build → REST."""

from collections.abc import Sequence

from modelyard_api.mapping import rest
from modelyard_crds import ModelVersion, names
from modelyard_crds.build import LogLine


def log_entries(version: ModelVersion, lines: Sequence[LogLine]) -> list[rest.LogEntry]:
    """Lines of a version's build."""
    job_id = version.status.job_id or ""
    for owner in version.metadata.owner_references:
        job_id = names.job_id(owner.uid, version.spec.version)
    return [
        rest.LogEntry(
            job_id=job_id,
            model_name=version.spec.model_ref.name,
            timestamp=line.timestamp,
            level=line.level,
            message=line.message,
        )
        for line in lines
    ]
