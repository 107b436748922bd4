"""The world of ``operator_scale.py``: a simulated cluster, its objects, and what pods would write.

kwok's pods are empty. What a profiling or training pod would leave in the store is written here,
so that the operator finds it where it looks and decides as ever.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from modelyard_cluster.components import KUBERNETES
from modelyard_cluster.node import AUDIT_LOG
from modelyard_cluster.paths import StatePaths, state_paths
from modelyard_cluster.tools import tool
from modelyard_crds import Dataset, ModelVersion, names
from modelyard_crds.build import Manifest, Profile, manifest_key, profile_key
from modelyard_crds.fields import FieldSchema
from modelyard_crds.model_version import TrainingInfo
from modelyard_operator.reconcile.dataset import source_hash

ROOT = Path(__file__).parents[1]
SYSTEM = "modelyard-system"
ACCOUNT = "modelyard-operator"
NAMESPACES = 10
CONNECTIONS = 32
DIGEST = "sha256:" + "5" * 64

Object = dict[str, Any]


def cluster_command(*arguments: str) -> None:
    """Run the cluster's own command line."""
    subprocess.run([sys.executable, "-m", "modelyard_cluster", *arguments], check=True, cwd=ROOT)


@dataclass(frozen=True)
class Simulation:
    """One simulated cluster, and the folders that go with it."""

    name: str
    folder: Path

    @property
    def paths(self) -> StatePaths:
        """Where the cluster keeps things."""
        return state_paths(self.name)

    @property
    def audit_log(self) -> Path:
        """Where the API server notes the operator's writes."""
        return self.paths.logs / AUDIT_LOG

    @property
    def store(self) -> Path:
        """The object store's folder."""
        return self.folder / "store"

    @property
    def store_config(self) -> Path:
        """The store's configuration, as it is mounted into the operator's pod."""
        return self.folder / "store-config"

    def fresh(self) -> None:
        """A new cluster with the chart's CRDs and the operator's rights, and nothing else."""
        cluster_command("down", "--name", self.name)
        cluster_command("up", "--name", self.name, "--simulated")
        self.store.mkdir(parents=True, exist_ok=True)
        self.store_config.mkdir(exist_ok=True)
        (self.store_config / "url").write_text(f"file://{self.store}")
        crds = ROOT / "charts/modelyard/files/crds"
        self.kubectl("apply", "--server-side", "-f", str(crds))
        self.kubectl("create", "namespace", SYSTEM)
        command = [str(tool("helm")), "template", "modelyard", str(ROOT / "charts/modelyard")]
        command += ["--namespace", SYSTEM, "--show-only", "templates/operator/rbac.yaml"]
        command += ["--kube-version", KUBERNETES.version]
        rights = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        self.kubectl("apply", "-n", SYSTEM, "-f", "-", stdin=rights)
        self.kubectl("wait", "--for=condition=Established", "crd", "--all")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator."""
        command = [str(tool("kubectl")), "--kubeconfig", str(self.paths.kubeconfig), *arguments]
        return subprocess.run(
            command, check=True, text=True, input=stdin, stdout=subprocess.PIPE
        ).stdout

    def operator_kubeconfig(self) -> Path:
        """A kubeconfig with a token of the operator's ServiceAccount, and so with its rights."""
        token = self.kubectl(
            "create", "token", ACCOUNT, "--namespace", SYSTEM, "--duration=24h"
        ).strip()
        content = json.loads(self.paths.kubeconfig.read_text())
        content["users"][0]["user"] = {"token": token}
        path = self.folder / "operator.kubeconfig"
        path.write_text(json.dumps(content))
        return path


