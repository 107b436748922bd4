"""The condition DataDrift: when it is True, when it says nothing, and that it rests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from modelyard_crds.conditions import find
from modelyard_crds.data_drift import ColumnCounts, DriftSummary
from modelyard_crds.model_deployment import DriftLimits, ModelDeployment
from modelyard_operator.reconcile.data_drift import DriftReport, find_drift, report_drift
from unit.operator import samples

TRAINED = [100] * 10


def summary(*columns: tuple[str, list[int]], version: int = 1) -> DriftSummary:
    return DriftSummary(
        version=version,
        since=samples.NOW,
        updated_at=samples.NOW,
        rows=sum(columns[0][1]) if columns else 0,
        columns=[ColumnCounts(name=name, trained=TRAINED, seen=seen) for name, seen in columns],
    )


SAME = [50] * 10
SHIFTED = [0] * 5 + [100] * 5
#: An index of about 0.17: below the threshold, above what a drifted column leaves at.
NEARLY = [30] * 5 + [70] * 5


def report(*summaries: DriftSummary, after: DriftReport | None = None, **spec: Any) -> DriftReport:
    deployment = samples.deployment(**spec)
    if after is not None:
        status = deployment.status.model_copy(
            update={"drifted_columns": after.columns, "conditions": after.conditions}
        )
        deployment = deployment.model_copy(update={"status": status})
    later = samples.NOW + timedelta(minutes=1)
    return report_drift(deployment, list(deployment.status.conditions), summaries, 1, later)


def said(found: DriftReport) -> tuple[str, str]:
    condition = find(found.conditions, "DataDrift")
    assert condition is not None
    return condition.status, condition.reason


def test_columns_that_moved_are_named_with_what_to_do():
    found = report(summary(("age", SHIFTED), ("plan", SAME)))
    assert said(found) == ("True", "ColumnsDrifted")
    assert [column.name for column in found.columns or ()] == ["age"]
    condition = find(found.conditions, "DataDrift")
    assert condition is not None
    assert "age (" in condition.message
    assert "train on newer data" in condition.message


def test_rows_like_those_of_training_are_no_drift():
    assert said(report(summary(("age", SAME)))) == ("False", "NoDrift")


def test_the_pods_of_a_deployment_count_together():
    halves = [0] * 5 + [15] * 5
    assert said(report(summary(("age", halves)))) == ("Unknown", "TooFewPredictions")
    both = report(
        summary(("age", halves)), summary(("age", [15] * 5 + [0] * 5)), summary(("age", [10] * 10))
    )
    assert said(both) == ("False", "NoDrift")


def test_rows_of_another_version_do_not_count():
    assert said(report(summary(("age", SHIFTED), version=2))) == ("Unknown", "TooFewPredictions")


@pytest.mark.parametrize(
    ("limits", "status"),
    [({"threshold": 5.0}, "False"), ({"minRows": 10_000}, "Unknown"), ({}, "True")],
)
def test_limits_are_those_of_the_spec(limits, status):
    assert said(report(summary(("age", SHIFTED)), drift=limits))[0] == status


def test_a_drift_that_goes_on_is_not_written_again():
    first = report(summary(("age", SHIFTED)))
    again = report(summary(("age", [0] * 6 + [125] * 4)), after=first)
    assert again == first


def test_a_column_near_the_threshold_does_not_come_and_go():
    assert said(report(summary(("age", NEARLY))))[0] == "False"
    drifted = report(summary(("age", SHIFTED)))
    assert report(summary(("age", NEARLY)), after=drifted) == drifted
    assert said(report(summary(("age", SAME)), after=drifted))[0] == "False"


def test_before_anything_is_known_nothing_is_said_or_changed():
    assert report().conditions == []
    drifted = report(summary(("age", SHIFTED)))
    deployment = samples.deployment()
    unknown = report_drift(deployment, drifted.conditions, None, 1, samples.NOW)
    assert unknown.conditions == drifted.conditions
    no_version = report_drift(deployment, drifted.conditions, (), None, samples.NOW)
    assert no_version.conditions == drifted.conditions


def test_a_small_sample_of_a_small_table_is_not_called_drift():
    trained, seen = [15] * 10, [4, 2, 6, 3, 5, 4, 1, 7, 4, 4]
    one = summary(("age", seen)).model_copy(
        update={"columns": [ColumnCounts(name="age", trained=trained, seen=seen)]}
    )
    limits = DriftLimits(min_rows=50).model_copy(update={"min_rows": 40, "threshold": 0.01})
    assert find_drift([one], 1, limits, set()).drifted == ()


def test_the_list_is_bounded():
    many = summary(*((f"column_{number}", SHIFTED) for number in range(50)))
    found = report(many)
    assert len(found.columns or ()) == 20
    # The status type accepts it.
    ModelDeployment.model_validate(samples.deployment().model_dump(by_alias=True))
