"""An operator whose clock is wrong: no decision hangs on whose clock is right."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from support.kubectl import Kubectl
from support.operator_process import no_operator_in_cluster
from support.stage import assert_built_once, staged

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def image(system: Kubectl) -> Iterator[str]:
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed")
    with no_operator_in_cluster(system) as used:
        yield used


@pytest.mark.parametrize("skew", ["-10m", "+10m"])
def test_skewed_clock(
    kubectl: Kubectl, system: Kubectl, image: str, tmp_path: Path, skew: str
) -> None:
    """The process sees another time than API server, kubelet and store do."""
    wrapper = ("faketime", "--exclude-monotonic", "-f", skew)
    with staged(kubectl, system, image, tmp_path, wrapper) as stage:
        stage.operator.start()
        kubectl.serve()
        assert_built_once(kubectl)
        assert stage.operator.alive
    version = kubectl.get("modelversion", "tumours-v1")
    assert version is not None
    times = [
        datetime.fromisoformat(version["status"][name]) for name in ("startedAt", "finishedAt")
    ]
    assert times == sorted(times)
