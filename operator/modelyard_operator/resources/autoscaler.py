"""The HorizontalPodAutoscaler of a ModelDeployment that lets load decide."""

from modelyard_crds.model_deployment import Autoscaling, ModelDeployment
from modelyard_operator.resources.deployment import CONTAINER, child_labels
from modelyard_operator.resources.runtime import Manifest, metadata, with_applied_hash


def build_autoscaler(deployment: ModelDeployment, autoscaling: Autoscaling) -> Manifest:
    """The autoscaler; it looks at our container alone, whatever else is in the pod."""
    manifest = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(deployment, deployment.metadata.name, child_labels(deployment), {}),
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": deployment.metadata.name,
            },
            "minReplicas": autoscaling.min_replicas,
            "maxReplicas": autoscaling.max_replicas,
            "metrics": [
                {
                    "type": "ContainerResource",
                    "containerResource": {
                        "name": "cpu",
                        "container": CONTAINER,
                        "target": {
                            "type": "Utilization",
                            "averageUtilization": autoscaling.target_cpu_utilization,
                        },
                    },
                }
            ],
            "behavior": {"scaleDown": _scale_down(deployment, autoscaling)},
        },
    }
    return with_applied_hash(manifest)


def _scale_down(deployment: ModelDeployment, autoscaling: Autoscaling) -> Manifest:
    window = {"stabilizationWindowSeconds": autoscaling.scale_down_stabilization_seconds}
    if deployment.spec.canary is None:
        return window
    # The pods whose load the canary takes must be there when it fails.
    return {**window, "selectPolicy": "Disabled"}
