"""Jobs: the builds of an account's versions."""

from modelyard_api.auth import Caller
from modelyard_api.errors import ConflictError, NotFoundError
from modelyard_api.handlers import lookup
from modelyard_api.mapping import rest_platform as rest
from modelyard_api.mapping.jobs import job_json
from modelyard_api.mapping.paging import page
from modelyard_api.mapping.view import ModelView
from modelyard_api.services import Services
from modelyard_crds import ModelVersion


def list_jobs(services: Services, caller: Caller, limit: int, offset: int) -> rest.JobList:
    """A page of builds, newest first."""
    jobs: list[rest.JobJson] = []
    for model in services.caches.models.cache.values(caller.account):
        view = lookup.view_of(services, model)
        numbers = [*view.versions, *([view.pending] if view.pending else [])]
        jobs.extend(job_json(view, number) for number in numbers)
    jobs.sort(key=lambda job: (job.created_at, job.job_id), reverse=True)
    shown, pagination = page(jobs, limit, offset)
    return rest.JobList(jobs=list(shown), pagination=pagination)


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
    found: list[ModelVersion] = services.caches.versions.cache.find("job", caller.account, job_id)
    models = services.caches.models.cache
    for version in found:
        if model := models.get(caller.account, version.spec.model_ref.name):
            return lookup.view_of(services, model), version.spec.version
    for model in models.values(caller.account):
        view = lookup.view_of(services, model)
        if view.pending and view.job_id(view.pending) == job_id:
            return view, view.pending
    raise NotFoundError(
        f"Job '{job_id[:80]}' does not exist in account '{caller.account}'.",
        details={"job_id": job_id[:80]},
        suggestions=["List the jobs with GET /jobs."],
    )
