"""The Debian packages of the local build: said first, then installed, and only those missing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from modelyard_cluster.console import say, step
from modelyard_cluster.errors import CommandError, MachineError
from modelyard_cluster.paths import locked
from modelyard_cluster.run import attempt, run, which

NODE_PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "iproute2": "ip",
    "conntrack": "conntrack",
    "ethtool": "ethtool",
    "util-linux": "nsenter",
    "openssl": "openssl",
}
IMAGE_PACKAGES = {"buildah": "buildah", "busybox-static": "busybox", "debootstrap": "debootstrap"}
TEST_PACKAGES = {"faketime": "faketime"}
CNI_PACKAGE = "containernetworking-plugins"
CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\nexit 101\n"


def ensure_node_packages() -> None:
    """Have everything that a node and its images need.

    Raises:
        MachineError: something is missing and cannot be installed here.
    """
    wanted = missing_packages(NODE_PACKAGES | IMAGE_PACKAGES)
    if cni_folder() is None:
        wanted.append(CNI_PACKAGE)
    install(wanted)


def ensure_packages(names: Iterable[str]) -> None:
    """Have these of the packages listed here.

    Raises:
        MachineError: something is missing and cannot be installed here.
    """
    known = NODE_PACKAGES | IMAGE_PACKAGES | TEST_PACKAGES
    install(missing_packages({name: known[name] for name in names}))


def missing_packages(programs: dict[str, str]) -> list[str]:
    """The packages whose program is not on this machine."""
    return [package for package, program in programs.items() if which(program) is None]


def cni_folder() -> Path | None:
    """The folder of the CNI plugins, or None when they are not installed."""
    return next((folder for folder in CNI_FOLDERS if (folder / "bridge").exists()), None)


def install(packages: list[str]) -> None:
    """Install with apt-get.

    Raises:
        MachineError: there is no apt-get, we are not root, or apt-get failed.
    """
    if not packages:
        return
    listed = " ".join(packages)
    if which("apt-get") is None:
        raise MachineError(
            f"These programs are missing: {listed}.",
            "Install them with this system's package manager (the names are Debian's).",
        )
    if os.geteuid() != 0:
        raise MachineError(
            f"Debian packages are missing: {listed}.", f"Run: sudo apt-get install {listed}"
        )
    say(f"Installing Debian packages: {listed}.")
    with locked("packages"), step("Debian packages: installing"):
        _apt_install(packages)


def _apt_install(packages: list[str]) -> None:
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
    command += ["-o", "DPkg::Lock::Timeout=120", *packages]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    added_policy = _forbid_service_starts()
    try:
        code, _, _ = attempt(command, env=quiet)
        if code != 0:
            attempt(["apt-get", "update", "-q"], env=quiet)
            run(command, env=quiet, advice="Run `apt-get update`, then the same command again.")
    except CommandError as error:
        raise MachineError(error.message, error.advice) from error
    finally:
        if added_policy:
            POLICY.unlink(missing_ok=True)


def _forbid_service_starts() -> bool:
    """Keep containerd's package from starting a machine-wide service that nobody asked for."""
    if POLICY.exists():
        return False
    POLICY.write_text(POLICY_TEXT, encoding="ascii")
    POLICY.chmod(0o755)
    return True
