"""What is built from Go source, and which versions: the ``go.mod`` files are the only pins.

Each group has its own module, because their libraries do not fit together. To move a version,
edit the ``go.mod`` with ``go get -tool PACKAGE@VERSION`` and commit it with its ``go.sum``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from modelyard_cluster.errors import UsageError
from modelyard_cluster.paths import cache_root

CLUSTER_FOLDER = Path(__file__).resolve().parent.parent
GO_FOLDER = CLUSTER_FOLDER / "go"
RECIPE = "1"
"""Part of every cache key; raise it when the build's flags change."""


@dataclass(frozen=True)
class Component:
    """Binaries that are built together: which module pins them and which packages they are."""

    name: str
    group: str
    module: str
    packages: tuple[tuple[str, str], ...]
    version_variable: str = ""

    @property
    def version(self) -> str:
        """The version of the module, such as ``v1.35.4``."""
        return pinned_version(module_file(self.group), self.module)

    @property
    def folder(self) -> Path:
        """Where the binaries are once built; another pin or another flag is another folder."""
        key = hashlib.sha256(RECIPE.encode())
        key.update(module_file(self.group).encode())
        key.update((GO_FOLDER / self.group / "go.sum").read_bytes())
        return cache_root() / f"{self.name}-{self.version}-{key.hexdigest()[:10]}"

    def binary(self, name: str) -> Path:
        """The path of one of the binaries, there or not."""
        return self.folder / name

    @property
    def is_built(self) -> bool:
        """Whether every binary is there."""
        return all(self.binary(name).is_file() for name, _ in self.packages)


def _kubernetes(name: str, *commands: str) -> Component:
    return Component(
        name=name,
        group="kubernetes",
        module="k8s.io/kubernetes",
        packages=tuple((command, f"k8s.io/kubernetes/cmd/{command}") for command in commands),
        version_variable="k8s.io/component-base/version.gitVersion",
    )


def _single(name: str, module: str, command: str = "") -> Component:
    package = f"{module}/{command}" if command else module
    return Component(name=name, group=name, module=module, packages=((name, package),))


KUBERNETES = _kubernetes(
    "kubernetes",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
)
KUBECTL = _kubernetes("kubectl", "kubectl")
ETCD = _single("etcd", "go.etcd.io/etcd/server/v3")
HELM = _single("helm", "helm.sh/helm/v3", "cmd/helm")
COREDNS = _single("coredns", "github.com/coredns/coredns")
METRICS_SERVER = _single("metrics-server", "sigs.k8s.io/metrics-server", "cmd/metrics-server")
LOCAL_PATH = _single("local-path-provisioner", "github.com/rancher/local-path-provisioner")
VERSITYGW = _single("versitygw", "github.com/versity/versitygw", "cmd/versitygw")
KWOK = _single("kwok", "sigs.k8s.io/kwok", "cmd/kwok")
KIND = _single("kind", "sigs.k8s.io/kind")

COMPONENTS = {
    component.name: component
    for component in (
        KUBERNETES,
        KUBECTL,
        ETCD,
        HELM,
        COREDNS,
        METRICS_SERVER,
        LOCAL_PATH,
        VERSITYGW,
        KWOK,
        KIND,
    )
}
LOCAL_CLUSTER = (
    KUBERNETES,
    COREDNS,
    METRICS_SERVER,
    LOCAL_PATH,
    VERSITYGW,
    ETCD,
    KUBECTL,
    HELM,
)
"""What the local build needs, the longest first, so that two jobs end at about the same time."""


def component(name: str) -> Component:
    """The component of that name.

    Raises:
        UsageError: there is none; lists those there are.
    """
    try:
        return COMPONENTS[name]
    except KeyError:
        known = ", ".join(sorted(COMPONENTS))
        raise UsageError(
            f"There is nothing to build called {name!r}.", f"Known: {known}."
        ) from None


@cache
def module_file(group: str) -> str:
    """The text of the group's ``go.mod``."""
    return (GO_FOLDER / group / "go.mod").read_text(encoding="utf-8")


def pinned_version(go_mod: str, module: str) -> str:
    """The version that a ``go.mod`` requires of the module.

    Raises:
        UsageError: the file does not require it.
    """
    found = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise UsageError(f"No version of {module} is pinned in its go.mod.")
    return found.group(1)
