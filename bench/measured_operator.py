"""The operator as a process to be measured: memory, processor time, and what it says of itself."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

START_SECONDS = 60.0


class Use(NamedTuple):
    """What the process has used."""

    resident_mb: float
    peak_mb: float
    processor_seconds: float


class MeasuredOperator:
    """Starts the operator from this checkout; a context manager that ends it."""

    def __init__(self, kubeconfig: Path, store_config: Path, log: Path) -> None:
        self._port = _free_port()
        self._log = log
        self._environment = os.environ | {
            "KUBECONFIG": str(kubeconfig),
            "MODELYARD_INFERENCE_IMAGE": "simulated",
            "MODELYARD_STORE_PATH": str(store_config),
            "MODELYARD_HEALTH_PORT": str(self._port),
        }

    def __enter__(self) -> MeasuredOperator:
        command = [str(Path(sys.executable).with_name("modelyard-operator"))]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        self.started = time.time()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(START_SECONDS)

    def use(self) -> Use:
        """What it uses now; raises SystemExit when it has ended."""
        if self._process.poll() is not None:
            raise SystemExit(f"the operator has ended; its log: {self._log}")
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = int(stat[11]) + int(stat[12])
        return Use(
            _megabytes(status, "VmRSS"),
            _megabytes(status, "VmHWM"),
            ticks / os.sysconf("SC_CLK_TCK"),
        )

    def reconciled(self) -> int:
        """How many reconciles have ended, or -1 while keys wait or it does not answer yet."""
        text = self._metrics()
        waiting = _sum(text, "modelyard_queue_depth")
        return -1 if not text or waiting else int(_sum(text, "modelyard_reconciles_total"))

    def _metrics(self) -> str:
        url = f"http://127.0.0.1:{self._port}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                text: str = answer.read().decode()
        except OSError:
            return ""
        return text


def _sum(text: str, metric: str) -> float:
    return sum(float(value) for value in re.findall(rf"^{metric}\{{.*\}} (\S+)$", text, re.M))


def _megabytes(status: str, field: str) -> float:
    found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.M)
    return int(found[1]) / 1024 if found else 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
