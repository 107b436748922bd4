"""Events on our objects: a courtesy to whoever describes them, never a source of truth."""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

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


class EventPoster:
    """Posts events, each at most once in a while; a failure to post is logged and forgotten."""

    def __init__(self, api: Api, identity: str) -> None:
        self._api = api
        self._identity = identity
        self._told: OrderedDict[str, datetime] = OrderedDict()

    async def post(self, kind: Kind, raw: Mapping[str, Any], told: Transition) -> None:
        """Tell a transition of an object."""
        now = datetime.now(UTC)
        manifest = build_event(kind, raw, told, self._identity, now)
        name = manifest["metadata"]["name"]
        if now - self._told.get(name, datetime.min.replace(tzinfo=UTC)) < QUIET:
            return
        self._told[name] = now
        self._told.move_to_end(name)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        try:
            await self._api.create(EVENT, raw["metadata"]["namespace"], manifest)
            metrics.WRITES.labels(kind.kind, "event").inc()
        except (ConflictError, NotFoundError):
            # Told before, or the namespace is going.
            return
        except OperatorError as error:
            logger.warning("event not posted", extra={"object": name, "error": str(error)})


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
