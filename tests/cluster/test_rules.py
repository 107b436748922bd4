"""Every rule of the four kinds on the real API server: one object passes, one is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from support import objects
from support.kubectl import Kubectl, Refused

pytestmark = pytest.mark.cluster

Object = dict[str, Any]


def changed(base: Object, path: str, value: Any) -> Object:
    """A copy of the object with one field set; a value of None removes it."""
    result = copy.deepcopy(base)
    *parents, last = path.split(".")
    place = result
    for parent in parents:
        place = place.setdefault(parent, {})
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value
    return result


REFUSED_ON_CREATE = [
    # object, field, good value, bad value, words of the message
    (objects.dataset(), "metadata.name", "a" * 52, "a" * 53, "at most 52 characters"),
    (objects.dataset(), "metadata.name", "a-1", "a.1", "must be a DNS label"),
    (
        objects.dataset(),
        "spec.source.uri",
        "s3://bucket/key.csv",
        "ftp://host/x",
        "spec.source.uri",
    ),
    (objects.dataset(), "spec.source", {"upload": "upload_abcdefghijkl"}, {}, "exactly one of uri"),
    (
        objects.dataset(),
        "spec.source",
        {"uri": "https://host/x.csv"},
        {"uri": "https://host/x.csv", "upload": "upload_abcdefghijkl"},
        "exactly one of uri and upload",
    ),
    (objects.dataset(), "spec.format", "parquet", "xlsx", "spec.format"),
    (objects.model(), "metadata.name", "b" * 52, "b" * 53, "at most 52 characters"),
    (objects.model(), "metadata.name", "build-log", "build-logs", "is reserved"),
    (objects.model(), "metadata.name", "9lives", "a.b", "must be a DNS label"),
    (objects.model(), "spec.intent", "x", None, "spec.intent: Required"),
    (objects.model(), "spec.intent", "x" * 2000, "x" * 2001, "spec.intent"),
    (objects.model(), "spec.training.timeBudget", "1h30m", "10 minutes", "timeBudget"),
    (objects.model(), "spec.training.metric", "roc_auc", "auc", "spec.training.metric"),
    (objects.model(), "spec.training.maxIterations", 1, 0, "maxIterations"),
    (objects.model(), "spec.versionHistoryLimit", 1, 0, "versionHistoryLimit"),
    (
        objects.model(),
        "spec.inputSchema",
        [{"name": "age", "type": "integer"}],
        [{"name": "age", "type": "int"}],
        "spec.inputSchema[0].type",
    ),
    (
        objects.model(),
        "spec.outputSchema",
        [{"name": "a", "type": "float"}, {"name": "b", "type": "float"}],
        [{"name": "a", "type": "float"}, {"name": "a", "type": "float"}],
        "Duplicate value",
    ),
    (
        objects.model(),
        "spec.training.resources",
        {"limits": {"cpu": 2, "memory": "1Gi"}},
        {"limits": {"memory": "1 gigabyte"}},
        "memory",
    ),
    (
        objects.model(),
        "spec.plan",
        {"split": {"by": "group", "column": "a"}, "task": "classification"},
        {"split": {"by": "group", "column": "a"}, "task": "forecasting"},
        "a forecast is judged by its last windows",
    ),
    (
        objects.model(),
        "spec.plan.split",
        {"by": "random"},
        {"by": "random", "column": "a"},
        "split.column is for split.by group or time",
    ),
    (
        objects.model(),
        "spec.plan",
        {"targets": ["a"], "split": {"by": "time", "column": "b"}},
        {"targets": ["a"], "split": {"by": "time", "column": "a"}},
        "a column cannot be predicted and split by",
    ),
    (objects.version(), "metadata.name", "tumours-v1", "tumours-1", "must be {spec.modelRef.name}"),
    (objects.version(), "spec.specHash", "a" * 64, "abc", "spec.specHash"),
    (objects.deployment(), "metadata.name", "tumours", "9-tumours", "begin with a letter"),
    (objects.deployment(), "spec.replicas", 3, -1, "spec.replicas"),
    (objects.deployment(), "spec.environment", "staging", "Prod!", "spec.environment"),
    (
        objects.deployment(),
        "spec.autoscaling",
        {"minReplicas": 2, "maxReplicas": 2},
        {"minReplicas": 3, "maxReplicas": 2},
        "minReplicas must not be greater than",
    ),
    (
        objects.deployment(),
        "spec.autoscaling",
        {"targetCPUUtilization": 100},
        {"targetCPUUtilization": 101},
        "targetCPUUtilization",
    ),
    (
        objects.deployment(version=1),
        "spec.canary",
        {"version": 2, "weight": 0},
        {"version": 1},
        "spec.canary.version must not be spec.version",
    ),
    (objects.deployment(canary={"version": 2}), "spec.version", 1, None, "needs spec.version"),
    (
        objects.deployment(version=1),
        "spec.canary",
        {"version": 2, "weight": 100},
        {"version": 2, "weight": 101},
        "spec.canary.weight",
    ),
]


@pytest.mark.parametrize(
    ("base", "path", "good", "bad", "words"),
    REFUSED_ON_CREATE,
    ids=[f"{case[0]['kind']}-{case[1]}-{n}" for n, case in enumerate(REFUSED_ON_CREATE)],
)
def test_the_api_server_refuses_with_a_readable_message(
    idle: Kubectl, base: Object, path: str, good: Any, bad: Any, words: str
) -> None:
    idle.run("create", "--dry-run=server", "-f", "-", stdin=as_text(changed(base, path, good)))
    with pytest.raises(Refused) as refused:
        idle.run("create", "--dry-run=server", "-f", "-", stdin=as_text(changed(base, path, bad)))
    assert words in str(refused.value)


REFUSED_ON_CHANGE = [
    # object, change that passes, change that is refused, words of the message
    (
        objects.version(),
        {"spec": {"cancelled": True}},
        {"spec": {"build": {"intent": "Something else"}}},
        "spec.build cannot be changed",
    ),
    (objects.version(), {}, {"spec": {"specHash": "1" * 64}}, "spec.specHash cannot be changed"),
    (objects.version(), {}, {"spec": {"version": 2}}, "spec.version cannot be changed"),
    (
        objects.version(),
        {},
        {"spec": {"modelRef": {"name": "other"}}},
        "spec.modelRef cannot be changed",
    ),
    (
        objects.version(cancelled=True),
        {"spec": {"cancelled": True}},
        {"spec": {"cancelled": False}},
        "a cancelled version stays cancelled",
    ),
    (
        objects.deployment(),
        {"spec": {"version": 2}},
        {"spec": {"modelRef": {"name": "other"}}},
        "spec.modelRef cannot be changed",
    ),
    (
        objects.deployment(),
        {"spec": {"replicas": 2}},
        {"spec": {"environment": "staging"}},
        "spec.environment cannot be changed",
    ),
]


@pytest.mark.parametrize(
    ("base", "good", "bad", "words"),
    REFUSED_ON_CHANGE,
    ids=[f"{case[0]['kind']}-{case[3]}" for case in REFUSED_ON_CHANGE],
)
def test_identity_and_builds_cannot_be_changed(
    kubectl: Kubectl, base: Object, good: Object, bad: Object, words: str
) -> None:
    kubectl.create(base)
    kind, name = base["kind"], base["metadata"]["name"]
    kubectl.patch(kind, name, good)
    with pytest.raises(Refused) as refused:
        kubectl.patch(kind, name, bad)
    assert words in str(refused.value)


def test_an_unknown_field_is_named(idle: Kubectl) -> None:
    wrong = changed(objects.model(), "spec.intnet", "Predict churn")
    with pytest.raises(Refused) as refused:
        idle.run("create", "--dry-run=server", "-f", "-", stdin=as_text(wrong))
    assert 'unknown field "spec.intnet"' in str(refused.value)


def test_defaults_are_filled_in(idle: Kubectl) -> None:
    text = idle.run(
        "create", "--dry-run=server", "-o", "json", "-f", "-", stdin=as_text(objects.deployment())
    )
    spec = json.loads(text)["spec"]
    assert (spec["environment"], spec["replicas"]) == ("production", 1)


def test_kubectl_lists_all_kinds_by_category_and_short_name(idle: Kubectl) -> None:
    idle.run("get", "modelyard")
    idle.run("get", "dset,mdl,mver,mdep")


def as_text(value: Object) -> str:
    return json.dumps(value)


@pytest.fixture(scope="module")
def idle() -> Kubectl:
    """kubectl where nothing is kept: all it does are dry runs."""
    return Kubectl("default")
