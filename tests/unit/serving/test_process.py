"""The real process: start, predict, drain, end; and the ends of one that may not serve."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from modelyard_crds.build import ENV_SERVE_REQUEST, EXIT_TEMPORARY, PodResult
from modelyard_crds.reasons import Reason
from unit.serving.conftest import EXAMPLE

READY_SECONDS = 30
END_SECONDS = 20


class Pod:
    """A process of modelyard-serve on loopback."""

    def __init__(self, version, folder: Path, *arguments: str) -> None:
        self.port = _free_port()
        self.termination_log = folder / "termination-log"
        self.termination_log.touch()
        # What a pod has: nothing of the surroundings, and one folder to write to.
        environment = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
            "HOME": "/nonexistent",
            ENV_SERVE_REQUEST: version.request.model_dump_json(by_alias=True),
        }
        command = [sys.executable, "-c", "from modelyard_runtime.serving.main import main; main()"]
        self.process = subprocess.Popen(
            [
                *command,
                "--host=127.0.0.1",
                f"--port={self.port}",
                f"--store-folder={version.secret}",
                f"--termination-log={self.termination_log}",
                *arguments,
            ],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    def get(self, path: str) -> int:
        """The status of a path."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5).status_code

    def infer(self) -> dict[str, object]:
        """The answer to the example row."""
        response = httpx.post(f"http://127.0.0.1:{self.port}/infer", json=EXAMPLE, timeout=5)
        response.raise_for_status()
        answer: dict[str, object] = response.json()
        return answer

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.get("/readyz") == 200:
                    return
            except httpx.TransportError:
                self.pause()
        pytest.fail(f"the pod did not become ready: {self.end()}")

    def pause(self) -> None:
        """Give the process a moment, unless it ends."""
        try:
            self.process.wait(0.05)
        except subprocess.TimeoutExpired:
            return

    def end(self) -> str:
        """Wait for the process; its log."""
        output, _ = self.process.communicate(timeout=END_SECONDS)
        return output


@pytest.fixture
def start(version, tmp_path) -> Iterator[Callable[..., Pod]]:
    pods: list[Pod] = []

    def begin(*arguments: str) -> Pod:
        pods.append(Pod(version, tmp_path, *arguments))
        return pods[-1]

    yield begin
    for pod in pods:
        if pod.process.poll() is None:
            pod.process.kill()
        pod.process.communicate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_pod_serves_drains_and_ends(start):
    pod = start("--drain-seconds=1")
    pod.wait_ready()
    assert pod.infer()["model_name"] == "churn"
    # The BentoML app behind loads on first use and describes the same routes.
    assert pod.get("/schema.json") == 200
    pod.process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    while pod.get("/readyz") == 200:
        assert time.monotonic() - told < 0.5
    assert pod.infer()["model_version"] == "v2.0"
    log = pod.end()
    assert time.monotonic() - told < 3
    assert pod.process.returncode == 0
    assert pod.termination_log.read_text() == ""
    assert all(json.loads(line)["message"] for line in log.splitlines())


def test_a_request_under_way_is_answered_before_the_end(start):
    pod = start("--drain-seconds=0.1")
    pod.wait_ready()
    body = json.dumps(EXAMPLE).encode()
    with socket.create_connection(("127.0.0.1", pod.port)) as connection:
        connection.sendall(
            b"POST /infer HTTP/1.1\r\nhost: pod\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n" % len(body) + body[:10]
        )
        pod.get("/healthz")
        pod.process.send_signal(signal.SIGTERM)
        while pod.get("/readyz") == 200:
            pod.pause()
        connection.sendall(body[10:])
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer
    pod.end()
    assert pod.process.returncode == 0


def test_what_is_not_http_gets_the_envelope(start):
    pod = start()
    pod.wait_ready()
    with socket.create_connection(("127.0.0.1", pod.port)) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"]["code"] == "invalid_request"


def test_a_tampered_artifact_ends_the_pod_with_its_reason(start, version):
    version.model_path.write_bytes(version.model[:-1] + b"\0")
    pod = start()
    log = pod.end()
    assert pod.process.returncode == 1
    result = PodResult.decode(pod.termination_log.read_text())
    assert result is not None
    assert result.reason is Reason.ARTIFACT_MISMATCH
    assert "model.onnx" in result.message
    assert "Traceback" not in log
    assert json.loads(log.splitlines()[-1])["message"].startswith("ArtifactMismatch: ")


def test_a_store_that_is_not_there_ends_the_pod_as_temporary(start, version):
    (version.secret / "url").unlink()
    pod = start("--start-seconds=0.1")
    pod.end()
    assert pod.process.returncode == EXIT_TEMPORARY
    result = PodResult.decode(pod.termination_log.read_text())
    assert result is not None
    assert result.reason is Reason.STORE_UNAVAILABLE
