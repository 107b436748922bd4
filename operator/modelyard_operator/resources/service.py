"""The Services that give a ModelDeployment, and what it tries out, their stable addresses."""

from modelyard_crds.model_deployment import ModelDeployment
from modelyard_operator.resources.deployment import Track, child_labels, child_name, selector_labels
from modelyard_operator.resources.runtime import Manifest, metadata, with_applied_hash

PORT = 80


def endpoint(deployment: ModelDeployment) -> str:
    """The address inside the cluster."""
    return f"http://{deployment.metadata.name}.{deployment.metadata.namespace}.svc.cluster.local"


def build_service(deployment: ModelDeployment, track: Track = Track.STABLE) -> Manifest:
    """The Service of a track; the stable one has the ModelDeployment's own name."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(
            deployment, child_name(deployment, track), child_labels(deployment, track), {}
        ),
        "spec": {
            "type": "ClusterIP",
            "selector": selector_labels(deployment, track),
            "ports": [{"name": "http", "port": PORT, "protocol": "TCP", "targetPort": "http"}],
        },
    }
    return with_applied_hash(manifest)
