"""Datasets: requests → specs, Datasets → answers."""

from typing import Any

from modelyard_api.mapping import rest_platform as rest
from modelyard_api.mapping.view import fault, last_change
from modelyard_crds import Dataset, names


def dataset_spec(body: rest.DatasetCreate) -> dict[str, Any]:
    """The spec of a Dataset at an address."""
    source = {"uri": body.uri}
    return _spec(body.name, body.description, body.format, source)


def upload_spec(name: str, description: str | None, form: str, upload_id: str) -> dict[str, Any]:
    """The spec of a Dataset that reads an upload."""
    return _spec(name, description, form, {"upload": upload_id})


def dataset_json(dataset: Dataset) -> rest.DatasetJson:
    """A dataset as REST shows it."""
    spec, status, meta = dataset.spec, dataset.status, dataset.metadata
    phase = status.phase or "PENDING"
    return rest.DatasetJson(
        dataset_id=names.dataset_id(meta.uid),
        name=spec.display_name or meta.name,
        dataset_name=meta.name,
        description=spec.description,
        status=phase,
        upload_id=spec.source.upload,
        uri=spec.source.uri,
        digest=status.digest,
        rows=status.rows,
        size_bytes=status.size_bytes,
        columns=None
        if status.columns is None
        else [rest.ColumnJson(**column.model_dump()) for column in status.columns],
        created_at=last_change(meta.creation_timestamp, []),
        error=fault(status.conditions) if phase == "ERROR" else None,
    )


def _spec(name: str, description: str | None, form: str, source: dict[str, str]) -> dict[str, Any]:
    spec: dict[str, Any] = {"displayName": name, "source": source, "format": form}
    if description:
        spec["description"] = description
    return spec
