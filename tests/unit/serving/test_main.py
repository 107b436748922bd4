import json

import pytest

from modelyard_crds.build import ENV_SERVE_REQUEST
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import TemporaryError
from modelyard_runtime.serving.artifact import Artifact, ArtifactError
from modelyard_runtime.serving.main import Clock, load, open_artifact, with_retries
from modelyard_runtime.serving.server import cpu_limit
from modelyard_runtime.serving.settings import read_settings
from unit.serving.conftest import EXAMPLE, manifest_of


class VirtualTime:
    """Time that only passes by sleeping."""

    def __init__(self):
        self.seconds = 0.0
        self.pauses = []

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


def unavailable() -> TemporaryError:
    return TemporaryError(Reason.STORE_UNAVAILABLE, "no answer")


def test_a_store_that_comes_back_is_waited_for(version):
    time = VirtualTime()
    artifact = Artifact(version.manifest, version.model)
    answers = [unavailable(), unavailable(), artifact]

    def fetch():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert with_retries(fetch, 60, time.clock) is artifact
    assert len(time.pauses) == 2
    assert time.pauses[0] < time.pauses[1]


def test_a_store_that_stays_away_is_given_up_in_time():
    time = VirtualTime()

    def fetch():
        time.seconds += 3
        raise unavailable()

    with pytest.raises(TemporaryError):
        with_retries(fetch, 60, time.clock)
    assert 50 < time.seconds <= 63
    assert max(time.pauses) <= 8


def test_what_trying_again_cannot_help_is_not_tried_again():
    time = VirtualTime()

    def fetch():
        raise ArtifactError(Reason.ARTIFACT_MISMATCH, "other bytes")

    with pytest.raises(ArtifactError):
        with_retries(fetch, 60, time.clock)
    assert time.pauses == []


def test_a_pod_loads_the_version_of_its_environment(version, monkeypatch):
    monkeypatch.setenv(ENV_SERVE_REQUEST, version.request.model_dump_json(by_alias=True))
    settings = read_settings(["--store-folder", str(version.secret)])
    predictor = load(settings)
    body = json.dumps(EXAMPLE).encode()
    assert (
        json.loads(predictor.infer(body, "req_1", 0.0, explain=False).body)["model_version"]
        == "v2.0"
    )


def test_without_work_a_pod_says_what_is_missing(monkeypatch):
    monkeypatch.delenv(ENV_SERVE_REQUEST, raising=False)
    with pytest.raises(ArtifactError, match=ENV_SERVE_REQUEST):
        load(read_settings([]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"example": {"age": "old"}}, "example is refused"),
        ({"text": ["plan", "plan"]}, "inputs"),
        ({"task": "regression"}, "outputs"),
        ({"text": ["gone"]}, "'gone'"),
    ],
)
def test_a_manifest_that_does_not_fit_its_graph_is_unsupported(version, changes, message):
    manifest = manifest_of(version.manifest.files[0], **changes)
    with pytest.raises(ArtifactError, match=message) as raised:
        open_artifact(Artifact(manifest, version.model), 10)
    assert raised.value.reason is Reason.ARTIFACT_UNSUPPORTED


@pytest.mark.parametrize(
    ("files", "host", "limit"),
    [
        ({"cpu.max": "max 100000"}, 3, 3),
        ({"cpu.max": "50000 100000"}, 8, 1),
        ({"cpu.max": "200000 100000"}, 8, 2),
        ({"cpu.max": "6400000 100000"}, 64, 4),
        ({"cpu.max": "nonsense"}, 2, 2),
        ({"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 8, 1),
        ({"cpu/cpu.cfs_quota_us": "350000", "cpu/cpu.cfs_period_us": "100000"}, 8, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 2, 2),
        ({}, 2, 2),
    ],
)
def test_threads_follow_the_limit_of_the_container(tmp_path, monkeypatch, files, host, limit):
    """Pitfall 5.2: by the container's share, whichever cgroup states it, not the host's cores."""
    monkeypatch.setattr("os.cpu_count", lambda: host)
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    assert cpu_limit(tmp_path) == limit
