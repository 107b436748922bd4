"""Objects as the API server would return them, and a façade whose caches hold them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from kubernetes.aio import client
from obstore.store import MemoryStore

from modelyard_api import keys
from modelyard_api.access import TokenReviews
from modelyard_api.auth import Authenticator, Caller
from modelyard_api.build_logs import BuildLogs
from modelyard_api.cache import Caches, Entry
from modelyard_api.cache.kinds import EndpointSlice
from modelyard_api.counts import Counts
from modelyard_api.kube import KubeApi
from modelyard_api.limits import InFlight, RateLimiter
from modelyard_api.manifests import Manifests
from modelyard_api.mapping.view import ModelView
from modelyard_api.proxy import Proxy, SliceResolver
from modelyard_api.reads import Reader
from modelyard_api.routing import Routes
from modelyard_api.services import Services
from modelyard_api.settings import DEFAULT_TIER, Settings
from modelyard_api.store import Store
from modelyard_api.summaries import Summaries
from modelyard_api.writes import Writer
from modelyard_crds import Dataset, Model, ModelDeployment, ModelVersion
from modelyard_crds.base import Resource

ACCOUNT = "team-a"
OWN_NAMESPACE = "modelyard-system"
CREATED = "2023-06-15T08:15:45Z"
NOW = datetime(2023, 6, 16, 15, 0, tzinfo=UTC)
CALLER = Caller(account=ACCOUNT, subject="key/test")
SHA = "sha256:" + "a" * 64
#: Nothing listens on this port of the loopback address.
NOWHERE = "127.0.0.1:9"

_revisions = itertools.count(1)


def _metadata(name: str, uid: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": ACCOUNT,
        "uid": uid,
        "creationTimestamp": CREATED,
        "resourceVersion": str(next(_revisions)),
        **more,
    }


def model(name: str = "churn", *, status: dict[str, Any] | None = None, **spec: Any) -> Model:
    """A Model; keyword arguments go into the spec, in camel case."""
    annotations = spec.pop("annotations", {})
    plain = {"intent": "Predict churn", "datasetRef": {"name": "usage"}}
    return Model.parse(
        {
            "kind": "Model",
            "metadata": _metadata(name, f"uid-{name}", annotations=annotations),
            "spec": plain | spec,
            "status": status or {},
        }
    )


def version(
    number: int = 1, phase: str | None = "READY", of: str = "churn", **status: Any
) -> ModelVersion:
    """A ModelVersion; keyword arguments go into the status."""
    owner = {"apiVersion": "modelyard.dev/v1alpha1", "kind": "Model", "name": of}
    meta = _metadata(
        f"{of}-v{number}", f"uid-{of}-v{number}", ownerReferences=[owner | {"uid": f"uid-{of}"}]
    )
    return ModelVersion.parse(
        {
            "kind": "ModelVersion",
            "metadata": meta,
            "spec": {
                "modelRef": {"name": of},
                "version": number,
                "specHash": "0" * 64,
                "build": {
                    "intent": "Predict churn",
                    "datasetRef": {"name": "usage"},
                    "datasetDigest": SHA,
                    "source": {"uri": "example://iris"},
                    "training": {},
                },
            },
            "status": {"phase": phase, **status},
        }
    )


def deployment(
    environment: str = "production", of: str = "churn", serves: int | None = 1, **spec: Any
) -> ModelDeployment:
    """A ModelDeployment that serves a version, or is starting where that is None."""
    name = f"{of}-{environment}"
    status = {"phase": "ACTIVE", "servingVersion": serves} if serves else {"phase": "DEPLOYING"}
    plain = {"modelRef": {"name": of}, "environment": environment, "version": serves or 1}
    return ModelDeployment.parse(
        {
            "kind": "ModelDeployment",
            "metadata": _metadata(name, f"uid-{name}"),
            "spec": plain | spec,
            "status": status,
        }
    )


def going(deployment: ModelDeployment) -> ModelDeployment:
    """The deployment while it is being deleted in the foreground."""
    metadata = deployment.metadata.model_copy(update={"deletion_timestamp": NOW})
    return deployment.model_copy(update={"metadata": metadata})


def dataset(name: str = "usage", *, upload: str | None = None, **status: Any) -> Dataset:
    """A Dataset."""
    source = {"upload": upload} if upload else {"uri": "example://iris"}
    return Dataset.parse(
        {
            "kind": "Dataset",
            "metadata": _metadata(name, f"uid-{name}"),
            "spec": {"source": source},
            "status": status,
        }
    )


def view(
    of: Model | None = None,
    versions: Iterable[ModelVersion] = (),
    deployments: Iterable[ModelDeployment] = (),
) -> ModelView:
    """A model with what belongs to it."""
    return ModelView(
        of or model(), {item.spec.version: item for item in versions}, list(deployments)
    )


def fill(caches: Caches, *objects: Resource) -> None:
    """Put objects into their caches."""
    for item in objects:
        raw = item.model_dump_json(by_alias=True).encode()
        match item:
            case Dataset():
                caches.datasets.cache.put(caches.datasets.parse(raw))
            case Model():
                caches.models.cache.put(caches.models.parse(raw))
            case ModelVersion():
                caches.versions.cache.put(caches.versions.parse(raw))
            case ModelDeployment():
                caches.deployments.cache.put(caches.deployments.parse(raw))


def serve_at(caches: Caches, name: str, *addresses: str) -> None:
    """Make addresses the ready pods of a deployment."""
    slice_ = EndpointSlice(name, addresses)
    caches.slices.put(Entry(ACCOUNT, f"{name}-x", f"uid-{name}-x", next(_revisions), slice_))


def add_key(
    caches: Caches,
    *scopes: str,
    account: str = ACCOUNT,
    expires_at: datetime | None = None,
    tier: str = DEFAULT_TIER,
) -> str:
    """A key that the façade accepts."""
    key_id, secret = keys.generate()
    key = keys.new_key(
        key_id,
        secret,
        account=account,
        name="test",
        scopes=frozenset(scopes) or keys.SCOPES,
        now=NOW,
        expires_at=expires_at,
        tier=tier,
    )
    caches.keys.put(Entry(OWN_NAMESPACE, key_id, f"uid-{key_id}", next(_revisions), key))
    return keys.spell(key_id, secret)


@asynccontextmanager
async def services(
    settings: Settings | None = None, store: Store | None = None
) -> AsyncIterator[Services]:
    """The façade's parts with empty caches, a store in memory and no API server."""
    settings = settings or Settings(namespace=OWN_NAMESPACE, hold_seconds=0.05)
    kube = KubeApi(client.Configuration(host=f"http://{NOWHERE}"))
    caches = Caches()
    store = store or Store(MemoryStore())
    proxy = Proxy()
    numbers, counts = itertools.count(), Counts(settings.rate_limit_store)
    reviews = TokenReviews(kube, settings.token_cache_seconds)
    yield Services(
        settings=settings,
        caches=caches,
        reader=Reader(kube),
        writer=Writer(kube),
        store=store,
        logs=BuildLogs(store),
        manifests=Manifests(store),
        authenticator=Authenticator(
            caches.keys, reviews, settings.namespace, settings.served_accounts, lambda: NOW
        ),
        management_limit=RateLimiter("requests", counts),
        prediction_limit=RateLimiter("predictions", counts),
        in_flight=InFlight(settings.max_in_flight, settings.max_in_flight_bytes),
        proxy=proxy,
        routes=Routes(caches),
        summaries=Summaries(),
        resolver=SliceResolver(caches.slices),
        draining=asyncio.Event(),
        now=lambda: NOW,
        random_id=lambda: f"{next(numbers):032x}",
    )
    proxy.close()
    await counts.close()
    await kube.close()
