"""Watches that die in silence, come late or are refused: what they would have told is found out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from aiohttp import web

from support import objects
from support.durations import LONG, MEDIUM, SHORT
from support.kubectl import Kubectl
from support.operator_process import no_operator_in_cluster
from support.stage import Stage, assert_served, drafts, staged, wait_drafts

pytestmark = pytest.mark.cluster

DRAFTS = 5
#: A build is looked at every two seconds, so that several decisions are made on each late event.
WATCH_DELAY = 5.0
GONE = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "code": HTTPStatus.GONE,
    "reason": "Expired",
    "message": "too old resource version",
}
#: Kinds that are watched; each has a connection of its own.
LEAST_WATCHES = 10


@pytest.fixture(scope="module")
def image(system: Kubectl) -> Iterator[str]:
    with no_operator_in_cluster(system) as used:
        yield used


@pytest.fixture
def stage(kubectl: Kubectl, system: Kubectl, image: str, tmp_path: Path) -> Iterator[Stage]:
    with staged(kubectl, system, image, tmp_path) as set_:
        yield set_


def start_building(stage: Stage) -> None:
    stage.operator.start()
    stage.operator.wait_synced()
    stage.kubectl.apply(objects.dataset(), objects.model(), objects.deployment())
    stage.kubectl.wait("job", "tumours-v1", lambda _: True, within=LONG, what="there")


def test_watch_that_dies_in_silence_is_noticed(stage: Stage) -> None:
    """Pitfalls 1.1 and 2.3: no reset, no end of stream; reconciled within 90 s all the same."""
    start_building(stage)
    assert stage.proxy.silence_watches() >= LEAST_WATCHES
    stage.kubectl.apply(*drafts(DRAFTS))
    wait_drafts(stage.kubectl, DRAFTS, within=MEDIUM)
    assert_served(stage)


def test_watch_that_lags_doubles_nothing(stage: Stage) -> None:
    """Pitfall 1.5: events come long after our own writes, and after the next decisions."""
    stage.proxy.watch_delay = WATCH_DELAY
    start_building(stage)
    assert_served(stage)


def expired_in_stream() -> web.Response:
    return web.Response(text=json.dumps({"type": "ERROR", "object": GONE}) + "\n")


def expired() -> web.Response:
    return web.json_response(GONE, status=HTTPStatus.GONE)


def is_watch(request: web.Request) -> bool:
    return request.query.get("watch") in ("true", "1")


def test_expired_watch_is_begun_anew_and_misses_nothing(stage: Stage) -> None:
    """Pitfalls 1.1, 2.3, 2.4: watches are told that they are too old, in each way that there is."""
    answers = (expired_in_stream, expired, expired, expired_in_stream)
    start_building(stage)
    seen: Counter[str] = Counter()

    def play(request: web.Request) -> web.Response | None:
        if not is_watch(request):
            return None
        seen[request.path] += 1
        return answers[seen[request.path] - 1]() if seen[request.path] <= len(answers) else None

    stage.proxy.fault = play
    assert stage.proxy.cut_watches() >= LEAST_WATCHES
    stage.kubectl.apply(*drafts(DRAFTS))
    wait_drafts(stage.kubectl, DRAFTS, within=MEDIUM)
    assert_served(stage)
    assert len([path for path, n in seen.items() if n > len(answers)]) >= LEAST_WATCHES

    # What goes while watches have expired is in no list and no watch any more.
    stage.proxy.fault = lambda request: expired() if request.method == "GET" else None
    stage.proxy.cut_watches()
    stage.kubectl.delete("service", objects.DEPLOYMENT)
    stage.proxy.fault = None
    stage.kubectl.wait("service", objects.DEPLOYMENT, lambda _: True, within=SHORT, what="there")
    assert stage.operator.alive, "the same process all the time"
