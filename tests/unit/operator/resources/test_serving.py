"""The children of a ModelDeployment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelyard_crds import names
from modelyard_crds.build import ENV_SERVE_REQUEST, ServeRequest
from modelyard_crds.model_deployment import Autoscaling
from modelyard_operator.resources.autoscaler import build_autoscaler
from modelyard_operator.resources.deployment import (
    Servable,
    build_deployment,
    build_replicas,
    selector_labels,
)
from modelyard_operator.resources.disruption_budget import build_disruption_budget
from modelyard_operator.resources.service import build_service, endpoint
from unit.operator import samples

SERVABLE = Servable(3, "uid-v3", samples.DIGEST)


def test_selectors_agree_and_belong_to_this_object_alone() -> None:
    """Pitfall 7.11: equal names or labels never select foreign pods."""
    deployment = samples.deployment()
    selector = selector_labels(deployment)
    built = build_deployment(deployment, SERVABLE, samples.RUNTIME)
    assert selector == {names.LABEL_DEPLOYMENT_ID: names.deployment_id(deployment.metadata.uid)}
    assert built["spec"]["selector"]["matchLabels"] == selector
    assert selector.items() <= built["spec"]["template"]["metadata"]["labels"].items()
    assert build_service(deployment)["spec"]["selector"] == selector
    budget = build_disruption_budget(deployment)
    assert budget["spec"]["selector"]["matchLabels"] == selector


def test_rollout_takes_no_pod_away_before_its_successor_is_ready() -> None:
    """Pitfall 7.2."""
    built = build_deployment(samples.deployment(), SERVABLE, samples.RUNTIME)
    assert built["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    pod = built["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}}
    assert pod["terminationGracePeriodSeconds"] > 5
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_replicas_are_never_in_the_main_apply() -> None:
    """Pitfall 7.1: what was never applied is never defaulted back to 1."""
    built = build_deployment(samples.deployment(replicas=4), SERVABLE, samples.RUNTIME)
    assert "replicas" not in built["spec"]
    assert build_replicas(samples.deployment(), 4)["spec"] == {"replicas": 4}


def test_autoscaler_looks_at_our_container_alone() -> None:
    autoscaling = Autoscaling(min_replicas=2, max_replicas=7, target_cpu_utilization=60)
    spec = build_autoscaler(samples.deployment(), autoscaling)["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 7)
    (metric,) = spec["metrics"]
    assert metric["containerResource"]["container"] == "serve"
    assert metric["containerResource"]["target"]["averageUtilization"] == 60


@pytest.mark.parametrize(
    ("given", "window"), [({}, 120), ({"scaleDownStabilizationSeconds": 0}, 0)]
)
def test_pods_stay_a_while_after_the_load(given: dict[str, int], window: int) -> None:
    spec = build_autoscaler(samples.deployment(), Autoscaling.model_validate(given))["spec"]
    assert spec["behavior"] == {"scaleDown": {"stabilizationWindowSeconds": window}}


def test_budget_never_holds_up_a_drain() -> None:
    """Pitfall 7.12."""
    spec = build_disruption_budget(samples.deployment())["spec"]
    assert spec["maxUnavailable"] == 1
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_hash_moves_with_the_object_and_only_then() -> None:
    first = build_deployment(samples.deployment(), SERVABLE, samples.RUNTIME)
    again = build_deployment(samples.deployment(), SERVABLE, samples.RUNTIME)
    other = build_deployment(
        samples.deployment(), Servable(4, "uid-v4", samples.DIGEST), samples.RUNTIME
    )
    hashes = [
        item["metadata"]["annotations"][names.ANNOTATION_APPLIED] for item in (first, again, other)
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_endpoint_is_the_service() -> None:
    assert endpoint(samples.deployment()) == "http://churn-production.team-a.svc.cluster.local"
    (port,) = build_service(samples.deployment())["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (80, "http")


def test_pods_are_told_of_their_deployment_and_where_traces_go() -> None:
    deployment = samples.deployment(predictionLog={"sampleRate": 0.5, "exclude": ["name"]})
    runtime = replace(samples.RUNTIME, otlp_endpoint="http://collector:4318")
    (container,) = build_deployment(deployment, SERVABLE, runtime)["spec"]["template"]["spec"][
        "containers"
    ]
    environment = {item["name"]: item.get("value") for item in container["env"]}
    request = ServeRequest.model_validate_json(environment[ENV_SERVE_REQUEST])
    assert request.deployment_uid == deployment.metadata.uid
    assert request.prediction_log == deployment.spec.prediction_log
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"
    plain = build_deployment(deployment, SERVABLE, samples.RUNTIME)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in str(plain)
