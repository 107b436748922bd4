"""Models: requests → specs and patches, views → answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic.alias_generators import to_camel

from modelyard_api.annotations import UPDATED_AT
from modelyard_api.mapping import rest
from modelyard_api.mapping.schemas import rest_schema, schema_of
from modelyard_api.mapping.shapes import Pagination
from modelyard_api.mapping.text import display_name
from modelyard_api.mapping.view import ModelView, last_change
from modelyard_crds import Dataset, names
from modelyard_crds.conditions import rfc3339

SERVED = frozenset({"DEPLOYED", "DEGRADED", "DEPLOYING"})


def model_spec(name: str, body: rest.ModelCreate, dataset_name: str) -> dict[str, Any]:
    """The spec of a new Model."""
    spec: dict[str, Any] = {
        "displayName": body.name or display_name(name),
        "intent": body.intent,
        "datasetRef": {"name": dataset_name},
        "tags": body.tags,
    }
    if body.description is not None:
        spec["description"] = body.description
    if body.plan:
        spec["plan"] = plan_spec(body.plan, keep_unset=False)
    spec.update(_schemas(body))
    return spec


def metadata_patch(body: rest.ModelUpdate, now: datetime) -> dict[str, Any]:
    """The patch of a change of metadata: only the fields that the request has."""
    fields = {"name": "displayName", "description": "description", "tags": "tags"}
    given = body.model_dump(include=body.model_fields_set)
    spec = {fields[field]: value for field, value in given.items()}
    if spec.get("tags", ()) is None:
        spec["tags"] = []
    return {"spec": spec, "metadata": {"annotations": {UPDATED_AT: rfc3339(now)}}}


def retrain_patch(
    body: rest.Retrain, dataset_name: str | None, token: str, now: datetime
) -> dict[str, Any]:
    """The patch that makes the next version of a Model with what the request changes."""
    spec: dict[str, Any] = {}
    if dataset_name:
        spec["datasetRef"] = {"name": dataset_name}
    if body.goal:
        spec["intent"] = body.goal
    training = {"metric": body.metric, "maxIterations": body.max_iterations}
    if given := {field: value for field, value in training.items() if value is not None}:
        spec["training"] = given
    return {"spec": spec, "metadata": _build_annotations(token, now)}


def version_patch(
    body: rest.VersionCreate, dataset_name: str, token: str, now: datetime
) -> dict[str, Any]:
    """The patch that makes the next version of a Model from other data or schemas."""
    spec: dict[str, Any] = {"datasetRef": {"name": dataset_name}, **_schemas(body)}
    if body.intent:
        spec["intent"] = body.intent
    if body.plan:
        spec["plan"] = plan_spec(body.plan, keep_unset=True)
    return {"spec": spec, "metadata": _build_annotations(token, now)}


def plan_spec(plan: rest.PlanRequest, *, keep_unset: bool) -> dict[str, Any]:
    """The plan of a spec; in a patch a field that is not set must take away the former one."""
    given = plan.model_dump(exclude_none=not keep_unset)
    return {to_camel(field): value for field, value in given.items()}


def summary(view: ModelView) -> rest.ModelSummary:
    """One line of the list."""
    model = view.model
    return rest.ModelSummary(
        model_name=view.name,
        model_version=view.label,
        name=model.spec.display_name or display_name(view.name),
        intent=model.spec.intent,
        status=view.status,
        deployment_status=view.deployment_status,
        created_at=created_at(view),
        updated_at=view.updated_at,
    )


def list_json(lines: Sequence[bytes], pagination: Pagination) -> bytes:
    """The JSON of a ``rest.ModelList`` whose summaries are JSON already."""
    return b'{"models":[%b],"pagination":%b}' % (
        b",".join(lines),
        pagination.model_dump_json().encode(),
    )


def detail(view: ModelView, dataset: Dataset | None, base_url: str) -> rest.ModelDetail:
    """All about a model; schemas and metrics are those of the version shown."""
    model, version = view.model, view.versions.get(view.shown)
    status = version.status if version else None
    served = view.deployment_status in SERVED
    return rest.ModelDetail(
        model_name=view.name,
        model_version=view.label,
        name=model.spec.display_name or display_name(view.name),
        intent=model.spec.intent,
        description=model.spec.description,
        status=view.status,
        deployment_status=view.deployment_status,
        endpoint=f"{base_url}/models/{view.name}/{view.label}/infer" if served else None,
        metrics=status.metrics if status else None,
        dataset_id=names.dataset_id(dataset.metadata.uid) if dataset else None,
        input_schema=rest_schema(status.input_schema if status else None, model.spec.input_schema),
        output_schema=rest_schema(
            status.output_schema if status else None, model.spec.output_schema
        ),
        created_at=created_at(view),
        updated_at=view.updated_at,
        created_by=model.metadata.annotations.get(names.ANNOTATION_CREATED_BY),
        tags=model.spec.tags,
        error=view.fault(),
    )


def updated(view: ModelView) -> rest.ModelUpdated:
    """The answer to a change of metadata."""
    return rest.ModelUpdated(
        model_name=view.name,
        model_version=view.label,
        name=view.model.spec.display_name or display_name(view.name),
        description=view.model.spec.description,
        tags=view.model.spec.tags,
        updated_at=view.updated_at,
    )


def created_at(view: ModelView) -> datetime:
    """When the model was made."""
    return last_change(view.model.metadata.creation_timestamp, [])


def _schemas(body: rest.ModelCreate | rest.VersionCreate) -> dict[str, Any]:
    given = {"inputSchema": body.input_schema, "outputSchema": body.output_schema}
    words = {"inputSchema": "input_schema", "outputSchema": "output_schema"}
    return {
        field: [item.to_json() for item in schema_of(schema, words[field])]
        for field, schema in given.items()
        if schema is not None
    }


def _build_annotations(token: str, now: datetime) -> dict[str, Any]:
    return {"annotations": {names.ANNOTATION_RETRAIN: token, UPDATED_AT: rfc3339(now)}}
