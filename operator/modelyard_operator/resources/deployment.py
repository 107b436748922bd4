"""The Deployment whose pods serve one version."""

from dataclasses import dataclass
from enum import StrEnum

from modelyard_crds import names
from modelyard_crds.build import ENV_SERVE_REQUEST, SERVING_PORT, ServeRequest, manifest_key
from modelyard_crds.model_deployment import ModelDeployment
from modelyard_crds.model_version import ModelVersion
from modelyard_operator.resources.runtime import (
    Manifest,
    Placement,
    Runtime,
    container,
    metadata,
    pod_spec,
    with_applied_hash,
)
from modelyard_operator.resources.sizing import SERVING, merged

CONTAINER = "serve"
#: Which artifact the pods load; the sweeper leaves it in the store while a Deployment names it.
ANNOTATION_VERSION_UID = f"{names.GROUP}/version-uid"
#: After this time without a new ready pod the rollout counts as failed; old pods keep serving.
PROGRESS_DEADLINE_SECONDS = 120
#: Routers learn within this time that the pod is going; it answers until then.
PRE_STOP_SECONDS = 5
GRACE_SECONDS = 40

#: The scale of a Deployment is its own field with a manager of its own. The main apply never
#: names spec.replicas, so taking it over or handing it to the autoscaler removes no field, and
#: the API server has nothing to default back to 1.
REPLICAS_MANAGER = f"{names.FIELD_MANAGER}-replicas"


class Track(StrEnum):
    """Which of the two versions of a ModelDeployment a child is of."""

    STABLE = "stable"
    CANARY = "canary"


@dataclass(frozen=True)
class Servable:
    """A READY version, as far as serving needs it."""

    number: int
    uid: str
    digest: str

    @classmethod
    def of(cls, version: ModelVersion) -> "Servable | None":
        """The version's artifact; None while it has none."""
        artifact = version.status.artifact
        if version.status.phase != "READY" or artifact is None:
            return None
        return cls(version.spec.version, version.metadata.uid, artifact.digest)


def child_name(deployment: ModelDeployment, track: Track) -> str:
    """Name of the Deployment and the Service of a track."""
    name = deployment.metadata.name
    return names.canary_name(name) if track is Track.CANARY else name


def pods_id(deployment: ModelDeployment, track: Track) -> str:
    """What only pods of this very object and track are labelled with."""
    identity = names.deployment_id(deployment.metadata.uid)
    return f"{identity}-{track}" if track is Track.CANARY else identity


def selector_labels(deployment: ModelDeployment, track: Track = Track.STABLE) -> dict[str, str]:
    """The label that only pods of this very object have, also after it was made anew."""
    return {names.LABEL_DEPLOYMENT_ID: pods_id(deployment, track)}


def child_labels(deployment: ModelDeployment, track: Track = Track.STABLE) -> dict[str, str]:
    """Labels of everything that a ModelDeployment owns."""
    return names.common_labels(
        "serving",
        {
            names.LABEL_MODEL: deployment.spec.model_ref.name,
            names.LABEL_DEPLOYMENT: deployment.metadata.name,
            **selector_labels(deployment, track),
        },
    )


def build_deployment(
    deployment: ModelDeployment,
    servable: Servable,
    runtime: Runtime,
    track: Track = Track.STABLE,
) -> Manifest:
    """The Deployment, without spec.replicas (see REPLICAS_MANAGER)."""
    labels = child_labels(deployment, track)
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(
            deployment,
            child_name(deployment, track),
            labels,
            {ANNOTATION_VERSION_UID: servable.uid},
            outlived=True,
        ),
        "spec": {
            "selector": {"matchLabels": selector_labels(deployment, track)},
            "revisionHistoryLimit": 2,
            "progressDeadlineSeconds": PROGRESS_DEADLINE_SECONDS,
            "strategy": _strategy(track),
            "template": {
                "metadata": {"labels": {**labels, names.LABEL_VERSION: str(servable.number)}},
                "spec": _pod(deployment, servable, runtime, track),
            },
        },
    }
    return with_applied_hash(manifest)


def _strategy(track: Track) -> Manifest:
    if track is Track.CANARY:
        # Never two versions at once under the name of one; its share falls back meanwhile.
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def build_replicas(
    deployment: ModelDeployment, replicas: int, track: Track = Track.STABLE
) -> Manifest:
    """The scale of the Deployment, to be applied by REPLICAS_MANAGER."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": child_name(deployment, track),
            "namespace": deployment.metadata.namespace,
        },
        "spec": {"replicas": replicas},
    }


def _pod(
    deployment: ModelDeployment, servable: Servable, runtime: Runtime, track: Track
) -> Manifest:
    request = ServeRequest(
        namespace=deployment.metadata.namespace,
        model=deployment.spec.model_ref.name,
        version=servable.number,
        manifest_key=manifest_key(servable.uid),
        manifest_digest=servable.digest,
        deployment_uid=deployment.metadata.uid,
        prediction_log=deployment.spec.prediction_log,
    )
    served = container(
        runtime,
        CONTAINER,
        ["modelyard-serve"],
        (ENV_SERVE_REQUEST, request),
        merged(SERVING, deployment.spec.resources),
    )
    main = {
        **served,
        "env": [*served["env"], *_tracing(runtime)],
        "ports": [{"name": "http", "containerPort": SERVING_PORT, "protocol": "TCP"}],
        "lifecycle": {"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}},
        "startupProbe": _probe("/readyz", period=1, failures=PROGRESS_DEADLINE_SECONDS, timeout=2),
        "readinessProbe": _probe("/readyz", period=5, failures=2, timeout=3),
        "livenessProbe": _probe("/healthz", period=10, failures=6, timeout=5),
    }
    placement = Placement(deployment.spec.node_selector, deployment.spec.tolerations)
    return pod_spec(
        runtime,
        main,
        placement,
        terminationGracePeriodSeconds=GRACE_SECONDS,
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector_labels(deployment, track)},
            }
        ],
    )


def _tracing(runtime: Runtime) -> list[Manifest]:
    if not runtime.otlp_endpoint:
        return []
    return [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": runtime.otlp_endpoint}]


def _probe(path: str, *, period: int, failures: int, timeout: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": timeout,
    }
