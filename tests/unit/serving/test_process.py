"""The real process: start, predict, drain, end; and the ends of one that may not serve."""

import json
import signal
import socket

from modelyard_crds.build import EXIT_TEMPORARY, PodResult
from modelyard_crds.reasons import Reason
from unit.serving.conftest import EXAMPLE


def test_a_pod_serves_drains_and_ends(start):
    pod = start("--drain-seconds=3")
    pod.wait_ready()
    assert pod.infer(EXAMPLE)["model_name"] == "churn"
    # The BentoML app behind loads on first use and describes the same routes.
    assert pod.get("/schema.json") == 200
    pod.process.send_signal(signal.SIGTERM)
    while pod.get("/readyz") == 200:
        pod.pause()
    assert pod.infer(EXAMPLE)["model_version"] == "v2.0"
    log = pod.end()
    assert pod.process.returncode == 0
    assert pod.termination_log.read_text() == ""
    assert all(json.loads(line)["message"] for line in log.splitlines())


def test_a_request_under_way_is_answered_before_the_end(start):
    pod = start("--drain-seconds=2")
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
