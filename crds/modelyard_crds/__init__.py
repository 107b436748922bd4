"""The types of Modelyard: one pydantic module a kind, and what all kinds share.

Everything else is generated from or stands on this package: the CRD YAML, the operator, the
façade, the docs. It does no I/O and imports neither a cluster client nor a machine-learning
library. It also holds the few facts that two programs must agree on: names and ids
(``names``), condition types and reasons (``reasons``), the layout of the object store and the
messages between pods and operator (``build``).
"""

from modelyard_crds.conditions import Condition
from modelyard_crds.dataset import Dataset, DatasetSpec, DatasetStatus
from modelyard_crds.model import Model, ModelSpec, ModelStatus
from modelyard_crds.model_deployment import (
    ModelDeployment,
    ModelDeploymentSpec,
    ModelDeploymentStatus,
)
from modelyard_crds.model_version import ModelVersion, ModelVersionSpec, ModelVersionStatus

__all__ = [
    "Condition",
    "Dataset",
    "DatasetSpec",
    "DatasetStatus",
    "Model",
    "ModelDeployment",
    "ModelDeploymentSpec",
    "ModelDeploymentStatus",
    "ModelSpec",
    "ModelStatus",
    "ModelVersion",
    "ModelVersionSpec",
    "ModelVersionStatus",
]
