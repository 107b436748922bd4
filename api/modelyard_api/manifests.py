"""Reads from the store what only a version's manifest has: a typical request, the artifact's files.

The manifest of a version never changes, so it is read once for as long as there is room. Whoever
asks goes on without it where the store does not give one soon.
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


class File(msgspec.Struct):
    """A file of an artifact."""

    name: str
    key: str
    digest: str


class Manifest(msgspec.Struct):
    """What is read of a manifest."""

    example: dict[str, Any]
    files: list[File] = []


class Manifests:
    """The manifest of each version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, Manifest] = OrderedDict()

    async def of(self, version: ModelVersion) -> Manifest | None:
        """The manifest of a version; None where it cannot be read, or is another's."""
        artifact = version.status.artifact
        if artifact is None:
            return None
        if artifact.digest in self._kept:
            self._kept.move_to_end(artifact.digest)
            return self._kept[artifact.digest]
        manifest = await self._read(manifest_key(version.metadata.uid), artifact.digest)
        if manifest is not None:
            self._kept[artifact.digest] = manifest
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return manifest

    async def example_of(self, version: ModelVersion) -> dict[str, Any] | None:
        """A typical request to a version, or None."""
        manifest = await self.of(version)
        return manifest.example if manifest else None

    async def _read(self, key: str, digest: str) -> Manifest | None:
        try:
            async with asyncio.timeout(SECONDS):
                content = await self._store.get(key, MAX_MANIFEST_BYTES)
        except (UnavailableError, TimeoutError) as error:
            log.warning("a manifest cannot be read", extra={"key": key, "reason": str(error)})
            return None
        if content is None or digest_of(content) != digest:
            return None
        try:
            return msgspec.json.decode(content, type=Manifest)
        except msgspec.DecodeError:
            return None


def digest_of(content: bytes) -> str:
    """sha256 as manifests spell it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
