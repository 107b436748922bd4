"""A façade as a process of the test's own, behind relays, for tests that cut or end it.

It serves the real cluster from outside: API server and store are reached through relays. Pods are
not reachable from there, so predictions are shown with the installed façade.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import yaml

from support.durations import SHORT
from support.kubectl import Kubectl, TimedOut, poll
from support.operator_process import free_port, store_from_outside
from support.relay import Relay


@dataclass
class FacadeProcess:
    """The process, and what stands between it and the world."""

    url: str
    process: subprocess.Popen[bytes]
    api_server: Relay
    store: Relay
    log: Path

    def end(self) -> int:
        """Ask it to end, and wait; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SHORT)

    def kill(self) -> None:
        """SIGKILL: it gets no chance to finish anything."""
        self.process.kill()
        self.process.wait(SHORT)


@contextmanager
def facade_process(system: Kubectl, folder: Path, **settings: object) -> Iterator[FacadeProcess]:
    """A façade that is ready; keyword arguments are its settings."""
    with ExitStack() as stack:
        config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
        cluster = config["clusters"][0]["cluster"]
        address = urlsplit(cluster["server"])
        api_server = stack.enter_context(Relay(address.hostname or "", address.port or 443))
        cluster["server"] = f"https://127.0.0.1:{api_server.port}"
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config))
        mount = stack.enter_context(store_from_outside(system, folder / "store"))
        inside = urlsplit((mount / "endpoint").read_text())
        store = stack.enter_context(Relay(inside.hostname or "", inside.port or 80))
        (mount / "endpoint").write_text(f"http://127.0.0.1:{store.port}")
        port = free_port()
        given = {
            "namespace": system.namespace,
            "kubeconfig": kubeconfig,
            "store_mount": mount,
            "host": "127.0.0.1",
            "port": port,
            "metrics_port": free_port(),
            "tiers": '{"default": {"requestsPerMinute": 0}}',
        }
        variables = {f"MODELYARD_{k.upper()}": str(v) for k, v in (given | settings).items()}
        log = folder / "facade.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("modelyard-api"))],
                env=os.environ | variables,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        facade = FacadeProcess(f"http://127.0.0.1:{port}", process, api_server, store, log)
        try:
            _wait_ready(facade)
            yield facade
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(SHORT)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(SHORT)
                    raise


def _wait_ready(facade: FacadeProcess) -> None:
    def ready() -> bool | None:
        try:
            return httpx.get(f"{facade.url}/readyz").status_code == httpx.codes.OK or None
        except httpx.HTTPError:
            return None

    if poll(ready, SHORT) is None:
        raise TimedOut(f"the façade is not ready within {SHORT} s:\n{facade.log.read_text()}")
