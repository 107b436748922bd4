"""The policies of a Model, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard_crds.conditions import find
from modelyard_crds.dataset import Dataset
from modelyard_crds.model import Model, ModelStatus
from modelyard_crds.model_deployment import ModelDeployment
from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.decision import Apply, Create, Decision, Delete, Refusal
from modelyard_operator.reconcile.model import ModelObserved, decide_model
from unit.operator import samples

RETRAINED = {"annotations": {"modelyard.dev/retrain": "1"}}
STUCK = {
    "phase": "BUILDING",
    "conditions": samples.conditions("False", "Unschedulable", "no", "True"),
}


def observe(model: Model | None = None, **more: Any) -> ModelObserved:
    observed: dict[str, Any] = {"dataset": samples.dataset(), **more}
    return ModelObserved(model=model or samples.model(), now=samples.NOW, **observed)


def status_of(decision: Decision) -> ModelStatus:
    assert isinstance(decision.status, ModelStatus)
    return decision.status


def standing_of(decision: Decision) -> tuple[str | None, str]:
    ready = find(status_of(decision).conditions, "Ready")
    assert ready is not None
    return status_of(decision).phase, ready.reason


def made(decision: Decision) -> list[str]:
    return [w.manifest["metadata"]["name"] for w in decision.writes if isinstance(w, Create)]


def error(number: int = 1, reason: str = "OutOfMemory", **of: Any) -> Any:
    status = {"phase": "ERROR", "conditions": samples.conditions("False", reason, "Why.", "True")}
    return samples.version(number, status=status, **of)


def test_ready_dataset_makes_the_first_version() -> None:
    decision = decide_model(observe())
    assert made(decision) == ["churn-v1"]
    assert standing_of(decision) == ("BUILDING", "Building")


@pytest.mark.parametrize(
    ("model", "dataset", "reason"),
    [
        (samples.model(), None, "DatasetMissing"),
        (samples.model(), samples.dataset(ready=False), "DatasetNotReady"),
        (samples.model(paused=True), samples.dataset(), "Paused"),
    ],
)
def test_what_keeps_a_model_a_draft(model: Model, dataset: Dataset | None, reason: str) -> None:
    decision = decide_model(observe(model, dataset=dataset))
    assert standing_of(decision) == ("DRAFT", reason)
    assert decision.writes == ()


def test_draft_repeats_the_datasets_own_words() -> None:
    broken = samples.dataset(ready=False)
    status = broken.status.model_copy(
        update={
            "conditions": Dataset.parse(
                {
                    "kind": "Dataset",
                    "metadata": samples.meta("table"),
                    "spec": {"source": {"uri": "s3://b/k"}},
                    "status": {"conditions": samples.conditions("False", "EmptyFile", "No bytes.")},
                }
            ).status.conditions
        }
    )
    decision = decide_model(observe(dataset=broken.model_copy(update={"status": status})))
    ready = find(status_of(decision).conditions, "Ready")
    assert ready is not None
    assert "EmptyFile: No bytes." in ready.message


def test_ready_version_of_the_present_spec_makes_the_model_ready() -> None:
    decision = decide_model(observe(versions=(samples.ready_version(),)))
    assert standing_of(decision) == ("READY", "Ready")
    assert (status_of(decision).latest_version, status_of(decision).ready_version) == (1, 1)
    assert decision.writes == ()


@pytest.mark.parametrize("dataset", [None, samples.dataset(ready=False)])
def test_model_stays_ready_while_its_dataset_is_away(dataset: Dataset | None) -> None:
    decision = decide_model(observe(dataset=dataset, versions=(samples.ready_version(),)))
    assert standing_of(decision) == ("READY", "Ready")


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [(None, "DatasetMissing"), (samples.dataset(ready=False), "DatasetNotReady")],
)
def test_model_is_not_ready_for_a_dataset_that_it_was_not_built_from(
    dataset: Dataset | None, reason: str
) -> None:
    """Pitfall 1.19: whoever waits for Ready after naming other data must not see the old build."""
    model = samples.model(datasetRef={"name": "other"})
    decision = decide_model(observe(model, dataset=dataset, versions=(samples.ready_version(),)))
    assert standing_of(decision) == ("DRAFT", reason)
    assert status_of(decision).ready_version == 1


def test_no_version_joins_a_new_source_with_the_digest_of_the_old_one() -> None:
    """Data and intent applied at once: the Dataset is Ready for a moment longer than it is so."""
    before, after = samples.dataset(), samples.dataset(source={"uri": "s3://bucket/new.csv"})
    stale = after.model_copy(update={"status": before.status})
    for versions in ((), (samples.ready_version(),)):
        decision = decide_model(
            observe(samples.model(intent="other"), dataset=stale, versions=versions)
        )
        assert standing_of(decision) == ("DRAFT", "DatasetNotReady")
        assert decision.writes == ()
    ready = find(status_of(decision).conditions, "Ready")
    assert ready is not None
    assert ready.message == "Dataset 'table' is not Ready: it has not been read yet"


@pytest.mark.parametrize(
    ("model", "dataset"),
    [
        (samples.model(**RETRAINED), samples.dataset()),
        (samples.model(intent="other"), samples.dataset()),
        (samples.model(), samples.dataset(digest="sha256:" + "c" * 64)),
    ],
)
def test_changed_wish_makes_the_next_version(model: Model, dataset: Dataset) -> None:
    decision = decide_model(observe(model, dataset=dataset, versions=(samples.ready_version(),)))
    assert made(decision) == ["churn-v2"]
    assert standing_of(decision) == ("BUILDING", "Building")


def test_number_is_never_given_out_twice() -> None:
    model = samples.model(status={"latestVersion": 7})
    assert made(decide_model(observe(model))) == ["churn-v8"]


def test_failed_version_is_not_built_again_by_itself() -> None:
    decision = decide_model(observe(versions=(error(),)))
    assert standing_of(decision) == ("ERROR", "OutOfMemory")
    assert decision.writes == ()


def test_what_a_failed_build_lacked_makes_the_next_version() -> None:
    more = samples.model(training={"resources": {"limits": {"memory": "8Gi"}}})
    assert made(decide_model(observe(more, versions=(error(),)))) == ["churn-v2"]
    assert made(decide_model(observe(more, versions=(samples.ready_version(),)))) == []


def test_superseded_version_that_is_stuck_is_cancelled() -> None:
    stuck = samples.version(1, status=STUCK)
    more = samples.model(training={"resources": {"requests": {"memory": "1Gi"}}})
    newer = samples.ready_version(2, of=more)
    decision = decide_model(observe(more, versions=(stuck, newer)))
    (cancel,) = decision.writes
    assert isinstance(cancel, Apply)
    assert cancel.manifest["metadata"]["name"] == "churn-v1"
    assert cancel.manifest["spec"] == {"cancelled": True}


def test_stuck_build_shows_on_the_model() -> None:
    decision = decide_model(observe(versions=(samples.version(1, status=STUCK),)))
    assert standing_of(decision) == ("BUILDING", "Unschedulable")


def test_taken_number_is_said_and_tried_again() -> None:
    refusal = Refusal(Reason.NAME_CONFLICT, "ModelVersion 'churn-v1' belongs to somebody.")
    decision = decide_model(observe(refusal=refusal))
    assert standing_of(decision) == ("DRAFT", "NameConflict")
    assert decision.requeue_after is not None


def test_history_keeps_what_is_served_and_what_is_newest() -> None:
    versions = tuple(samples.ready_version(number) for number in range(1, 8))
    model = samples.model(versionHistoryLimit=2)
    served = samples.deployment(version=2)
    decision = decide_model(observe(model, versions=versions, deployments=(served,)))
    gone = [write.name for write in decision.writes if isinstance(write, Delete)]
    # 2 is served, 7 is newest, 5 and 6 are the history.
    assert gone == ["churn-v1", "churn-v3", "churn-v4"]


def test_failed_versions_do_not_push_out_the_one_that_works() -> None:
    versions = (samples.ready_version(1), *(error(number) for number in range(2, 6)))
    model = samples.model(versionHistoryLimit=1)
    decision = decide_model(observe(model, versions=versions))
    gone = [write.name for write in decision.writes if isinstance(write, Delete)]
    assert gone == ["churn-v2", "churn-v3"]


@pytest.mark.parametrize(
    ("phases", "summary"),
    [
        ([], None),
        (["ACTIVE"], "DEPLOYED"),
        (["ACTIVE", "DEPLOYING"], "DEPLOYING"),
        (["ACTIVE", "FAILED"], "DEGRADED"),
        (["DEGRADED"], "DEGRADED"),
        (["FAILED", "FAILED"], "FAILED"),
        ([None], "DEPLOYING"),
    ],
)
def test_deployments_in_one_word(phases: list[str | None], summary: str | None) -> None:
    deployments: tuple[ModelDeployment, ...] = tuple(
        samples.deployment(status={"phase": phase}) for phase in phases
    )
    decision = decide_model(observe(versions=(samples.ready_version(),), deployments=deployments))
    assert status_of(decision).deployment_status == summary
