"""Jobs: the builds of an account's versions."""

from modelyard_api.auth import Caller
from modelyard_api.cache.kinds import WAITING
from modelyard_api.errors import ConflictError, NotFoundError
from modelyard_api.handlers import lookup
from modelyard_api.mapping import rest_platform as rest
from modelyard_api.mapping.jobs import job_json
from modelyard_api.mapping.models import created_at
from modelyard_api.mapping.paging import page
from modelyard_api.mapping.view import ModelView
from modelyard_api.services import Services
from modelyard_crds import ModelVersion


def list_jobs(services: Services, caller: Caller, limit: int, offset: int) -> rest.JobList:
    """A page of builds, newest first."""
    versions = services.caches.versions.cache.values(caller.account)[::-1]
    builds: list[ModelVersion | ModelView] = [*_waiting(services, caller), *versions]
    shown, pagination = page(builds, limit, offset)
    places = [
        _view(services, item) if isinstance(item, ModelVersion) else (item, item.next)
        for item in shown
    ]
    jobs = [job_json(*place) for place in places if place]
    return rest.JobList(jobs=jobs, pagination=pagination)


def get_job(services: Services, caller: Caller, job_id: str) -> rest.JobJson:
    """One build."""
    return job_json(*find_job(services, caller, job_id))


async def cancel_job(services: Services, caller: Caller, job_id: str) -> rest.JobJson:
    """Ask for the end of a build that has begun; asking again changes nothing."""
    view, number = find_job(services, caller, job_id)
    version = view.versions.get(number)
    if version is None:
        raise ConflictError(
            f"Job '{job_id}' has not begun: its dataset is not ready.",
            details={"job_id": job_id},
            suggestions=[f"Delete the model with DELETE /models/{view.name}."],
        )
    if version.ended and version.status.phase != "CANCELLED":
        raise ConflictError(
            f"Job '{job_id}' has ended: the version is {version.status.phase}.",
            details={"job_id": job_id},
        )
    kind, meta = services.caches.versions, version.metadata
    patch = {"spec": {"cancelled": True}}
    changed = await services.writer.patch(kind, meta.namespace, meta.name, patch)
    versions = {**view.versions, number: changed}
    return job_json(ModelView(view.model, versions, view.deployments), number)


def find_job(services: Services, caller: Caller, job_id: str) -> tuple[ModelView, int]:
    """The model and version number of a job."""
    found = services.caches.versions.cache.find("job", caller.account, job_id)
    for version in found:
        if place := _view(services, version):
            return place
    for view in _waiting(services, caller):
        if view.job_id(view.next) == job_id:
            return view, view.next
    raise NotFoundError(
        f"Job '{job_id[:80]}' does not exist in account '{caller.account}'.",
        details={"job_id": job_id[:80]},
        suggestions=["List the jobs with GET /jobs."],
    )


def _view(services: Services, version: ModelVersion) -> tuple[ModelView, int] | None:
    meta = version.metadata
    model = services.caches.models.cache.get(meta.namespace, version.spec.model_ref.name)
    if model is None:
        return None
    return lookup.view_of(services, model), version.spec.version


def _waiting(services: Services, caller: Caller) -> list[ModelView]:
    """Models with a version that was asked for and has not been made, newest first."""
    models = services.caches.models.cache.find(WAITING, caller.account, "")
    views = [lookup.view_of(services, model) for model in models]
    return sorted((view for view in views if view.pending), key=created_at, reverse=True)
