"""Build logs over all jobs of an account, newest job first, lines in order."""

import asyncio

from modelyard_api.auth import Caller
from modelyard_api.handlers.jobs import find_job
from modelyard_api.mapping import rest
from modelyard_api.mapping.logs import log_entries
from modelyard_api.mapping.shapes import Pagination
from modelyard_api.services import Services
from modelyard_crds import ModelVersion


async def list_logs(
    services: Services, caller: Caller, limit: int, offset: int, job_id: str | None
) -> rest.LogList:
    """A page of log lines; total counts all lines that the filter matches."""
    versions = _versions(services, caller, job_id)
    counts = await asyncio.gather(*(services.logs.count(version) for version in versions))
    entries: list[rest.LogEntry] = []
    start = 0
    for version, count in zip(versions, counts, strict=True):
        first, last = max(offset - start, 0), min(offset + limit - start, count)
        if first < last:
            lines = (await services.logs.lines(version))[first:last]
            entries.extend(log_entries(version, lines))
        start += count
    pagination = Pagination(
        total=start, limit=limit, offset=offset, has_more=offset + len(entries) < start
    )
    return rest.LogList(logs=entries, pagination=pagination)


def _versions(services: Services, caller: Caller, job_id: str | None) -> list[ModelVersion]:
    if job_id:
        view, number = find_job(services, caller, job_id)
        version = view.versions.get(number)
        return [version] if version else []
    return services.caches.versions.cache.values(caller.account)[::-1]
