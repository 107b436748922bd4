"""Publishing: whole or not there, first one wins, and a store that is away is waited for."""

from pathlib import Path

import pytest
from obstore.store import MemoryStore

from modelyard_crds.build import Manifest, StoreConfig
from modelyard_crds.model_version import TrainingInfo
from modelyard_crds.reasons import Reason
from modelyard_runtime.artifacts import publish
from modelyard_runtime.errors import TemporaryError
from modelyard_runtime.store import (
    AccessDeniedError,
    Store,
    StoreError,
    UnavailableError,
    open_store,
)


@pytest.fixture
def store(tmp_path):
    return open_store(StoreConfig(url=tmp_path.as_uri()))


def manifest(**changes) -> Manifest:
    return Manifest(
        runtime="0.1.0",
        libraries={},
        namespace="n",
        model="m",
        version=1,
        version_uid="u",
        created_at="2026-01-01T00:00:00Z",
        intent="y",
        dataset_digest="sha256:0",
        task="regression",
        target="y",
        classes=[],
        metric="r2",
        metrics={},
        training_info=TrainingInfo(dataset_size=1, training_seconds=1, algorithm="Ridge"),
        input_schema=[],
        output_schema=[],
        outputs=[],
        numeric=[],
        text=[],
        example={},
        files=[],
    ).model_copy(update=changes)


def test_files_are_written_with_their_digests(store):
    files = publish.write_files(store, "builds/u/pod/", {"model.onnx": b"x", "card.md": b"# card"})
    assert [(file.name, file.size_bytes) for file in files] == [("model.onnx", 1), ("card.md", 6)]
    assert all(file.digest == publish.digest_of(store.get(file.key)) for file in files)


def test_the_first_manifest_stays_and_repeating_it_is_as_good(store):
    first, second = manifest(), manifest(metric="mae")
    digest = publish.write_manifest(store, "manifest.json", first)
    assert digest == publish.digest_of(store.get("manifest.json"))
    # An answer that was lost on its way makes the same pod write again.
    assert publish.write_manifest(store, "manifest.json", first) == digest
    assert publish.write_manifest(store, "manifest.json", second) is None


class FlakyStore(Store):
    """A store that fails for a while."""

    def __init__(self, failures: int, error: StoreError) -> None:
        super().__init__(MemoryStore(), "memory://")
        self.failures = failures
        self.error = error

    def put(self, key: str, content: bytes | Path) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error
        super().put(key, content)


def no_time(*moments: float) -> tuple[publish.Clock, list[float]]:
    """A clock that shows these moments and notes how long one slept."""
    slept: list[float] = []
    shown = iter(moments or (0.0,) * 100)
    return publish.Clock(lambda: next(shown), slept.append), slept


def test_a_finished_build_waits_for_its_store():
    store = FlakyStore(3, UnavailableError("away"))
    clock, slept = no_time()
    publish.write_files(store, "p/", {"card.md": b"x"}, clock)
    assert store.get("p/card.md") == b"x"
    assert slept == [1.0, 2.0, 5.0]


def test_a_store_that_refuses_is_not_waited_for():
    store = FlakyStore(1, AccessDeniedError("no"))
    clock, slept = no_time()
    with pytest.raises(TemporaryError) as caught:
        publish.write_files(store, "p/", {"card.md": b"x"}, clock)
    assert caught.value.reason is Reason.STORE_UNAVAILABLE
    assert not slept


def test_patience_has_an_end():
    store = FlakyStore(9, UnavailableError("away"))
    clock, slept = no_time(0.0, 100.0, publish.PATIENCE_SECONDS + 1.0)
    with pytest.raises(TemporaryError, match="does not take files"):
        publish.write_files(store, "p/", {"card.md": b"x"}, clock)
    assert slept == [1.0]


def test_the_probe_leaves_nothing_behind(store):
    publish.probe(store, "builds/u/")
    assert not list(store.list(""))
