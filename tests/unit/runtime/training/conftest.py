"""A pod without a cluster: mounted folders, a request in the environment, a termination log."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard_crds.build import ENV_BUILD_REQUEST, ENV_POD_UID, ENV_PROFILE_REQUEST, StoreConfig
from modelyard_runtime import messages
from modelyard_runtime.data import examples
from modelyard_runtime.store import Store, open_store
from modelyard_runtime.training import jobs, main


class Pod:
    """Runs the entry as a pod would, and shows what it left behind."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.termination_log = folder / "termination-log"
        self.termination_log.touch()
        self.mount = folder / "secret"
        self.mount.mkdir()
        #: There only where the endpoint has a key.
        self.planner_mount = folder / "planner"
        self._environment = monkeypatch
        self.use_store((folder / "store").as_uri())

    def use_store(self, url: str, **more: str) -> None:
        for name, value in {"url": url, **more}.items():
            (self.mount / name).write_text(value)

    @property
    def store(self) -> Store:
        return open_store(StoreConfig(url=(self.mount / "url").read_text()))

    def run(self, command: str, request: dict[str, Any], pod: str = "pod-1") -> tuple[int, Any]:
        """The exit code and the termination message."""
        variable = {"profile": ENV_PROFILE_REQUEST, "build": ENV_BUILD_REQUEST}[command]
        self._environment.setenv(variable, json.dumps(request))
        self._environment.setenv(ENV_POD_UID, pod)
        work: Callable[[], Any]
        if command == "profile":
            work = functools.partial(jobs.run_profile, self.mount)
        else:
            mounts = {"store_mount": self.mount, "planner_mount": self.planner_mount}
            work = functools.partial(jobs.run_build, 2, 0.0, **mounts)
        fault = main.FAULTS[command]
        code, result = main.outcome_of(fault, work)
        messages.write_result(result, self.termination_log)
        return code, json.loads(self.termination_log.read_text())


@pytest.fixture
def pod(tmp_path, monkeypatch) -> Pod:
    return Pod(tmp_path, monkeypatch)


@pytest.fixture
def build_request() -> Callable[..., dict[str, Any]]:
    def make(example: str, intent: str, **build: Any) -> dict[str, Any]:
        import hashlib

        digest = hashlib.sha256(examples.read(example)).hexdigest()
        return {
            "namespace": "team-a",
            "model": example.replace("_", "-"),
            "version": 1,
            "versionUid": "v-uid",
            "jobId": "job_000000000000",
            "build": {
                "intent": intent,
                "datasetRef": {"name": example},
                "datasetDigest": f"sha256:{digest}",
                "source": {"uri": f"example://{example}"},
                "training": {"timeBudget": "60s", "maxIterations": 1},
            }
            | build,
        }

    return make
