"""Jobs and pods as the policies see them: the few facts that decide, out of raw objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelyard_crds import names
from modelyard_crds.build import PodResult

Raw = Mapping[str, Any]

#: Kubernetes sets it on the pods of an Indexed Job.
LABEL_RANK = "batch.kubernetes.io/job-completion-index"


def moment(text: str | None) -> datetime | None:
    """A time as the API server writes it."""
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True)
class JobFacts:
    """One Job."""

    name: str
    uid: str
    created_at: datetime | None
    suspended: bool
    active: int
    #: Type of the condition that ended it: Complete, SuccessCriteriaMet, Failed, FailureTarget.
    ended: str | None
    end_reason: str
    end_message: str
    ended_at: datetime | None
    deadline_seconds: int | None
    #: Whether the pod of rank 0 is not tried again, though others still wait for it.
    leaderless: bool

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.ended == "Complete"

    @property
    def failed(self) -> bool:
        """Whether it ended, and not well."""
        return self.ended == "Failed"

    @classmethod
    def of(cls, raw: Raw) -> "JobFacts":
        """The facts of a raw Job."""
        status = raw.get("status", {})
        final: Raw = next(
            (
                condition
                for condition in status.get("conditions", ())
                if condition["type"] in ("Complete", "Failed") and condition["status"] == "True"
            ),
            {},
        )
        return cls(
            name=raw["metadata"]["name"],
            uid=raw["metadata"]["uid"],
            created_at=moment(raw["metadata"].get("creationTimestamp")),
            suspended=bool(raw.get("spec", {}).get("suspend")),
            active=status.get("active", 0),
            ended=final.get("type"),
            end_reason=final.get("reason", ""),
            end_message=final.get("message", ""),
            ended_at=moment(final.get("lastTransitionTime")),
            deadline_seconds=raw.get("spec", {}).get("activeDeadlineSeconds"),
            # Ranges in order, such as 0-2,5.
            leaderless=status.get("failedIndexes", "").replace("-", ",").split(",")[0] == "0",
        )


@dataclass(frozen=True)
class Termination:
    """How a container ended."""

    exit_code: int
    reason: str
    message: str
    finished_at: datetime | None

    @property
    def result(self) -> PodResult | None:
        """What our program said at its end, where it came to say it."""
        return PodResult.decode(self.message)

    @property
    def out_of_memory(self) -> bool:
        """Whether the kernel ended it for its memory."""
        return self.reason == "OOMKilled"

    @classmethod
    def of(cls, raw: Raw | None) -> "Termination | None":
        """The facts of ``state.terminated``."""
        if not raw:
            return None
        return cls(
            exit_code=raw.get("exitCode", 0),
            reason=raw.get("reason", ""),
            message=raw.get("message", ""),
            finished_at=moment(raw.get("finishedAt")),
        )


@dataclass(frozen=True)
class PodFacts:
    """One pod, seen through its container of ours; a sidecar changes nothing."""

    name: str
    uid: str
    #: Which of a Job's pods it is; 0 where there is one.
    rank: int
    created_at: datetime | None
    terminating: bool
    phase: str
    ready: bool
    node: str
    version: int | None
    running: bool
    waiting_reason: str
    waiting_message: str
    terminated: Termination | None
    last_terminated: Termination | None
    restarts: int
    unschedulable: str
    disrupted: bool
    pod_reason: str
    pod_message: str
    containers_started: bool
    memory_limit: str | None
    image: str

    @classmethod
    def of(cls, raw: Raw, container: str) -> "PodFacts":
        """The facts of a raw Pod, through the container of this name."""
        meta, spec, status = raw["metadata"], raw.get("spec", {}), raw.get("status", {})
        conditions = {item["type"]: item for item in status.get("conditions", ())}
        ours = _named(spec.get("containers", ()), container)
        seen = _named(status.get("containerStatuses", ()), container)
        state = seen.get("state", {})
        waiting = state.get("waiting", {})
        scheduled = conditions.get("PodScheduled", {})
        version = meta.get("labels", {}).get(names.LABEL_VERSION, "")
        return cls(
            name=meta["name"],
            uid=meta["uid"],
            rank=int(meta.get("labels", {}).get(LABEL_RANK, "0")),
            created_at=moment(meta.get("creationTimestamp")),
            terminating="deletionTimestamp" in meta,
            phase=status.get("phase", "Pending"),
            ready=conditions.get("Ready", {}).get("status") == "True",
            node=spec.get("nodeName", ""),
            version=int(version) if version.isdecimal() else None,
            running="running" in state,
            waiting_reason=waiting.get("reason", ""),
            waiting_message=waiting.get("message", ""),
            terminated=Termination.of(state.get("terminated")),
            last_terminated=Termination.of(seen.get("lastState", {}).get("terminated")),
            restarts=seen.get("restartCount", 0),
            unschedulable=(
                scheduled.get("message", "") if scheduled.get("reason") == "Unschedulable" else ""
            ),
            disrupted=conditions.get("DisruptionTarget", {}).get("status") == "True",
            pod_reason=status.get("reason", ""),
            pod_message=status.get("message", ""),
            containers_started=bool(seen) and waiting.get("reason") != "ContainerCreating",
            memory_limit=ours.get("resources", {}).get("limits", {}).get("memory"),
            image=ours.get("image", ""),
        )


def _named(items: Any, name: str) -> Raw:
    found: Raw = next((item for item in items if item.get("name") == name), {})
    return found


def newest(pods: tuple[PodFacts, ...]) -> PodFacts | None:
    """The pod that was made last."""
    return max(pods, key=lambda pod: (str(pod.created_at or ""), pod.name), default=None)
