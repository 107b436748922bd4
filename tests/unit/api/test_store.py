import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from obstore.store import LocalStore, MemoryStore, ObjectStore

from modelyard_api.errors import InvalidInputError, PayloadTooLargeError, UnavailableError
from modelyard_api.store import MountedStore, Store, open_store, read_config
from modelyard_crds.build import StoreConfig


@pytest.fixture(params=["memory", "local"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return MemoryStore() if request.param == "memory" else LocalStore(tmp_path)


async def chunks(*content: bytes, fault: Exception | None = None) -> AsyncIterator[bytes]:
    for chunk in content:
        yield chunk
    if fault:
        raise fault


async def test_a_stream_is_counted_and_hashed(opened: ObjectStore) -> None:
    store, content = Store(opened), [b"a" * 100_000] * 120
    stored = await store.put_stream("x/y", chunks(*content), 20_000_000)
    assert stored.size_bytes == 12_000_000
    assert stored.digest == f"sha256:{hashlib.sha256(b''.join(content)).hexdigest()}"
    assert await store.get("x/y") == b"".join(content)


@pytest.mark.parametrize("size", [1, 9_000_000])
async def test_nothing_is_left_of_a_stream_that_breaks(opened: ObjectStore, size: int) -> None:
    store = Store(opened)
    with pytest.raises(ConnectionResetError):
        await store.put_stream("x", chunks(b"a" * size, fault=ConnectionResetError()), 10**8)
    assert await store.files("") == []


async def test_nothing_is_left_of_a_stream_whose_request_is_cancelled(opened: ObjectStore) -> None:
    """Pitfall 9.3: as at the end of the grace period, while the client sends nothing."""
    store, waiting = Store(opened), asyncio.Event()

    async def stalls() -> AsyncIterator[bytes]:
        yield b"a" * 9_000_000
        waiting.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(store.put_stream("x", stalls(), 10**8))
    await waiting.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert await store.files("") == []


async def test_nothing_is_left_of_a_stream_that_is_too_long(opened: ObjectStore) -> None:
    store = Store(opened)
    with pytest.raises(PayloadTooLargeError) as caught:
        await store.put_stream("x", chunks(b"aaa", b"bbb"), 5)
    assert caught.value.details == {"limit_bytes": 5}
    assert await store.files("") == []


async def test_an_empty_file_is_refused(opened: ObjectStore) -> None:
    store = Store(opened)
    with pytest.raises(InvalidInputError, match="empty"):
        await store.put_stream("x", chunks(), 5)
    assert await store.files("") == []


async def test_files_come_and_go(opened: ObjectStore) -> None:
    store = Store(opened)
    await store.put("a/1", b"one")
    await store.put("a/2", b"two")
    await store.put("b", b"three")
    assert sorted(file.key for file in await store.files("a/")) == ["a/1", "a/2"]
    await store.delete(["a/1", "never-was"])
    assert await store.get("a/1") is None


async def test_a_store_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    config = StoreConfig(
        url="s3://b",
        endpoint="http://127.0.0.1:9",
        access_key_id="a",
        secret_access_key="b",
        allow_http=True,
    )
    store = Store(open_store(config, retry_seconds=0))
    with pytest.raises(UnavailableError) as caught:
        await store.get("x")
    assert caught.value.retry_after


def test_the_configuration_is_one_file_a_key(tmp_path: Path) -> None:
    for name, value in {"url": "s3://b/p\n", "accessKeyId": "a", "allowHttp": "true"}.items():
        (tmp_path / name).write_text(value)
    config = read_config(tmp_path)
    assert (config.url, config.access_key_id, config.allow_http) == ("s3://b/p", "a", True)


async def test_a_store_that_is_mounted_anew_is_followed(tmp_path: Path) -> None:
    """A rotated credential, or another bucket, needs no restart; a broken one changes nothing."""
    mount = tmp_path / "mount"
    mount.mkdir()
    for name in ("old", "new"):
        await Store(LocalStore(tmp_path / name, mkdir=True)).put("which", name.encode())
    (mount / "url").write_text(f"file://{tmp_path}/old")
    store = MountedStore(mount, None)
    assert await store.get("which") == b"old"
    assert not store.follow()
    (mount / "url").write_text(f"file://{tmp_path}/new")
    assert store.follow()
    assert await store.get("which") == b"new"
    (mount / "url").write_text("nonsense")
    with pytest.raises(ValueError, match="relative URL"):
        store.follow()
    assert await store.get("which") == b"new"


def test_addresses_are_signed_by_what_is_mounted_now(tmp_path: Path) -> None:
    given = {"url": "s3://b", "accessKeyId": "old", "secretAccessKey": "s", "region": "r"}
    for name, value in given.items():
        (tmp_path / name).write_text(value)
    store = MountedStore(tmp_path, "https://s3.example.com")
    (tmp_path / "accessKeyId").write_text("rotated")
    assert store.follow()
    url = asyncio.run(store.upload_url("k", timedelta(minutes=1)))
    assert url is not None
    assert url.startswith("https://s3.example.com/")
    assert "rotated" in url
