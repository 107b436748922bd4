"""Names, labels, annotations and ids: what every part must spell the same way."""

import hashlib
import json
import re
from collections.abc import Mapping

GROUP = "modelyard.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "modelyard"
FIELD_MANAGER = "modelyard-operator"
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "modelyard"

LABEL_COMPONENT = "app.kubernetes.io/component"
LABEL_DATASET = f"{GROUP}/dataset"
LABEL_MODEL = f"{GROUP}/model"
LABEL_VERSION = f"{GROUP}/version"
LABEL_DEPLOYMENT = f"{GROUP}/deployment"
#: The public id of a ModelDeployment: what its Service and Deployment select pods by.
LABEL_DEPLOYMENT_ID = f"{GROUP}/deployment-id"

#: A new value on a Model makes a new version from an unchanged spec.
ANNOTATION_RETRAIN = f"{GROUP}/retrain"
#: A new value on a Dataset reads its content again.
ANNOTATION_REFRESH = f"{GROUP}/refresh"
#: Who created the object through REST, as a public user id.
ANNOTATION_CREATED_BY = f"{GROUP}/created-by"
#: Hash of the desired object that was last applied; equal hashes need no write.
ANNOTATION_APPLIED = f"{GROUP}/applied-hash"

#: The Secret in an account's namespace that opens the object store to training and serving pods.
STORE_SECRET = "modelyard-store"  # noqa: S105 - a name, not a secret
PLANNER_SECRET = "modelyard-planner"  # noqa: S105 - a name, not a secret

#: Longest name of a Dataset, Model or ModelDeployment, so that every derived name fits in 63.
NAME_MAX_LENGTH = 52

_ID_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 12
_VERSION_PATH = re.compile(r"v?([1-9][0-9]{0,5})(?:\.0)?")


def public_id(prefix: str, uid: str) -> str:
    """The id REST shows for an object: ``prefix_`` and 12 letters or digits from its uid."""
    number = int.from_bytes(hashlib.sha256(uid.encode()).digest()[:16], "big")
    letters = []
    for _ in range(_ID_LENGTH):
        number, remainder = divmod(number, len(_ID_ALPHABET))
        letters.append(_ID_ALPHABET[remainder])
    return f"{prefix}_{''.join(letters)}"


def dataset_id(uid: str) -> str:
    """The id of a Dataset in REST."""
    return public_id("ds", uid)


def deployment_id(uid: str) -> str:
    """The id of a ModelDeployment in REST."""
    return public_id("dep", uid)


def version_id(model_uid: str, version: int) -> str:
    """The id of a version in REST: known before the ModelVersion exists."""
    return public_id("ver", f"{model_uid}/{version}")


def job_id(model_uid: str, version: int) -> str:
    """The id of a version's build in REST: known before the ModelVersion exists."""
    return public_id("job", f"{model_uid}/{version}")


def version_name(model: str, version: int) -> str:
    """Name of version N of a model; creating it is the claim on the number N."""
    return f"{model}-v{version}"


def version_label(version: int) -> str:
    """How REST writes version N: ``vN.0``."""
    return f"v{version}.0"


def parse_version(text: str) -> int | None:
    """The N of ``vN.0``, ``vN`` or ``N``; None for anything else."""
    match = _VERSION_PATH.fullmatch(text)
    return int(match[1]) if match else None


def profile_job_name(dataset: str, source_hash: str) -> str:
    """Name of the Job that reads one source of a Dataset."""
    return f"{dataset}-p{source_hash[:7]}"


def canary_name(deployment: str) -> str:
    """Name of the Deployment and Service of the version that a ModelDeployment tries out."""
    return f"{deployment}-canary"


def pods_name(version_uid: str, rebuilds: int) -> str:
    """Name of what the pods of a build of several share; another try is never met by the last's."""
    digest = hashlib.sha256(f"{version_uid}/{rebuilds}".encode()).hexdigest()
    return f"pods-{digest[:12]}"


def content_hash(value: object) -> str:
    """Hex sha256 of a JSON value, independent of the order of keys."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def common_labels(component: str, extra: Mapping[str, str]) -> dict[str, str]:
    """Labels of every object that the operator owns."""
    return {MANAGED_BY: MANAGER, LABEL_COMPONENT: component, **extra}
