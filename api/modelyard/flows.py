"""What takes several calls: a generator that yields calls and pauses, and is given the answers.

Written once; ``Client`` and ``AsyncClient`` each know how to run one.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from modelyard import calls
from modelyard.calls import Call
from modelyard.data import Table
from modelyard.errors import BuildFailedError, DeploymentFailedError, WaitTimeoutError
from modelyard_api.mapping import rest
from modelyard_api.mapping import rest_platform as platform

T = TypeVar("T")
POLL_SECONDS = 1.0
WAIT_SECONDS = 3600.0
OnProgress = Callable[[platform.JobJson], object]


@dataclass(frozen=True)
class Pause:
    """Wait; the answer is the seconds that have passed since the flow began."""

    seconds: float


Flow = Generator[Call[Any] | Pause, Any, T]


def one(call: Call[T]) -> Flow[T]:
    """The flow of a single call."""
    answer: T = yield call
    return answer


def create(
    name: str, intent: str, data: Table | None, dataset_id: str | None, more: dict[str, Any]
) -> Flow[rest.BuildStarted]:
    """Send the data where it is not there yet, then build."""
    if (data is None) == (dataset_id is None):
        msg = "give either data to send or the dataset_id of what is there"
        raise TypeError(msg)
    if data is not None:
        dataset: platform.DatasetJson = yield calls.upload(data, f"{name} data", None)
        dataset_id = dataset.dataset_id
    started: rest.BuildStarted = yield calls.create_model(name, intent, str(dataset_id), **more)
    return started


def wait_job(job_id: str, seconds: float, on_progress: OnProgress | None) -> Flow[platform.JobJson]:
    """Wait for the end of a build.

    Raises BuildFailedError where it fails or cannot begin, WaitTimeoutError where it goes on.
    """
    shown = None
    while True:
        job: platform.JobJson = yield calls.get(platform.JobJson, "jobs", job_id)
        if on_progress and job != shown:
            on_progress(job)
        shown = job
        if job.status == "SUCCEEDED":
            return job
        if job.status in {"FAILED", "CANCELLED"}:
            raise BuildFailedError(f"{job.model_name} {job.model_version}: {_why(job)}")
        passed: float = yield Pause(POLL_SECONDS)
        if passed > seconds:
            raise WaitTimeoutError(
                f"{job.model_name} {job.model_version} is {job.status} at {job.progress} % after "
                f"{seconds:.0f} s. {_why(job) if job.error else ''}".strip()
            )


def wait_model(
    name: str, version: str | None, seconds: float, on_progress: OnProgress | None
) -> Flow[rest.ModelDetail]:
    """Wait for the newest build of a model, or for that of a version."""
    job_id = yield from _job_of(name, version)
    yield from wait_job(job_id, seconds, on_progress)
    return (yield from one(calls.get(rest.ModelDetail, "models", name)))


def _job_of(name: str, version: str | None) -> Flow[str]:
    offset, more = 0, True
    while more:
        page: platform.JobList = yield calls.page_of(platform.JobList, "jobs", offset=offset)
        for job in page.jobs:
            if job.model_name == name and version in {None, job.model_version, job.version_id}:
                return job.job_id
        offset, more = offset + len(page.jobs), page.pagination.has_more
    # Says in the façade's words that there is no such model or version.
    yield calls.get(rest.ModelStatusAnswer, "models", name, version or "latest", "status")
    msg = f"no build of {name} {version or ''} is known"
    raise BuildFailedError(msg)


def wait_deployed(
    name: str, deployment_id: str, version: str, seconds: float
) -> Flow[rest.DeploymentJson]:
    """Wait until a deployment serves a version with all that it needs.

    Raises DeploymentFailedError where it cannot, WaitTimeoutError where it is still starting.
    """
    number = int(version.removeprefix("v").partition(".")[0])
    while True:
        found: rest.DeploymentList = yield calls.get(
            rest.DeploymentList, "models", name, "deployments"
        )
        item = next((d for d in found.deployments if d.deployment_id == deployment_id), None)
        if item is None:
            raise DeploymentFailedError(f"{name}: deployment {deployment_id} is gone")
        if item.status == "ACTIVE" and item.version == number:
            return item
        if item.status == "FAILED":
            raise DeploymentFailedError(f"{name}: {item.error.message if item.error else 'failed'}")
        passed: float = yield Pause(POLL_SECONDS)
        if passed > seconds:
            raise WaitTimeoutError(
                f"{name}: {deployment_id} is {item.status} after {seconds:.0f} s"
            )


def _why(job: platform.JobJson) -> str:
    return f"{job.error.reason}: {job.error.message}" if job.error else job.status
