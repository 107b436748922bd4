"""ModelDeployment: whether the rows that are predicted are still like those of training.

The condition is rewritten when its status or its set of columns changes and not for every new
number, so that a steady drift causes no writes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from modelyard_crds.conditions import Condition, find, with_condition
from modelyard_crds.data_drift import ColumnCounts, DriftSummary, chance, stability_index
from modelyard_crds.model_deployment import DriftedColumn, DriftLimits, ModelDeployment
from modelyard_crds.reasons import ConditionType, Reason

#: A column that has drifted counts as such until its index is well below the threshold.
_LEAVES_BELOW = 0.75
#: So many columns are named, those that moved most.
MAX_COLUMNS = 20


@dataclass(frozen=True)
class DriftFindings:
    """What the summaries come to: rows that were compared, and the columns that moved."""

    rows: int
    drifted: tuple[DriftedColumn, ...] = ()


@dataclass(frozen=True)
class DriftReport:
    """What goes into the status."""

    columns: list[DriftedColumn] | None
    conditions: list[Condition]


def report_drift(
    deployment: ModelDeployment,
    conditions: list[Condition],
    summaries: Sequence[DriftSummary] | None,
    serving_version: int | None,
    now: datetime,
) -> DriftReport:
    """The conditions with DataDrift among them; as they were before anything is known."""
    before = deployment.status.drifted_columns
    was = find(conditions, ConditionType.DATA_DRIFT)
    if summaries is None or serving_version is None or (was is None and not summaries):
        return DriftReport(before, conditions)
    limits = deployment.spec.drift or DriftLimits()
    findings = find_drift(summaries, serving_version, limits, {c.name for c in before or ()})
    holds, reason, message = _said(findings, limits)
    columns = list(findings.drifted) or None
    if was is not None and was.reason == reason.value and _names(before) == _names(columns):
        columns, message = before, was.message
    return DriftReport(
        columns,
        with_condition(
            conditions,
            ConditionType.DATA_DRIFT,
            holds,
            reason,
            message,
            generation=deployment.metadata.generation,
            now=now,
        ),
    )


def find_drift(
    summaries: Sequence[DriftSummary],
    version: int | None,
    limits: DriftLimits,
    drifted_before: set[str],
) -> DriftFindings:
    """The columns of the version served that moved further than the limits and chance allow."""
    ours = [summary for summary in summaries if summary.version == version]
    rows = sum(summary.rows for summary in ours)
    if rows < limits.min_rows:
        return DriftFindings(rows)
    drifted = [
        DriftedColumn(name=column.name, psi=round(index, 3))
        for column in _merged(ours)
        if (index := stability_index(column.trained, column.seen))
        > _limit(column, limits, column.name in drifted_before)
    ]
    drifted.sort(key=lambda column: (-column.psi, column.name))
    return DriftFindings(rows, tuple(drifted[:MAX_COLUMNS]))


def _merged(summaries: Sequence[DriftSummary]) -> list[ColumnCounts]:
    by_name: dict[str, list[ColumnCounts]] = defaultdict(list)
    for summary in summaries:
        for column in summary.columns:
            by_name[column.name].append(column)
    return [
        ColumnCounts(
            name=name,
            trained=columns[0].trained,
            seen=[sum(counts) for counts in zip(*(c.seen for c in columns), strict=True)],
        )
        for name, columns in by_name.items()
    ]


def _limit(column: ColumnCounts, limits: DriftLimits, drifted_before: bool) -> float:
    threshold = limits.threshold * (_LEAVES_BELOW if drifted_before else 1.0)
    return max(threshold, chance(column.trained, column.seen))


def _said(findings: DriftFindings, limits: DriftLimits) -> tuple[bool | None, Reason, str]:
    if findings.rows < limits.min_rows:
        message = f"Fewer than {limits.min_rows} rows were predicted lately; nothing is compared."
        return None, Reason.TOO_FEW_PREDICTIONS, message
    if not findings.drifted:
        message = f"No column has a stability index above {limits.threshold:g}."
        return False, Reason.NO_DRIFT, message
    named = ", ".join(f"{column.name} ({column.psi:.2f})" for column in findings.drifted)
    message = (
        f"These columns are no longer as in training (stability index above "
        f"{limits.threshold:g}): {named}. Check where their values come from; if the change is "
        "real, train on newer data: point the Model at a new Dataset, or refresh its Dataset."
    )
    return True, Reason.COLUMNS_DRIFTED, message


def _names(columns: Sequence[DriftedColumn] | None) -> set[str]:
    return {column.name for column in columns or ()}
