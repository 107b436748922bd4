"""How far the rows that are predicted are from those that a version learnt from.

Serving pods count rows by the bins of the training data and leave a summary in the store; the
operator merges the summaries of a deployment's pods and says which columns have moved. Both work
out the same number from the same counts, here.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import Field

from modelyard_crds.base import ApiModel

#: Above all keys of summaries.
DRIFT_PREFIX = "drift/"
#: How often a pod that was asked leaves a summary, and how often the operator looks.
DRIFT_SECONDS = 60.0
#: A summary is of the last hour or two; one that is older than this says nothing any more.
DRIFT_KEPT = timedelta(hours=24)

#: Added to every bin, so that an empty one has a logarithm (Jeffreys' prior).
_PRIOR = 0.5
#: Standard deviations above what chance alone gives; about one in a thousand columns is beyond.
_CHANCE_DEVIATIONS = 4.0


class ColumnCounts(ApiModel):
    """Rows of one column by bin: the bins of training, then unseen values, then missing ones."""

    name: str
    trained: list[int]
    seen: list[int]


class DriftSummary(ApiModel):
    """What one pod has counted; stored at ``drift_key``."""

    version: int
    since: datetime
    updated_at: datetime
    rows: int = Field(description="Rows that were counted, a sample where there were many.", ge=0)
    columns: list[ColumnCounts]


def drift_key(deployment_uid: str, pod_uid: str) -> str:
    """Where a pod leaves its summary."""
    return f"{DRIFT_PREFIX}{deployment_uid}/{pod_uid}.json"


def stability_index(trained: Sequence[int], seen: Sequence[int]) -> float:
    """The population stability index: Σ (q - p) ln(q / p) over the shares p and q of each bin.

    0 where nothing has moved; by custom 0.1 is little and 0.25 is much. Shares are taken with
    half a row added to each bin.
    """
    before, after = _shares(trained), _shares(seen)
    return sum((q - p) * math.log(q / p) for p, q in zip(before, after, strict=True))


def chance(trained: Sequence[int], seen: Sequence[int]) -> float:
    """What the index hardly exceeds by chance alone.

    Of samples of one population the index is about chi-squared with B - 1 degrees of freedom
    over the harmonic size (Yurdakul, "Statistical properties of population stability index",
    2018), B the number of bins that have rows.
    """
    total_before, total_after = sum(trained), sum(seen)
    if not total_before or not total_after:
        return math.inf
    used = sum(1 for pair in zip(trained, seen, strict=True) if any(pair))
    freedom = max(1, used - 1)
    scale = 1 / total_before + 1 / total_after
    return scale * (freedom + _CHANCE_DEVIATIONS * math.sqrt(2 * freedom))


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + _PRIOR * len(counts)
    return [(count + _PRIOR) / total for count in counts]
