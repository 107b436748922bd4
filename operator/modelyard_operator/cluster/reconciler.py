"""One reconcile: gather, decide, write what is due, write the status that is true."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from modelyard_crds.build import build_prefix
from modelyard_crds.conditions import Condition
from modelyard_crds.model_version import ModelVersionStatus
from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.apply import Writer
from modelyard_operator.cluster.cache import Cache, serves
from modelyard_operator.cluster.events import EventPoster
from modelyard_operator.cluster.gather import Gatherer
from modelyard_operator.cluster.kinds import (
    DATASET,
    DEPLOYMENT,
    MODEL,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    Kind,
    kind_named,
)
from modelyard_operator.cluster.routing import CLEANUP, Key
from modelyard_operator.cluster.secrets import PodSecrets
from modelyard_operator.cluster.status import StatusWriter
from modelyard_operator.cluster.store import Store
from modelyard_operator.errors import RefusedError
from modelyard_operator.reconcile.dataset import decide_dataset
from modelyard_operator.reconcile.decision import Decision, Refusal
from modelyard_operator.reconcile.model import decide_model
from modelyard_operator.reconcile.model_deployment import decide_deployment
from modelyard_operator.reconcile.model_version import decide_version
from modelyard_operator.reconcile.transitions import Transition, transitions
from modelyard_operator.resources.deployment import ANNOTATION_VERSION_UID

logger = logging.getLogger(__name__)

Raw = Mapping[str, Any]

#: How often the artifact of a deleted version is looked at while pods still serve it.
SERVED_AGAIN = 30.0


@dataclass(frozen=True)
class _Route:
    """How a kind is observed and decided. Each decision takes what its gatherer gives."""

    kind: Kind
    gather: Callable[[Raw], Awaitable[Any]]
    decide: Callable[[Any], Decision]


@dataclass(frozen=True)
class Doors:
    """The ways out of a reconcile."""

    writer: Writer
    status: StatusWriter
    events: EventPoster
    secrets: PodSecrets
    store: Store


class Reconciler:
    """Reconciles keys of every kind; knows the order of things and nothing of the decisions."""

    def __init__(self, cache: Cache, gatherer: Gatherer, doors: Doors) -> None:
        self._cache = cache
        self._gatherer = gatherer
        self._doors = doors
        self._routes = {
            route.kind.kind: route
            for route in (
                _Route(DATASET, gatherer.dataset, decide_dataset),
                _Route(MODEL, gatherer.model, decide_model),
                _Route(MODEL_VERSION, gatherer.version, decide_version),
                _Route(MODEL_DEPLOYMENT, gatherer.deployment, decide_deployment),
            )
        }

    def token(self, key: Key) -> object:
        """What makes a failed key worth trying at once: another object or another spec."""
        if key.kind == CLEANUP:
            return None
        raw = self._cache.get(self._routes[key.kind].kind, (key.namespace, key.name))
        meta = raw["metadata"] if raw else {}
        return meta.get("uid"), meta.get("generation")

    async def reconcile(self, key: Key) -> float | None:
        """Reconcile one key; tells when to come back without an event."""
        if key.kind == CLEANUP:
            return await self._clean_up(key)
        route = self._routes[key.kind]
        raw = self._cache.get(route.kind, (key.namespace, key.name))
        if raw is None or (route.kind is not MODEL_DEPLOYMENT and _ending(raw)):
            return None
        observed = await route.gather(raw)
        decision = await self._write(route, raw, observed)
        await self._tell(route.kind, raw, decision)
        return decision.requeue_after

    async def _write(self, route: _Route, raw: Raw, observed: Any) -> Decision:
        """Carry out the decision; where the API server refuses, the status says so."""
        decision = route.decide(observed)
        try:
            if decision.needs_secrets:
                await self._doors.secrets.ensure(raw["metadata"]["namespace"])
            await self._doors.writer.execute(decision.writes)
        except RefusedError as error:
            refusal = Refusal(error.reason, error.message)
            decision = route.decide(replace(observed, refusal=refusal))
        return decision

    async def _tell(self, kind: Kind, raw: Raw, decision: Decision) -> None:
        if not await self._doors.status.write(kind, raw, decision.status):
            return
        before = [Condition.model_validate(c) for c in _conditions(raw)]
        after: list[Condition] = decision.status.conditions  # type: ignore[attr-defined]
        for told in transitions(before, after):
            self._tell_of(kind, raw, decision, told)

    def _tell_of(self, kind: Kind, raw: Raw, decision: Decision, told: Transition) -> None:
        logger.info(
            "transition",
            extra={
                "kind": kind.kind,
                "namespace": raw["metadata"]["namespace"],
                "object": raw["metadata"]["name"],
                "id": getattr(decision.status, "id", None),
                "reason": told.reason,
                "message_text": told.message,
            },
        )
        if kind is MODEL_VERSION:
            _count_build(cast(ModelVersionStatus, decision.status), told.reason)
        self._doors.events.tell(kind, raw, told)

    async def _clean_up(self, key: Key) -> float | None:
        """Remove from the store what a deleted object left there."""
        kind, name, uid = key.name.split("/")
        if kind == MODEL_VERSION.kind and self._cache.keys(DEPLOYMENT, serves(uid)):
            # Its pods still load it when they restart.
            return SERVED_AGAIN
        if await self._gatherer.exists(kind_named(kind), key.namespace, name, uid):
            # What cannot be undone is not done on the word of a watch alone.
            return None
        prefix = build_prefix(uid) if kind == MODEL_VERSION.kind else f"profiles/{uid}/"
        count = await self._doors.store.delete_prefix(prefix)
        if count:
            logger.info("removed from the store", extra={"prefix": prefix, "keys": count})
        return None


def served_versions(cache: Cache) -> set[str]:
    """The uids of versions whose artifacts Deployments name."""
    found = (cache.get(DEPLOYMENT, key) for key in cache.keys(DEPLOYMENT))
    annotations = (raw["metadata"].get("annotations", {}) for raw in found if raw)
    return {uid for item in annotations if (uid := item.get(ANNOTATION_VERSION_UID))}


def _ending(raw: Raw) -> bool:
    """Whether an object is being deleted; a ModelDeployment has something to say of that."""
    return "deletionTimestamp" in raw["metadata"]


def _conditions(raw: Raw) -> list[dict[str, Any]]:
    conditions: list[dict[str, Any]] = raw.get("status", {}).get("conditions", [])
    return conditions


def _count_build(status: ModelVersionStatus, reason: str) -> None:
    if status.phase is None or status.finished_at is None:
        return
    metrics.BUILDS.labels(status.phase, reason).inc()
    if status.started_at is not None:
        seconds = (status.finished_at - status.started_at).total_seconds()
        metrics.BUILD_SECONDS.labels(status.phase).observe(seconds)
