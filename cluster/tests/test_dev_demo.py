from typing import Any

from modelyard_dev import demo


def version(**status: Any) -> dict[str, Any]:
    return {"kind": "ModelVersion", "metadata": {"name": "wine-v1"}, "status": status}


def test_a_running_build_shows_percent_and_step() -> None:
    states = dict(demo._states([version(phase="BUILDING", progress=40, step="Trying boosting")]))
    assert states == {"ModelVersion/wine-v1": "BUILDING 40 % Trying boosting"}


def test_a_finished_build_shows_what_won_and_how_well() -> None:
    ready = version(
        phase="READY",
        metric="accuracy",
        metrics={"accuracy": 0.98765, "log_loss": 0.1},
        trainingInfo={"algorithm": "forest"},
    )
    assert dict(demo._states([ready])) == {"ModelVersion/wine-v1": "READY forest accuracy 0.988"}


def test_an_object_that_is_not_ready_shows_its_message() -> None:
    waiting = {
        "kind": "Model",
        "metadata": {"name": "wine"},
        "status": {
            "phase": "DRAFT",
            "conditions": [
                {"type": "Ready", "status": "False", "message": "Dataset is not there."}
            ],
        },
    }
    assert dict(demo._states([waiting])) == {"Model/wine": "DRAFT Dataset is not there."}


def test_a_new_object_without_a_status_is_seen() -> None:
    fresh = {"kind": "Dataset", "metadata": {"name": "wine"}}
    assert dict(demo._states([fresh])) == {"Dataset/wine": "seen"}
