"""Which reconciles a change of an object calls for."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from modelyard_crds import names
from modelyard_operator.cluster.cache import Cache, refers_to
from modelyard_operator.cluster.kinds import (
    DATASET,
    MODEL,
    MODEL_DEPLOYMENT,
    MODEL_VERSION,
    OWN_KINDS,
    Kind,
)


class Key(NamedTuple):
    """One reconcile: an object, or for CLEANUP kind, name and uid of one that is gone."""

    kind: str
    namespace: str
    name: str


#: The pseudo-kind of keys that take what a deleted object left in the store.
CLEANUP = "Cleanup"


def keys_of(kind: Kind, raw: Mapping[str, Any], cache: Cache) -> Iterator[Key]:
    """The keys to reconcile after this object changed, its own first."""
    namespace, name = raw["metadata"].get("namespace", ""), raw["metadata"]["name"]
    if kind not in OWN_KINDS:
        yield from _owner(raw, namespace)
        return
    yield Key(kind.kind, namespace, name)
    if kind is DATASET:
        yield from _referring(MODEL, DATASET, namespace, name, cache)
    elif kind is MODEL:
        yield from _referring(MODEL_DEPLOYMENT, MODEL, namespace, name, cache)
    elif kind is MODEL_VERSION:
        model = raw["spec"]["modelRef"]["name"]
        yield Key(MODEL.kind, namespace, model)
        yield from _referring(MODEL_DEPLOYMENT, MODEL, namespace, model, cache)
    elif kind is MODEL_DEPLOYMENT:
        yield Key(MODEL.kind, namespace, raw["spec"]["modelRef"]["name"])


def cleanup_key(kind: Kind, raw: Mapping[str, Any]) -> Key | None:
    """The key that takes a deleted object's artifacts from the store."""
    if kind not in (DATASET, MODEL_VERSION):
        return None
    meta = raw["metadata"]
    return Key(CLEANUP, meta.get("namespace", ""), f"{kind.kind}/{meta['name']}/{meta['uid']}")


def _owner(raw: Mapping[str, Any], namespace: str) -> Iterator[Key]:
    labels = raw["metadata"].get("labels", {})
    if deployment := labels.get(names.LABEL_DEPLOYMENT):
        yield Key(MODEL_DEPLOYMENT.kind, namespace, deployment)
    elif dataset := labels.get(names.LABEL_DATASET):
        yield Key(DATASET.kind, namespace, dataset)
    elif (model := labels.get(names.LABEL_MODEL)) and names.LABEL_VERSION in labels:
        version = f"{model}-v{labels[names.LABEL_VERSION]}"
        yield Key(MODEL_VERSION.kind, namespace, version)


def _referring(kind: Kind, target: Kind, namespace: str, name: str, cache: Cache) -> Iterator[Key]:
    for key in cache.keys(kind, refers_to(target, namespace, name)):
        yield Key(kind.kind, *key)
