"""The specification's examples, sent unchanged to the real façade, in the order of a model's life.

One build serves all of them, so they are steps of one test; each step names its operation.
"""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import httpx
import pytest

from contract.specification import differences, example
from support import rest
from support.durations import LONG, MEDIUM

pytestmark = pytest.mark.cluster

NAME = "customer-churn-predictor"
MODEL = "/models/{model_name}"
VERSION = "/models/{model_name}/{model_version}"


def usage_table(rows: int = 600, seed: int = 1) -> bytes:
    """A table of the specification's columns, with churn that follows from them."""
    random_ = random.Random(seed)  # noqa: S311 - test data
    text = io.StringIO()
    writer = csv.writer(text)
    columns = ["usage_minutes", "subscription_months", "support_tickets", "plan_type", "season"]
    writer.writerow([*columns, "churned"])
    for _ in range(rows):
        minutes, months = round(random_.uniform(0, 400), 1), random_.randint(1, 48)
        tickets, plan = random_.randint(0, 9), random_.choice(["basic", "premium", "family"])
        risk = tickets / 9 + (plan == "basic") * 0.5 - minutes / 500 - months / 60
        churned = "yes" if risk + random_.gauss(0, 0.1) > 0 else "no"
        season = random_.choice(["spring", "summer", "autumn", "winter"])
        writer.writerow([minutes, months, tickets, plan, season, churned])
    return text.getvalue().encode()


class Client:
    """Sends the example of an operation and compares the answer with the example of it."""

    def __init__(self, client: httpx.Client) -> None:
        self.http = client

    def call(
        self, method: str, template: str, changes: dict[str, Any] | None = None, **path: str
    ) -> Any:
        """The answer of an operation; ``changes`` are the ids that stand for the example's."""
        address = template.format(model_name=NAME, **path)
        body: Any = None
        if method in {"POST", "PATCH"}:
            body = example(method, template, "request")
            body = body | (changes or {}) if isinstance(body, dict) else body
        answer = self.http.request(method, address, json=body)
        assert answer.is_success, f"{method} {address}: {answer.status_code} {answer.text}"
        found = answer.json()
        assert differences(example(method, template, "response"), found) == []
        return found

    def wait_ready(self, version: str) -> None:
        """Until a version is READY."""
        path = f"/models/{NAME}/{version}/status"
        ended = rest.wait_for(
            self.http, path, lambda seen: seen["status"] in {"READY", "ERROR"}, within=LONG
        )
        assert ended["status"] == "READY", ended


def upload(client: httpx.Client, seed: int) -> dict[str, Any]:
    """A dataset of the specification's columns."""
    table = usage_table(seed=seed)
    answer = client.post("/datasets", files={"file": (f"usage-{seed}.csv", table, "text/csv")})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_the_life_of_a_model_in_the_specification_s_words(client: httpx.Client) -> None:
    api = Client(client)
    dataset, later = upload(client, 1), upload(client, 2)

    made = api.call("POST", MODEL, {"dataset_id": dataset["dataset_id"]})
    assert (made["status"], made["model_version"]) == ("PENDING", "v1.0")
    api.wait_ready("v1.0")

    deployed = api.call("POST", f"{MODEL}/deploy")
    rest.wait_for(
        client,
        f"/models/{NAME}/deployments",
        lambda seen: [item["status"] for item in seen["deployments"]] == ["ACTIVE"],
        within=MEDIUM,
    )
    api.call("GET", "/models")
    detail = api.call("GET", MODEL)
    assert detail["dataset_id"] == dataset["dataset_id"]
    assert detail["output_schema"] == {"churn_probability": "float"}
    status = api.call("GET", f"{VERSION}/status", model_version="v1.0")
    assert (status["status"], status["build_progress"]) == ("READY", 100)
    api.call("GET", f"{VERSION}/describe", model_version="v1.0")
    listed = api.call("GET", f"{MODEL}/deployments")
    assert listed["deployments"][0]["deployment_id"] == deployed["deployment_id"]

    answer = api.call("POST", f"{VERSION}/infer", model_version="v1.0")
    assert 0 <= answer["result"]["churn_probability"] <= 1
    row = example("POST", f"{VERSION}/infer", "request")
    batch = client.post(f"/models/{NAME}/v1.0/predictions", json=[row, row])
    assert batch.json() == [{"prediction": answer["result"]}] * 2
    direct = client.post(httpx.URL(deployed["endpoint"]).path, json=row)
    assert direct.json()["result"] == answer["result"]

    updated = api.call("PATCH", MODEL)
    assert updated["name"] == "Enhanced Customer Churn Predictor"
    logs = api.call("GET", "/models/build-logs")
    assert {line["job_id"] for line in logs["logs"]} == {made["job_id"]}

    second = api.call("POST", f"{MODEL}/versions", {"dataset_id": later["dataset_id"]})
    assert (second["version"], second["model_version"]) == (2, "v2.0")
    api.wait_ready("v2.0")
    goal = "Predict customer churn, with new requirements"
    retrained = api.call(
        "POST", f"{MODEL}/retrain", {"upload_id": dataset["upload_id"], "goal": goal}
    )
    assert retrained["new_version"] == "v3.0"
    api.wait_ready("v3.0")
    versions = api.call("GET", f"{MODEL}/versions")
    assert [item["version"] for item in versions["versions"]] == [3, 2, 1]

    api.call(
        "DELETE", f"{MODEL}/deployments/{{deployment_id}}", deployment_id=deployed["deployment_id"]
    )
    api.call("DELETE", MODEL)
    assert client.get(f"/models/{NAME}").status_code == httpx.codes.NOT_FOUND
