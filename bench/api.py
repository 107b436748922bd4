"""The façade's own cost: predictions beside the pod that answers them, and reads of 5,000 models.

``python bench/api.py [--seconds N] [--minutes N]`` writes facade.* into bench.json. The façade is
the real process with key check and limits; the API server replays 5,000 models and the pod
answers the same bytes at once, so that the figures are the façade's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import report
from client import Load
from list_lag import list_lag_ms
from modelyard_api import keys
from modelyard_crds import names
from servers import cpu_s, free_port, rss_mb

HERE = Path(__file__).parent
MODELS = 5_000
ACCOUNT = "bench"
OWN = "modelyard-system"
START_SECONDS = 90
END_SECONDS = 15
BATCH_ROWS = 10_000
#: Never reached: counting is what is to be paid for.
LIMIT = 1_000_000_000
#: More than any measurement needs to begin and end, whatever else the machine does.
SPARE_SECONDS = 60


class Facade(NamedTuple):
    """A façade that answers, and what is asked of it."""

    port: int
    pod: int
    pid: int
    key: str
    api_server: int


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as name:
        folder = Path(name)
        with running(folder) as facade:
            figures = measure(facade, folder, arguments.seconds)
            if arguments.minutes:
                figures.append(growth(facade, folder, arguments.minutes))
    report.merge(figures)
    rows = [[figure.name, f"{figure.value:,.2f} {figure.unit}"] for figure in figures]
    print(report.table(["figure", "value"], rows))


def measure(facade: Facade, folder: Path, seconds: float) -> list[report.Figure]:
    """All figures; what the façade adds is measured in turns with the pod alone."""
    one, many, none = folder / "one.json", folder / "many.json", folder / "none"
    one.write_text(json.dumps({"age": 31, "plan": "basic", "calls": 12.5}))
    many.write_text(json.dumps([{"age": 31, "plan": "basic", "calls": 12.5}] * BATCH_ROWS))
    none.write_bytes(b"")
    infer, batch = "/models/m00000/v1.0/infer", "/models/m00000/v1.0/predictions"
    turns = [
        (_load(facade, infer, one, 1, seconds), _pod(facade, "/infer", one, 1, seconds))
        for _ in range(3)
    ]
    added = sorted(through.p50_ms - alone.p50_ms for through, alone in turns)[1]
    before = cpu_s(facade.pid)
    sixteen = _load(facade, infer, one, 16, seconds)
    cpu = (cpu_s(facade.pid) - before) / sixteen.answered
    rows = _load(facade, batch, many, 1, seconds)
    reads = {
        "list": "/models?limit=100&sort_by=name",
        "get": "/models/m02500",
        "status": "/models/m02500/v1.0/status",
    }
    first, again = list_lag_ms(facade.api_server)
    read = {name: _load(facade, path, none, 1, seconds).p50_ms for name, path in reads.items()}
    return [
        report.figure("facade.rps_16", sixteen.requests_per_s, "requests/s", {}, less=False),
        # Of the façade's process: says something on a busy machine too.
        report.figure("facade.cpu_ms_16", cpu * 1e3, "ms", {}, less=True),
        report.figure("facade.p50_added_ms", added, "ms", {}, less=True),
        report.figure("facade.read_p50_ms", max(read.values()), "ms", {}, less=True),
        *(
            report.figure(f"facade.{name}_p50_ms", value, "ms", {}, less=True)
            for name, value in read.items()
        ),
        report.figure("facade.batch_10000_p50_ms", rows.p50_ms, "ms", {}, less=True),
        report.figure("facade.first_list_lag_ms", first, "ms", {}, less=True),
        report.figure("facade.list_lag_ms", again, "ms", {}, less=True),
        report.figure("facade.rss_mb", rss_mb(facade.pid), "MB", {}, less=True),
    ]


def growth(facade: Facade, folder: Path, minutes: float) -> report.Figure:
    """How much memory grows under predictions, after a first minute."""
    one = folder / "one.json"
    _load(facade, "/models/m00000/v1.0/infer", one, 16, 60)
    before = rss_mb(facade.pid)
    _load(facade, "/models/m00000/v1.0/infer", one, 16, minutes * 60)
    return report.figure("facade.growth_mb", rss_mb(facade.pid) - before, "MB", {}, less=True)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Facade]:
    """API server, pod and façade, each a process of its own."""
    key, secret = _key()
    api, pod, port = free_port(), free_port(), free_port()
    write_objects(folder, secret, pod)
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(_kubeconfig(api)))
    store = folder / "store"
    store.mkdir()
    (store / "url").write_text("memory:///")
    settings = {
        "kubeconfig": kubeconfig,
        "store_mount": store,
        "host": "127.0.0.1",
        "port": port,
        "metrics_port": free_port(),
        "tiers": json.dumps(
            {"default": {"requestsPerMinute": LIMIT, "predictionsPerMinute": LIMIT}}
        ),
        "namespace": OWN,
        "log_level": "WARNING",
    }
    variables = {f"MODELYARD_{name.upper()}": str(value) for name, value in settings.items()}
    replayed = [sys.executable, str(HERE / "replayed.py")]
    with contextlib.ExitStack() as stack:
        for command in ([*replayed, "api", str(api), str(folder)], [*replayed, "pod", str(pod)]):
            stack.enter_context(_process(command, {}))
        _say(f"the façade starts and reads {MODELS} models")
        facade = stack.enter_context(_process([_command("modelyard-api")], variables))
        _wait(port, facade)
        yield Facade(port, pod, facade.pid, key, api)


def write_objects(folder: Path, secret: dict[str, Any], pod: int) -> None:
    """The lists that the API server answers, by plural."""
    lists: dict[str, list[dict[str, Any]]] = {
        "models": [_model(index) for index in range(MODELS)],
        "modelversions": [_version(index) for index in range(MODELS)],
        "modeldeployments": [_deployment()],
        "datasets": [],
        "endpointslices": [_slice(pod)],
        "secrets": [secret],
    }
    for plural, items in lists.items():
        content = {"metadata": {"resourceVersion": "1"}, "items": items}
        (folder / f"{plural}.json").write_text(json.dumps(content))


def _name(index: int) -> str:
    # Not in alphabetical order of creation.
    return f"m{index * 7919 % MODELS:05d}"


def _object(kind: str, name: str, spec: Any, status: Any, **meta: Any) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": ACCOUNT,
        "uid": f"uid-{name}",
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"kind": kind, "metadata": metadata | meta, "spec": spec, "status": status}


def _model(index: int) -> dict[str, Any]:
    spec = {"intent": "Predict churn from usage", "datasetRef": {"name": "usage"}}
    return _object("Model", _name(index), spec, {"phase": "READY", "latestVersion": 1})


def _version(index: int) -> dict[str, Any]:
    name = _name(index)
    owner = {"apiVersion": names.API_VERSION, "kind": "Model", "name": name, "uid": f"uid-{name}"}
    build = {
        "intent": "Predict churn from usage",
        "datasetRef": {"name": "usage"},
        "datasetDigest": "sha256:" + "a" * 64,
        "source": {"uri": "example://iris"},
        "training": {},
    }
    spec = {"modelRef": {"name": name}, "version": 1, "specHash": "0" * 64, "build": build}
    status = {"phase": "READY", "metrics": {"accuracy": 0.9}}
    return _object("ModelVersion", f"{name}-v1", spec, status, ownerReferences=[owner])


def _deployment() -> dict[str, Any]:
    spec = {"modelRef": {"name": "m00000"}, "environment": "production", "version": 1}
    status = {"phase": "ACTIVE", "servingVersion": 1, "readyReplicas": 1}
    return _object("ModelDeployment", "m00000-production", spec, status)


def _slice(pod: int) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": "m00000-production"}
    item = _object("EndpointSlice", "m00000-production-x", {}, {}, labels=labels)
    return item | {
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
        "ports": [{"port": pod}],
    }


def _key() -> tuple[str, dict[str, Any]]:
    key_id, secret = keys.generate()
    now = datetime.now(UTC)
    key = keys.new_key(key_id, secret, account=ACCOUNT, name="bench", scopes=keys.SCOPES, now=now)
    built = keys.build_secret(key)
    built["metadata"] |= {"namespace": OWN, "uid": "uid-key", "resourceVersion": "1"}
    return keys.spell(key_id, secret), built


def _kubeconfig(port: int) -> dict[str, Any]:
    named = {"name": "replayed"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [named | {"cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [named | {"user": {}}],
        "contexts": [named | {"context": {"cluster": "replayed", "user": "replayed"}}],
        "current-context": "replayed",
    }


@contextlib.contextmanager
def _process(command: list[str], variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=os.environ | variables)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, facade: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and facade.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).close()
            return
        time.sleep(0.2)
    raise SystemExit(f"the façade ended, or is not ready within {START_SECONDS} s")


def _load(facade: Facade, path: str, body: Path, connections: int, seconds: float) -> Load:
    return _run(facade.port, path, body, connections, seconds, facade.key)


def _pod(facade: Facade, path: str, body: Path, connections: int, seconds: float) -> Load:
    return _run(facade.pod, path, body, connections, seconds)


def _run(port: int, path: str, body: Path, connections: int, seconds: float, *key: str) -> Load:
    words = [port, path, body, connections, seconds, *key]
    command = [sys.executable, str(HERE / "client.py"), *map(str, words)]
    output = subprocess.check_output(command, text=True, timeout=seconds + SPARE_SECONDS)
    load = Load(**json.loads(output))
    _say(f"{path} x {connections}: {load.requests_per_s:,.0f}/s, median {load.p50_ms:.2f} ms")
    return load


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _command(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement")
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="also whether memory grows, over so long"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
