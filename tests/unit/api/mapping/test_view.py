from datetime import UTC, datetime

import pytest

from modelyard_api.annotations import REQUESTED_VERSION, UPDATED_AT
from modelyard_crds import names
from unit.api import samples


@pytest.mark.parametrize(
    ("phases", "shown"),
    [
        ({}, "v1.0"),
        ({1: None}, "v1.0"),
        ({1: "READY", 2: "BUILDING"}, "v1.0"),
        ({1: "ERROR", 2: "BUILDING"}, "v2.0"),
        ({1: "READY", 2: "READY", 3: "ERROR"}, "v2.0"),
    ],
)
def test_the_version_of_a_model(phases: dict[int, str | None], shown: str) -> None:
    versions = [samples.version(number, phase) for number, phase in phases.items()]
    assert samples.view(versions=versions).label == shown


@pytest.mark.parametrize("text", ["v2.0", "v2", "2", names.version_id("uid-churn", 2)])
def test_all_spellings_of_a_version(text: str) -> None:
    view = samples.view(versions=[samples.version(1), samples.version(2, "BUILDING")])
    assert view.find(text) == 2


@pytest.mark.parametrize("text", ["v3.0", "0", "v2.1", "ver_000000000000", "x", ""])
def test_what_is_no_version(text: str) -> None:
    view = samples.view(versions=[samples.version(1), samples.version(2)])
    assert view.find(text) is None


def test_latest_is_the_newest_ready_one() -> None:
    view = samples.view(versions=[samples.version(1), samples.version(2, "BUILDING")])
    assert view.find("latest") == 1
    building = samples.view(versions=[samples.version(1, "BUILDING")])
    assert building.find("latest") is None


def test_a_version_is_known_from_the_request_on() -> None:
    view = samples.view()
    assert (view.pending, view.find("v1.0"), view.find("v2.0")) == (1, 1, None)
    asked = samples.model(annotations={REQUESTED_VERSION: "2"}, status={"phase": "ERROR"})
    retrained = samples.view(asked, [samples.version(1, "ERROR")])
    assert retrained.find("v2.0") == 2
    assert retrained.version_status(2) == "BUILDING"
    made = samples.view(asked, [samples.version(1), samples.version(2, "PENDING")])
    assert made.pending is None


def test_a_model_that_cannot_build_says_why() -> None:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "DatasetNotReady",
        "message": "Dataset usage has no header.",
        "lastTransitionTime": samples.CREATED,
    }
    model = samples.model(status={"phase": "DRAFT", "conditions": [condition]})
    view = samples.view(model)
    assert view.version_status(1) == "DRAFT"
    fault = view.version_fault(1)
    assert fault is not None
    assert (fault.reason, fault.message) == ("DatasetNotReady", "Dataset usage has no header.")


@pytest.mark.parametrize(
    ("phases", "summary"),
    [
        ([], None),
        (["DEPLOYING"], "DEPLOYING"),
        (["DEPLOYING", "ACTIVE"], "DEPLOYED"),
        (["FAILED", "DEGRADED"], "DEGRADED"),
        ([None], "DEPLOYING"),
        (["UNDEPLOYING"], "UNDEPLOYING"),
    ],
)
def test_one_word_over_all_deployments(phases: list[str | None], summary: str | None) -> None:
    deployments = [
        samples.deployment(f"e{index}").model_copy(
            update={"status": samples.deployment().status.model_copy(update={"phase": phase})}
        )
        for index, phase in enumerate(phases)
    ]
    assert samples.view(deployments=deployments).deployment_status == summary


def test_the_last_change_counts_wherever_it_was() -> None:
    later = datetime(2024, 1, 1, tzinfo=UTC)
    assert samples.view().updated_at.isoformat() == "2023-06-15T08:15:45+00:00"
    finished = samples.version(1, finishedAt="2024-01-01T00:00:00Z")
    assert samples.view(versions=[finished]).updated_at == later
    renamed = samples.model(annotations={UPDATED_AT: "2024-01-01T00:00:00Z"})
    assert samples.view(renamed).updated_at == later
    assert samples.view(samples.model(annotations={UPDATED_AT: "soon"})).updated_at < later
