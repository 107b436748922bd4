"""Events on our objects: a courtesy to whoever describes them, never a source of truth."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from modelyard_crds import names
from modelyard_crds.conditions import rfc3339
from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.kinds import EVENT, Kind
from modelyard_operator.errors import ConflictError, NotFoundError, OperatorError
from modelyard_operator.reconcile.transitions import Transition

logger = logging.getLogger(__name__)

#: The same words about the same object are told once in this time.
QUIET = timedelta(minutes=10)
_REMEMBERED = 10_000
_MESSAGE_LENGTH = 1000
#: Events that are posted at a time, and that may wait in each line.
_LINES, _WAITING = 8, 500


class _Told(NamedTuple):
    """An event that is to be posted, and whose it is."""

    kind: Kind
    manifest: dict[str, Any]


class EventPoster:
    """Posts events, each at most once in a while; a failure to post is logged and forgotten.

    Nobody waits for them: a reconcile tells, and ``run`` posts what has been told.
    """

    def __init__(self, api: Api, identity: str) -> None:
        self._api = api
        self._identity = identity
        self._told: OrderedDict[str, datetime] = OrderedDict()
        self._lines: list[asyncio.Queue[_Told]] = [asyncio.Queue(_WAITING) for _ in range(_LINES)]

    def tell(self, kind: Kind, raw: Mapping[str, Any], told: Transition) -> None:
        """Tell a transition of an object; those of one object are posted in their order."""
        now = datetime.now(UTC)
        manifest = build_event(kind, raw, told, self._identity, now)
        name = manifest["metadata"]["name"]
        if now - self._told.get(name, datetime.min.replace(tzinfo=UTC)) < QUIET:
            return
        self._told[name] = now
        self._told.move_to_end(name)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        line = self._lines[hash(raw["metadata"]["uid"]) % _LINES]
        try:
            line.put_nowait(_Told(kind, manifest))
        except asyncio.QueueFull:
            logger.warning("event not posted", extra={"object": name, "error": "too many wait"})

    async def run(self) -> None:
        """Post what is told, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for line in self._lines:
                group.create_task(self._post_all(line))

    async def flush(self) -> None:
        """Wait until what has been told is posted."""
        for line in self._lines:
            await line.join()

    async def _post_all(self, line: "asyncio.Queue[_Told]") -> None:
        while True:
            told = await line.get()
            try:
                await self._post(told)
            finally:
                line.task_done()

    async def _post(self, told: "_Told") -> None:
        meta = told.manifest["metadata"]
        try:
            await self._api.create(EVENT, meta["namespace"], told.manifest)
            metrics.WRITES.labels(told.kind.kind, "event").inc()
        except (ConflictError, NotFoundError):
            # Told before, or the namespace is going.
            return
        except OperatorError as error:
            logger.warning("event not posted", extra={"object": meta["name"], "error": str(error)})
        except Exception:
            # A courtesy must not end the operator.
            logger.exception("event not posted", extra={"object": meta["name"]})


def build_event(
    kind: Kind, raw: Mapping[str, Any], told: Transition, identity: str, now: datetime
) -> dict[str, Any]:
    """The event; its name derives from what it says, so that two tellers tell it once."""
    meta = raw["metadata"]
    digest = names.content_hash([meta["uid"], told.reason, told.message, now.hour, now.day])
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{meta['name']}.{digest[:16]}",
            "namespace": meta["namespace"],
        },
        "involvedObject": {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
        },
        "type": told.type,
        "reason": told.reason,
        "message": told.message[:_MESSAGE_LENGTH],
        "action": "Reconcile",
        "source": {"component": names.MANAGER},
        "reportingComponent": names.MANAGER,
        "reportingInstance": identity,
        "firstTimestamp": rfc3339(now),
        "lastTimestamp": rfc3339(now),
        "count": 1,
    }
