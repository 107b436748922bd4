"""Which caches there are, and how their objects are read and found."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

import msgspec

from modelyard_api.annotations import IDEMPOTENCY
from modelyard_api.cache.objects import Entry, ObjectCache, Signal
from modelyard_api.cache.reflector import Reflector
from modelyard_api.keys import LABEL_API_KEY, ApiKey, parse_key
from modelyard_api.kube import KubeApi, collection_path, secrets_path
from modelyard_api.mapping.view import requested_version
from modelyard_crds import Dataset, Model, ModelDeployment, ModelVersion, names
from modelyard_crds.base import Resource

R = TypeVar("R", bound=Resource)
NEVER = datetime.fromtimestamp(0, UTC)
#: Index of the models that may have a version which was asked for and has not been made.
WAITING = "waiting"
LABEL_SERVICE = "kubernetes.io/service-name"
SLICES_PATH = "/apis/discovery.k8s.io/v1/endpointslices"


@dataclass(frozen=True)
class Kind(Generic[R]):
    """One of the four kinds: its type, its path and its cache."""

    type: type[R]
    cache: ObjectCache[R]

    @property
    def plural(self) -> str:
        """The resource in paths and rights."""
        return self.type.info.plural

    def parse(self, raw: bytes) -> Entry[R]:
        """The cache entry of a raw object.

        Raises ValueError where the object does not follow its schema.
        """
        value = self.type.model_validate_json(raw)
        meta = value.metadata
        revision = int(meta.resource_version or 0)
        return Entry(meta.namespace, meta.name, meta.uid, revision, value)

    def path(self, namespace: str | None = None) -> str:
        """Where the objects of a namespace, or of all, are listed."""
        return collection_path(self.plural, namespace)

    def reflector(self, kube: KubeApi) -> Reflector[R]:
        """What keeps the cache current."""
        return Reflector(kube, self.path(), self.parse, self.cache)


class _Running(Protocol):
    synced: asyncio.Event

    @property
    def stale_seconds(self) -> float: ...

    async def run(self) -> None: ...


class _Address(msgspec.Struct):
    ready: bool | None = None
    terminating: bool | None = None


class _Endpoint(msgspec.Struct):
    addresses: list[str] = []
    conditions: _Address = msgspec.field(default_factory=_Address)


class _Port(msgspec.Struct):
    port: int | None = None


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    namespace: str
    uid: str
    resource_version: str = "0"
    labels: dict[str, str] = {}


class _RawSlice(msgspec.Struct):
    metadata: _Meta
    endpoints: list[_Endpoint] | None = None
    ports: list[_Port] | None = None


class EndpointSlice(msgspec.Struct, frozen=True):
    """The pods of a Service that can answer."""

    service: str
    addresses: tuple[str, ...]


def parse_slice(raw: bytes) -> Entry[EndpointSlice]:
    """The cache entry of an EndpointSlice: host:port of what is ready and not terminating."""
    parsed = msgspec.json.decode(raw, type=_RawSlice)
    meta = parsed.metadata
    port = next((port.port for port in parsed.ports or [] if port.port), None)
    ready = [
        f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        for endpoint in parsed.endpoints or []
        if port and endpoint.conditions.ready is not False and not endpoint.conditions.terminating
        for address in endpoint.addresses[:1]
    ]
    value = EndpointSlice(meta.labels.get(LABEL_SERVICE, ""), tuple(ready))
    return Entry(meta.namespace, meta.name, meta.uid, int(meta.resource_version), value)


class _Object(msgspec.Struct):
    metadata: _Meta


def parse_key_secret(raw: bytes) -> Entry[ApiKey]:
    """The cache entry of a key's Secret, named by the key's id.

    Raises ValueError where the Secret is not one.
    """
    meta, key = msgspec.json.decode(raw, type=_Object).metadata, parse_key(raw)
    return Entry(meta.namespace, key.key_id, meta.uid, int(meta.resource_version), key)


def _created_at(resource: Resource) -> datetime:
    return resource.metadata.creation_timestamp or NEVER


def _dataset_keys(dataset: Dataset) -> Iterable[str]:
    yield names.dataset_id(dataset.metadata.uid)
    if dataset.spec.source.upload:
        yield dataset.spec.source.upload


def _job_id(version: ModelVersion) -> Iterable[str]:
    for owner in version.metadata.owner_references:
        yield names.job_id(owner.uid, version.spec.version)


def _waiting(model: Model) -> Iterable[str]:
    if requested_version(model) > (model.status.latest_version or 0):
        yield ""


def _deployment_id(deployment: ModelDeployment) -> Iterable[str]:
    yield names.deployment_id(deployment.metadata.uid)


def _idempotency_key(dataset: Dataset) -> Iterable[str]:
    if key := dataset.metadata.annotations.get(IDEMPOTENCY):
        yield key


class Caches:
    """All caches, and the tasks that keep them."""

    def __init__(self) -> None:
        #: A deployment or its pods changed: what held predictions wait for.
        self.serving_changed = Signal()
        self.datasets = Kind(
            Dataset,
            ObjectCache[Dataset](
                {"id": _dataset_keys, "idempotency": _idempotency_key}, order=_created_at
            ),
        )
        self.models = Kind(Model, ObjectCache[Model]({WAITING: _waiting}, order=_created_at))
        self.versions = Kind(
            ModelVersion,
            ObjectCache[ModelVersion](
                {"model": lambda version: [version.spec.model_ref.name], "job": _job_id},
                order=_created_at,
            ),
        )
        self.deployments = Kind(
            ModelDeployment,
            ObjectCache[ModelDeployment](
                {"model": lambda item: [item.spec.model_ref.name], "id": _deployment_id},
                self.serving_changed,
            ),
        )
        self.slices = ObjectCache[EndpointSlice](
            {"service": lambda item: [item.service]}, self.serving_changed
        )
        self.keys = ObjectCache[ApiKey]({"account": lambda key: [key.account]})
        self._reflectors: list[_Running] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, kube: KubeApi, own_namespace: str) -> None:
        """Begin to list and watch."""
        secrets = secrets_path(own_namespace)
        self._reflectors = [
            self.datasets.reflector(kube),
            self.models.reflector(kube),
            self.versions.reflector(kube),
            self.deployments.reflector(kube),
            Reflector(kube, SLICES_PATH, parse_slice, self.slices, names.LABEL_DEPLOYMENT),
            Reflector(kube, secrets, parse_key_secret, self.keys, f"{LABEL_API_KEY}=true"),
        ]
        self._tasks = [asyncio.create_task(reflector.run()) for reflector in self._reflectors]

    async def stop(self) -> None:
        """End all watches."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def filling(self) -> bool:
        """Whether some cache waits for its first list, so that it knows nothing yet."""
        return not all(reflector.synced.is_set() for reflector in self._reflectors)

    @property
    def alive(self) -> bool:
        """Whether all watches run."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    @property
    def stale_seconds(self) -> float:
        """Seconds for which changes may be missing from the worst of the caches."""
        return max((reflector.stale_seconds for reflector in self._reflectors), default=0.0)
