"""What asks for a new version, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard_crds.model_version import ModelVersion
from modelyard_operator.resources.model_version import build_model_version, spec_hash
from unit.operator import samples


@pytest.mark.parametrize(
    "change",
    [
        {"intent": "predict something else"},
        {"inputSchema": [{"name": "age", "type": "integer"}]},
        {"outputSchema": [{"name": "churned", "type": "boolean"}]},
        {"training": {"metric": "roc_auc"}},
        {"training": {"maxIterations": 3}},
        {"training": {"timeBudget": "1m"}},
        {"training": {"timeBudget": "10m"}},
        {"training": {"seed": 7}},
        {"annotations": {"modelyard.dev/retrain": "1"}},
    ],
)
def test_build_relevant_changes_move_the_hash(change: dict[str, Any]) -> None:
    before = spec_hash(samples.model(), samples.DIGEST)
    assert spec_hash(samples.model(**change), samples.DIGEST) != before


@pytest.mark.parametrize(
    "change",
    [
        {"description": "for the board"},
        {"displayName": "Churn"},
        {"tags": ["a"]},
        {"paused": True},
        {"versionHistoryLimit": 3},
        {"training": {"resources": {"limits": {"memory": "8Gi"}}}},
        {"training": {"queueName": "gold"}},
        {"annotations": {"team": "a"}},
    ],
)
def test_other_changes_do_not(change: dict[str, Any]) -> None:
    before = spec_hash(samples.model(), samples.DIGEST)
    assert spec_hash(samples.model(**change), samples.DIGEST) == before


def test_hash_is_the_same_from_release_to_release() -> None:
    """Pitfall 1.21: an upgrade builds nothing anew. Change this only with HASH_VERSION."""
    assert spec_hash(samples.model(), samples.DIGEST) == (
        "a9855951e3c4516d0d310cb8ee9a3feeb66f28481f7954283c4887b09c931c3c"
    )


def test_what_a_person_decides_of_the_plan_moves_the_hash_and_reaches_the_build() -> None:
    plan = {"targets": ["churned"], "exclude": ["customer_id"]}
    model = samples.model(plan=plan)
    assert spec_hash(model, samples.DIGEST) != spec_hash(samples.model(), samples.DIGEST)
    version = ModelVersion.parse(build_model_version(model, samples.dataset(), 1))
    assert version.spec.build.plan is not None
    assert version.spec.build.plan.to_json() == plan


def test_new_data_moves_the_hash() -> None:
    other = "sha256:" + "b" * 64
    assert spec_hash(samples.model(), samples.DIGEST) != spec_hash(samples.model(), other)


def test_version_is_complete_and_valid() -> None:
    raw = build_model_version(samples.model(), samples.dataset(), 3)
    version = ModelVersion.parse(raw)
    assert version.metadata.name == "churn-v3"
    assert version.spec.build.dataset_digest == samples.DIGEST
    assert version.spec.build.source.uri == "s3://bucket/table.csv"
    assert version.spec.build.training == samples.model().spec.training


def test_unread_dataset_makes_no_version() -> None:
    with pytest.raises(ValueError, match="no digest"):
        build_model_version(samples.model(), samples.dataset(ready=False), 1)
