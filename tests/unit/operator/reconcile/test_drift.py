"""Drift is found where it is, and nowhere else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_operator.reconcile.drift import drift
from modelyard_operator.resources.deployment import Servable, build_deployment
from unit.operator import samples

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


def desired() -> dict[str, Any]:
    return build_deployment(
        samples.deployment(), Servable(1, "uid-v1", samples.DIGEST), samples.RUNTIME
    )


@given(JSON)
def test_equal_is_no_drift(value: Any) -> None:
    assert drift(value, copy.deepcopy(value)) is None


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.text(max_size=3), JSON)
def test_what_others_add_is_no_drift(value: dict[str, Any], key: str, extra: Any) -> None:
    assert drift(value, {key: extra, **copy.deepcopy(value)}) is None


def test_defaults_and_foreign_fields_are_left_alone() -> None:
    found = copy.deepcopy(desired())
    found["metadata"]["labels"]["team"] = "x"
    found["spec"]["replicas"] = 7
    pod = found["spec"]["template"]["spec"]
    pod["dnsPolicy"] = "ClusterFirst"
    pod["containers"].append({"name": "mesh"})
    pod["containers"][0]["terminationMessagePolicy"] = "File"
    assert drift(desired(), found) is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda pod: pod["containers"][0].update(image="x"), "containers[serve].image"),
        (lambda pod: pod["containers"][0]["env"].pop(0), "containers[serve].env"),
        (lambda pod: pod["securityContext"].update(runAsUser=0), "securityContext.runAsUser"),
        (lambda pod: pod.pop("volumes"), "volumes"),
        (
            lambda pod: pod["containers"][0]["resources"]["limits"].update(memory="9Gi"),
            "resources.limits.memory",
        ),
    ],
)
def test_drift_names_the_place(change: Any, path: str) -> None:
    found = copy.deepcopy(desired())
    change(found["spec"]["template"]["spec"])
    assert path in (drift(desired(), found) or "")


def test_quantities_are_compared_as_numbers() -> None:
    """The API server writes 1000m as 1: no drift, or it would be applied for ever."""
    wanted = {"spec": {"resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}}}
    found = {"spec": {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}}
    assert drift(wanted, found) is None
    assert drift({"spec": {"version": "1000m"}}, {"spec": {"version": "1"}}) == "spec.version"
