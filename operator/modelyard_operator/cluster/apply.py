"""The one door through which child objects are made, changed and deleted."""

import logging
import time
from typing import Any

from modelyard_crds import names
from modelyard_crds.reasons import Reason
from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.intake import Intake
from modelyard_operator.cluster.kinds import SECRET, Kind, kind_named
from modelyard_operator.cluster.repairs import Repairs
from modelyard_operator.errors import ConflictError, NotFoundError, RefusedError
from modelyard_operator.reconcile.decision import Apply, Create, Delete, Write

logger = logging.getLogger(__name__)


class Writer:
    """Carries out the writes of a decision, and tells the cache what came of them."""

    def __init__(self, api: Api, cache: Cache, intake: Intake) -> None:
        self._api = api
        self._cache = cache
        self._intake = intake
        self._repairs = Repairs(time.monotonic)

    async def execute(self, write: Write) -> None:
        """Carry out one write.

        Raises RefusedError where the API server refuses it, or the name is somebody else's.
        """
        match write:
            case Create(manifest):
                await self._create(kind_named(manifest["kind"]), manifest)
            case Apply(manifest, why, manager):
                await self._apply(kind_named(manifest["kind"]), manifest, why, manager)
            case Delete():
                await self._delete(kind_named(write.kind), write)

    async def _create(self, kind: Kind, manifest: dict[str, Any]) -> None:
        meta = manifest["metadata"]
        try:
            made = await self._api.create(kind, meta["namespace"], manifest)
        except ConflictError:
            if kind is SECRET:
                # Its name is the claim; what it holds is not for the operator to read.
                return
            made = await self._api.get(kind, meta["namespace"], meta["name"])
            _check_ours(made, manifest)
            logger.info("found", extra=_fields(kind, meta, "it had been created before"))
        else:
            metrics.WRITES.labels(kind.kind, "create").inc()
            logger.info("created", extra=_fields(kind, meta, "it is missing"))
        if kind is not SECRET:
            self._intake.learn(kind, made)

    async def _apply(self, kind: Kind, manifest: dict[str, Any], why: str, manager: str) -> None:
        meta = manifest["metadata"]
        known = self._cache.get(kind, (meta["namespace"], meta["name"]))
        if known is None and manager == names.FIELD_MANAGER:
            await self._check_free(kind, manifest)
        elif known is not None:
            self._repairs.note(kind.kind, meta["namespace"], meta["name"], why)
        made = await self._api.apply(kind, manifest, manager=manager)
        metrics.WRITES.labels(kind.kind, "apply").inc()
        logger.info("applied", extra=_fields(kind, meta, why))
        self._intake.learn(kind, made)

    async def _check_free(self, kind: Kind, manifest: dict[str, Any]) -> None:
        """Apply takes over whatever has the name, so look first whose it is."""
        meta = manifest["metadata"]
        try:
            found = await self._api.get(kind, meta["namespace"], meta["name"])
        except NotFoundError:
            return
        _check_ours(found, manifest)

    async def _delete(self, kind: Kind, write: Delete) -> None:
        await self._api.delete(kind, write.namespace, write.name, write.uid)
        metrics.WRITES.labels(kind.kind, "delete").inc()
        meta = {"namespace": write.namespace, "name": write.name}
        logger.info("deleted", extra=_fields(kind, meta, write.why))
        known = self._cache.get(kind, (write.namespace, write.name))
        if known is not None and known["metadata"]["uid"] == write.uid:
            self._cache.drop(kind, known)


def controller_uid(raw: dict[str, Any]) -> str | None:
    """The uid of an object's controller."""
    owners = raw["metadata"].get("ownerReferences", ())
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def _check_ours(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    if controller_uid(found) == controller_uid(wanted):
        return
    meta = wanted["metadata"]
    owners = found["metadata"].get("ownerReferences", ())
    owner = f"{owners[0]['kind']} {owners[0]['name']}" if owners else "nobody"
    raise RefusedError(
        Reason.NAME_CONFLICT,
        f"{wanted['kind']} {meta['name']!r} exists in namespace {meta['namespace']!r} and belongs "
        f"to {owner}, so it is left alone. Delete or rename it, or choose another name.",
    )


def _fields(kind: Kind, meta: dict[str, Any], why: str) -> dict[str, str]:
    return {
        "kind": kind.kind,
        "namespace": meta["namespace"],
        "object": meta["name"],
        "why": why,
    }
