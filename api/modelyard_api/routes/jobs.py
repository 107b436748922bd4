"""Jobs: builds and their logs; the logs are endpoint 10 of the specification."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import StreamingResponse

from modelyard_api import metrics
from modelyard_api.handlers import build_logs, job_events, jobs
from modelyard_api.handlers.job_events import JobEvent, LogEvent
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
EVENTS = "text/event-stream"
NOT_BUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
RETRY_MILLISECONDS = 1000
_EVENT = {
    "type": "object",
    "description": "A line of the log as `log`, with its number as id; progress as `job`.",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["log", "job"]},
        "id": {"type": "string"},
        "data": {"type": "string", "description": "JSON: a LogEntry, or a JobJson."},
    },
}
LogLimit = Annotated[int, Query(ge=1, le=1000, description="Most lines to answer.")]


@router.get("/models/build-logs", operation_id="getBuildLogs", responses=errors(404))
async def list_logs(
    services: ServicesDep,
    caller: VersionReader,
    limit: LogLimit = 100,
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


@router.get(
    "/jobs/{job_id}/logs",
    operation_id="getJobLogs",
    response_model=rest.LogList,
    responses=errors(404) | {200: {"content": {EVENTS: {"schema": _EVENT}}}},
)
async def job_logs(
    services: ServicesDep,
    caller: VersionReader,
    job_id: str,
    limit: LogLimit = 100,
    offset: Offset = 0,
    follow: Annotated[bool, Query(description="Stream lines and progress as they come.")] = False,
    last_event_id: Annotated[int, Header(ge=0, description="Line to go on after.")] = 0,
) -> rest.LogList | StreamingResponse:
    """Get the lines of a build, or follow it as server-sent events `log` and `job`."""
    if not follow:
        return await build_logs.list_logs(services, caller, limit, offset, job_id)
    jobs.find_job(services, caller, job_id)
    events = job_events.follow(services, caller, job_id, last_event_id or offset)
    return StreamingResponse(_stream(events), media_type=EVENTS, headers=NOT_BUFFERED)


async def _stream(events: AsyncIterator[LogEvent | JobEvent]) -> AsyncIterator[str]:
    with metrics.STREAMS.track_inprogress():
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        async for event in events:
            if isinstance(event, LogEvent):
                content = event.entry.model_dump_json()
                yield f"id: {event.number}\nevent: log\ndata: {content}\n\n"
            else:
                yield f"event: job\ndata: {event.job.model_dump_json()}\n\n"


@router.post(
    "/jobs/{job_id}/cancel", operation_id="cancelJob", status_code=202, responses=errors(404, 409)
)
async def cancel_job(services: ServicesDep, caller: VersionEditor, job_id: str) -> platform.JobJson:
    """Ask for the end of a build."""
    return await jobs.cancel_job(services, caller, job_id)
