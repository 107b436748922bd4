"""The store behind a mounted Secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard_crds.build import StoreConfig
from modelyard_operator.cluster.store import Store, read_config
from modelyard_operator.errors import SettingsError, StoreUnavailableError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "builds" / "a").mkdir(parents=True)
    (folder / "builds" / "b").mkdir()
    (folder / "builds" / "a" / "one").write_text("1")
    (folder / "builds" / "a" / "two").write_text("2")
    (folder / "builds" / "b" / "one").write_text("1")
    return folder


@pytest.fixture
def mount(tmp_path: Path, data: Path) -> Path:
    folder = tmp_path / "mount"
    folder.mkdir()
    (folder / "url").write_text(f"file://{data}\n")
    return folder


def test_configuration_is_one_file_a_key(tmp_path: Path) -> None:
    for name, value in {
        "url": "s3://bucket/prefix",
        "endpoint": "http://store:7070",
        "accessKeyId": "key",
        "allowHttp": "true",
    }.items():
        (tmp_path / name).write_text(value)
    assert read_config(tmp_path) == StoreConfig(
        url="s3://bucket/prefix",
        endpoint="http://store:7070",
        access_key_id="key",
        allow_http=True,
    )


def test_missing_mount_says_what_to_mount(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="mount the Secret modelyard-store"):
        read_config(tmp_path / "nowhere")


async def test_reading(mount: Path) -> None:
    store = Store(mount)
    assert await store.read("builds/a/one") == b"1"
    assert await store.read("builds/a/none") is None


async def test_deleting_takes_one_folder_and_no_other(mount: Path, data: Path) -> None:
    assert await Store(mount).delete_prefix("builds/a/") == 2
    assert (data / "builds" / "b" / "one").exists()
    assert not (data / "builds" / "a" / "one").exists()


async def test_folders(mount: Path) -> None:
    folders = {name async for name, _ in Store(mount).folders("builds/")}
    assert folders == {"a", "b"}


async def test_rotated_configuration_is_picked_up(mount: Path, tmp_path: Path) -> None:
    """Pitfall 9.8."""
    store = Store(mount)
    assert await store.read("builds/a/one") == b"1"
    other = tmp_path / "other"
    other.mkdir()
    (mount / "url").unlink()
    (mount / "url").write_text(f"file://{other}")
    assert await store.read("builds/a/one") is None


async def test_store_that_does_not_answer(tmp_path: Path) -> None:
    for name, value in {
        "url": "s3://bucket",
        "endpoint": "http://127.0.0.1:9",
        "accessKeyId": "a",
        "secretAccessKey": "b",
        "allowHttp": "true",
    }.items():
        (tmp_path / name).write_text(value)
    with pytest.raises(StoreUnavailableError, match=r"127\.0\.0\.1:9 does not answer"):
        await Store(tmp_path).read("x")
