"""The routines beside the watches: what one of them meets leaves no operator that half works."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from modelyard_crds.reasons import Reason
from modelyard_operator import main
from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.kinds import DEPLOYMENT
from modelyard_operator.cluster.lease import DURATION, Election
from modelyard_operator.errors import NotFoundError, RefusedError
from support.virtual_time import run
from unit.operator.cluster.test_lease import OneLease


class Pool:
    """Workers that only note whether they may work."""

    def __init__(self) -> None:
        self.started = False

    def start(self) -> None:
        self.started = True

    def pause(self) -> None:
        self.started = False


def program(**parts: Any) -> main.Program:
    synced = asyncio.Event()
    synced.set()
    given = {"pool": Pool(), "health": SimpleNamespace(synced=synced), **parts}
    return cast(main.Program, SimpleNamespace(**given))


async def fails_unforeseen(_program: main.Program) -> None:
    raise KeyError("spec")


def test_a_list_that_takes_longer_than_the_lease_ends_no_leadership(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With thousands of objects on a slow API server nobody would ever lead."""

    async def slow(_program: main.Program) -> None:
        await asyncio.sleep(2 * DURATION)

    monkeypatch.setattr(main, "_first_sync", slow)

    async def scenario() -> bool:
        election = Election(cast(Any, OneLease()), "ns", "me", asyncio.get_running_loop().time)
        seen = program(election=election)
        leading = asyncio.create_task(main._lead(seen))
        await asyncio.sleep(3 * DURATION)
        leading.cancel()
        return seen.pool.started

    assert run(scenario())


async def test_a_leader_whose_list_fails_unforeseen_holds_no_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(main, "_first_sync", fails_unforeseen)
    election = Election(cast(Any, OneLease()), "ns", "me")
    with pytest.raises(ExceptionGroup):
        await main._lead(program(election=election))


async def test_a_routine_that_fails_unforeseen_ends_the_process(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A renewal that ends so would leave a leader that acts beside the next one for good."""
    stop = asyncio.Event()

    task = asyncio.create_task(fails_unforeseen(program()))
    task.add_done_callback(lambda ended: main._note_end(stop, ended))
    await stop.wait()
    assert "a routine has failed" in caplog.text


async def test_the_routines_beside_the_watches_are_looked_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(main, "_lead", fails_unforeseen)
    stop = asyncio.Event()
    health = SimpleNamespace(synced=asyncio.Event(), beat=asyncio.Event().wait)
    relists = SimpleNamespace(missed=asyncio.Event())
    settings = SimpleNamespace(namespaces=("team-a",))
    events = SimpleNamespace(run=asyncio.Event().wait)
    parts = {"health": health, "relists": relists, "settings": settings, "events": events}
    async with main._background(program(**parts), stop):
        await stop.wait()


class Secrets:
    """Namespaces one of which takes no Secret."""

    def __init__(self, error: Exception) -> None:
        self.error, self.kept = error, list[str]()

    async def ensure(self, namespace: str) -> None:
        if namespace == "team-b":
            raise self.error
        self.kept.append(namespace)


@pytest.mark.parametrize(
    "error", [RefusedError(Reason.QUOTA_EXCEEDED, "exceeded quota"), NotFoundError("it is going")]
)
async def test_a_namespace_that_takes_no_secret_leaves_the_others_theirs(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Else each round would end there, and begin anew at once with all its lists."""
    caplog.set_level(logging.WARNING)
    cache, secrets = Cache(), Secrets(error)
    for number, namespace in enumerate(("team-a", "team-b", "team-c"), 1):
        meta = {"name": "d", "namespace": namespace, "uid": namespace}
        cache.put(DEPLOYMENT, {"metadata": {**meta, "resourceVersion": str(number)}})
    await main._keep_pod_secrets(program(cache=cache, secrets=secrets))
    assert secrets.kept == ["team-a", "team-c"]
    assert "were not kept" in caplog.text


@pytest.mark.parametrize(("started", "sweeps"), [(False, 0), (True, 3)])
def test_nothing_is_swept_before_it_is_known_what_is_served(started: bool, sweeps: int) -> None:
    """An operator that waits for newer CRDs knows no Deployment, and sweeps what they serve."""
    swept = []

    async def sweep() -> None:
        swept.append(1)

    async def scenario() -> None:
        pool = Pool()
        pool.started = started
        settings, sweeper = SimpleNamespace(sweep_interval=3600), SimpleNamespace(sweep=sweep)
        task = asyncio.create_task(
            main._sweep_now_and_then(program(pool=pool, settings=settings, sweeper=sweeper))
        )
        await asyncio.sleep(3.5 * 3600)
        task.cancel()

    run(scenario())
    assert len(swept) == sweeps


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: away
clusters: [{name: away, cluster: {server: "http://127.0.0.1:9"}}]
contexts: [{name: away, context: {cluster: away, user: away}}]
users: [{name: away, user: {}}]
"""


def test_the_process_ends_at_sigterm_also_before_it_watches(tmp_path: Path) -> None:
    """Process 1 of a container hears no signal that it does not listen for."""
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "url").write_text(f"file://{tmp_path}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "MODELYARD_INFERENCE_IMAGE": "x",
        "MODELYARD_STORE_PATH": str(tmp_path / "store"),
        "MODELYARD_HEALTH_PORT": str(port),
    }
    command = [sys.executable, "-c", "from modelyard_operator.main import main; main()"]
    with subprocess.Popen(
        command, env={**os.environ, **given}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        waiting = next(
            (line for line in process.stderr if "no answer about our rights" in line), ""
        )
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert waiting
    assert process.returncode == 0
