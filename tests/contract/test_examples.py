"""Every literal example of the specification, against the shapes of REST; no cluster."""

from typing import Any

import pytest
from pydantic import BaseModel

from contract.specification import Example, differences, example, examples
from modelyard_api.mapping import deployments, models, rest, versions
from modelyard_api.mapping.rest import BatchItem, PredictionAnswer
from modelyard_api.mapping.shapes import Pagination
from modelyard_crds import names
from unit.api import samples

#: Bodies of predictions are the user's own; pods read them.
SHAPES: dict[tuple[str, str], type[BaseModel]] = {
    ("GET /models", "response"): rest.ModelList,
    ("GET /models/{model_name}", "response"): rest.ModelDetail,
    ("POST /models/{model_name}", "request"): rest.ModelCreate,
    ("POST /models/{model_name}", "response"): rest.BuildStarted,
    ("POST /models/{model_name}/deploy", "request"): rest.Deploy,
    ("POST /models/{model_name}/deploy", "response"): rest.DeployStarted,
    ("POST /models/{model_name}/{model_version}/infer", "response"): PredictionAnswer,
    ("GET /models/{model_name}/{model_version}/status", "response"): rest.ModelStatusAnswer,
    ("PATCH /models/{model_name}", "request"): rest.ModelUpdate,
    ("PATCH /models/{model_name}", "response"): rest.ModelUpdated,
    ("DELETE /models/{model_name}", "response"): rest.ModelDeleted,
    ("POST /models/{model_name}/retrain", "request"): rest.Retrain,
    ("POST /models/{model_name}/retrain", "response"): rest.RetrainStarted,
    ("GET /models/build-logs", "response"): rest.LogList,
    ("GET /models/{model_name}/versions", "response"): rest.VersionList,
    ("POST /models/{model_name}/versions", "request"): rest.VersionCreate,
    ("POST /models/{model_name}/versions", "response"): rest.VersionStarted,
    ("GET /models/{model_name}/deployments", "response"): rest.DeploymentList,
    ("DELETE /models/{model_name}/deployments/{deployment_id}", "response"): rest.Undeployed,
    ("GET /models/{model_name}/{model_version}/describe", "response"): rest.ModelDescription,
    ("POST /models/{model_name}/{model_version}/predictions", "response"): BatchItem,
}
OF_PODS = {
    ("POST /models/{model_name}/{model_version}/infer", "request"),
    ("POST /models/{model_name}/{model_version}/predictions", "request"),
}


def key(item: Example) -> tuple[str, str]:
    return f"{item.method} {item.path}", item.part


def test_no_example_is_forgotten() -> None:
    assert len(examples()) == 23
    assert {key(item) for item in examples()} == SHAPES.keys() | OF_PODS


@pytest.mark.parametrize("item", [item for item in examples() if key(item) in SHAPES], ids=str)
def test_an_example_goes_in_and_out_unchanged(item: Example) -> None:
    shape = SHAPES[key(item)]
    contents = item.content if isinstance(item.content, list) else [item.content]
    for content in contents:
        parsed = shape.model_validate(content)
        assert parsed.model_dump(mode="json", exclude_unset=True) == content


def state() -> Any:
    """A model as the specification's examples have it, served in production."""
    schema = [{"name": "usage_minutes", "type": "float"}]
    model = samples.model(
        displayName="Customer Churn Predictor",
        description="Model predicts likelihood of customer churn in the next 30 days",
        tags=["production"],
        status={"phase": "READY"},
        annotations={names.ANNOTATION_CREATED_BY: names.public_id("user", "x")},
    )
    version = samples.version(
        1,
        metrics={"accuracy": 0.92},
        inputSchema=schema,
        outputSchema=schema,
        trainingInfo={
            "datasetSize": 10000,
            "trainingSeconds": 900,
            "algorithm": "ensemble",
            "featureImportance": {"usage_minutes": 1.0},
        },
    )
    return samples.view(model, [version], [samples.deployment()])


def answers() -> dict[str, BaseModel]:
    view, now = state(), samples.NOW
    production = view.deployments[0]
    base = "https://models.example.com"
    page = Pagination(total=1, limit=20, offset=0, has_more=False)
    return {
        "GET /models": rest.ModelList(models=[models.summary(view)], pagination=page),
        "GET /models/{model_name}": models.detail(view, samples.dataset(), base),
        "POST /models/{model_name}": versions.created(view),
        "POST /models/{model_name}/deploy": deployments.started(view, production, 1, base),
        "GET /models/{model_name}/{model_version}/status": versions.status_answer(view, 1),
        "PATCH /models/{model_name}": models.updated(view),
        "POST /models/{model_name}/retrain": versions.retrain_started(view, 2),
        "GET /models/{model_name}/versions": versions.version_list(view),
        "POST /models/{model_name}/versions": versions.version_started(view, 4),
        "GET /models/{model_name}/deployments": deployments.deployment_list(view, base),
        "DELETE /models/{model_name}/deployments/{deployment_id}": deployments.undeployed(
            view, production, now
        ),
        "GET /models/{model_name}/{model_version}/describe": versions.description(view, 1),
    }


@pytest.mark.parametrize("operation", answers())
def test_a_mapped_answer_has_the_example_s_fields_and_types(operation: str) -> None:
    method, _, path = operation.partition(" ")
    found = answers()[operation].model_dump(mode="json")
    assert differences(example(method, path, "response"), found) == []


def test_endpoints_are_those_of_the_specification() -> None:
    detail = answers()["GET /models/{model_name}"]
    assert isinstance(detail, rest.ModelDetail)
    assert detail.endpoint == "https://models.example.com/models/churn/v1.0/infer"
    deployed = answers()["POST /models/{model_name}/deploy"]
    assert isinstance(deployed, rest.DeployStarted)
    assert deployed.endpoint == f"https://models.example.com/predict/{deployed.deployment_id}"
