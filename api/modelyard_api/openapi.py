"""The OpenAPI document: what FastAPI derives, with the specification's examples beside it."""

import json
from importlib import resources
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from modelyard_api.mapping import rest, rest_platform
from modelyard_api.openapi_links import LINKS
from modelyard_crds.model_card import ModelCard

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


#: Shapes of operations that read or write their bodies themselves.
_UNSEEN: tuple[type[BaseModel], ...] = (
    rest.PredictionAnswer,
    rest.BatchItem,
    rest_platform.DatasetCreate,
    rest_platform.UploadCreate,
    ModelCard,
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
    for methods in document["paths"].values():
        for operation in methods.values():
            _link(operation)
    document["servers"] = [{"url": "/"}, {"url": "/v1"}, {"url": "/v0"}]
    return document


def _link(operation: dict[str, Any]) -> None:
    """Say in a success which operations its values lead to."""
    links = LINKS.get(operation["operationId"], {})
    if links:
        success = next(status for status in operation["responses"] if status.startswith("2"))
        operation["responses"][success]["links"] = {
            target: {
                "operationId": target,
                "parameters": {
                    name: value if value.startswith("$") else f"$response.body#/{value}"
                    for name, value in parameters.items()
                },
            }
            for target, parameters in links.items()
        }


def examples() -> dict[str, Any]:
    """An example of each shape, by its name."""
    text = resources.files("modelyard_api").joinpath("examples.json").read_text()
    content: dict[str, Any] = json.loads(text)
    return content
