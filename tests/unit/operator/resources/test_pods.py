"""Every pod is one that the restricted Pod Security Standard lets in, and fits its limits."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from modelyard_crds import names
from modelyard_crds.build import (
    ENV_PLANNER_KEY,
    ENV_PLANNER_MODEL,
    ENV_PLANNER_URL,
    PLANNER_KEY_FILE,
    BuildRequest,
    ProfileRequest,
    ServeRequest,
)
from modelyard_operator.resources.deployment import Servable, build_deployment
from modelyard_operator.resources.pod_secrets import build_planner_secret
from modelyard_operator.resources.profile_job import build_profile_job
from modelyard_operator.resources.runtime import Runtime
from modelyard_operator.resources.training_job import build_training_job
from modelyard_operator.resources.training_pods import build_pods_secret, build_pods_service
from unit.operator import samples

Manifest = dict[str, Any]
SERVABLE = Servable(3, "uid-v3", samples.DIGEST)


def pods() -> dict[str, Manifest]:
    jobs = {
        "profile": build_profile_job(samples.dataset(), "f" * 64, samples.RUNTIME),
        "train": build_training_job(samples.version(), samples.RUNTIME, "job_1"),
        "train-several": build_training_job(
            samples.version(of=samples.model(training={"parallelism": 2})), samples.RUNTIME, "job_2"
        ),
        "serve": build_deployment(samples.deployment(), SERVABLE, samples.RUNTIME),
    }
    return {name: job["spec"]["template"]["spec"] for name, job in jobs.items()}


@pytest.mark.parametrize("pod", pods().values(), ids=pods())
def test_pod_is_restricted(pod: Manifest) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    security = pod["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 10001)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]["requests"]) >= {"cpu", "memory"}
        assert set(container["resources"]["limits"]) >= {"cpu", "memory"}
    kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"emptyDir", "secret"}


def environment(pod: Manifest) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in pod["containers"][0]["env"]}


def test_only_training_pods_are_told_of_a_planner_and_never_its_key() -> None:
    runtime = replace(samples.RUNTIME, planner_url="https://llm.example.com/v1", planner_model="m")
    told = build_training_job(samples.version(), runtime, "job_1")["spec"]["template"]["spec"]
    variables = environment(told)
    assert variables[ENV_PLANNER_URL] == "https://llm.example.com/v1"
    assert variables[ENV_PLANNER_MODEL] == "m"
    assert ENV_PLANNER_KEY not in variables
    assert "llm.example.com" not in str(
        build_deployment(samples.deployment(), SERVABLE, runtime)
    ) + str(build_profile_job(samples.dataset(), "f" * 64, runtime))
    assert ENV_PLANNER_URL not in environment(pods()["train"])


def test_the_planner_s_key_is_a_secret_that_only_training_pods_mount() -> None:
    secret = build_planner_secret("team-a", "sk-1")
    assert base64.b64decode(secret["data"][PLANNER_KEY_FILE]) == b"sk-1"
    runtime = replace(samples.RUNTIME, planner_url="https://llm.example.com/v1", planner_model="m")
    training = build_training_job(samples.version(), runtime, "job_1")
    mounted = {"secretName": secret["metadata"]["name"], "defaultMode": 0o440, "optional": True}
    volumes = training["spec"]["template"]["spec"]["volumes"]
    assert {"name": "planner", "secret": mounted} in volumes
    others = (
        build_deployment(samples.deployment(), SERVABLE, runtime),
        build_profile_job(samples.dataset(), "f" * 64, runtime),
        build_training_job(samples.version(), samples.RUNTIME, "job_1"),
    )
    assert "modelyard-planner" not in str(others)


def test_each_pod_gets_its_work_as_one_variable() -> None:
    built = pods()
    profile = ProfileRequest.model_validate_json(
        environment(built["profile"])["MODELYARD_PROFILE_REQUEST"]
    )
    assert (profile.dataset, profile.source_hash) == ("table", "f" * 64)
    build = BuildRequest.model_validate_json(environment(built["train"])["MODELYARD_BUILD_REQUEST"])
    assert (build.version_uid, build.job_id) == ("uid-churn-v1", "job_1")
    assert build.build.dataset_digest == samples.DIGEST
    serve = ServeRequest.model_validate_json(environment(built["serve"])["MODELYARD_SERVE_REQUEST"])
    assert serve.manifest_key == "builds/uid-v3/manifest.json"
    assert serve.manifest_digest == samples.DIGEST


def test_a_pod_of_a_job_that_is_told_to_end_has_no_time_to_finish_its_work() -> None:
    """A version that was cancelled while the interpreter started was READY half a minute later."""
    graces = {name: pod["terminationGracePeriodSeconds"] for name, pod in pods().items()}
    assert graces["profile"] == graces["train"] == 5
    assert graces["serve"] > graces["train"]


def test_training_job_tries_again_only_what_may_pass() -> None:
    job = build_training_job(samples.version(), samples.RUNTIME, "job_1")
    spec = job["spec"]
    assert "ttlSecondsAfterFinished" not in spec
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["activeDeadlineSeconds"] == 2 * 600 + 1800
    ignore, fail = spec["podFailurePolicy"]["rules"]
    assert ignore["onPodConditions"][0]["type"] == "DisruptionTarget"
    assert fail["onExitCodes"]["values"] == [65]
    assert "suspend" not in spec


def test_profile_job_leaves_an_unreachable_source_to_the_operator() -> None:
    job = build_profile_job(samples.dataset(), "f" * 64, samples.RUNTIME)
    assert job["spec"]["podFailurePolicy"]["rules"][1]["onExitCodes"]["values"] == [65, 75]


def test_queue_suspends_the_job_and_names_the_queue() -> None:
    queued = samples.version(of=samples.model(training={"queueName": "gold"}))
    job = build_training_job(queued, samples.RUNTIME, "job_1")
    assert job["spec"]["suspend"] is True
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gold"
    assert "kueue.x-k8s.io/queue-name" not in job["spec"]["template"]["metadata"]["labels"]


def test_placement_and_credentials_are_passed_through() -> None:
    training = {
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "priorityClassName": "low",
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
    }
    version = samples.version(of=samples.model(training=training))
    build = version.spec.build
    source = build.source.model_copy(update={"credentials_secret_ref": _ref("s3-keys")})
    spec = version.spec.model_copy(update={"build": build.model_copy(update={"source": source})})
    job = build_training_job(version.model_copy(update={"spec": spec}), samples.RUNTIME, "job_1")
    pod = job["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"pool": "gpu"}
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert pod["priorityClassName"] == "low"
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert {"secretName": "s3-keys", "defaultMode": 0o440} in [
        volume.get("secret") for volume in pod["volumes"]
    ]


def test_pull_secrets_come_from_the_settings() -> None:
    runtime = Runtime(image="i", pull_secrets=("registry",))
    job = build_training_job(samples.version(), runtime, "job_1")
    assert job["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_children_hold_up_no_deletion_and_are_ours_to_watch() -> None:
    job = build_training_job(samples.version(), samples.RUNTIME, "job_1")
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["controller"], owner["blockOwnerDeletion"]) == (True, False)
    for labels in (job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
        assert labels[names.MANAGED_BY] == names.MANAGER


def test_builders_give_json_and_equal_objects_for_equal_input() -> None:
    assert json.dumps(pods(), sort_keys=True) == json.dumps(pods(), sort_keys=True)


def _ref(name: str) -> Any:
    from modelyard_crds.fields import SecretRef

    return SecretRef(name=name)


def test_several_pods_are_an_indexed_job_that_ends_with_rank_0() -> None:
    """Each rank has its own tries: helpers that fail do not end the build."""
    version = samples.version(of=samples.model(training={"parallelism": 3, "queueName": "gold"}))
    spec = build_training_job(version, samples.RUNTIME, "job_1")["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 3, 3)
    assert spec["successPolicy"] == {"rules": [{"succeededIndexes": "0"}]}
    assert spec["backoffLimitPerIndex"] == 2
    assert "backoffLimit" not in spec
    assert spec["suspend"] is True
    pod = spec["template"]["spec"]
    service = build_pods_service(version, "uid-job")
    assert pod["subdomain"] == service["metadata"]["name"]
    template = spec["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= template.items()
    request = BuildRequest.model_validate_json(environment(pod)["MODELYARD_BUILD_REQUEST"])
    assert request.leader == f"churn-v1-0.{pod['subdomain']}"
    mounted = {volume["name"]: volume.get("secret") for volume in pod["volumes"]}
    assert mounted["pods"] == {
        "secretName": build_pods_secret(version, "uid-job", "s")["metadata"]["name"],
        "defaultMode": 0o440,
    }


def test_one_pod_is_a_plain_job() -> None:
    spec = build_training_job(samples.version(), samples.RUNTIME, "job_1")["spec"]
    assert "completionMode" not in spec
    assert spec["backoffLimit"] == 2
    assert "subdomain" not in spec["template"]["spec"]
