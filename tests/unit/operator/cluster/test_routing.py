"""A change of anything wakes what depends on it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.intake import Intake
from modelyard_operator.cluster.kinds import (
    DATASET,
    DEPLOYMENT,
    JOB,
    MODEL,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    POD,
    Kind,
)
from modelyard_operator.cluster.queue import new_queues
from modelyard_operator.cluster.routing import CLEANUP, Key, cleanup_key, keys_of
from unit.operator import samples

Raw = dict[str, Any]


def raw(name: str, spec: Raw | None = None, **metadata: Any) -> Raw:
    return {"metadata": samples.meta(name, **metadata), "spec": spec or {}}


MODEL_RAW = raw("churn", {"datasetRef": {"name": "table"}})
VERSION_RAW = raw("churn-v1", {"modelRef": {"name": "churn"}})
DEPLOYMENT_RAW = raw("churn-production", {"modelRef": {"name": "churn"}})


@pytest.fixture
def cache() -> Cache:
    cache = Cache()
    for kind, item in (
        (MODEL, MODEL_RAW),
        (MODEL_VERSION, VERSION_RAW),
        (MODEL_DEPLOYMENT, DEPLOYMENT_RAW),
    ):
        cache.put(kind, item)
    return cache


MODEL_KEY = Key("Model", "team-a", "churn")
DEPLOYMENT_KEY = Key("ModelDeployment", "team-a", "churn-production")
CHILD_LABELS = {"modelyard.dev/model": "churn", "modelyard.dev/deployment": "churn-production"}


@pytest.mark.parametrize(
    ("kind", "changed", "woken"),
    [
        (DATASET, raw("table"), {Key("Dataset", "team-a", "table"), MODEL_KEY}),
        (DATASET, raw("other"), {Key("Dataset", "team-a", "other")}),
        (MODEL, MODEL_RAW, {MODEL_KEY, DEPLOYMENT_KEY}),
        (
            MODEL_VERSION,
            VERSION_RAW,
            {Key("ModelVersion", "team-a", "churn-v1"), MODEL_KEY, DEPLOYMENT_KEY},
        ),
        (MODEL_DEPLOYMENT, DEPLOYMENT_RAW, {DEPLOYMENT_KEY, MODEL_KEY}),
        (
            JOB,
            raw("x", labels={"modelyard.dev/model": "churn", "modelyard.dev/version": "1"}),
            {Key("ModelVersion", "team-a", "churn-v1")},
        ),
        (
            POD,
            raw("x", labels={"modelyard.dev/dataset": "table"}),
            {Key("Dataset", "team-a", "table")},
        ),
        (DEPLOYMENT, raw("x", labels=CHILD_LABELS), {DEPLOYMENT_KEY}),
        (POD, raw("x", labels={"app.kubernetes.io/managed-by": "modelyard"}), set()),
    ],
)
def test_keys(kind: Kind, changed: Raw, woken: set[Key], cache: Cache) -> None:
    assert set(keys_of(kind, changed, cache)) == woken


def test_deleted_object_leaves_its_artifacts_to_be_removed() -> None:
    key = cleanup_key(MODEL_VERSION, VERSION_RAW)
    assert key == Key(CLEANUP, "team-a", "ModelVersion/churn-v1/uid-churn-v1")
    assert cleanup_key(MODEL, MODEL_RAW) is None


async def test_changes_of_children_are_looked_at_together_and_soon() -> None:
    queues = new_queues()
    intake = Intake(Cache(), queues)
    for kind in (POD, DEPLOYMENT):
        intake.learn(kind, raw("x", labels=CHILD_LABELS))
    assert len(queues["ModelDeployment"]) == 0, "not at once"
    async with asyncio.timeout(5):
        assert await queues["ModelDeployment"].take() == DEPLOYMENT_KEY
    queues["ModelDeployment"].done(DEPLOYMENT_KEY)
    assert len(queues["ModelDeployment"]) == 0, "not twice"


def test_intake_wakes_once_for_news_and_for_a_deletion() -> None:
    queues = new_queues()
    intake = Intake(Cache(), queues)
    assert intake.learn(MODEL, MODEL_RAW)
    assert not intake.learn(MODEL, MODEL_RAW)
    assert len(queues["Model"]) == 1
    intake.forget(MODEL_VERSION, VERSION_RAW)
    assert (len(queues["ModelVersion"]), len(queues[CLEANUP])) == (1, 1)
