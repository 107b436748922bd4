"""What is sent for each operation, and how its answer is read: no I/O, for both clients."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter

from modelyard.data import ColumnarLike, Content, FrameLike, Rows, Table, content_of, csv_of
from modelyard_api.mapping import rest
from modelyard_api.mapping import rest_platform as platform

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
PAGE = 100
_ITEMS = TypeAdapter(list[rest.BatchItem])


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request; ``repeatable`` where a second one does no more than the first."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    json: object = None
    content: bytes | None = None
    form: Mapping[str, str] | None = None
    file: Content | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False


def _read(model: type[M]) -> Callable[[httpx.Response], M]:
    return lambda response: model.model_validate_json(response.content)


def _path(*parts: str) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)


def get(model: type[M], *parts: str, **query: object) -> Call[M]:
    """A read."""
    given = {name: value for name, value in query.items() if value is not None}
    return Call("GET", _path(*parts), _read(model), given, repeatable=True)


def post(
    model: type[M], body: Mapping[str, Any], *parts: str, once: bool = True, method: str = "POST"
) -> Call[M]:
    """A write; with ``once`` a retry gets the first answer, so that it may be repeated."""
    given = {name: value for name, value in body.items() if value is not None}
    headers = {"Idempotency-Key": uuid.uuid4().hex} if once else {}
    return Call(method, _path(*parts), _read(model), json=given, headers=headers, repeatable=once)


def delete(model: type[M], *parts: str) -> Call[M]:
    """A deletion; repeated it would not find what it has deleted."""
    return Call("DELETE", _path(*parts), _read(model))


def create_model(name: str, intent: str, dataset_id: str, **more: Any) -> Call[rest.BuildStarted]:
    """Build a model of data that is there."""
    body = {"intent": intent, "dataset_id": dataset_id, **more}
    return post(rest.BuildStarted, body, "models", name)


def upload(table: Table, name: str | None, description: str | None) -> Call[platform.DatasetJson]:
    """Send a table and have a dataset of it."""
    content = content_of(table)
    form = {"name": name or content.filename, "description": description or ""}
    return Call(
        "POST",
        "/datasets",
        _read(platform.DatasetJson),
        form=form,
        file=content,
        headers={"Idempotency-Key": uuid.uuid4().hex},
        repeatable=True,
    )


def dataset_at(uri: str, name: str, description: str | None) -> Call[platform.DatasetJson]:
    """A dataset of a table at an address."""
    body = {"uri": uri, "name": name, "description": description}
    return post(platform.DatasetJson, body, "datasets")


def predict(
    name: str, row: Mapping[str, Any], version: str, environment: str | None, *, explain: bool
) -> Call[rest.PredictionAnswer]:
    """Predict from one row."""
    return Call(
        "POST",
        _path("models", name, version, "infer"),
        _read(rest.PredictionAnswer),
        {"explain": "true"} if explain else {},
        json=dict(row),
        headers=_environment(environment),
        repeatable=True,
    )


def predict_batch(
    name: str, rows: Rows | FrameLike | ColumnarLike, version: str, environment: str | None
) -> Call[list[dict[str, JsonValue]]]:
    """Predict from many rows; a data frame is sent as CSV."""
    path, headers = _path("models", name, version, "predictions"), _environment(environment)
    if isinstance(rows, FrameLike | ColumnarLike):
        headers["Content-Type"] = "text/csv"
        content = csv_of(rows)
        return Call("POST", path, _results, content=content, headers=headers, repeatable=True)
    json = [dict(row) for row in rows]
    return Call("POST", path, _results, json=json, headers=headers, repeatable=True)


def _results(response: httpx.Response) -> list[dict[str, JsonValue]]:
    return [item.prediction for item in _ITEMS.validate_json(response.content)]


def _environment(environment: str | None) -> dict[str, str]:
    return {"X-Modelyard-Environment": environment} if environment else {}


def deploy(
    name: str,
    environment: str,
    replicas: int,
    version: int | str | None,
    canary: tuple[int | str, int] | None,
    *,
    auto_scale: bool,
) -> Call[rest.DeployStarted]:
    """Deploy; to the same environment again it updates in place, so it may be repeated."""
    body = {
        "environment": environment,
        "replicas": replicas,
        "auto_scale": auto_scale,
        "version": version,
        "canary": {"version": canary[0], "weight": canary[1]} if canary else None,
    }
    call = post(rest.DeployStarted, body, "models", name, "deploy", once=False)
    return Call(call.method, call.path, call.read, json=call.json, repeatable=True)


def page_of(model: type[M], *parts: str, offset: int, **query: object) -> Call[M]:
    """A page of a list."""
    return get(model, *parts, limit=PAGE, offset=offset, **query)
