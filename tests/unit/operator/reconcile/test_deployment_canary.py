"""The version that a ModelDeployment tries out: pitfalls 7.3, 7.4 and 7.5."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_api.mapping.deployments import canary_answers, canary_share
from modelyard_crds import names
from modelyard_crds.conditions import find
from modelyard_crds.model_deployment import MAX_REPLICAS, ModelDeployment, ModelDeploymentStatus
from modelyard_operator.reconcile.decision import Apply, Decision, Delete
from modelyard_operator.reconcile.deployment_canary import CanaryObserved
from modelyard_operator.reconcile.deployment_children import Children
from modelyard_operator.reconcile.model_deployment import DeploymentObserved, decide_deployment
from modelyard_operator.resources.deployment import ANNOTATION_VERSION_UID
from unit.operator import samples
from unit.operator.reconcile import test_model_deployment as stable

NAME = names.canary_name("churn-production")
Raw = dict[str, Any]


def deployment(*, weight: int = 10, canary: int = 2, **spec: Any) -> ModelDeployment:
    """Of version 1, trying another out."""
    return samples.deployment(version=1, canary={"version": canary, "weight": weight}, **spec)


def observe(
    seen: ModelDeployment, found: CanaryObserved | None = None, *, replicas: int = 1, **more: Any
) -> DeploymentObserved:
    """The stable version is there in full; the canary as it is found."""
    return stable.observe(
        seen,
        **{
            "versions": tuple(samples.ready_version(number) for number in (1, 2, 3)),
            "children": stable.children(seen, replicas=replicas),
            "pods": (stable.pod(),),
            "canary": found or CanaryObserved(),
            **more,
        },
    )


def canary_writes(decision: Decision) -> list[Apply]:
    return [
        write
        for write in decision.writes
        if isinstance(write, Apply) and write.manifest["metadata"]["name"] == NAME
    ]


def up(decision: Decision, *, ready: bool = True, version: int = 2) -> CanaryObserved:
    """What the cluster makes of the writes: children, and one pod."""
    made: dict[str, Raw] = {}
    for write in canary_writes(decision):
        kind = write.manifest["kind"]
        made[kind] = _merged(made.get(kind, {}), copy.deepcopy(write.manifest))
    status = stable.rolled_out(1) if ready else stable.starting()
    made["Deployment"]["spec"].setdefault("replicas", 1)
    made["Deployment"]["metadata"] |= {"uid": "uid-canary", "generation": 1}
    made["Deployment"]["status"] = status
    children = Children(deployment=made["Deployment"], service=stable.found(made["Service"]))
    return CanaryObserved(children, (stable.pod(version, ready=ready),))


def _merged(one: Raw, other: Raw) -> Raw:
    both = {**one, **other}
    for key in ("metadata", "spec"):
        both[key] = {**one.get(key, {}), **other.get(key, {})}
    return both


def standing(decision: Decision) -> tuple[str | None, int, str, str]:
    status = decision.status
    assert isinstance(status, ModelDeploymentStatus)
    assert status.canary
    condition = find(status.conditions, "CanaryReady")
    assert condition
    return status.phase, status.canary.weight, condition.status, condition.reason


def test_a_canary_has_pods_and_an_address_of_its_own() -> None:
    decision = decide_deployment(observe(deployment()))
    service, made = (write.manifest for write in canary_writes(decision))
    assert service["spec"]["selector"] == made["spec"]["selector"]["matchLabels"]
    stable_pods = {names.LABEL_DEPLOYMENT_ID: names.deployment_id("uid-churn-production")}
    assert service["spec"]["selector"] != stable_pods
    assert made["metadata"]["annotations"][ANNOTATION_VERSION_UID] == "uid-churn-v2"
    assert made["spec"]["strategy"] == {"type": "Recreate"}, "never two versions under one name"
    assert standing(decision) == ("ACTIVE", 0, "False", "RollingOut")
    assert decision.needs_secrets


def test_it_gets_its_share_once_its_pods_are_ready_and_loses_it_with_them() -> None:
    """Pitfall 7.3: a weight is a wish until the canary can answer."""
    first = decide_deployment(observe(deployment()))
    ready = decide_deployment(observe(deployment(), up(first)))
    assert standing(ready) == ("ACTIVE", 10, "True", "Ready")
    assert ready.writes == ()
    gone = decide_deployment(observe(deployment(), up(first, ready=False)))
    assert standing(gone) == ("ACTIVE", 0, "False", "RollingOut")


def test_a_broken_canary_says_why_and_what_is_served_stays_as_it_is() -> None:
    first = decide_deployment(observe(deployment()))
    crashing = replace(up(first, ready=False), pods=(replace(stable.crashing(), version=2),))
    decision = decide_deployment(observe(deployment(), crashing))
    assert standing(decision) == ("ACTIVE", 0, "False", "CrashLoop")
    status = decision.status
    assert isinstance(status, ModelDeploymentStatus)
    ready = find(status.conditions, "Ready")
    assert ready
    assert (ready.status, ready.reason) == ("True", "Ready")


def test_a_version_that_cannot_be_served_takes_the_canary_before_it_away() -> None:
    """Pitfall 7.4: nothing but the version that is named is tried out."""
    found = up(decide_deployment(observe(deployment())))
    decision = decide_deployment(observe(deployment(canary=9), found))
    assert standing(decision) == ("ACTIVE", 0, "False", "VersionMissing")
    assert {(w.kind, w.name) for w in decision.writes if isinstance(w, Delete)} == {
        ("Deployment", NAME),
        ("Service", NAME),
    }


@pytest.mark.parametrize("phase", ["missing", "starting", "crashing", "ready"])
def test_taking_the_canary_away_always_goes_back(phase: str) -> None:
    """Pitfall 7.5: in whatever phase it is, its children go and the stable version is all."""
    first = decide_deployment(observe(deployment()))
    found = {
        "missing": CanaryObserved(),
        "starting": up(first, ready=False),
        "crashing": replace(up(first, ready=False), pods=(stable.crashing(),)),
        "ready": up(first),
    }[phase]
    before = decide_deployment(observe(deployment(), found)).status.to_json()
    without = samples.deployment(version=1, status=before)
    decision = decide_deployment(observe(without, found))
    removed = [write for write in decision.writes if isinstance(write, Delete)]
    assert len(removed) == (0 if phase == "missing" else 2)
    status = decision.status
    assert isinstance(status, ModelDeploymentStatus)
    assert status.canary is None
    assert find(status.conditions, "CanaryReady") is None
    assert status.phase == "ACTIVE"


@given(st.integers(0, MAX_REPLICAS), st.integers(0, 100))
def test_it_has_its_share_of_the_pods(pods: int, weight: int) -> None:
    seen = observe(deployment(weight=weight, replicas=pods), replicas=pods)
    scales = [w for w in canary_writes(decide_deployment(seen)) if w.manager.endswith("-replicas")]
    wanted = scales[0].manifest["spec"]["replicas"] if scales else 1
    assert wanted <= max(pods, 0)
    assert wanted >= min(pods, 1)
    assert wanted * 100 >= pods * weight


def test_the_autoscaler_takes_no_stable_pod_away_while_a_canary_takes_load() -> None:
    """Pitfall 7.3: what the stable version needs when the canary fails is there."""
    seen = observe(deployment(autoscaling=stable.AUTOSCALED["autoscaling"]))
    scaler = seen.children.autoscaler
    assert scaler
    assert scaler["spec"]["behavior"]["scaleDown"]["selectPolicy"] == "Disabled"
    without = stable.children(samples.deployment(**stable.AUTOSCALED)).autoscaler
    assert without
    assert "selectPolicy" not in without["spec"]["behavior"]["scaleDown"]


class World:
    """A deployment whose canary comes and goes as the cluster, and a person, please."""

    def __init__(self) -> None:
        self.version, self.canary = 1, 0
        self.status: Raw = {}
        #: Version of the canary's Deployment, and versions of its pods that answer.
        self.deployed, self.answering = 0, 0

    @property
    def object(self) -> ModelDeployment:
        canary = {"version": self.canary, "weight": 50} if self.canary else None
        wanted = {"canary": canary} if canary else {}
        return samples.deployment(version=self.version, status=self.status, **wanted)

    def reconcile(self) -> None:
        found = CanaryObserved()
        if self.deployed:
            kept = deployment(canary=self.deployed, weight=50)
            ready = self.answering == self.deployed
            found = up(decide_deployment(observe(kept)), ready=ready, version=self.deployed)
        seen = self.object
        decision = decide_deployment(
            observe(seen, found, children=stable.children(seen, self.version))
        )
        self.status = decision.status.to_json()
        for write in decision.writes:
            if isinstance(write, Delete):
                self.deployed = self.answering = 0
            elif (kind := write.manifest)["kind"] == "Deployment" and "template" in kind["spec"]:
                uid = kind["metadata"]["annotations"][ANNOTATION_VERSION_UID]
                # Recreate: the pods of the version before end first.
                self.deployed, self.answering = int(uid.rpartition("v")[2]), 0


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("try"), st.integers(1, 3)),
        st.sampled_from([("drop", 0), ("promote", 0), ("reconcile", 0), ("up", 0), ("down", 0)]),
    ),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(ACTIONS)
def test_what_answers_is_always_one_of_the_two_that_are_named(
    actions: list[tuple[str, int]],
) -> None:
    """Pitfall 7.4: try, roll back, try another, promote, in any order and at any moment."""
    world = World()
    for action, number in actions:
        match action:
            case "try" if number != world.version:
                world.canary = number
            case "drop":
                world.canary = 0
            case "promote" if world.canary:
                world.version, world.canary = world.canary, 0
            case "up":
                world.answering = world.deployed
            case "down":
                world.answering = 0
            case "reconcile":
                world.reconcile()
        seen = world.object
        if world.answering and (canary_share(seen) or canary_answers(seen)):
            assert world.answering == world.canary
    for _ in range(3):
        world.reconcile()
        world.answering = world.deployed
    world.reconcile()
    assert canary_share(world.object) == (50 if world.canary else 0)
    assert world.deployed == world.canary
