"""The one door through which child objects are made, changed and deleted."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from itertools import groupby
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

    async def execute(self, writes: Sequence[Write]) -> None:
        """Carry out writes in their order; applies of different objects go side by side.

        Raises RefusedError where the API server refuses one, or a name is somebody else's: then
        nothing is applied beside it.
        """
        for applies, group in groupby(writes, lambda write: isinstance(write, Apply)):
            if applies:
                await self._apply_all([write for write in group if isinstance(write, Apply)])
                continue
            for write in group:
                match write:
                    case Create(manifest):
                        await self._create(kind_named(manifest["kind"]), manifest)
                    case Delete():
                        await self._delete(kind_named(write.kind), write)

    async def _apply_all(self, applies: list[Apply]) -> None:
        new = [write for write in applies if self._makes(write)]
        await _side_by_side(self._check_free(write.manifest) for write in new)
        await _side_by_side(self._apply_in_order(chain) for chain in _by_object(applies))

    async def _apply_in_order(self, chain: list[Apply]) -> None:
        for write in chain:
            await self._apply(write)

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

    def _makes(self, write: Apply) -> bool:
        """Whether it is the first that is applied of an object, as far as the cache knows."""
        return self._known(write) is None and write.manager == names.FIELD_MANAGER

    def _known(self, write: Apply) -> dict[str, Any] | None:
        kind, namespace, name = _object_of(write)
        return self._cache.get(kind_named(kind), (namespace, name))

    async def _apply(self, write: Apply) -> None:
        kind, meta = kind_named(write.manifest["kind"]), write.manifest["metadata"]
        if self._known(write) is not None:
            self._repairs.note(kind.kind, meta["namespace"], meta["name"], write.why)
        made = await self._api.apply(kind, write.manifest, manager=write.manager)
        metrics.WRITES.labels(kind.kind, "apply").inc()
        logger.info("applied", extra=_fields(kind, meta, write.why))
        self._intake.learn(kind, made)

    async def _check_free(self, manifest: dict[str, Any]) -> None:
        """Apply takes over whatever has the name, so look first whose it is."""
        meta = manifest["metadata"]
        try:
            found = await self._api.get(
                kind_named(manifest["kind"]), meta["namespace"], meta["name"]
            )
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


def _by_object(applies: Iterable[Apply]) -> Iterator[list[Apply]]:
    """Applies of one object, each group in its order."""
    chains: dict[tuple[str, str, str], list[Apply]] = {}
    for write in applies:
        chains.setdefault(_object_of(write), []).append(write)
    yield from chains.values()


def _object_of(write: Apply) -> tuple[str, str, str]:
    meta = write.manifest["metadata"]
    return write.manifest["kind"], meta["namespace"], meta["name"]


async def _side_by_side(calls: Iterable[Awaitable[None]]) -> None:
    """Wait for all, then raise what the first that failed raised."""
    for error in await asyncio.gather(*calls, return_exceptions=True):
        if error is not None:
            raise error


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
