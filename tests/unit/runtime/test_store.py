"""The store: one behaviour for folders and buckets, three errors."""

import pytest

from modelyard_crds.build import StoreConfig
from modelyard_runtime.store import (
    NotFoundError,
    Store,
    Stored,
    UnavailableError,
    open_store,
    read_config,
    read_secret,
)


@pytest.fixture
def store(tmp_path) -> Store:
    return open_store(StoreConfig(url=(tmp_path / "a store").as_uri()))


def test_what_is_put_can_be_read_whole_in_parts_and_as_a_stream(store):
    store.put("a/b", b"hello")
    assert store.get("a/b") == b"hello"
    assert store.get_range("a/b", 1, 3) == b"ell"
    assert b"".join(store.stream("a/b")) == b"hello"
    assert store.size("a/b") == 5
    assert store.exists("a/b")


def test_files_are_put_from_disk(store, tmp_path):
    (tmp_path / "file").write_bytes(b"on disk")
    store.put("file", tmp_path / "file")
    assert store.get("file") == b"on disk"


def test_of_several_writers_the_first_wins(store):
    assert store.put_if_absent("manifest.json", b"first")
    assert not store.put_if_absent("manifest.json", b"second")
    assert store.get("manifest.json") == b"first"


def test_a_missing_key_is_named(store):
    with pytest.raises(NotFoundError, match="nothing/here"):
        store.get("nothing/here")
    with pytest.raises(NotFoundError):
        list(store.stream("nothing/here"))
    assert not store.exists("nothing/here")


def test_deleting_below_a_prefix_leaves_the_rest(store):
    for key in ("builds/u1/a", "builds/u1/b/c", "builds/u2/a"):
        store.put(key, b"x")
    assert store.delete_prefix("builds/u1/") == 2
    assert list(store.list("builds/")) == [Stored("builds/u2/a", 1)]
    store.delete("builds/u1/a")


def test_a_store_that_does_not_answer_is_unavailable():
    config = StoreConfig(
        url="s3://bucket/prefix",
        endpoint="http://127.0.0.1:9",
        access_key_id="a",
        secret_access_key="b",
        allow_http=True,
    )
    with pytest.raises(UnavailableError, match="s3://bucket/prefix/key"):
        open_store(config).get("key")


@pytest.mark.parametrize("url", ["nonsense", "ftp://host/path"])
def test_an_address_that_makes_no_sense_is_named(url):
    with pytest.raises(UnavailableError, match=url):
        open_store(StoreConfig(url=url))


def test_the_configuration_is_a_folder_with_a_file_a_key(tmp_path):
    (tmp_path / "url").write_text("s3://bucket\n")
    (tmp_path / "accessKeyId").write_text("id")
    (tmp_path / "allowHttp").write_text("true")
    (tmp_path / "region").write_text("")
    (tmp_path / "..data").write_text("the kubelet's own")
    config = read_config(tmp_path)
    assert config == StoreConfig(url="s3://bucket", access_key_id="id", allow_http=True)
    assert "..data" not in read_secret(tmp_path)


def test_a_folder_without_an_address_is_named(tmp_path):
    with pytest.raises(UnavailableError, match="url"):
        read_config(tmp_path)
    assert read_secret(tmp_path / "not mounted") == {}
