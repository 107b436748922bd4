"""The client for programs of asyncio: ``client`` with ``await``."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import JsonValue

from modelyard import calls, flows
from modelyard.data import ColumnarLike, FrameLike, Rows, Table
from modelyard.errors import ConnectionFailedError, error_of
from modelyard.flows import WAIT_SECONDS, Flow, OnProgress, Pause, one
from modelyard.transport import FIRST_PAUSE, TRIES, Follower, pause_before, request_of, settings
from modelyard_api.mapping import rest
from modelyard_api.mapping import rest_platform as platform
from modelyard_crds.model_card import ModelCard

T = TypeVar("T")


class AsyncClient:
    """A connection to a façade with a key; a context manager.

    Address and key are by default those of MODELYARD_URL and MODELYARD_API_KEY.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**settings(url, api_key), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    # Models

    async def create_model(
        self,
        name: str,
        intent: str,
        data: Table | None = None,
        *,
        dataset_id: str | None = None,
        **more: Any,
    ) -> "AsyncModel":
        """Build a model from data: a path, bytes, a data frame, rows, or a dataset_id.

        ``more`` are further fields of the request, such as output_schema, plan or tags.
        """
        await self.run(flows.create(name, intent, data, dataset_id, more))
        return AsyncModel(self, name)

    def model(self, name: str) -> "AsyncModel":
        """A model by its name; nothing is asked."""
        return AsyncModel(self, name)

    async def models(self, **query: str) -> AsyncIterator[rest.ModelSummary]:
        """All models of the account; ``query`` as in REST: status, sort_by, sort_dir."""
        offset, more = 0, True
        while more:
            page = await self._send(calls.page_of(rest.ModelList, "models", offset=offset, **query))
            for item in page.models:
                yield item
            offset, more = offset + len(page.models), page.pagination.has_more

    # Data

    async def upload(
        self, table: Table, name: str | None = None, description: str | None = None
    ) -> platform.DatasetJson:
        """Send a table and have a dataset of it."""
        return await self._send(calls.upload(table, name, description))

    async def add_dataset(
        self, uri: str, name: str, description: str | None = None
    ) -> platform.DatasetJson:
        """Have a dataset of a table at an address, such as s3://bucket/table.parquet."""
        return await self._send(calls.dataset_at(uri, name, description))

    async def dataset(self, dataset_id: str) -> platform.DatasetJson:
        """A dataset by id or name."""
        return await self._send(calls.get(platform.DatasetJson, "datasets", dataset_id))

    async def datasets(self) -> AsyncIterator[platform.DatasetJson]:
        """All datasets of the account, newest first."""
        offset, more = 0, True
        while more:
            page = await self._send(calls.page_of(platform.DatasetList, "datasets", offset=offset))
            for item in page.datasets:
                yield item
            offset, more = offset + len(page.datasets), page.pagination.has_more

    async def delete_dataset(self, dataset_id: str) -> None:
        """Delete a dataset."""
        await self._send(calls.delete(platform.DatasetDeleted, "datasets", dataset_id))

    # Jobs

    async def job(self, job_id: str) -> platform.JobJson:
        """A build."""
        return await self._send(calls.get(platform.JobJson, "jobs", job_id))

    async def jobs(self) -> AsyncIterator[platform.JobJson]:
        """All builds of the account, newest first."""
        offset, more = 0, True
        while more:
            page = await self._send(calls.page_of(platform.JobList, "jobs", offset=offset))
            for item in page.jobs:
                yield item
            offset, more = offset + len(page.jobs), page.pagination.has_more

    async def cancel(self, job_id: str) -> platform.JobJson:
        """Ask for the end of a build."""
        return await self._send(
            calls.post(platform.JobJson, {}, "jobs", job_id, "cancel", once=False)
        )

    async def wait_job(
        self,
        job_id: str,
        *,
        within: float = WAIT_SECONDS,
        on_progress: OnProgress | None = None,
    ) -> platform.JobJson:
        """Wait for the end of a build; BuildFailedError says why it failed."""
        return await self.run(flows.wait_job(job_id, within, on_progress))

    async def logs(self, job_id: str) -> AsyncIterator[rest.LogEntry]:
        """The lines of a build from its first on, as they come, until it ends."""
        follower, failures = Follower(job_id), 0
        while not follower.ended:
            try:
                async with self._http.stream(**follower.request()) as response:
                    if response.is_error:
                        await response.aread()
                        raise error_of(response)
                    async for line in response.aiter_lines():
                        failures = 0
                        for entry in follower.feed(line):
                            yield entry
            except httpx.TransportError as error:
                failures += 1
                if failures >= TRIES:
                    raise ConnectionFailedError(f"the log of {job_id} broke off") from error
            if not follower.ended:
                await asyncio.sleep(FIRST_PAUSE)

    # Keys

    async def create_api_key(
        self, name: str, scopes: list[str] | None = None
    ) -> platform.ApiKeyCreated:
        """Make a key; the answer is the only one that shows it."""
        body = {"name": name, "scopes": scopes}
        return await self._send(calls.post(platform.ApiKeyCreated, body, "api-keys", once=False))

    async def api_keys(self) -> list[platform.ApiKeyJson]:
        """The keys of the account."""
        return (await self._send(calls.get(platform.ApiKeyList, "api-keys"))).api_keys

    async def delete_api_key(self, key_id: str) -> None:
        """Revoke a key."""
        await self._send(calls.delete(platform.ApiKeyDeleted, "api-keys", key_id))

    # Sending

    async def _send(self, call: calls.Call[T]) -> T:
        attempt = 0
        while True:
            with ExitStack() as opened:
                try:
                    response = await self._http.request(**request_of(call, opened))
                except httpx.TransportError as error:
                    pause = pause_before(call, attempt, error)
                    if pause is None:
                        text = f"{call.method} {call.path} at {self._http.base_url}: {error}"
                        raise ConnectionFailedError(text) from error
                else:
                    if response.is_success:
                        return call.read(response)
                    pause = pause_before(call, attempt, response)
                    if pause is None:
                        raise error_of(response)
            await asyncio.sleep(pause)
            attempt += 1

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        started, answer = time.monotonic(), None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                answer = time.monotonic() - started
            else:
                answer = await self._send(step)