class Client:
    """A bare client: one session of aiohttp, JSON in and out, nothing else."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server

    async def send(
        self, method: str, path: str, body: Object | None, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        """Send one request; status and body of the answer."""
        data = msgspec.json.encode(body) if body is not None else None
        headers = {"Content-Type": content_type}
        async with self._session.request(
            method, f"{self._server}{path}", data=data, headers=headers
        ) as answer:
            return answer.status, await answer.read()

    async def create(self, path: str, body: Object) -> Object:
        """Make an object."""
        status, data = await self.send("POST", path, body)
        if status >= 300:  # noqa: PLR2004 - HTTP's line between done and not
            raise SystemExit(f"POST {path}: {status} {data.decode(errors='replace')}")
        made: Object = msgspec.json.decode(data)
        return made

    async def list(self, path: str) -> list[Object]:
        """All objects of a collection."""
        _, data = await self.send("GET", path, None)
        items: list[Object] = msgspec.json.decode(data)["items"]
        return items

    async def watch(self, path: str) -> AsyncIterator[bytes]:
        """The events of a collection from its beginning on, again whenever a watch ends."""
        url = f"{self._server}{path}?watch=true"
        while True:
            timeout = aiohttp.ClientTimeout(total=None)
            async with self._session.get(url, timeout=timeout) as answer:
                rest = b""
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines if answer.ok else ():
                        yield line
            await asyncio.sleep(1)


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[Client]:
    """A client with the credentials of a kubeconfig that has them inside."""
    content = _content(kubeconfig)
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    tls = ssl.create_default_context(cadata=authority)
    headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
    if "client-key-data" in user:
        with tempfile.NamedTemporaryFile() as pair:
            for part in ("client-certificate-data", "client-key-data"):
                pair.write(base64.b64decode(user[part]))
            pair.flush()
            tls.load_cert_chain(pair.name)
    connector = aiohttp.TCPConnector(ssl=tls, limit=100)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        yield Client(session, cluster["server"])


def _content(kubeconfig: Path) -> Object:
    content: Object = json.loads(kubeconfig.read_text())
    return content


def collection(plural: str, namespace: str = "") -> str:
    """The path of a collection of our own kinds."""
    inside = f"namespaces/{namespace}/" if namespace else ""
    return f"/apis/{names.API_VERSION}/{inside}{plural}"


async def make_objects(client: Client, simulation: Simulation, models: int) -> None:
    """What users would apply: accounts with a Dataset each, Models, and what serves them."""
    for number in range(NAMESPACES):
        namespace = f"account-{number}"
        await client.create("/api/v1/namespaces", _object("v1", "Namespace", namespace))
        dataset = await client.create(
            collection("datasets", namespace), _own("Dataset", "table", source=_SOURCE)
        )
        _write_profile(simulation.store, Dataset.parse(dataset))
    await gathered(
        client.create(
            collection("models", f"account-{number % NAMESPACES}"),
            _own("Model", f"m-{number}", intent="predict churn", datasetRef={"name": "table"}),
        )
        for number in range(models)
    )
    await gathered(
        client.create(
            collection("modeldeployments", f"account-{number % NAMESPACES}"),
            _own("ModelDeployment", f"m-{number}", modelRef={"name": f"m-{number}"}),
        )
        for number in range(models)
    )


_SOURCE = {"uri": "example://breast_cancer"}


def _object(api_version: str, kind: str, name: str, **fields: Any) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def _own(kind: str, name: str, **spec: Any) -> Object:
    return _object(names.API_VERSION, kind, name, spec=spec)


async def gathered(coroutines: Iterable[Any]) -> None:
    """Run them all, CONNECTIONS at a time."""
    room = asyncio.Semaphore(CONNECTIONS)

    async def one(coroutine: Any) -> None:
        async with room:
            await coroutine

    async with asyncio.TaskGroup() as group:
        for coroutine in coroutines:
            group.create_task(one(coroutine))


def _write_profile(store: Path, dataset: Dataset) -> None:
    profile = Profile(
        digest=DIGEST, rows=569, size_bytes=120_000, column_count=0, columns=[], format="csv"
    )
    key = profile_key(dataset.metadata.uid, source_hash(dataset))
    _write(store / key, profile.model_dump_json(by_alias=True))


class _Seen(msgspec.Struct):
    type: str
    object: msgspec.Raw


async def play_training(client: Client, store: Path) -> None:
    """Publish each version's manifest as its pod would; kwok's pods end two seconds later."""
    async for line in client.watch(collection("modelversions")):
        event = msgspec.json.decode(line, type=_Seen)
        if event.type == "ADDED":
            version = ModelVersion.parse(msgspec.json.decode(event.object))
            manifest = _manifest(version).model_dump_json(by_alias=True)
            _write(store / manifest_key(version.metadata.uid), manifest)


def _manifest(version: ModelVersion) -> Manifest:
    return Manifest(
        runtime="1",
        libraries={},
        namespace=version.metadata.namespace,
        model=version.spec.model_ref.name,
        version=version.spec.version,
        version_uid=version.metadata.uid,
        created_at=datetime.now(UTC),
        intent=version.spec.build.intent,
        dataset_digest=DIGEST,
        task="binary",
        target="churned",
        classes=["no", "yes"],
        metric="roc_auc",
        metrics={"roc_auc": 0.9, "accuracy": 0.8},
        training_info=TrainingInfo(
            dataset_size=569,
            training_seconds=2.0,
            algorithm="Boosting",
            feature_importance={f"column_{number}": 0.05 for number in range(20)},
        ),
        input_schema=_schema(20),
        output_schema=_schema(2),
        outputs=[],
        numeric=[],
        text=[],
        example={},
        files=[],
    )


def _schema(columns: int) -> list[FieldSchema]:
    return [FieldSchema(name=f"column_{number}", type="float") for number in range(columns)]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
