"""What the operator knows of the cluster: the newest state of every watched object.

Watches, lists and the answers to our own writes all put objects here; whichever is newest
stays. Resource versions of one object are compared as numbers, which the API guarantees from
Kubernetes 1.35 on (KEP-5504) and etcd has always given.

Objects are kept as compact JSON: a dict of dicts takes several times the memory, and decoding
one costs less than looking up what to do with it.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from modelyard_crds import names
from modelyard_operator.cluster.kinds import (
    DEPLOYMENT,
    MODEL,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    POD,
    Kind,
    slim,
)
from modelyard_operator.resources.deployment import ANNOTATION_VERSION_UID

Raw = Mapping[str, Any]
#: Namespace and name.
ObjectKey = tuple[str, str]

#: Deleted objects that a list which was on its way may still name.
_REMEMBERED_DELETIONS = 20_000


@dataclass(frozen=True)
class _Entry:
    uid: str
    version: int
    data: bytes
    indexes: tuple[str, ...]
    phase: str


class Cache:
    """Objects by kind and key, with look-up by owner and by reference."""

    def __init__(self) -> None:
        self._entries: dict[Kind, dict[ObjectKey, _Entry]] = defaultdict(dict)
        self._index: dict[tuple[Kind, str], set[ObjectKey]] = defaultdict(set)
        self._deleted: OrderedDict[str, int] = OrderedDict()

    def put(self, kind: Kind, raw: Raw) -> bool:
        """Take over an object unless a newer state is known; tells whether it was news."""
        meta = raw["metadata"]
        key, uid = (meta.get("namespace", ""), meta["name"]), meta["uid"]
        before = self._entries[kind].get(key)
        version = int(meta["resourceVersion"])
        if version <= self._deleted.get(uid, -1):
            return False
        if before is not None and before.version >= version:
            return False
        if before is not None:
            self._forget(kind, key, before)
        indexes = tuple(index_keys(kind, raw))
        phase = raw.get("status", {}).get("phase") or "PENDING"
        self._entries[kind][key] = _Entry(
            uid, version, msgspec.json.encode(slim(kind, raw)), indexes, phase
        )
        for index in indexes:
            self._index[kind, index].add(key)
        return True

    def drop(self, kind: Kind, raw: Raw) -> None:
        """Forget an object that is gone; one that took its name stays.

        A watch by label also says this of an object that lost the label: any later version of
        it is taken in again.
        """
        meta = raw["metadata"]
        key, uid = (meta.get("namespace", ""), meta["name"]), meta["uid"]
        self._deleted[uid] = int(meta["resourceVersion"])
        if len(self._deleted) > _REMEMBERED_DELETIONS:
            self._deleted.popitem(last=False)
        entry = self._entries[kind].get(key)
        if entry is not None and entry.uid == uid:
            self._forget(kind, key, entry)

    def get(self, kind: Kind, key: ObjectKey) -> dict[str, Any] | None:
        """The object of a key."""
        entry = self._entries[kind].get(key)
        return None if entry is None else _decoded(entry)

    def find(self, kind: Kind, index: str) -> list[dict[str, Any]]:
        """The objects of an index key (see ``owned_by`` and ``refers_to``), in order of name."""
        keys = sorted(self._index.get((kind, index), ()))
        return [_decoded(self._entries[kind][key]) for key in keys]

    def keys(self, kind: Kind, index: str | None = None) -> list[ObjectKey]:
        """Keys of a kind, all of them or those of an index key."""
        return list(self._entries[kind] if index is None else self._index.get((kind, index), ()))

    def known(self, kind: Kind) -> Iterator[tuple[ObjectKey, str, int]]:
        """Key, uid and resource version of all objects of a kind."""
        for key, entry in self._entries[kind].items():
            yield key, entry.uid, entry.version

    def phases(self, kind: Kind) -> Counter[str]:
        """How many objects of a kind are in each phase; none is decoded for it."""
        return Counter(entry.phase for entry in self._entries[kind].values())

    def _forget(self, kind: Kind, key: ObjectKey, entry: _Entry) -> None:
        del self._entries[kind][key]
        for index in entry.indexes:
            keys = self._index[kind, index]
            keys.discard(key)
            if not keys:
                del self._index[kind, index]


def owned_by(uid: str) -> str:
    """Index key of the objects with this controller."""
    return f"owner/{uid}"


def refers_to(kind: Kind, namespace: str, name: str) -> str:
    """Index key of the objects that name this one in their spec."""
    return f"{kind.kind}/{namespace}/{name}"


def served_from(deployment_id: str) -> str:
    """Index key of the pods of a ModelDeployment."""
    return f"serving/{deployment_id}"


def serves(version_uid: str) -> str:
    """Index key of the Deployments whose pods load this version."""
    return f"version/{version_uid}"


def index_keys(kind: Kind, raw: Raw) -> Iterable[str]:
    """The index keys under which an object is found."""
    meta, spec = raw["metadata"], raw.get("spec", {})
    namespace = meta.get("namespace", "")
    for owner in meta.get("ownerReferences", ()):
        if owner.get("controller"):
            yield owned_by(owner["uid"])
    if kind is MODEL:
        yield f"Dataset/{namespace}/{spec['datasetRef']['name']}"
    if kind in (MODEL_VERSION, MODEL_DEPLOYMENT):
        yield refers_to(MODEL, namespace, spec["modelRef"]["name"])
    if kind is DEPLOYMENT and (uid := meta.get("annotations", {}).get(ANNOTATION_VERSION_UID)):
        yield serves(uid)
    if kind is POD and (deployment := meta.get("labels", {}).get(names.LABEL_DEPLOYMENT_ID)):
        yield served_from(deployment)


def _decoded(entry: _Entry) -> dict[str, Any]:
    raw: dict[str, Any] = msgspec.json.decode(entry.data)
    return raw
