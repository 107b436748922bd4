"""The package is not installed: it runs from its folder, in tests as in real life."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees, or touches, the state and the cache of the machine, or stops the next one.

    Not pytest's own folder: its path is too long for the sockets that a state holds.
    """
    from modelyard_cluster.run import ending

    with tempfile.TemporaryDirectory(prefix="my") as folder:
        monkeypatch.setenv("XDG_STATE_HOME", f"{folder}/s")
        monkeypatch.setenv("MODELYARD_CACHE", f"{folder}/c")
        yield
    ending.clear()
