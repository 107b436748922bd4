"""Versions: views → answers about one version or all."""

from datetime import datetime

from modelyard_api.mapping import rest
from modelyard_api.mapping.deployments import of_version
from modelyard_api.mapping.models import created_at
from modelyard_api.mapping.schemas import meanings, rest_schema
from modelyard_api.mapping.view import (
    ModelView,
    deployment_summary,
    last_change,
    version_status,
)
from modelyard_crds import ModelVersion, ModelVersionStatus, names
from modelyard_crds.plan import BuildPlan

SECONDS_PER_MINUTE = 60


def status_answer(view: ModelView, number: int) -> rest.ModelStatusAnswer:
    """How far a version is."""
    version = view.versions.get(number)
    return rest.ModelStatusAnswer(
        model_name=view.name,
        model_version=names.version_label(number),
        status=view.version_status(number),
        deployment_status=deployment_summary(of_version(view.deployments, number)),
        last_updated=_last_updated(version) if version else view.updated_at,
        build_progress=_progress(version),
        error=view.version_fault(number),
    )


def version_list(view: ModelView) -> rest.VersionList:
    """All versions, newest first."""
    return rest.VersionList(
        model_name=view.name,
        model_version=view.label,
        versions=[
            rest.VersionSummary(
                version_id=view.version_id(number),
                version=number,
                status=version_status(version),
                metrics=version.status.metrics,
                created_at=last_change(version.metadata.creation_timestamp, []),
            )
            for number, version in sorted(view.versions.items(), reverse=True)
        ],
    )


def description(view: ModelView, number: int, *, with_plan: bool = False) -> rest.ModelDescription:
    """All about a version."""
    version = view.versions.get(number)
    about = view.model.spec.description or view.model.spec.intent
    found = version.status if version else ModelVersionStatus()
    asked = version.spec.build if version else None
    return rest.ModelDescription(
        model_name=view.name,
        model_version=names.version_label(number),
        description=" ".join(filter(None, [about, meanings(found.output_schema)])),
        input_schema=rest_schema(found.input_schema, asked.input_schema if asked else None),
        output_schema=rest_schema(found.output_schema, asked.output_schema if asked else None),
        performance_metrics=version.status.metrics if version else None,
        training_info=_training_info(version) if version else None,
        plan=_plan(found.plan) if with_plan and found.plan else None,
    )


def version_started(view: ModelView, number: int) -> rest.VersionStarted:
    """The answer to a request for a new version."""
    return rest.VersionStarted(
        job_id=view.job_id(number),
        model_name=view.name,
        model_version=names.version_label(number),
        version_id=view.version_id(number),
        version=number,
        created_at=view.updated_at,
    )


def retrain_started(view: ModelView, number: int) -> rest.RetrainStarted:
    """The answer to a request to train again."""
    return rest.RetrainStarted(
        job_id=view.job_id(number),
        model_name=view.name,
        new_version=names.version_label(number),
        created_at=view.updated_at,
    )


def created(view: ModelView) -> rest.BuildStarted:
    """The answer to a request for a new model."""
    return rest.BuildStarted(
        job_id=view.job_id(1),
        model_name=view.name,
        model_version=names.version_label(1),
        created_at=created_at(view),
    )


def _progress(version: ModelVersion | None) -> int:
    if version is None:
        return 0
    return 100 if version.status.phase == "READY" else version.status.progress or 0


def _last_updated(version: ModelVersion) -> datetime:
    changed = last_change(version.metadata.creation_timestamp, version.status.conditions)
    return max(changed, version.status.finished_at or changed)


def _training_info(version: ModelVersion) -> rest.TrainingInfoJson | None:
    info = version.status.training_info
    if info is None:
        return None
    return rest.TrainingInfoJson(
        dataset_size=info.dataset_size,
        training_time_minutes=round(info.training_seconds / SECONDS_PER_MINUTE, 2),
        algorithm=info.algorithm,
        feature_importance=info.feature_importance,
    )


def _plan(plan: BuildPlan) -> rest.PlanJson:
    shown = plan.model_dump() | {"dropped": [each.model_dump() for each in plan.dropped or []]}
    return rest.PlanJson.model_validate(shown)
