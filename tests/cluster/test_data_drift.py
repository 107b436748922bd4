"""What pods report of the rows they predict: that they drift, and a log of a sample of them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from modelyard_crds.build import PREDICTIONS_PREFIX
from modelyard_runtime.data import examples
from support.durations import LONG
from support.kubectl import Kubectl, Object
from support.objects import DEPLOYMENT
from support.operator_process import store_of
from support.rest import make_key, open_client

pytestmark = pytest.mark.cluster

SHIFTED = "mean_texture"


def training_rows() -> list[dict[str, Any]]:
    lines = examples.read("breast_cancer").decode().splitlines()
    rows = list(csv.DictReader(lines))
    return [{k: float(v) for k, v in row.items() if k != "diagnosis"} for row in rows]


def drifts(seen: Object) -> bool:
    found = seen["status"].get("conditions", ())
    return any(item["type"] == "DataDrift" and item["status"] == "True" for item in found)


def test_shifted_rows_set_the_condition_once_and_name_their_column(
    kubectl: Kubectl, system: Kubectl, api_url: str, tmp_path: Path
) -> None:
    served = kubectl.serve(predictionLog={"sampleRate": 1, "exclude": ["diagnosis"]})
    rows = training_rows()
    with open_client(api_url, make_key(kubectl.namespace)) as client:
        path = "/models/tumours/v1.0/predictions"
        moved = [{**row, SHIFTED: row[SHIFTED] * 5} for row in rows]
        for start in range(0, len(moved), 100):
            # Of one larger batch only a part would be counted.
            assert client.post(path, json=moved[start : start + 100]).is_success
    # Pods report within a minute, the operator looks within another.
    seen = kubectl.wait(
        "modeldeployment",
        DEPLOYMENT,
        drifts,
        within=LONG,
        what="drift",
    )
    assert [column["name"] for column in seen["status"]["driftedColumns"]] == [SHIFTED]
    assert seen["status"]["phase"] == "ACTIVE"
    version = seen["metadata"]["resourceVersion"]
    kubectl.never(
        "modeldeployment",
        DEPLOYMENT,
        lambda later: later["metadata"]["resourceVersion"] != version,
    )
    with store_of(system, tmp_path) as store:
        stored = [item.key for item in store.list(PREDICTIONS_PREFIX)]
        keys = [key for key in stored if served["metadata"]["uid"] in key]
        lines = b"".join(store.get(key) for key in keys).splitlines()
    assert len(lines) == len(moved)
    assert SHIFTED.encode() in lines[0]
    assert b'"diagnosis"' not in lines[0]
