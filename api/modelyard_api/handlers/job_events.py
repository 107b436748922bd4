"""Follows a build: its log lines and progress as they come, until it ends.

Lines are numbered from 1, so that a client that was cut off goes on after the last one it has,
on any replica.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple

from modelyard_api.auth import Caller
from modelyard_api.errors import NotFoundError
from modelyard_api.handlers.jobs import find_job
from modelyard_api.mapping import rest
from modelyard_api.mapping import rest_platform as platform
from modelyard_api.mapping.jobs import job_json
from modelyard_api.mapping.logs import log_entries
from modelyard_api.services import Services

#: The training pod writes its log about every two seconds.
POLL_SECONDS = 1.0
ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})


class LogEvent(NamedTuple):
    """A line of the log."""

    number: int
    entry: rest.LogEntry


@dataclass(frozen=True)
class JobEvent:
    """How far the build is now."""

    job: platform.JobJson


async def follow(
    services: Services, caller: Caller, job_id: str, after: int
) -> AsyncIterator[LogEvent | JobEvent]:
    """Events of a build from a line on; ends with the build's last state, or when asked to end.

    It ends too where the model is deleted, or the key revoked that opened it.
    """
    sent, shown = after, None
    while services.authenticator.still_opens(caller):
        try:
            view, number = find_job(services, caller, job_id)
        except NotFoundError:
            return
        version, job = view.versions.get(number), job_json(view, number)
        lines = (await services.logs.lines(version))[sent:] if version else []
        for entry in log_entries(version, lines) if version else []:
            sent += 1
            yield LogEvent(sent, entry)
        if job != shown:
            shown = job
            yield JobEvent(job)
        if job.status in ENDED or await _told_to_end(services):
            return


async def _told_to_end(services: Services) -> bool:
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await services.draining.wait()
    except TimeoutError:
        return False
    return True
