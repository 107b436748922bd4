"""The election of the replica that acts, by a Lease; the others keep their caches warm.

No clock is compared with another machine's: a holder is dead when its Lease has not changed for
as long as it promised, measured here. What is done twice in the moment of a change does no harm:
names are claims, and status writes name the version that they rest on.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.kinds import LEASE
from modelyard_operator.errors import ConflictError, NotFoundError, OperatorError

logger = logging.getLogger(__name__)

LEASE_NAME = "modelyard-operator"
DURATION = 15.0
RENEW_EVERY = 5.0
RETRY_EVERY = 2.0
#: A holder that cannot renew stops acting this long before another may start.
SAFETY = 3.0


class Patience:
    """Knows how long a Lease has not changed, by the clock of whoever looks at it."""

    def __init__(self) -> None:
        self._seen: tuple[object, float] | None = None

    def is_over(self, lease: Mapping[str, Any], now: float) -> bool:
        """Whether the holder has let pass all the time that it promised to renew within."""
        spec = lease.get("spec", {})
        if not spec.get("holderIdentity"):
            return True
        version = lease["metadata"]["resourceVersion"]
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, now)
        promised = float(spec.get("leaseDurationSeconds") or DURATION)
        return now - self._seen[1] > promised


class Election:
    """Takes part in the election until stopped."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        identity: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._identity = identity
        self._clock = clock
        self._patience = Patience()
        self._renewed = 0.0

    async def win(self) -> None:
        """Return once this replica is the leader."""
        while True:
            if await self._try():
                break
            await asyncio.sleep(RETRY_EVERY)
        metrics.LEADER.set(1)
        logger.info("leading", extra={"identity": self._identity})

    async def hold(self) -> None:
        """Renew the Lease; return when the leadership is lost, SAFETY before another may start."""
        while (left := self._left()) > 0:
            await asyncio.sleep(min(RENEW_EVERY, left))
            if not await self._try(min(RENEW_EVERY, self._left())):
                logger.warning("lease not renewed", extra={"identity": self._identity})
        metrics.LEADER.set(0)
        logger.error("leadership lost", extra={"identity": self._identity})

    async def release(self) -> None:
        """Give the Lease up, so that another replica need not wait."""
        metrics.LEADER.set(0)
        try:
            lease = await self._api.get(LEASE, self._namespace, LEASE_NAME)
            if lease["spec"].get("holderIdentity") == self._identity:
                spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                await self._api.replace(LEASE, {**lease, "spec": spec})
        except OperatorError as error:
            logger.warning("lease not released", extra={"error": str(error)})

    def _left(self) -> float:
        """For how long a leader may act without another renewal."""
        return self._renewed + DURATION - SAFETY - self._clock()

    async def _try(self, seconds: float = RENEW_EVERY) -> bool:
        """Take or renew the Lease if that may be done; tells whether it is ours now."""
        started = self._clock()
        try:
            async with asyncio.timeout(seconds):
                held = await self._take()
        except (OperatorError, TimeoutError) as error:
            logger.warning("lease unreachable", extra={"error": str(error)})
            return False
        if held:
            self._renewed = started
        return held

    async def _take(self) -> bool:
        try:
            lease = await self._api.get(LEASE, self._namespace, LEASE_NAME)
        except NotFoundError:
            return await self._create()
        spec = lease.get("spec", {})
        taken = spec.get("holderIdentity") != self._identity
        if taken and not self._patience.is_over(lease, self._clock()):
            # Somebody who took it away made another one: what is left of our time counts no more.
            self._renewed = -math.inf
            return False
        changes = _spec(self._identity, spec, taken=taken)
        try:
            await self._api.replace(LEASE, {**lease, "spec": {**spec, **changes}})
        except ConflictError:
            return False
        return True

    async def _create(self) -> bool:
        lease = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": LEASE_NAME, "namespace": self._namespace},
            "spec": _spec(self._identity, {}, taken=True),
        }
        try:
            await self._api.create(LEASE, self._namespace, lease)
        except ConflictError:
            return False
        return True


def _spec(identity: str, before: dict[str, Any], *, taken: bool) -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {
        "holderIdentity": identity,
        "leaseDurationSeconds": int(DURATION),
        "renewTime": now,
    }
    if taken:
        spec["acquireTime"] = now
        spec["leaseTransitions"] = int(before.get("leaseTransitions") or 0) + 1
    return spec
