"""An operator of the test's own, behind a proxy that plays what goes wrong."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelyard_operator.cluster.store import Store
from support import objects
from support.durations import LONG
from support.fault_proxy import FaultProxy
from support.kubectl import Kubectl, condition
from support.operator_process import (
    OperatorProcess,
    copy_store_secret,
    free_port,
    jobs_made,
    store_from_outside,
)


@dataclass(frozen=True)
class Stage:
    """What a test of the operator works with; the operator is yet to be started."""

    kubectl: Kubectl
    proxy: FaultProxy
    operator: OperatorProcess
    #: The store's configuration, as the operator has it mounted.
    store: Path

    @contextmanager
    def store_away(self) -> Iterator[None]:
        """Meanwhile the operator's store is where nothing listens."""
        address = (self.store / "endpoint").read_text()
        _swap(self.store / "endpoint", f"http://127.0.0.1:{free_port()}")
        try:
            yield
        finally:
            _swap(self.store / "endpoint", address)


@contextmanager
def staged(
    kubectl: Kubectl,
    system: Kubectl,
    image: str,
    folder: Path,
    wrapper: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Stage]:
    """The stage; at its end the operator is killed and its log goes to the test's report.

    ``wrapper`` comes before the operator's command, ``environment`` into its environment.
    """
    copy_store_secret(system, kubectl)
    with (
        store_from_outside(system, folder / "store") as store,
        FaultProxy(Path(os.environ["KUBECONFIG"])) as proxy,
    ):
        log = folder / "operator.log"
        log.touch()
        own = proxy.kubeconfig(folder)
        operator = OperatorProcess(kubectl.namespace, own, store, image, log, wrapper, environment)
        try:
            yield Stage(kubectl, proxy, operator, store)
        finally:
            operator.kill()
            operator.wait_dead()
            sys.stdout.write(operator.log[-20_000:])


def _swap(file: Path, text: str) -> None:
    """Replace a file as the kubelet does, so that its folder changes."""
    next_ = file.with_suffix(".next")
    next_.write_text(text)
    next_.replace(file)


def builds_stored(store: Path) -> set[str]:
    """The uids of versions of which a store has something, by its configuration."""

    async def listed() -> set[str]:
        return {uid async for uid, _ in Store(store).folders("builds/")}

    return asyncio.run(listed())


def drafts(count: int) -> list[objects.Object]:
    """Models that lack their Dataset: each asks for one reconcile and no pod."""
    return [objects.model(f"draft-{n}", datasetRef={"name": "missing"}) for n in range(count)]


def wait_drafts(kubectl: Kubectl, count: int, *, within: float) -> None:
    """Wait until every draft has been told what it lacks: no key was dropped."""
    for number in range(count):
        kubectl.wait_reason("model", f"draft-{number}", "DatasetMissing", within=within)


def assert_served(stage: Stage) -> None:
    """The tumours come to be served, and nothing was done twice or restarted on the way."""
    stage.kubectl.wait_condition("modeldeployment", objects.DEPLOYMENT, "Ready", within=LONG)
    assert_built_once(stage.kubectl)
    assert stage.operator.alive


def assert_built_once(kubectl: Kubectl, model: str = "tumours") -> None:
    """One Job, one version, never built again, and the Model says so."""
    (version,) = (
        v for v in kubectl.list("modelversions") if v["spec"]["modelRef"]["name"] == model
    )
    assert version["metadata"]["name"] == f"{model}-v1"
    assert version["status"]["phase"] == "READY"
    assert version["status"].get("rebuilds", 0) == 0
    assert list(jobs_made(kubectl).values()).count(f"{model}-v1") == 1
    seen = kubectl.get("model", model)
    assert seen is not None
    assert condition(seen, "Ready")["status"] == "True"
    assert (seen["status"]["latestVersion"], seen["status"]["readyVersion"]) == (1, 1)
