"""The OpenAPI document: what FastAPI derives, with the specification's examples beside it."""

import json
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field, JsonValue

from modelyard_api.mapping import rest_platform
from modelyard_api.mapping.shapes import UtcTime

TAGS = [
    {"name": "Models", "description": "An intent and the data to learn it from."},
    {"name": "Model versions", "description": "Builds of a model; a READY one can be deployed."},
    {"name": "Model deployments", "description": "A version, served in an environment."},
    {"name": "Predictions", "description": "Answered by the pods of a deployment."},
    {"name": "Datasets", "description": "Tables that models learn from."},
    {"name": "Uploads", "description": "Files on their way to a dataset."},
    {"name": "Jobs", "description": "Builds, their progress and logs."},
    {"name": "API keys", "description": "Credentials of the account."},
]


class Explanation(BaseModel):
    """What each field adds to the score of a typical row."""

    explains: str
    reference: dict[str, JsonValue]
    reference_score: float
    score: float
    contributions: dict[str, float]


class PredictionAnswer(BaseModel):
    """A prediction."""

    request_id: str
    result: dict[str, JsonValue]
    model_name: str
    model_version: str
    created_at: UtcTime
    explanation: Explanation | None = Field(None, description="Only with `?explain=true`.")


class BatchItem(BaseModel):
    """The prediction for one row."""

    prediction: dict[str, JsonValue]


#: Shapes of operations that read or write their bodies themselves.
_UNSEEN: tuple[type[BaseModel], ...] = (
    PredictionAnswer,
    BatchItem,
    rest_platform.DatasetCreate,
    rest_platform.UploadCreate,
)


def install_document(app: FastAPI) -> None:
    """Make /openapi.json the completed document."""

    def document() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _complete(
                get_openapi(
                    title=app.title,
                    version=app.version,
                    summary=app.summary,
                    routes=app.routes,
                    tags=app.openapi_tags,
                )
            )
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    for model in _UNSEEN:
        shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(shape.pop("$defs", {}))
        schemas[model.__name__] = shape
    for name, example in examples().items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    document["servers"] = [{"url": "/"}, {"url": "/v1"}, {"url": "/v0"}]
    return document


def examples() -> dict[str, Any]:
    """An example of each shape, by its name."""
    text = resources.files("modelyard_api").joinpath("examples.json").read_text()
    content: dict[str, Any] = json.loads(text)
    return content
