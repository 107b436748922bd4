"""What the pods of one build need to find and trust each other: a Service and a Secret.

Only builds whose training.parallelism is more than 1 have them. They belong to the Job and go
with it. The Secret's content is made once, and never read again by the operator. Called by
``model_version`` and ``training_job``.
"""

from modelyard_crds import names
from modelyard_crds.build import LEADER_PORT, LEARNING_PORT, PODS_SECRET_KEY, WORKER_PORT
from modelyard_crds.model_version import ModelVersion
from modelyard_operator.resources.runtime import Manifest

_PORTS = (("leader", LEADER_PORT), ("worker", WORKER_PORT), ("learning", LEARNING_PORT))


def pods_name(version: ModelVersion) -> str:
    """The name of both, and the subdomain of the pods."""
    return names.pods_name(version.metadata.uid, version.status.rebuilds or 0)


def leader(version: ModelVersion) -> str | None:
    """Host name of the pod of rank 0, as the others find it; None for a build of one pod."""
    if version.spec.build.training.parallelism == 1:
        return None
    return f"{version.metadata.name}-0.{pods_name(version)}"


def build_pods_service(version: ModelVersion, job_uid: str) -> Manifest:
    """The headless Service that gives each pod a name, also before it is ready."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(version, job_uid),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": _labels(version),
            "ports": [
                {"name": name, "port": port, "protocol": "TCP", "targetPort": port}
                for name, port in _PORTS
            ],
        },
    }


def build_pods_secret(version: ModelVersion, job_uid: str, secret: str) -> Manifest:
    """What the pods derive their certificates from; without it none gets a word out of them."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(version, job_uid),
        "type": "Opaque",
        "immutable": True,
        "stringData": {PODS_SECRET_KEY: secret},
    }


def _labels(version: ModelVersion) -> dict[str, str]:
    return names.common_labels(
        "training",
        {
            names.LABEL_MODEL: version.spec.model_ref.name,
            names.LABEL_VERSION: str(version.spec.version),
        },
    )


def _metadata(version: ModelVersion, job_uid: str) -> Manifest:
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": version.metadata.name,
        "uid": job_uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
    return {
        "name": pods_name(version),
        "namespace": version.metadata.namespace,
        "labels": _labels(version),
        "ownerReferences": [owner],
    }
