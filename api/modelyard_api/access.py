"""Asks the API server who a bearer token is and what its owner may do.

Answers are believed for some seconds: long enough that a burst of requests costs one review,
short enough that a revoked right is gone at once. Tokens are kept as hashes only.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from modelyard_api.auth import Right
from modelyard_api.errors import UnavailableError
from modelyard_api.kube import ApiStatusError, ApiUnreachableError, KubeApi
from modelyard_api.limits import Ration
from modelyard_crds import names

T = TypeVar("T")

MAX_ENTRIES = 4096
#: Reviews a second, and how many may be saved up: made-up tokens must not flood the API server.
REVIEW_RATE, REVIEW_BURST = 20.0, 100.0
Identity = tuple[str, tuple[str, ...]]


class Remembered(Generic[T]):
    """A bounded map whose entries are forgotten after a time."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds, self._clock = seconds, clock
        self._entries: OrderedDict[object, tuple[float, T]] = OrderedDict()

    def get(self, key: object) -> tuple[T] | None:
        """The value of a key, in a tuple to tell a remembered None from nothing."""
        found = self._entries.get(key)
        if found is None or self._clock() - found[0] > self._seconds:
            return None
        return (found[1],)

    def put(self, key: object, value: T) -> T:
        """Remember a value."""
        self._entries[key] = (self._clock(), value)
        self._entries.move_to_end(key)
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
        return value


class TokenReviews:
    """TokenReview and SubjectAccessReview, remembered for some seconds."""

    def __init__(
        self, kube: KubeApi, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._kube = kube
        self._identities = Remembered[Identity | None](seconds, clock)
        self._rights = Remembered[bool](seconds, clock)
        self._ration = Ration(REVIEW_RATE, REVIEW_BURST, clock)

    async def identify(self, token: str) -> Identity | None:
        """User name and groups of a token; None where it is not valid."""
        key = hashlib.sha256(token.encode()).digest()
        if known := self._identities.get(key):
            return known[0]
        status = await self._review(
            "/apis/authentication.k8s.io/v1/tokenreviews", "TokenReview", {"token": token}
        )
        identity: Identity | None = None
        if status.get("authenticated"):
            user = status.get("user") or {}
            identity = user.get("username", ""), tuple(user.get("groups") or ())
        return self._identities.put(key, identity)

    async def allowed(
        self, username: str, groups: tuple[str, ...], namespace: str, right: Right
    ) -> bool:
        """Whether a user may do this in a namespace."""
        attributes = {
            "namespace": namespace,
            "verb": right.verb,
            "group": names.GROUP,
            "resource": right.resource,
            "subresource": right.subresource,
        }
        key = (username, groups, *attributes.values())
        if known := self._rights.get(key):
            return known[0]
        status = await self._review(
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            "SubjectAccessReview",
            {"user": username, "groups": list(groups), "resourceAttributes": attributes},
        )
        return self._rights.put(key, bool(status.get("allowed")))

    async def _review(self, path: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        if not self._ration.take():
            raise UnavailableError("Too many tokens are being checked now.", retry_after=1)
        group = path.split("/")[2]
        body = {"apiVersion": f"{group}/v1", "kind": kind, "spec": spec}
        try:
            answer = await self._kube.request("POST", path, body=body)
        except (ApiStatusError, ApiUnreachableError) as error:
            raise UnavailableError(
                "The Kubernetes API server cannot check the token now.", retry_after=5
            ) from error
        status: dict[str, Any] = msgspec.json.decode(answer).get("status") or {}
        return status