class AsyncModel:
    """A model of the account by its name; each method asks the façade anew."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self.name = name
        self._client = client

    def __repr__(self) -> str:
        return f"AsyncModel({self.name!r})"

    async def get(self) -> rest.ModelDetail:
        """All about it."""
        return await self._send(calls.get(rest.ModelDetail, "models", self.name))

    async def status(self, version: str = "latest") -> rest.ModelStatusAnswer:
        """How far a version is."""
        return await self._send(
            calls.get(rest.ModelStatusAnswer, "models", self.name, version, "status")
        )

    async def card(self, version: str = "latest") -> ModelCard:
        """How good a READY version is, and how sure that is."""
        return await self._send(calls.get(ModelCard, "models", self.name, version, "card"))

    async def describe(self, version: str = "latest") -> rest.ModelDescription:
        """Schemas, metrics, training and plan of a version."""
        return await self._send(
            calls.get(rest.ModelDescription, "models", self.name, version, "describe", plan="true")
        )

    async def versions(self) -> list[rest.VersionSummary]:
        """Its versions, newest first."""
        return (
            await self._send(calls.get(rest.VersionList, "models", self.name, "versions"))
        ).versions

    async def update(self, **changes: Any) -> rest.ModelUpdated:
        """Change name, description or tags."""
        return await self._send(
            calls.post(rest.ModelUpdated, changes, "models", self.name, once=False, method="PATCH")
        )

    async def retrain(self, **changes: Any) -> rest.RetrainStarted:
        """Build the next version; upload_id, goal, metric and max_iterations may change."""
        return await self._send(
            calls.post(rest.RetrainStarted, changes, "models", self.name, "retrain")
        )

    async def create_version(self, dataset_id: str, **changes: Any) -> rest.VersionStarted:
        """Build the next version of other data; intent and schemas may change as well."""
        body = {"dataset_id": dataset_id, **changes}
        return await self._send(
            calls.post(rest.VersionStarted, body, "models", self.name, "versions")
        )

    async def wait(
        self,
        version: str | None = None,
        *,
        within: float = WAIT_SECONDS,
        on_progress: OnProgress | None = None,
    ) -> rest.ModelDetail:
        """Wait for its newest build, or for that of a version; BuildFailedError says why not.

        ``on_progress`` is called with the job whenever that has changed.
        """
        return await self._run(flows.wait_model(self.name, version, within, on_progress))

    async def deploy(
        self,
        environment: str = "production",
        *,
        version: int | str | None = None,
        replicas: int = 1,
        auto_scale: bool = True,
        canary: tuple[int | str, int] | None = None,
        wait: bool = True,
        within: float = WAIT_SECONDS,
    ) -> rest.DeployStarted:
        """Serve a version, by default the newest READY one; waits until it does.

        ``canary`` is another version to try out, and the percent of predictions that it gets.
        """
        started = await self._send(
            calls.deploy(self.name, environment, replicas, version, canary, auto_scale=auto_scale)
        )
        if wait:
            await self._run(
                flows.wait_deployed(self.name, started.deployment_id, started.model_version, within)
            )
        return started

    async def deployments(self) -> list[rest.DeploymentJson]:
        """Its deployments, newest first."""
        found = await self._send(calls.get(rest.DeploymentList, "models", self.name, "deployments"))
        return found.deployments

    async def undeploy(self, deployment_id: str) -> None:
        """Remove a deployment; it is UNDEPLOYING until its pods have ended."""
        await self._send(
            calls.delete(rest.Undeployed, "models", self.name, "deployments", deployment_id)
        )

    async def predict(
        self,
        row: Mapping[str, Any],
        *,
        version: str = "latest",
        environment: str | None = None,
        explain: bool = False,
    ) -> rest.PredictionAnswer:
        """Predict from one row: ``result`` has the fields of the output schema."""
        return await self._send(
            calls.predict(self.name, row, version, environment, explain=explain)
        )

    async def predict_batch(
        self,
        rows: Rows | FrameLike | ColumnarLike,
        *,
        version: str = "latest",
        environment: str | None = None,
    ) -> list[dict[str, JsonValue]]:
        """Predict from many rows, in order."""
        return await self._send(calls.predict_batch(self.name, rows, version, environment))

    async def delete(self) -> None:
        """Delete it with its versions, deployments and artifacts."""
        await self._send(calls.delete(rest.ModelDeleted, "models", self.name))

    async def _send(self, call: calls.Call[T]) -> T:
        return await self._run(one(call))

    async def _run(self, flow: Flow[T]) -> T:
        return await self._client.run(flow)
