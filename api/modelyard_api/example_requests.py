"""Reads from the store what only a version's manifest has: a typical request.

The manifest of a version never changes, so it is read once for as long as there is room. Whoever
asks goes on without an example where the store does not give one soon.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from typing import Any

import msgspec

from modelyard_api.errors import UnavailableError
from modelyard_api.store import Store
from modelyard_crds import ModelVersion
from modelyard_crds.build import manifest_key

log = logging.getLogger(__name__)

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_KEPT = 256
SECONDS = 3.0


class _Manifest(msgspec.Struct):
    example: dict[str, Any]


class ExampleRequests:
    """A typical request to each version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, dict[str, Any]] = OrderedDict()

    async def of(self, version: ModelVersion) -> dict[str, Any] | None:
        """The example in a version's manifest; None where it cannot be read, or is another's."""
        artifact = version.status.artifact
        if artifact is None:
            return None
        if artifact.digest in self._kept:
            self._kept.move_to_end(artifact.digest)
            return self._kept[artifact.digest]
        example = await self._read(manifest_key(version.metadata.uid), artifact.digest)
        if example is not None:
            self._kept[artifact.digest] = example
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return example

    async def _read(self, key: str, digest: str) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(SECONDS):
                content = await self._store.get(key, MAX_MANIFEST_BYTES)
        except (UnavailableError, TimeoutError) as error:
            log.warning("a manifest cannot be read", extra={"key": key, "reason": str(error)})
            return None
        if content is None or f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            return None
        try:
            return msgspec.json.decode(content, type=_Manifest).example
        except msgspec.DecodeError:
            return None
