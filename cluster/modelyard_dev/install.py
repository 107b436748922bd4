"""``make install``: the chart on the cluster, with the images of this checkout."""

from __future__ import annotations

import threading
from pathlib import Path

from modelyard_cluster.console import say, step
from modelyard_cluster.errors import ClusterError, CommandError
from modelyard_dev.cluster import Cluster, Object, secret_value

SYSTEM_NAMESPACE = "modelyard-system"
RELEASE = "modelyard"
NODE_PORT = 30080
WATCH_SECONDS = 3.0


def install(root: Path, cluster: Cluster, tag: str, *, account: str, url: str) -> None:
    """Install or upgrade the release and wait until every part is ready.

    Raises:
        ClusterError: a part did not become ready; the message has its pods and events.
    """
    ensure_namespace(cluster, SYSTEM_NAMESPACE)
    ensure_namespace(cluster, account)
    values = {
        "image.tag": tag,
        "api.service.type": "NodePort",
        "api.service.nodePort": str(NODE_PORT),
        "api.publicUrl": url,
        "apiKey.account": account,
        "store.embedded.size": "2Gi",
    }
    settings = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    arguments = ["upgrade", "--install", RELEASE, str(root / "charts/modelyard")]
    arguments += ["--namespace", SYSTEM_NAMESPACE, *settings]
    with step("Installing the chart: operator, façade, store"), _PodsShown(cluster):
        try:
            cluster.helm(*arguments, "--wait", "--timeout", "4m")
        except CommandError as error:
            raise ClusterError(error.message, evidence(cluster)) from error


def ensure_namespace(cluster: Cluster, name: str) -> None:
    """Have the namespace, under the restricted Pod Security Standard."""
    if cluster.get("namespace", name) is None:
        cluster.kubectl("create", "namespace", name)
        label = "pod-security.kubernetes.io/enforce=restricted"
        cluster.kubectl("label", "namespace", name, label)


def api_key(cluster: Cluster) -> str:
    """The key that the chart made.

    Raises:
        ClusterError: there is none.
    """
    return secret_value(cluster, SYSTEM_NAMESPACE, "modelyard-api-key", "key")


def evidence(cluster: Cluster) -> str:
    """Pods and last events of the system's namespace, for a failure's report."""
    parts = []
    for what in (("pods", "-o", "wide"), ("events", "--sort-by=.lastTimestamp")):
        try:
            text = cluster.kubectl("get", "--namespace", SYSTEM_NAMESPACE, *what)
        except CommandError as error:
            text = error.message
        parts.append("\n  ".join(text.splitlines()[-12:]))
    parts += [last_words(cluster, pod) for pod in _pods(cluster) if not _is_ready(pod)]
    return "\n  ".join(parts)


def last_words(cluster: Cluster, pod: Object) -> str:
    """The last lines that a pod logged, before its last restart if there was one."""
    name = pod["metadata"]["name"]
    restarted = any(s.get("restartCount", 0) for s in pod["status"].get("containerStatuses", []))
    arguments = ["logs", "--namespace", SYSTEM_NAMESPACE, name, "--tail=15"]
    try:
        text = cluster.kubectl(*arguments, *(["--previous"] if restarted else []))
    except CommandError as error:
        text = error.message
    return f"{name} logged:\n    " + "\n    ".join(text.splitlines())


class _PodsShown:
    """While it lasts, say each time that the pods of the system's namespace have changed."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        before = ""
        while not self._over.wait(WATCH_SECONDS):
            now = pods_text(self._cluster)
            if now != before:
                say(f"  {now}")
                before = now


def pods_text(cluster: Cluster) -> str:
    """The pods of the system's namespace and how they are, in one line."""
    told = []
    for pod in _pods(cluster):
        statuses = pod["status"].get("containerStatuses", [])
        waiting = [s["state"]["waiting"]["reason"] for s in statuses if "waiting" in s["state"]]
        state = "ready" if _is_ready(pod) else ", ".join(waiting) or pod["status"]["phase"]
        told.append(f"{pod['metadata']['name']}: {state}")
    return "; ".join(told) or "no pod yet"


def _pods(cluster: Cluster) -> list[Object]:
    found = cluster.get("pods", "--namespace", SYSTEM_NAMESPACE)
    pods: list[Object] = (found or {}).get("items", [])
    return pods


def _is_ready(pod: Object) -> bool:
    statuses = pod["status"].get("containerStatuses", [])
    return bool(statuses) and all(status["ready"] for status in statuses)
