"""An operator as a process of the test's own, for tests that kill it."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from modelyard_runtime.store import Store, open_store, read_config
from support.durations import MEDIUM, SHORT
from support.kubectl import Kubectl, TimedOut, poll

STORE_PORT = 7070


class OperatorProcess:
    """Starts the operator for one namespace, kills it, starts it again."""

    def __init__(
        self,
        namespace: str,
        kubeconfig: Path,
        store: Path,
        image: str,
        log: Path,
        wrapper: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        self._wrapper = wrapper
        self._process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self._environment = os.environ | {
            "KUBECONFIG": str(kubeconfig),
            "MODELYARD_NAMESPACES": namespace,
            "MODELYARD_INFERENCE_IMAGE": image,
            "MODELYARD_STORE_PATH": str(store),
            "MODELYARD_HEALTH_PORT": str(self._port),
            **(environment or {}),
        }

    def start(self) -> None:
        """Start it; it works in the background."""
        program = str(Path(sys.executable).with_name("modelyard-operator"))
        command = [*self._wrapper, program]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """SIGKILL: it gets no chance to finish anything."""
        if self._process is not None:
            # Its session, since a wrapper may have it as a child.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """SIGTERM, as the kubelet asks a pod to end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def wait_dead(self) -> None:
        """Wait until the process is gone."""
        if self._process is not None:
            self._process.wait(SHORT)

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def wait_synced(self) -> None:
        """Wait until it has listed everything once."""
        if poll(lambda: self._says_ready() or None, MEDIUM) is None:
            raise TimedOut(f"the operator is not ready; it logged\n{self.log[-3000:]}")

    def reconciles(self, result: str) -> int:
        """How many reconciles ended so, by its own metrics."""
        text = httpx.get(f"http://127.0.0.1:{self._port}/metrics").text
        counts = re.findall(rf'^modelyard_reconciles_total.*result="{result}".* (\S+)$', text, re.M)
        return int(sum(map(float, counts)))

    def _says_ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    @property
    def log(self) -> str:
        """What it logged."""
        return self._log.read_text(errors="replace")


@contextmanager
def no_operator_in_cluster(system: Kubectl) -> Iterator[str]:
    """Scale the installed operator to none meanwhile; gives the inference image it uses."""
    deployment = system.get("deployment", "modelyard-operator")
    assert deployment is not None
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    image = next(e["value"] for e in container["env"] if e["name"] == "MODELYARD_INFERENCE_IMAGE")
    replicas = deployment["spec"]["replicas"]
    system.run("scale", "deployment/modelyard-operator", "--replicas=0")
    selector = "app.kubernetes.io/component=operator"
    try:
        if poll(lambda: not system.list("pods", selector) or None, SHORT) is None:
            raise TimedOut("the installed operator did not end")
        yield image
    finally:
        system.run("scale", "deployment/modelyard-operator", f"--replicas={replicas}")
        system.run("rollout", "status", "deployment/modelyard-operator", "--timeout=60s")


@contextmanager
def store_from_outside(system: Kubectl, folder: Path) -> Iterator[Path]:
    """The store's configuration for a process outside the cluster, through a port-forward."""
    secret = system.get("secret", "modelyard-store")
    assert secret is not None
    port = free_port()
    command = f"kubectl -n {system.namespace} port-forward svc/modelyard-store {port}:{STORE_PORT}"
    # It ends with the first connection that breaks, and is begun again.
    forever = ["sh", "-c", f"while :; do {command}; sleep 0.2; done"]
    forward = subprocess.Popen(forever, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        folder.mkdir(exist_ok=True)
        values = {k: base64.b64decode(v).decode() for k, v in secret["data"].items()}
        for name, value in (values | {"endpoint": f"http://127.0.0.1:{port}"}).items():
            (folder / name).write_text(value)
        if poll(lambda: _answers(port) or None, SHORT) is None:
            raise TimedOut("the port-forward to the store did not open")
        yield folder
    finally:
        os.killpg(forward.pid, signal.SIGTERM)
        forward.wait(SHORT)


@contextmanager
def store_of(system: Kubectl, folder: Path) -> Iterator[Store]:
    """The object store of the cluster."""
    with store_from_outside(system, folder / "store") as mount:
        yield open_store(read_config(mount))


def jobs_made(kubectl: Kubectl) -> dict[str, str]:
    """Every Job that ever made a pod, uid to name, by the Job controller's events."""
    involved = (
        event["involvedObject"]
        for event in kubectl.list("events")
        if event["reason"] == "SuccessfulCreate"
    )
    return {item["uid"]: item["name"] for item in involved if item["kind"] == "Job"}


def copy_store_secret(system: Kubectl, target: Kubectl) -> None:
    """Give the namespace its store Secret as a person would: the operator uses it as it is."""
    secret = system.get("secret", "modelyard-store")
    assert secret is not None
    target.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "modelyard-store"},
            "data": secret["data"],
        }
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    """Whether the store itself answers: a forward that listens may not reach its pod yet."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    except httpx.TransportError:
        return False
