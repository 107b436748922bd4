"""The client that waits for each answer; ``aio`` is the same with ``await``."""

import time
from collections.abc import Iterator, Mapping
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


class Client:
    """A connection to a façade with a key; a context manager.

    Address and key are by default those of MODELYARD_URL and MODELYARD_API_KEY.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(**settings(url, api_key), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    # Models

    def create_model(
        self,
        name: str,
        intent: str,
        data: Table | None = None,
        *,
        dataset_id: str | None = None,
        **more: Any,
    ) -> "Model":
        """Build a model from data: a path, bytes, a data frame, rows, or a dataset_id.

        ``more`` are further fields of the request, such as output_schema, plan or tags.
        """
        self.run(flows.create(name, intent, data, dataset_id, more))
        return Model(self, name)

    def model(self, name: str) -> "Model":
        """A model by its name; nothing is asked."""
        return Model(self, name)

    def models(self, **query: str) -> Iterator[rest.ModelSummary]:
        """All models of the account; ``query`` as in REST: status, sort_by, sort_dir."""
        offset, more = 0, True
        while more:
            page = self._send(calls.page_of(rest.ModelList, "models", offset=offset, **query))
            yield from page.models
            offset, more = offset + len(page.models), page.pagination.has_more

    # Data

    def upload(
        self, table: Table, name: str | None = None, description: str | None = None
    ) -> platform.DatasetJson:
        """Send a table and have a dataset of it."""
        return self._send(calls.upload(table, name, description))

    def add_dataset(
        self, uri: str, name: str, description: str | None = None
    ) -> platform.DatasetJson:
        """Have a dataset of a table at an address, such as s3://bucket/table.parquet."""
        return self._send(calls.dataset_at(uri, name, description))

    def dataset(self, dataset_id: str) -> platform.DatasetJson:
        """A dataset by id or name."""
        return self._send(calls.get(platform.DatasetJson, "datasets", dataset_id))

    def datasets(self) -> Iterator[platform.DatasetJson]:
        """All datasets of the account, newest first."""
        offset, more = 0, True
        while more:
            page = self._send(calls.page_of(platform.DatasetList, "datasets", offset=offset))
            yield from page.datasets
            offset, more = offset + len(page.datasets), page.pagination.has_more

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete a dataset."""
        self._send(calls.delete(platform.DatasetDeleted, "datasets", dataset_id))

    # Jobs

    def job(self, job_id: str) -> platform.JobJson:
        """A build."""
        return self._send(calls.get(platform.JobJson, "jobs", job_id))

    def jobs(self) -> Iterator[platform.JobJson]:
        """All builds of the account, newest first."""
        offset, more = 0, True
        while more:
            page = self._send(calls.page_of(platform.JobList, "jobs", offset=offset))
            yield from page.jobs
            offset, more = offset + len(page.jobs), page.pagination.has_more

    def cancel(self, job_id: str) -> platform.JobJson:
        """Ask for the end of a build."""
        return self._send(calls.post(platform.JobJson, {}, "jobs", job_id, "cancel", once=False))

    def wait_job(
        self,
        job_id: str,
        *,
        within: float = WAIT_SECONDS,
        on_progress: OnProgress | None = None,
    ) -> platform.JobJson:
        """Wait for the end of a build; BuildFailedError says why it failed."""
        return self.run(flows.wait_job(job_id, within, on_progress))

    def logs(self, job_id: str) -> Iterator[rest.LogEntry]:
        """The lines of a build from its first on, as they come, until it ends."""
        follower, failures = Follower(job_id), 0
        while not follower.ended:
            try:
                with self._http.stream(**follower.request()) as response:
                    if response.is_error:
                        response.read()
                        raise error_of(response)
                    for line in response.iter_lines():
                        failures = 0
                        yield from follower.feed(line)
            except httpx.TransportError as error:
                failures += 1
                if failures >= TRIES:
                    raise ConnectionFailedError(f"the log of {job_id} broke off") from error
            if not follower.ended:
                time.sleep(FIRST_PAUSE)

    # Keys

    def create_api_key(self, name: str, scopes: list[str] | None = None) -> platform.ApiKeyCreated:
        """Make a key; the answer is the only one that shows it."""
        body = {"name": name, "scopes": scopes}
        return self._send(calls.post(platform.ApiKeyCreated, body, "api-keys", once=False))

    def api_keys(self) -> list[platform.ApiKeyJson]:
        """The keys of the account."""
        return self._send(calls.get(platform.ApiKeyList, "api-keys")).api_keys

    def delete_api_key(self, key_id: str) -> None:
        """Revoke a key."""
        self._send(calls.delete(platform.ApiKeyDeleted, "api-keys", key_id))

    # Sending

    def _send(self, call: calls.Call[T]) -> T:
        attempt = 0
        while True:
            with ExitStack() as opened:
                try:
                    response = self._http.request(**request_of(call, opened))
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
            time.sleep(pause)
            attempt += 1

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""
        started, answer = time.monotonic(), None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                answer = time.monotonic() - started
            else:
                answer = self._send(step)


class Model:
    """A model of the account by its name; each method asks the façade anew."""

    def __init__(self, client: Client, name: str) -> None:
        self.name = name
        self._client = client

    def __repr__(self) -> str:
        return f"Model({self.name!r})"

    def get(self) -> rest.ModelDetail:
        """All about it."""
        return self._send(calls.get(rest.ModelDetail, "models", self.name))

    def status(self, version: str = "latest") -> rest.ModelStatusAnswer:
        """How far a version is."""
        return self._send(calls.get(rest.ModelStatusAnswer, "models", self.name, version, "status"))

    def card(self, version: str = "latest") -> ModelCard:
        """How good a READY version is, and how sure that is."""
        return self._send(calls.get(ModelCard, "models", self.name, version, "card"))

    def describe(self, version: str = "latest") -> rest.ModelDescription:
        """Schemas, metrics, training and plan of a version."""
        return self._send(
            calls.get(rest.ModelDescription, "models", self.name, version, "describe", plan="true")
        )

    def versions(self) -> list[rest.VersionSummary]:
        """Its versions, newest first."""
        return self._send(calls.get(rest.VersionList, "models", self.name, "versions")).versions

    def update(self, **changes: Any) -> rest.ModelUpdated:
        """Change name, description or tags."""
        return self._send(
            calls.post(rest.ModelUpdated, changes, "models", self.name, once=False, method="PATCH")
        )

    def retrain(self, **changes: Any) -> rest.RetrainStarted:
        """Build the next version; upload_id, goal, metric and max_iterations may change."""
        return self._send(calls.post(rest.RetrainStarted, changes, "models", self.name, "retrain"))

    def create_version(self, dataset_id: str, **changes: Any) -> rest.VersionStarted:
        """Build the next version of other data; intent and schemas may change as well."""
        body = {"dataset_id": dataset_id, **changes}
        return self._send(calls.post(rest.VersionStarted, body, "models", self.name, "versions"))

    def wait(
        self,
        version: str | None = None,
        *,
        within: float = WAIT_SECONDS,
        on_progress: OnProgress | None = None,
    ) -> rest.ModelDetail:
        """Wait for its newest build, or for that of a version; BuildFailedError says why not.

        ``on_progress`` is called with the job whenever that has changed.
        """
        return self._run(flows.wait_model(self.name, version, within, on_progress))

    def deploy(
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
        started = self._send(
            calls.deploy(self.name, environment, replicas, version, canary, auto_scale=auto_scale)
        )
        if wait:
            self._run(
                flows.wait_deployed(self.name, started.deployment_id, started.model_version, within)
            )
        return started

    def deployments(self) -> list[rest.DeploymentJson]:
        """Its deployments, newest first."""
        return self._send(
            calls.get(rest.DeploymentList, "models", self.name, "deployments")
        ).deployments

    def undeploy(self, deployment_id: str) -> None:
        """Remove a deployment; it is UNDEPLOYING until its pods have ended."""
        self._send(calls.delete(rest.Undeployed, "models", self.name, "deployments", deployment_id))

    def predict(
        self,
        row: Mapping[str, Any],
        *,
        version: str = "latest",
        environment: str | None = None,
        explain: bool = False,
    ) -> rest.PredictionAnswer:
        """Predict from one row: ``result`` has the fields of the output schema."""
        return self._send(calls.predict(self.name, row, version, environment, explain=explain))

    def predict_batch(
        self,
        rows: Rows | FrameLike | ColumnarLike,
        *,
        version: str = "latest",
        environment: str | None = None,
    ) -> list[dict[str, JsonValue]]:
        """Predict from many rows, in order."""
        return self._send(calls.predict_batch(self.name, rows, version, environment))

    def delete(self) -> None:
        """Delete it with its versions, deployments and artifacts."""
        self._send(calls.delete(rest.ModelDeleted, "models", self.name))

    def _send(self, call: calls.Call[T]) -> T:
        return self._run(one(call))

    def _run(self, flow: Flow[T]) -> T:
        return self._client.run(flow)
