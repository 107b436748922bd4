"""The servers of the comparison: how each is started and asked."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from environments import interpreter
from environments import script as command_of
from model import NUMERIC, TEXT, Served
from modelyard_crds.build import ENV_SERVE_REQUEST

HERE = Path(__file__).parent
START_SECONDS = 90
END_SECONDS = 15

Rows = list[dict[str, Any]]


class Server(NamedTuple):
    """One server that can answer the model's rows."""

    name: str
    command: Callable[[Served, int], list[str]]
    environment: Callable[[Served], dict[str, str]]
    ready: str
    one: str
    many: str
    #: The body for one row and for many.
    one_body: Callable[[Rows], Any] = lambda rows: rows[0]
    many_body: Callable[[Rows], Any] = lambda rows: rows


class Running(NamedTuple):
    """A server that answers."""

    port: int
    pid: int
    start_s: float

    def rss_mb(self) -> float:
        """Resident memory of the process and its children."""
        return sum(rss_mb(pid) for pid in [self.pid, *_descendants(self.pid)])


MODELYARD = Server(
    "modelyard-serve",
    lambda served, port: [
        command_of("modelyard-serve"),
        "--host=127.0.0.1",
        f"--port={port}",
        f"--store-folder={served.folder / 'secret'}",
        f"--termination-log={served.folder / 'termination-log'}",
        "--drain-seconds=0",
    ],
    lambda served: {ENV_SERVE_REQUEST: served.request.model_dump_json(by_alias=True)},
    "/readyz",
    "/infer",
    "/predictions",
)
FASTAPI = Server(
    "FastAPI + scikit-learn",
    lambda _, port: [
        *(sys.executable, "-m", "uvicorn", "--app-dir", str(HERE / "peers")),
        *("--port", str(port), "--no-access-log", "--log-level", "warning"),
        "fastapi_sklearn:app",
    ],
    lambda served: {"BENCH_FOLDER": str(served.folder)},
    "/ready",
    "/infer",
    "/predictions",
)
BENTOML = Server(
    "BentoML + scikit-learn",
    lambda _, port: [
        *(command_of("bentoml"), "serve", "--working-dir", str(HERE / "peers")),
        *("--host", "127.0.0.1", "--port", str(port), "bentoml_sklearn:Bench"),
    ],
    lambda served: {
        "BENCH_FOLDER": str(served.folder),
        "BENTOML_HOME": str(served.folder / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
    },
    "/readyz",
    "/infer",
    "/predictions",
    lambda rows: {"row": rows[0]},
    lambda rows: {"rows": rows},
)


def _peer(
    name: str,
    script: str,
    requirements: list[str],
    ready: str,
    path: str,
    body: Callable[[Rows], Any],
) -> Server:
    """A server that lives in an environment of its own, made on first use."""
    return Server(
        name,
        lambda _, port: [_python_of(script, requirements), str(HERE / "peers" / script), str(port)],
        lambda served: {"BENCH_FOLDER": str(served.folder)},
        ready,
        path,
        path,
        lambda rows: body(rows[:1]),
        body,
    )


def _as_tensors(rows: Rows) -> dict[str, Any]:
    return {
        "parameters": {"content_type": "pd"},
        "inputs": [
            {
                "name": name,
                "shape": [len(rows), 1],
                "datatype": "FP64" if name in NUMERIC else "BYTES",
                "data": [row[name] for row in rows],
            }
            for name in NUMERIC + TEXT
        ],
    }


#: Servers that ``--peers`` adds, at the versions that were tried.
PEERS = (
    _peer(
        "KServe Python server",
        "kserve_sklearn.py",
        ["kserve==0.21.0"],
        "/v2/health/ready",
        "/v1/models/bench:predict",
        lambda rows: {"instances": rows},
    ),
    _peer(
        "MLServer in process",
        "mlserver_sklearn.py",
        ["mlserver==1.7.1", "mlserver-sklearn==1.7.1"],
        "/v2/models/bench/ready",
        "/v2/models/bench/infer",
        _as_tensors,
    ),
    _peer(
        "MLflow models serve",
        "mlflow_sklearn.py",
        ["mlflow==3.17.2"],
        "/ping",
        "/invocations",
        lambda rows: {"dataframe_records": rows},
    ),
)


@contextmanager
def running(server: Server, served: Served) -> Iterator[Running]:
    """The server, from its first answer to the end of the block."""
    port = free_port()
    log = served.folder / f"{server.name.split()[0]}.log"
    # Before the clock starts: a peer's environment may have to be made.
    command = server.command(served, port)
    started = time.perf_counter()
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | server.environment(served),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=served.folder,
        )
        try:
            _wait_ready(process, f"http://127.0.0.1:{port}{server.ready}", log)
            yield Running(port, process.pid, time.perf_counter() - started)
        finally:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def bodies(server: Server, served: Served) -> tuple[Path, Path]:
    """Files with the body of one row and of all rows."""
    one, many = served.folder / "one.json", served.folder / "many.json"
    one.write_text(json.dumps(server.one_body(served.rows)))
    many.write_text(json.dumps(server.many_body(served.rows)))
    return one, many


def _wait_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
                answer.read()
                return
        except OSError:
            time.sleep(0.01)
    msg = f"the server did not become ready; its log:\n{log.read_text()[-2000:]}"
    raise SystemExit(msg)


def _python_of(script: str, requirements: list[str]) -> str:
    """The interpreter of a peer's environment, at our versions of what it loads the model with."""
    same = [f"{name}=={version(name)}" for name in ("scikit-learn", "joblib")]
    return interpreter(Path(script).stem, [*requirements, *same])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [found for child in map(int, children) for found in (child, *_descendants(child))]
