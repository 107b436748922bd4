"""Jobs: builds and their logs; the logs are endpoint 10 of the specification."""

from typing import Annotated

from fastapi import APIRouter, Query

from modelyard_api.handlers import build_logs, jobs
from modelyard_api.mapping import rest
from modelyard_api.mapping import rest_platform as platform
from modelyard_api.routes.dependencies import (
    Limit,
    Offset,
    ServicesDep,
    VersionEditor,
    VersionReader,
    errors,
)

router = APIRouter(tags=["Jobs"])


@router.get("/models/build-logs", operation_id="getBuildLogs", responses=errors(404))
async def list_logs(
    services: ServicesDep,
    caller: VersionReader,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most lines to answer.")] = 100,
    offset: Offset = 0,
    job_id: Annotated[str | None, Query(description="Only the lines of this build.")] = None,
) -> rest.LogList:
    """Get the lines of all builds, newest build first."""
    return await build_logs.list_logs(services, caller, limit, offset, job_id)


@router.get("/jobs", operation_id="listJobs", responses=errors())
async def list_jobs(
    services: ServicesDep, caller: VersionReader, limit: Limit = 20, offset: Offset = 0
) -> platform.JobList:
    """List all builds, newest first."""
    return jobs.list_jobs(services, caller, limit, offset)


@router.get("/jobs/{job_id}", operation_id="getJob", responses=errors(404))
async def get_job(services: ServicesDep, caller: VersionReader, job_id: str) -> platform.JobJson:
    """Get how far a build is, and why where it failed."""
    return jobs.get_job(services, caller, job_id)


@router.post(
    "/jobs/{job_id}/cancel", operation_id="cancelJob", status_code=202, responses=errors(404, 409)
)
async def cancel_job(services: ServicesDep, caller: VersionEditor, job_id: str) -> platform.JobJson:
    """Ask for the end of a build."""
    return await jobs.cancel_job(services, caller, job_id)
