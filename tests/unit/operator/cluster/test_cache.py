"""The newest state wins, from wherever it comes; what is gone stays gone."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelyard_operator.cluster.cache import Cache, owned_by, refers_to, serves
from modelyard_operator.cluster.kinds import DEPLOYMENT, JOB, MODEL, MODEL_VERSION, POD, slim
from modelyard_operator.resources.deployment import Servable, build_deployment
from unit.operator import samples

KEY = ("team-a", "churn-v1")


def job(version: int, uid: str = "uid-1", **metadata: Any) -> dict[str, Any]:
    raw = samples.raw_job()
    raw["metadata"] |= {"uid": uid, "resourceVersion": str(version), **metadata}
    return raw


def seen(cache: Cache) -> str | None:
    raw = cache.get(JOB, KEY)
    return raw["metadata"]["resourceVersion"] if raw else None


@given(st.permutations([1, 2, 3, 4, 5]))
def test_order_of_arrival_does_not_matter(order: list[int]) -> None:
    """Pitfall 2.5: watches, lists and answers to our own writes overtake each other."""
    cache = Cache()
    for version in order:
        cache.put(JOB, job(version))
    assert seen(cache) == "5"


def test_who_serves_a_version_is_found_without_looking_at_the_rest() -> None:
    cache, served = Cache(), Servable(1, "uid-of-version-1", "sha256:" + "0" * 64)
    raw = build_deployment(samples.deployment(), served, samples.RUNTIME)
    raw["metadata"] |= samples.meta("churn-production")
    cache.put(DEPLOYMENT, raw)
    assert cache.keys(DEPLOYMENT, serves(served.uid)) == [("team-a", "churn-production")]
    assert cache.keys(DEPLOYMENT, serves("another")) == []


def test_same_state_is_no_news() -> None:
    cache = Cache()
    assert cache.put(JOB, job(3))
    assert not cache.put(JOB, job(3))
    assert not cache.put(JOB, job(2))


def test_list_that_was_on_its_way_brings_nothing_back() -> None:
    """Pitfall 2.4."""
    cache = Cache()
    cache.put(JOB, job(3))
    cache.drop(JOB, job(4))
    assert not cache.put(JOB, job(3))
    assert seen(cache) is None


def test_object_that_lost_its_label_and_got_it_back_is_known_again() -> None:
    cache = Cache()
    cache.put(JOB, job(3))
    cache.drop(JOB, job(4))
    assert cache.put(JOB, job(5))


def test_object_that_took_the_name_outlives_the_old_ones_deletion() -> None:
    cache = Cache()
    cache.put(JOB, job(3))
    cache.put(JOB, job(9, uid="uid-2"))
    cache.drop(JOB, job(4))
    assert seen(cache) == "9"


def test_objects_are_found_by_owner_and_reference() -> None:
    cache = Cache()
    owner = {"kind": "ModelVersion", "name": "churn-v1", "uid": "uid-v", "controller": True}
    cache.put(JOB, job(1, ownerReferences=[owner]))
    assert [raw["metadata"]["name"] for raw in cache.find(JOB, owned_by("uid-v"))] == ["churn-v1"]
    cache.put(JOB, job(2, ownerReferences=[]))
    assert cache.find(JOB, owned_by("uid-v")) == []
    version = {"metadata": samples.meta("churn-v1"), "spec": {"modelRef": {"name": "churn"}}}
    cache.put(MODEL_VERSION, version)
    assert cache.keys(MODEL_VERSION, refers_to(MODEL, "team-a", "churn")) == [KEY]


def test_only_what_decides_is_kept() -> None:
    """Pitfall 1.15."""
    raw = samples.raw_pod()
    raw["metadata"]["managedFields"] = [{"manager": "x"}]
    raw["spec"]["volumes"] = [{"name": "tmp"}]
    kept = slim(POD, raw)
    assert "managedFields" not in kept["metadata"]
    assert "volumes" not in kept["spec"]
    assert kept["spec"]["containers"][0]["image"] == "modelyard/inference:1"


def test_phases_are_those_of_the_newest_states() -> None:
    cache = Cache()
    for version, phase in ((1, None), (2, "BUILDING"), (3, "READY")):
        raw = job(version)
        raw["status"] = {"phase": phase} if phase else {}
        cache.put(MODEL, raw | {"spec": {"datasetRef": {"name": "d"}}})
        assert cache.phases(MODEL) == {phase or "PENDING": 1}
    cache.drop(MODEL, job(4))
    assert not cache.phases(MODEL)
