"""A model with its versions and deployments, as gathered once for a request, and what follows.

REST speaks of a version from the moment it was asked for; its ModelVersion appears when the
operator has made it. So a number one above the newest may be spoken of here without an object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modelyard_api.annotations import REQUESTED_VERSION, UPDATED_AT
from modelyard_api.mapping.shapes import DeploymentStatus, Fault, Status
from modelyard_crds import Model, ModelDeployment, ModelVersion, names
from modelyard_crds.conditions import Condition, find
from modelyard_crds.model_deployment import DeploymentPhase
from modelyard_crds.reasons import ConditionType

LATEST = "latest"


@dataclass(frozen=True)
class ModelView:
    """A model and all that belongs to it."""

    model: Model
    versions: Mapping[int, ModelVersion]
    deployments: Sequence[ModelDeployment]

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.metadata.name

    @property
    def latest(self) -> int:
        """Number of the newest version; 0 before the first."""
        return max(max(self.versions, default=0), self.model.status.latest_version or 0)

    @property
    def next(self) -> int:
        """Number of the version that the next build makes."""
        return self.latest + 1

    @property
    def pending(self) -> int | None:
        """Number of a version that was asked for and has not been made yet."""
        return self.next if requested_version(self.model) > self.latest else None

    @property
    def ready(self) -> int | None:
        """Number of the newest READY version."""
        ready = [n for n, version in self.versions.items() if version.status.phase == "READY"]
        return max(ready, default=None)

    @property
    def shown(self) -> int:
        """The number that ``model_version`` shows: newest READY, else newest, else the first."""
        return self.ready or self.latest or 1

    @property
    def label(self) -> str:
        """``model_version`` of the model."""
        return names.version_label(self.shown)

    @property
    def status(self) -> Status:
        """Status of the model; DRAFT until the operator has seen it."""
        return self.model.status.phase or "DRAFT"

    @property
    def deployment_status(self) -> DeploymentStatus | None:
        """Summary over all deployments."""
        return deployment_summary(self.deployments)

    @property
    def updated_at(self) -> datetime:
        """When the model, a version or a deployment of it last changed."""
        changes = [
            last_change(self.model.metadata.creation_timestamp, self.model.status.conditions),
            *(v.status.finished_at for v in self.versions.values()),
            _annotated(self.model),
        ]
        return max(change for change in changes if change)

    def version_id(self, number: int) -> str:
        """Id of a version of the model."""
        return names.version_id(self.model.metadata.uid, number)

    def job_id(self, number: int) -> str:
        """Id of the build of a version of the model."""
        return names.job_id(self.model.metadata.uid, number)

    def find(self, text: str) -> int | None:
        """The number that a path means: vN.0, vN, N, ver_… or latest; None where there is none."""
        if text == LATEST:
            return self.ready or (None if self.versions else self.pending)
        known = {*self.versions, *([self.pending] if self.pending else [])}
        number = names.parse_version(text)
        if number is None:
            return next((n for n in known if self.version_id(n) == text), None)
        return number if number in known else None

    def version_status(self, number: int) -> Status:
        """Status of a version, also of one that has not been made yet."""
        version = self.versions.get(number)
        if version is not None:
            return version_status(version)
        # Once there are versions, ERROR and READY speak of another one.
        return self.status if self.status == "DRAFT" or not self.versions else "BUILDING"

    def fault(self) -> Fault | None:
        """Why the model is in ERROR or cannot build."""
        return fault(self.model.status.conditions) if self.status in {"ERROR", "DRAFT"} else None

    def version_fault(self, number: int) -> Fault | None:
        """Why a version failed or cannot be built."""
        version = self.versions.get(number)
        if version is None:
            failing = self.version_status(number) in {"ERROR", "DRAFT"}
            return self.fault() if failing else None
        failed = version_status(version) == "ERROR"
        return fault(version.status.conditions) if failed else None


def requested_version(model: Model) -> int:
    """Number of the newest version that was asked for; the first is asked for by the model."""
    asked = model.metadata.annotations.get(REQUESTED_VERSION, "")
    return int(asked) if asked.isdecimal() else 1


def version_status(version: ModelVersion) -> Status:
    """Status of a version in the four words of REST."""
    match version.status.phase:
        case "READY":
            return "READY"
        case "ERROR" | "CANCELLED":
            return "ERROR"
        case _:
            return "BUILDING"


def ending(deployment: ModelDeployment) -> bool:
    """Whether a deployment is being deleted: it takes no requests and is deployed to no more."""
    return deployment.metadata.deletion_timestamp is not None


def deployment_phase(deployment: ModelDeployment) -> DeploymentPhase:
    """Phase of a deployment; whatever one that is being deleted has said last, it is going."""
    return "UNDEPLOYING" if ending(deployment) else deployment.status.phase or "DEPLOYING"


def deployment_summary(deployments: Sequence[ModelDeployment]) -> DeploymentStatus | None:
    """One word over several deployments: the best that some of them is."""
    phases = {deployment_phase(deployment) for deployment in deployments}
    if "ACTIVE" in phases:
        return "DEPLOYED"
    for phase in ("DEGRADED", "DEPLOYING", "FAILED", "UNDEPLOYING"):
        if phase in phases:
            return phase
    return None


def fault(conditions: Sequence[Condition]) -> Fault | None:
    """What the Ready condition says, where it is not True."""
    ready = find(conditions, ConditionType.READY)
    if ready is None or ready.status == "True":
        return None
    return Fault(reason=ready.reason, message=ready.message)


def last_change(created_at: datetime | None, conditions: Sequence[Condition]) -> datetime:
    """When an object's conditions last changed, or it was created."""
    moments = [condition.last_transition_time for condition in conditions]
    return max([*moments, *([created_at] if created_at else [])])


def _annotated(model: Model) -> datetime | None:
    text = model.metadata.annotations.get(UPDATED_AT)
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
