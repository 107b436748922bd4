"""The command-line tools that people and tests use: kubectl, helm and buildah in one bin folder."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from modelyard_cluster import packages
from modelyard_cluster.builds import ensure_built
from modelyard_cluster.components import HELM, KIND, KUBECTL, Component
from modelyard_cluster.errors import MachineError
from modelyard_cluster.paths import cache_root
from modelyard_cluster.run import which

BUILT: dict[str, Component] = {"kubectl": KUBECTL, "helm": HELM, "kind": KIND}


def bin_folder() -> Path:
    """The folder to put on PATH."""
    return cache_root() / "bin"


def ensure_tools() -> Path:
    """Have kubectl, helm and buildah, and return their folder.

    Raises:
        MachineError: one is neither built, nor buildable, nor on PATH.
    """
    ensure_tool("kubectl")
    ensure_tool("helm")
    packages.ensure_packages(("buildah",))
    link("buildah", Path(which("buildah") or "buildah"))
    return bin_folder()


def ensure_tool(name: str) -> Path:
    """Have the pinned version; without a Go toolchain, whatever PATH has must do.

    Raises:
        MachineError: there is neither.
    """
    component = BUILT[name]
    try:
        ensure_built([component])
    except MachineError:
        found = which(name)
        if found is None or Path(found).parent == bin_folder():
            raise
        return link(name, Path(found))
    return link(name, component.binary(name))


def tool(name: str) -> Path:
    """Where the tool is that :func:`ensure_tool` has seen to."""
    return bin_folder() / name


def link(name: str, target: Path) -> Path:
    """Point the bin folder's ``name`` at the program, in one step."""
    place = tool(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        if place.readlink() == target:
            return place
    temporary = place.with_name(f".{name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(place)
    return place
