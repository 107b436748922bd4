"""An overloaded API server, others who keep writing, a store that is away: it comes right."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from support import objects
from support.durations import LONG, MEDIUM, SHORT
from support.kubectl import Kubectl, poll
from support.operator_process import no_operator_in_cluster
from support.stage import Stage, assert_served, builds_stored, drafts, staged, wait_drafts

pytestmark = pytest.mark.cluster

DRAFTS = 20
BURST_SECONDS = 5.0
STORM_PAUSE = 0.05
OURS = "/apis/modelyard.dev/v1alpha1/namespaces"
#: What a foreign writer keeps writing to, by path below OURS.
STORMED = (
    "datasets/tumours",
    "models/tumours",
    "modelversions/tumours-v1",
    f"modeldeployments/{objects.DEPLOYMENT}",
)


@pytest.fixture(scope="module")
def image(system: Kubectl) -> Iterator[str]:
    with no_operator_in_cluster(system) as used:
        yield used


@pytest.fixture
def stage(kubectl: Kubectl, system: Kubectl, image: str, tmp_path: Path) -> Iterator[Stage]:
    with staged(kubectl, system, image, tmp_path) as set_:
        set_.operator.start()
        set_.operator.wait_synced()
        yield set_


def test_bursts_of_429_and_5xx_drop_no_key(stage: Stage) -> None:
    """Pitfall 1.12: every other call fails in some way, and for a while all of them do."""
    numbers = itertools.count()
    began = time.monotonic()

    def overloaded(request: web.Request) -> web.Response | None:
        number = next(numbers)
        in_burst = BURST_SECONDS < time.monotonic() - began < 2 * BURST_SECONDS
        if number % 2 and not in_burst:
            return None
        status = (429, 500, 503, 504)[number // 2 % 4]
        refusal = {"kind": "Status", "code": status, "message": "played by the test"}
        headers = {"Retry-After": "1"} if status == 429 else {}
        return web.json_response(refusal, status=status, headers=headers)

    stage.proxy.fault = overloaded
    stage.kubectl.apply(objects.dataset(), objects.model(), objects.deployment(), *drafts(DRAFTS))
    calm = began + 3 * BURST_SECONDS
    assert poll(lambda: time.monotonic() > calm or None, within=LONG)
    stage.proxy.fault = None
    wait_drafts(stage.kubectl, DRAFTS, within=MEDIUM)
    assert_served(stage)
    assert stage.operator.reconciles("retry") > 0, "the faults were met"


@contextmanager
def storm(stage: Stage) -> Iterator[threading.Event]:
    """A foreign writer that changes metadata of every object, about twenty times a second."""
    over = threading.Event()
    url = f"{stage.proxy.url}{OURS}/{stage.kubectl.namespace}"
    headers = {"Content-Type": "application/merge-patch+json"}

    def blow() -> None:
        with httpx.Client(headers=headers, timeout=30) as client:
            for number in itertools.count():
                patch = {"metadata": {"annotations": {"example.com/storm": str(number)}}}
                for path in STORMED:
                    client.patch(f"{url}/{path}?fieldManager=storm", json=patch)
                if over.wait(STORM_PAUSE):
                    return

    writer = threading.Thread(target=blow)
    writer.start()
    try:
        yield over
    finally:
        over.set()
        writer.join()


def edited_before_each_first_status(stage: Stage) -> Callable[[web.Request], None]:
    """A fault that writes to an object right before the operator's first status of it arrives.

    The storm alone may happen to miss every one of the operator's few writes.
    """
    met: set[str] = set()

    def edit(request: web.Request) -> None:
        path = request.path
        if request.method != "PATCH" or not path.endswith("/status") or path in met:
            return
        met.add(path)
        plural, name = path.split("/")[-3:-1]
        stage.kubectl.run("annotate", "--overwrite", plural, name, "example.com/edited=yes")

    return edit


def test_storm_of_conflicts_does_not_starve(stage: Stage) -> None:
    """Pitfalls 1.5 and 1.20: the writer never stops, the operator gets through, both are kept."""
    stage.proxy.fault = edited_before_each_first_status(stage)
    with storm(stage):
        stage.kubectl.apply(objects.dataset(), objects.model(), objects.deployment())
        assert_served(stage)
        seen = stage.kubectl.get("model", "tumours")
    assert seen is not None
    assert "example.com/storm" in seen["metadata"]["annotations"]
    assert stage.operator.reconciles("conflict") >= len(STORMED)


def test_a_model_is_deleted_while_the_store_is_away_and_its_artifacts_after(stage: Stage) -> None:
    """Pitfalls 1.4 and 9.7: nothing waits for the store, and nothing is left in it."""
    stage.kubectl.apply(objects.dataset(), objects.model())
    stage.kubectl.wait_condition("model", "tumours", "Ready", within=LONG)
    version = stage.kubectl.get("modelversion", "tumours-v1")
    assert version is not None
    uid = version["metadata"]["uid"]
    with stage.store_away():
        stage.kubectl.delete("model", "tumours")
        stage.kubectl.wait_gone("modelversion", "tumours-v1", within=SHORT)
        assert poll(lambda: stage.operator.reconciles("retry") or None, SHORT), "it was tried"
    assert poll(lambda: uid not in builds_stored(stage.store) or None, MEDIUM), "it is left"
