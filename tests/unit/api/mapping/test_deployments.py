import pytest

from modelyard_api.mapping import rest
from modelyard_api.mapping.deployments import (
    candidates,
    deployment_list,
    deployment_spec,
    newest_followed,
)
from modelyard_crds import ModelDeployment
from unit.api import samples


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (None, ["churn-production", "churn-canary", "churn-staging"]),
        ("staging", ["churn-staging"]),
        ("nowhere", []),
    ],
)
def test_which_deployment_answers(environment: str | None, expected: list[str]) -> None:
    deployments = [samples.deployment(name) for name in ("staging", "canary", "production")]
    other = samples.deployment("other", serves=2)
    found = candidates([*deployments, other], 1, environment)
    assert [item.metadata.name for item in found] == expected


def test_one_that_serves_comes_before_one_that_is_on_the_way() -> None:
    starting = samples.deployment("production", serves=None)
    found = candidates([starting, samples.deployment("staging")], 1, None)
    assert [item.spec.environment for item in found] == ["staging", "production"]


def test_the_newest_is_what_followers_serve_until_their_pods_have_changed() -> None:
    follower = samples.deployment("production", serves=2, version=None)
    pinned = samples.deployment("staging", serves=3)
    assert newest_followed([follower, pinned], None) == 2
    assert newest_followed([follower, pinned], "staging") is None
    assert newest_followed([samples.deployment("canary", serves=None, version=None)], None) is None


def test_one_that_is_being_deleted_answers_nothing() -> None:
    going = samples.going(samples.deployment("production"))
    followed = samples.going(samples.deployment("staging", version=None))
    assert candidates([going], 1, None) == []
    assert newest_followed([followed], None) is None
    (listed,) = deployment_list(samples.view(deployments=[going]), "").deployments
    assert listed.status == "UNDEPLOYING"


@pytest.mark.parametrize(("replicas", "most"), [(1, 5), (2, 5), (10, 20), (1000, 1000)])
def test_a_spec_is_valid_and_leaves_room_to_scale(replicas: int, most: int) -> None:
    spec = deployment_spec(rest.Deploy(replicas=replicas), "churn", 3)
    parsed = ModelDeployment.parse({"metadata": {"name": "x"}, "kind": "x", "spec": spec}).spec
    assert (parsed.version, parsed.replicas) == (3, replicas)
    assert parsed.autoscaling
    assert (parsed.autoscaling.min_replicas, parsed.autoscaling.max_replicas) == (replicas, most)


def test_without_autoscaling_the_patch_takes_it_away() -> None:
    spec = deployment_spec(rest.Deploy(auto_scale=False), "churn", 1)
    assert spec["autoscaling"] is None


def test_a_canary_is_named_or_taken_away() -> None:
    body = rest.Deploy(canary=rest.CanaryRequest(version="v4", weight=25))
    assert deployment_spec(body, "churn", 3, 4)["canary"] == {"version": 4, "weight": 25}
    assert deployment_spec(rest.Deploy(), "churn", 3)["canary"] is None


def test_a_list_shows_what_a_canary_gets_and_not_what_it_is_to_get() -> None:
    trying = samples.deployment(canary={"version": 2, "weight": 25})
    shown = deployment_list(samples.view(deployments=[trying]), "").deployments[0]
    assert shown.canary == rest.CanaryJson(version=2, weight=0)
    plain = deployment_list(samples.view(deployments=[samples.deployment()]), "")
    assert "canary" not in plain.model_dump(mode="json")["deployments"][0]
