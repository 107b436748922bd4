"""Pitfall 5.7 and group 9: only what matches the digest is served, and every end has a reason."""

import json

import pytest

from modelyard_crds.build import MANIFEST_FORMAT, StoreConfig
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import PodError, TemporaryError
from modelyard_runtime.serving import artifact
from modelyard_runtime.serving.artifact import ArtifactError, fetch_artifact
from modelyard_runtime.store import open_store
from unit.serving.conftest import digest


def fetch(version, request=None):
    store = open_store(StoreConfig(url=f"file://{version.store}"))
    return fetch_artifact(store, request or version.request)


def refused(version, reason, message, request=None) -> PodError:
    with pytest.raises(PodError, match=message) as raised:
        fetch(version, request)
    assert raised.value.reason is reason
    return raised.value


def rewritten(version, /, **fields):
    """The version with another manifest, and the request that asks for exactly that."""
    content = json.dumps(json.loads(version.manifest_path.read_bytes()) | fields).encode()
    version.manifest_path.write_bytes(content)
    return version.request.model_copy(update={"manifest_digest": digest(content)})


def test_a_version_is_fetched_by_digest(version):
    fetched = fetch(version)
    assert fetched.manifest == version.manifest
    assert fetched.model == version.model
    assert fetched.statistics is None


@pytest.mark.parametrize("part", [1000, 7, 10**9])
def test_a_large_file_comes_in_parts_and_is_the_same(version, monkeypatch, part):
    monkeypatch.setattr(artifact, "PARTS_ABOVE_BYTES", 0)
    monkeypatch.setattr("modelyard_runtime.store.CHUNK_BYTES", part * 10)
    assert fetch(version).model == version.model
    version.model_path.unlink()
    refused(version, Reason.ARTIFACT_MISSING, "build the version again")


def test_statistics_are_fetched_and_verified_like_the_graph(version):
    content = b'{"rows": 1, "columns": {}}'
    path = version.store / "statistics.json"
    path.write_bytes(content)
    file = {
        "name": "statistics.json",
        "key": "statistics.json",
        "digest": digest(content),
        "sizeBytes": len(content),
    }
    files = json.loads(version.manifest_path.read_bytes())["files"]
    request = rewritten(version, files=[*files, file])
    assert fetch(version, request).statistics == content
    path.write_bytes(content[:-1])
    refused(version, Reason.ARTIFACT_MISMATCH, "statistics.json", request)


@pytest.mark.parametrize(
    "tamper",
    [lambda b: b[:-1], lambda b: b[:0], lambda b: b + b"x", lambda b: b[:50] + b"\0" + b[51:]],
    ids=["truncated", "empty", "longer", "changed"],
)
@pytest.mark.parametrize("parts_above", [0, artifact.PARTS_ABOVE_BYTES])
def test_bytes_that_differ_are_a_mismatch(version, tamper, parts_above, monkeypatch):
    monkeypatch.setattr(artifact, "PARTS_ABOVE_BYTES", parts_above)
    whole = version.model_path.read_bytes()
    version.model_path.write_bytes(tamper(whole))
    error = refused(version, Reason.ARTIFACT_MISMATCH, "model.onnx")
    assert error.exit_code == 1
    version.model_path.write_bytes(whole)
    version.manifest_path.write_bytes(tamper(version.manifest_path.read_bytes()))
    refused(version, Reason.ARTIFACT_MISMATCH, "manifest.json")


def test_what_is_not_there_is_missing(version):
    version.model_path.unlink()
    refused(version, Reason.ARTIFACT_MISSING, "build the version again")
    version.manifest_path.unlink()
    refused(version, Reason.ARTIFACT_MISSING, "manifest.json")


def test_a_manifest_of_a_newer_image_is_unsupported(version):
    request = rewritten(version, format=MANIFEST_FORMAT + 1, surprise=True)
    refused(version, Reason.ARTIFACT_UNSUPPORTED, "newer image", request)


@pytest.mark.parametrize("number", range(1, MANIFEST_FORMAT + 1))
def test_manifests_of_every_older_format_are_read(version, number):
    """Format 1 has neither heads nor files of other names, 2 has heads, 3 any files."""
    card = {"name": "calibration-2.svg", "key": "u/calibration-2.svg", "sizeBytes": 9}
    files = json.loads(version.manifest_path.read_bytes())["files"]
    more = [card | {"digest": f"sha256:{'0' * 64}"}] if number > 2 else []
    found = fetch(version, rewritten(version, format=number, files=[*files, *more]))
    assert found.manifest.format == number


@pytest.mark.parametrize("fields", [{"format": "x"}, {"classes": 3}, {"files": []}])
def test_a_manifest_that_cannot_be_read_is_unsupported(version, fields):
    refused(version, Reason.ARTIFACT_UNSUPPORTED, "manifest", rewritten(version, **fields))


def test_a_manifest_of_another_version_is_a_mismatch(version):
    refused(version, Reason.ARTIFACT_MISMATCH, "churn v3", rewritten(version, version=3))


def test_an_absurd_size_is_refused_before_it_is_fetched(version):
    (file,) = json.loads(version.manifest_path.read_bytes())["files"]
    request = rewritten(version, files=[file | {"sizeBytes": 10**12}])
    refused(version, Reason.ARTIFACT_UNSUPPORTED, "1000000000000 bytes", request)


def test_pickled_bytes_are_refused_whatever_their_digest(published):
    refused(published(model=b"\x80\x04pickle"), Reason.ARTIFACT_UNSUPPORTED, "not ONNX")


def test_a_store_that_does_not_answer_is_temporary(version, monkeypatch):
    config = StoreConfig(url="s3://bucket", endpoint="http://127.0.0.1:9", allow_http=True)
    monkeypatch.setattr("modelyard_runtime.store.RETRY", {"max_retries": 0})
    with pytest.raises(TemporaryError) as raised:
        fetch_artifact(open_store(config), version.request)
    assert raised.value.reason is Reason.STORE_UNAVAILABLE
    assert not isinstance(raised.value, ArtifactError)
