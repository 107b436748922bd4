"""Building again, with and without other wishes, and what becomes of old versions."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from support import objects
from support.durations import LONG, MEDIUM
from support.kubectl import Kubectl, Object
from support.operator_process import store_from_outside
from support.stage import builds_stored

pytestmark = pytest.mark.cluster


def built(kubectl: Kubectl, number: int) -> Object:
    """The version of this number, once the Model is Ready with it."""
    kubectl.wait(
        "model",
        "tumours",
        lambda seen: seen["status"].get("readyVersion") == number,
        within=LONG,
        what=f"READY with version {number}",
    )
    version = kubectl.get("modelversion", f"tumours-v{number}")
    assert version is not None
    return version


def test_wishes_of_a_retraining_that_metadata_is_none_and_the_history_that_is_kept(
    kubectl: Kubectl, system: Kubectl, client: httpx.Client, tmp_path: Path
) -> None:
    kubectl.apply(objects.dataset(), objects.model(versionHistoryLimit=1))
    first = built(kubectl, 1)

    # The next version is number 2: none of this makes one.
    kubectl.run("label", "model", "tumours", "team=risk")
    kubectl.run("annotate", "model", "tumours", "example.com/note=hello")
    kubectl.patch("model", "tumours", {"spec": {"description": "x", "tags": ["a"]}})

    wish = {"training": {"metric": "accuracy", "maxIterations": 1}}
    again = {"annotations": {"modelyard.dev/retrain": "again"}}
    kubectl.patch("model", "tumours", {"metadata": again, "spec": wish})
    second = built(kubectl, 2)
    assert second["spec"]["build"]["training"]["metric"] == "accuracy"
    assert second["spec"]["build"]["training"]["maxIterations"] == 1

    goal = "Predict the diagnosis of a tumour"
    body = {"goal": goal, "metric": "f1_score", "max_iterations": 2}
    answer = client.post("/models/tumours/retrain", json=body)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    assert answer.json()["new_version"] == "v3.0"
    third = built(kubectl, 3)
    build = third["spec"]["build"]
    assert build["intent"] == goal
    assert (build["training"]["metric"], build["training"]["maxIterations"]) == ("f1_score", 2)

    kubectl.wait_gone("modelversion", "tumours-v1", within=MEDIUM)
    assert kubectl.get("modelversion", "tumours-v2") is not None
    uids = [version["metadata"]["uid"] for version in (first, second, third)]
    with store_from_outside(system, tmp_path / "store") as store:
        left = builds_stored(store)
    assert [uid in left for uid in uids] == [False, True, True]
