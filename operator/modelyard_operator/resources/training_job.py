"""The Job that builds a ModelVersion."""

from modelyard_crds import names
from modelyard_crds.build import (
    ENV_BUILD_REQUEST,
    ENV_PLANNER_MODEL,
    ENV_PLANNER_URL,
    EXIT_USER_FAULT,
    BuildRequest,
)
from modelyard_crds.model_version import ModelVersion
from modelyard_operator.resources.runtime import (
    OF_A_JOB,
    Manifest,
    Placement,
    Runtime,
    container,
    metadata,
    pod_spec,
)
from modelyard_operator.resources.sizing import training_resources
from modelyard_operator.resources.training_pods import leader, pods_name

CONTAINER = "train"
#: A node's fault is tried this often; the dataset's fault never (see failure_policy).
BACKOFF_LIMIT = 2
#: Fetching the image, reading the data, converting and uploading, on a slow day.
OVERHEAD_SECONDS = 1800

LABEL_QUEUE = "kueue.x-k8s.io/queue-name"


def build_training_job(version: ModelVersion, runtime: Runtime, job_id: str) -> Manifest:
    """The one Job of a version; it has the version's name, which makes it the only one."""
    training = version.spec.build.training
    labels = names.common_labels(
        "training",
        {
            names.LABEL_MODEL: version.spec.model_ref.name,
            names.LABEL_VERSION: str(version.spec.version),
        },
    )
    queue = {LABEL_QUEUE: training.queue_name} if training.queue_name else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(version, version.metadata.name, {**labels, **queue}, {}),
        "spec": {
            **_tries(training.parallelism),
            "activeDeadlineSeconds": deadline_seconds(version),
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": failure_policy(CONTAINER, [EXIT_USER_FAULT]),
            # Kueue admits a Job by taking the suspension away.
            **({"suspend": True} if queue else {}),
            "template": {
                "metadata": {"labels": labels},
                "spec": _pod(version, runtime, job_id),
            },
        },
    }


def _tries(pods: int) -> Manifest:
    """One pod, or an Indexed Job (KEP-2214) that is done as soon as the pod of rank 0 is.

    Each rank has its own tries (KEP-3850), so that helpers that fail do not end the build, and
    the success policy (KEP-3998) ends them with it.
    """
    if pods == 1:
        return {"backoffLimit": BACKOFF_LIMIT}
    return {
        "backoffLimitPerIndex": BACKOFF_LIMIT,
        "completionMode": "Indexed",
        "completions": pods,
        "parallelism": pods,
        "successPolicy": {"rules": [{"succeededIndexes": "0"}]},
    }


def deadline_seconds(version: ModelVersion) -> int:
    """When a Job that still runs is given up: the last net under a search that has its own."""
    return 2 * version.spec.build.training.budget_seconds + OVERHEAD_SECONDS


def failure_policy(container_name: str, final_codes: list[int]) -> Manifest:
    """A lost node counts as nothing, and these exit codes end the Job at once."""
    return {
        "rules": [
            {
                "action": "Ignore",
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
            },
            {
                "action": "FailJob",
                "onExitCodes": {
                    "containerName": container_name,
                    "operator": "In",
                    "values": final_codes,
                },
            },
        ]
    }


def _pod(version: ModelVersion, runtime: Runtime, job_id: str) -> Manifest:
    build = version.spec.build
    request = BuildRequest(
        namespace=version.metadata.namespace,
        model=version.spec.model_ref.name,
        version=version.spec.version,
        version_uid=version.metadata.uid,
        job_id=job_id,
        leader=leader(version),
        build=build,
    )
    main = container(
        runtime,
        CONTAINER,
        ["modelyard-train", "build"],
        (ENV_BUILD_REQUEST, request),
        training_resources(build),
    )
    main["env"] += _planner(runtime)
    secret = build.source.credentials_secret_ref
    placement = Placement(
        build.training.node_selector,
        build.training.tolerations,
        build.training.priority_class_name,
    )
    several = request.leader is not None
    return pod_spec(
        runtime,
        main,
        placement,
        source_secret=secret.name if secret else None,
        pods_secret=pods_name(version) if several else None,
        planner_secret=names.PLANNER_SECRET if runtime.planner_url else None,
        **OF_A_JOB,
        # The host name is the Job's and the rank; the subdomain lets the others find it.
        **({"subdomain": pods_name(version)} if several else {}),
    )


def _planner(runtime: Runtime) -> list[Manifest]:
    if not runtime.planner_url:
        return []
    given = {ENV_PLANNER_URL: runtime.planner_url, ENV_PLANNER_MODEL: runtime.planner_model}
    return [{"name": name, "value": value} for name, value in given.items()]
