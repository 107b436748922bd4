"""The Job that reads a Dataset's content once."""

from modelyard_crds import names
from modelyard_crds.build import (
    ENV_PROFILE_REQUEST,
    EXIT_TEMPORARY,
    EXIT_USER_FAULT,
    ProfileRequest,
)
from modelyard_crds.dataset import Dataset
from modelyard_operator.resources.runtime import (
    OF_A_JOB,
    Manifest,
    Placement,
    Runtime,
    container,
    metadata,
    pod_spec,
)
from modelyard_operator.resources.sizing import PROFILING, merged
from modelyard_operator.resources.training_job import failure_policy

CONTAINER = "profile"
DEADLINE_SECONDS = 1800


def build_profile_job(dataset: Dataset, source_hash: str, runtime: Runtime) -> Manifest:
    """The Job for one source; its name has the source's hash, so that a new source is a new Job."""
    request = ProfileRequest(
        namespace=dataset.metadata.namespace,
        dataset=dataset.metadata.name,
        dataset_uid=dataset.metadata.uid,
        source_hash=source_hash,
        source=dataset.spec.source,
        format=dataset.spec.format,
    )
    labels = names.common_labels("profiling", {names.LABEL_DATASET: dataset.metadata.name})
    main = container(
        runtime,
        CONTAINER,
        ["modelyard-train", "profile"],
        (ENV_PROFILE_REQUEST, request),
        merged(PROFILING, dataset.spec.resources),
    )
    secret = dataset.spec.source.credentials_secret_ref
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(
            dataset, names.profile_job_name(dataset.metadata.name, source_hash), labels, {}
        ),
        "spec": {
            "backoffLimit": 2,
            "activeDeadlineSeconds": DEADLINE_SECONDS,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": failure_policy(
                CONTAINER,
                # A source that does not answer is tried again by the operator, which says so.
                [EXIT_USER_FAULT, EXIT_TEMPORARY],
            ),
            "template": {
                "metadata": {"labels": labels},
                "spec": pod_spec(
                    runtime,
                    main,
                    Placement(),
                    source_secret=secret.name if secret else None,
                    **OF_A_JOB,
                ),
            },
        },
    }
