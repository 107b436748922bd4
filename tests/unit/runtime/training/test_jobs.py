"""Pods from their request to their termination message, with a folder as the store."""

import json
import re
import subprocess
import sys
import time

import pytest

from modelyard_crds.build import Manifest, Profile, Progress
from modelyard_runtime.artifacts.publish import digest_of
from modelyard_runtime.training import jobs, main

PROFILE = {
    "namespace": "team-a",
    "dataset": "wine",
    "datasetUid": "d-uid",
    "sourceHash": "abc",
    "source": {"uri": "example://wine"},
}


def test_a_profile_is_stored_and_its_digest_told(pod):
    code, result = pod.run("profile", PROFILE)
    assert (code, result["reason"]) == (0, "Ready")
    profile = Profile.model_validate_json(pod.store.get("profiles/d-uid/abc.json"))
    assert (profile.rows, profile.column_count, profile.format) == (178, 14, "csv")
    assert result["digest"] == profile.digest


@pytest.mark.parametrize(
    ("source", "code", "reason"),
    [
        ({"uri": "example://nothing"}, 65, "SourceNotFound"),
        ({"uri": "s3://bucket/"}, 65, "SourceNotFound"),
        ({"uri": "https://127.0.0.1:9/file.csv"}, 75, "SourceUnreachable"),
        ({"upload": "upload_abcdefghijkl"}, 65, "SourceNotFound"),
    ],
)
def test_a_source_that_cannot_be_read_has_its_reason(pod, monkeypatch, source, code, reason):
    monkeypatch.setattr("modelyard_runtime.data.source.HTTP_PAUSES_SECONDS", ())
    found, result = pod.run("profile", PROFILE | {"source": source})
    assert (found, result["reason"]) == (code, reason)
    assert "Traceback" not in result["message"]


def test_an_upload_is_read_through_its_record(pod):
    key = "uploads/team-a/upload_abcdefghijkl"
    pod.store.put(f"{key}/a.csv", b"a,b\n1,x\n2,y\n")
    record = {
        "uploadId": "upload_abcdefghijkl",
        "createdAt": "2026-01-01T00:00:00Z",
        "files": [{"filename": "a.csv", "key": f"{key}/a.csv", "sizeBytes": 12, "digest": "x"}],
    }
    pod.store.put(f"{key}.json", json.dumps(record).encode())
    code, result = pod.run("profile", PROFILE | {"source": {"upload": "upload_abcdefghijkl"}})
    assert code == 0
    assert result["digest"] == digest_of(b"a,b\n1,x\n2,y\n")


def test_a_build_publishes_files_then_the_manifest(pod, build_request):
    request = build_request("wine", "Which cultivar does a wine come from?")
    code, result = pod.run("build", request)
    assert (code, result["reason"]) == (0, "Ready")
    content = pod.store.get("builds/v-uid/manifest.json")
    assert result["digest"] == digest_of(content)
    manifest = Manifest.model_validate_json(content)
    assert (manifest.target, manifest.task, manifest.metric) == (
        *("cultivar", "multiclass", "accuracy"),
    )
    assert {file.name for file in manifest.files} == {
        *("model.onnx", "model.skops", "statistics.json", "card.md", "model_card.json"),
        *("importance.svg", "confusion_matrix.svg", "calibration.svg"),
    }
    for file in manifest.files:
        assert file.key == f"builds/v-uid/pod-1/{file.name}"
        assert file.digest == digest_of(pod.store.get(file.key))
    progress = Progress.model_validate_json(pod.store.get("builds/v-uid/progress.json"))
    assert progress.percent == 100
    log = pod.store.get("builds/v-uid/logs.jsonl").decode()
    assert re.search(r"Trying [a-z ]+, candidate 1", log)
    assert not [key for key, _ in pod.store.list("builds/") if "probe" in key]


def test_of_two_pods_the_first_manifest_stays_and_both_succeed(pod, build_request):
    request = build_request("iris", "What species is it?")
    assert pod.run("build", request, "pod-1")[0] == 0
    first = pod.store.get("builds/v-uid/manifest.json")
    code, result = pod.run("build", request, "pod-2")
    assert (code, result["reason"]) == (0, "Ready")
    assert pod.store.get("builds/v-uid/manifest.json") == first
    assert not list(pod.store.list("builds/v-uid/pod-2/"))


def test_content_that_changed_since_the_profile_is_refused(pod, build_request):
    request = build_request("wine", "Which cultivar?", datasetDigest=f"sha256:{'0' * 64}")
    code, result = pod.run("build", request)
    assert (code, result["reason"]) == (65, "DatasetChanged")
    assert "refresh" in result["message"]
    assert "DatasetChanged" in pod.store.get("builds/v-uid/logs.jsonl").decode()


def test_a_plan_that_fails_ends_before_any_search(pod, build_request):
    code, result = pod.run("build", build_request("wine", "Predict the weather"))
    assert (code, result["reason"]) == (65, "TargetNotFound")
    assert not pod.store.exists("builds/v-uid/manifest.json")


def test_a_store_that_is_away_costs_no_work(pod, build_request):
    pod.use_store(
        "s3://bucket", endpoint="http://127.0.0.1:9", accessKeyId="a", secretAccessKey="b",
        allowHttp="true",
    )  # fmt: skip
    code, result = pod.run("build", build_request("wine", "Which cultivar?"))
    assert (code, result["reason"]) == (75, "StoreUnavailable")


def test_faults_of_ours_are_one_sentence(caplog):
    def broken():
        msg = "index 3 is out of bounds"
        raise IndexError(msg)

    code, result = main.outcome_of(main.FAULTS["build"], broken)
    assert (code, result.reason.value) == (1, "TrainingFailed")
    assert "IndexError" in result.message
    assert "bounds" not in result.message
    assert "index 3 is out of bounds" in caplog.text


def test_running_out_of_memory_says_what_to_raise():
    def greedy():
        raise MemoryError

    code, result = main.outcome_of(main.FAULTS["build"], greedy)
    assert (code, result.reason.value) == (1, "OutOfMemory")
    assert "memory" in result.message


def test_a_missing_request_is_a_fault_of_ours(monkeypatch):
    monkeypatch.delenv("MODELYARD_BUILD_REQUEST", raising=False)
    code, result = main.outcome_of(main.FAULTS["build"], lambda: jobs.run_build(1, 0.0))
    assert (code, result.reason.value) == (1, "TrainingFailed")


def test_sigterm_ends_a_process_that_computes():
    code = (
        "from modelyard_runtime.training.main import end_on_sigterm\n"
        "end_on_sigterm()\n"
        "print('ready', flush=True)\n"
        "import numpy\n"
        "while True: numpy.linalg.svd(numpy.ones((300, 300)))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began = time.monotonic()
        process.terminate()
        assert process.wait(10) == 143
        assert time.monotonic() - began < 5
