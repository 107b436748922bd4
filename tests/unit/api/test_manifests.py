"""The example of a version's manifest, from a store that may not have it or not answer."""

import asyncio
import hashlib
import json

import pytest
from obstore.store import MemoryStore

from modelyard_api import manifests
from modelyard_api.errors import UnavailableError
from modelyard_api.manifests import Manifests
from modelyard_api.store import Store
from modelyard_crds import ModelVersion
from modelyard_crds.build import manifest_key
from unit.api import samples

EXAMPLE = {"usage": 3.5, "plan": None}
MANIFEST = json.dumps({"format": 1, "example": EXAMPLE}).encode()


class CountingStore(Store):
    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.reads = 0

    async def get(self, key: str, most: int | None = None) -> bytes | None:
        self.reads += 1
        return await super().get(key, most)


def version_of(content: bytes) -> ModelVersion:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return samples.version(artifact={"uri": "s3://x", "digest": digest, "sizeBytes": 1})


async def test_it_is_read_once() -> None:
    store, version = CountingStore(), version_of(MANIFEST)
    await store.put(manifest_key(version.metadata.uid), MANIFEST)
    examples = Manifests(store)
    for _ in range(3):
        assert await examples.example_of(version) == EXAMPLE
    assert store.reads == 1


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"{}", b'{"example": 1}', MANIFEST + b" " * 5_000_000]
)
async def test_what_is_no_manifest_has_none(content: bytes) -> None:
    store, version = CountingStore(), version_of(content)
    await store.put(manifest_key(version.metadata.uid), content)
    assert await Manifests(store).example_of(version) is None


async def test_that_of_another_content_is_not_taken() -> None:
    store, version = CountingStore(), version_of(b"other")
    await store.put(manifest_key(version.metadata.uid), MANIFEST)
    assert await Manifests(store).example_of(version) is None


async def test_a_version_without_artifact_or_manifest_has_none() -> None:
    store = CountingStore()
    assert await Manifests(store).example_of(samples.version()) is None
    assert store.reads == 0
    assert await Manifests(store).example_of(version_of(MANIFEST)) is None


async def test_it_is_asked_for_again_after_the_store_was_away() -> None:
    class Away(CountingStore):
        away = True

        async def get(self, key: str, most: int | None = None) -> bytes | None:
            if self.away:
                raise UnavailableError("away")
            return await super().get(key, most)

    store, version = Away(), version_of(MANIFEST)
    await store.put(manifest_key(version.metadata.uid), MANIFEST)
    examples = Manifests(store)
    assert await examples.example_of(version) is None
    store.away = False
    assert await examples.example_of(version) == EXAMPLE


async def test_a_slow_store_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(CountingStore):
        async def get(self, key: str, most: int | None = None) -> bytes | None:
            await asyncio.Event().wait()
            return await super().get(key, most)

    monkeypatch.setattr(manifests, "SECONDS", 0.01)
    assert await Manifests(Slow()).example_of(version_of(MANIFEST)) is None


async def test_the_oldest_goes_where_there_is_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "MAX_KEPT", 1)
    store, other = CountingStore(), MANIFEST + b"\n"
    examples = Manifests(store)
    for content in (MANIFEST, other, MANIFEST):
        version = version_of(content)
        await store.put(manifest_key(version.metadata.uid), content)
        assert await examples.example_of(version) == EXAMPLE
    assert store.reads == 3
