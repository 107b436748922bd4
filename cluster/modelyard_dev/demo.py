"""``make demo``, after cluster, images and install: from YAML to a prediction, as it happens."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelyard_cluster.console import elapsed_text, say
from modelyard_cluster.errors import ClusterError
from modelyard_dev.cluster import Cluster
from modelyard_dev.install import api_key

ACCOUNT = "demo"
EXAMPLES = ("tumours", "wine", "diabetes")
SERVED = "tumours-production"
WAITED_FOR = (*(("model", name) for name in EXAMPLES), ("modeldeployment", SERVED))
POLL_SECONDS = 1.0
TIME_LIMIT_SECONDS = 420.0
ROW = "examples/tumour.json"

Object = dict[str, Any]


def demo(root: Path, cluster: Cluster, *, url: str) -> None:
    """Apply the examples, show how they come true, and ask for predictions.

    Raises:
        ClusterError: something did not become ready; the message says what and why.
    """
    for name in EXAMPLES:
        say(f"$ kubectl apply --namespace {ACCOUNT} --filename examples/{name}.yaml")
        path = str(root / f"examples/{name}.yaml")
        say(_indented(cluster.kubectl("apply", "--namespace", ACCOUNT, "--filename", path)))
    follow(cluster)
    key = api_key(cluster)
    row = (root / ROW).read_text(encoding="utf-8")
    predict_over_rest(url, key, row)
    predict_in_cluster(cluster, row)
    summary(cluster, url)


def follow(cluster: Cluster) -> None:
    """Print every change of the demo's objects until all are ready.

    Raises:
        ClusterError: an object needs a person, or the time is over.
    """
    began = time.monotonic()
    shown: dict[str, str] = {}
    while True:
        objects = _objects(cluster)
        for title, state in _states(objects):
            if shown.get(title) != state:
                shown[title] = state
                say(f"  {elapsed_text(time.monotonic() - began):>6}  {title}: {state}")
        if all(_is_ready(objects, kind, name) for kind, name in WAITED_FOR):
            return
        if stalled := next((o for o in objects if _condition(o, "Stalled")), None):
            raise ClusterError(f"{_title(stalled)} needs a person: {_message(stalled)}")
        if time.monotonic() - began > TIME_LIMIT_SECONDS:
            told = "; ".join(f"{title}: {state}" for title, state in shown.items())
            raise ClusterError(f"Not ready after {TIME_LIMIT_SECONDS:.0f} s.", told)
        time.sleep(POLL_SECONDS)


def _objects(cluster: Cluster) -> list[Object]:
    kinds = "datasets,models,modelversions,modeldeployments"
    found = cluster.get(kinds, "--namespace", ACCOUNT)
    items: list[Object] = (found or {}).get("items", [])
    return items


def _states(objects: list[Object]) -> Iterator[tuple[str, str]]:
    for item in objects:
        status = item.get("status", {})
        words = [str(status.get("phase", "seen"))]
        if item["kind"] == "ModelVersion" and words != ["READY"]:
            words += [f"{status.get('progress', 0)} %", str(status.get("step", ""))]
        if item["kind"] == "ModelVersion" and "metrics" in status:
            words += [status.get("trainingInfo", {}).get("algorithm", ""), _metric(status)]
        if words[0] not in {"READY", "ACTIVE"} and item["kind"] != "ModelVersion":
            words.append(_message(item))
        yield _title(item), " ".join(word for word in words if word)


def _metric(status: Object) -> str:
    metrics: dict[str, float] = status["metrics"]
    name = status.get("metric") or next(iter(metrics), "")
    return f"{name} {metrics[name]:.3f}" if name in metrics else ""


def _title(item: Object) -> str:
    return f"{item['kind']}/{item['metadata']['name']}"


def _condition(item: Object, type_: str) -> bool:
    conditions = item.get("status", {}).get("conditions", [])
    return any(c["type"] == type_ and c["status"] == "True" for c in conditions)


def _message(item: Object) -> str:
    conditions = item.get("status", {}).get("conditions", [])
    return next((str(c["message"]) for c in conditions if c["type"] == "Ready"), "")


def _is_ready(objects: list[Object], kind: str, name: str) -> bool:
    return any(
        item["kind"].lower() == kind and item["metadata"]["name"] == name
        for item in objects
        if _condition(item, "Ready")
    )


def predict_over_rest(url: str, key: str, row: str) -> None:
    """One prediction through the façade.

    Raises:
        ClusterError: the façade refused it.
    """
    address = f"{url}/models/tumours/latest/infer"
    say("")
    say(f'$ curl -H "x-api-key: $MODELYARD_API_KEY" -d @{ROW} {address}')
    say(_indented(json.dumps(_post(address, key, row), indent=2)))


def predict_in_cluster(cluster: Cluster, row: str) -> None:
    """One prediction from a pod inside the cluster, straight at the deployment's Service."""
    address = f"http://{SERVED}.{ACCOUNT}.svc.cluster.local/infer"
    say(f"$ kubectl exec deployment/{SERVED} -- (in the cluster) POST {address}")
    script = (
        "import sys,urllib.request as u;"
        f"r=u.Request('{address}',sys.stdin.buffer.read(),{{'Content-Type':'application/json'}});"
        "print(u.urlopen(r,timeout=20).read().decode())"
    )
    command = ("exec", "-i", "--namespace", ACCOUNT, f"deployment/{SERVED}", "--", "python", "-c")
    say(_indented(cluster.kubectl(*command, script, stdin=row)))


def summary(cluster: Cluster, url: str) -> None:
    """What there is now, and what to try next."""
    kinds = "datasets,models,modelversions,modeldeployments"
    say("\n$ kubectl get dset,mdl,mver,mdep --namespace demo")
    say(_indented(cluster.kubectl("get", kinds, "--namespace", ACCOUNT)))
    port = url.rsplit(":", 1)[1]
    words = "" if cluster.name == "demo" else f" NAME={cluster.name} PORT={port}"
    say(
        f"""
Modelyard runs on the cluster {cluster.name!r}.
  façade     {url}        OpenAPI {url}/docs
  account    namespace {ACCOUNT}

Next, in this shell:
  eval "$(make -s env{words})"
  kubectl describe model tumours -n demo
  curl -s -H "x-api-key: $MODELYARD_API_KEY" $MODELYARD_URL/models
  curl -s -H "x-api-key: $MODELYARD_API_KEY" -d @examples/tumour.json \\
    $MODELYARD_URL/models/tumours/latest/infer
  curl -s -H "x-api-key: $MODELYARD_API_KEY" -F file=@your.csv $MODELYARD_URL/datasets
  helm install wines charts/modelyard-model -n demo \\
    --set dataset.uri=example://wine --set intent="Which cultivar does a wine come from?"
  kubectl annotate model tumours -n demo modelyard.dev/retrain="$(date +%s)"
  make down{words}        # removes the cluster; what was built stays in the cache
"""
    )


def _post(address: str, key: str, body: str) -> Any:
    headers = {"x-api-key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(address, data=body.encode(), headers=headers)  # noqa: S310 - our own façade
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        raise ClusterError(f"{address} answered {error.code}: {text}") from error
    except (urllib.error.URLError, TimeoutError) as error:
        raise ClusterError(f"{address} does not answer: {error}", "See: make status") from error


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines())
