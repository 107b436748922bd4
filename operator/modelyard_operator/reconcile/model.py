"""Model: does it need a version, may one be made, and what does its newest one say?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from modelyard_crds import names
from modelyard_crds.conditions import find, is_true
from modelyard_crds.dataset import Dataset
from modelyard_crds.model import Model, Phase
from modelyard_crds.model_deployment import ModelDeployment
from modelyard_crds.model_version import ModelVersion
from modelyard_crds.reasons import ConditionType, Reason
from modelyard_operator.reconcile.dataset import source_hash
from modelyard_operator.reconcile.decision import (
    Apply,
    Create,
    Decision,
    Refusal,
    Standing,
    Verdict,
    Write,
    judged,
    last_verdict,
)
from modelyard_operator.reconcile.model_history import deployment_summary, expired_versions
from modelyard_operator.resources.model_version import (
    build_cancellation,
    build_model_version,
    spec_hash,
)

REFUSED_AGAIN = 5.0


@dataclass(frozen=True)
class ModelObserved:
    """All that a decision on a Model rests on."""

    model: Model
    now: datetime
    dataset: Dataset | None = None
    #: Versions of this very Model, in the order of their numbers.
    versions: tuple[ModelVersion, ...] = ()
    deployments: tuple[ModelDeployment, ...] = ()
    refusal: Refusal | None = None

    @property
    def newest(self) -> ModelVersion | None:
        """The version with the greatest number."""
        return self.versions[-1] if self.versions else None

    @property
    def next_number(self) -> int:
        """One more than any number ever given out."""
        newest = self.newest.spec.version if self.newest else 0
        return 1 + max(newest, self.model.status.latest_version or 0)

    @property
    def up_to_date(self) -> bool:
        """Whether the newest version is what the spec asks for.

        While the Dataset cannot tell its digest, the one that was built from last counts, unless
        the spec names another Dataset by now.
        Where and with what a build ran matters only while it has come to nothing: more memory
        is what a build needs that ran out of it, and is no news to one that is READY.
        """
        if self.newest is None:
            return False
        build = self.newest.spec.build
        digest = _usable_digest(self.dataset)
        if digest is None and build.dataset_ref != self.model.spec.dataset_ref:
            return False
        digest = digest or build.dataset_digest
        if self.newest.spec.spec_hash != spec_hash(self.model, digest):
            return False
        return not _in_trouble(self.newest) or build.training == self.model.spec.training


@dataclass(frozen=True)
class _Answer:
    verdict: Verdict
    phase: Phase
    writes: tuple[Write, ...] = ()
    #: Number of the version that the writes make.
    makes: int = 0


def decide_model(seen: ModelObserved) -> Decision:
    """What is due for a Model, and how it stands."""
    answer = next(answer for policy in _POLICIES if (answer := policy(seen)))
    before = seen.model.status
    generation = seen.model.metadata.generation
    numbers = [version.spec.version for version in seen.versions]
    ready = [version.spec.version for version in seen.versions if version.status.phase == "READY"]
    status = before.model_copy(
        update={
            "id": names.public_id("mdl", seen.model.metadata.uid),
            "phase": answer.phase,
            "observed_generation": generation,
            "latest_version": max([answer.makes, before.latest_version or 0, *numbers]) or None,
            "ready_version": max(ready, default=None),
            "deployment_status": deployment_summary(seen.deployments),
            "conditions": judged(
                list(before.conditions), answer.verdict, generation=generation, now=seen.now
            ),
        }
    )
    return Decision(
        status=status,
        writes=answer.writes + _retired(seen),
        requeue_after=answer.verdict.requeue_after,
    )


def _retired(seen: ModelObserved) -> tuple[Write, ...]:
    """Old versions that may go, and superseded ones that would wait for ever."""
    expired = expired_versions(
        seen.versions, seen.deployments, limit=seen.model.spec.version_history_limit
    )
    hopeless = tuple(
        Apply(build_cancellation(version), "a newer version takes its place")
        for version in seen.versions[:-1]
        if not version.ended and not version.spec.cancelled and _in_trouble(version)
    )
    return expired + hopeless


def _in_trouble(version: ModelVersion) -> bool:
    """Whether a version failed, or cannot go on as it is."""
    return version.status.phase != "READY" and is_true(
        version.status.conditions, ConditionType.STALLED
    )


def _follows_newest(seen: ModelObserved) -> _Answer | None:
    """The newest version is what the spec asks for: the Model stands as it does."""
    newest = seen.newest
    if newest is None or not seen.up_to_date:
        return None
    conditions = newest.status.conditions
    reason, message = last_verdict(conditions, Reason.PENDING)
    text = f"Version {newest.spec.version}: {message}"
    if newest.status.phase == "READY":
        return _Answer(Verdict(Standing.READY, reason, text), "READY")
    if newest.ended:
        return _Answer(Verdict(Standing.STALLED, reason, text), "ERROR")
    stalled = is_true(conditions, ConditionType.STALLED)
    standing = Standing.STALLED if stalled else Standing.PROGRESSING
    if stalled or reason is Reason.SUSPENDED:
        return _Answer(Verdict(standing, reason, text), "BUILDING")
    # One reason for all of a build that goes well, so that the Model is not written at each step.
    building = f"Version {newest.spec.version} is being built."
    return _Answer(Verdict(standing, Reason.BUILDING, building), "BUILDING")


def _paused(seen: ModelObserved) -> _Answer | None:
    if not seen.model.spec.paused:
        return None
    return _draft(Reason.PAUSED, "spec.paused is set; take it away to make a version.")


def _dataset_missing(seen: ModelObserved) -> _Answer | None:
    if seen.dataset is not None:
        return None
    name = seen.model.spec.dataset_ref.name
    return _draft(
        Reason.DATASET_MISSING,
        f"Dataset {name!r} (spec.datasetRef.name) does not exist in namespace "
        f"{seen.model.metadata.namespace!r}; create it or name another.",
    )


def _dataset_not_ready(seen: ModelObserved) -> _Answer | None:
    dataset = seen.dataset
    if dataset is None or _usable_digest(dataset) is not None:
        return None
    ready = find(dataset.status.conditions, ConditionType.READY)
    told = ready is not None and ready.status != "True"
    why = f"{ready.reason}: {ready.message}" if ready and told else "it has not been read yet"
    return _draft(
        Reason.DATASET_NOT_READY, f"Dataset {dataset.metadata.name!r} is not Ready: {why}"
    )


def _draft(reason: Reason, message: str) -> _Answer:
    return _Answer(Verdict(Standing.WAITING, reason, message), "DRAFT")


def _refused(seen: ModelObserved) -> _Answer | None:
    if seen.refusal is None:
        return None
    verdict = Verdict(
        Standing.STALLED, seen.refusal.reason, seen.refusal.message, requeue_after=REFUSED_AGAIN
    )
    return _Answer(verdict, "DRAFT")


def _next_version(seen: ModelObserved) -> _Answer:
    if seen.dataset is None:
        msg = "a Model without a Dataset makes no version"
        raise ValueError(msg)
    number = seen.next_number
    version = build_model_version(seen.model, seen.dataset, number)
    verdict = Verdict(Standing.PROGRESSING, Reason.BUILDING, f"Version {number} is being built.")
    return _Answer(verdict, "BUILDING", (Create(version),), makes=number)


def _usable_digest(dataset: Dataset | None) -> str | None:
    """The digest of what the Dataset names now; what it named before may be Ready still."""
    if dataset is None or not is_true(dataset.status.conditions, ConditionType.READY):
        return None
    return dataset.status.digest if dataset.status.source_hash == source_hash(dataset) else None


_POLICIES: tuple[Callable[[ModelObserved], _Answer | None], ...] = (
    _follows_newest,
    _paused,
    _dataset_missing,
    _dataset_not_ready,
    _refused,
    _next_version,
)
