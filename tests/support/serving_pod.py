"""A serving pod as a process of its own, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from modelyard_crds.build import ENV_SERVE_REQUEST, ServeRequest

READY_SECONDS = 30
END_SECONDS = 20


class Pod:
    """A process of modelyard-serve on loopback."""

    def __init__(
        self, request: ServeRequest, secret: Path, folder: Path, *arguments: str, **more: str
    ) -> None:
        self.port = _free_port()
        self.termination_log = folder / "termination-log"
        self.termination_log.touch()
        # What a pod has: nothing of the surroundings, and one folder to write to.
        environment = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
            "HOME": "/nonexistent",
            ENV_SERVE_REQUEST: request.model_dump_json(by_alias=True),
            **more,
        }
        command = [sys.executable, "-c", "from modelyard_runtime.serving.main import main; main()"]
        self.process = subprocess.Popen(
            [
                *command,
                "--host=127.0.0.1",
                f"--port={self.port}",
                f"--store-folder={secret}",
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

    def infer(self, row: Any) -> dict[str, object]:
        """The answer to a row."""
        response = httpx.post(f"http://127.0.0.1:{self.port}/infer", json=row, timeout=5)
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

    def rss_mebi(self) -> float:
        """Resident memory of the process."""
        return self._memory_mebi("VmRSS")

    def peak_mebi(self) -> float:
        """The most that was ever resident of the process."""
        return self._memory_mebi("VmHWM")

    def _memory_mebi(self, field: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
        return int(line.split()[1]) / 1024

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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
