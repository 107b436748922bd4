"""The local stand-in for the base image of our Dockerfiles: Debian with Python, by debootstrap.

Where a registry can be reached, the Dockerfiles' own default is used and this is not needed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from modelyard_cluster import checks, packages
from modelyard_cluster.console import say, step
from modelyard_cluster.errors import BuildError, CommandError
from modelyard_cluster.images import commit_root
from modelyard_cluster.mounts import unmount_below
from modelyard_cluster.paths import cache_root, fresh_folder, locked
from modelyard_cluster.run import attempt, run

SUITE = "trixie"
VERSION = f"{SUITE}-1"
"""Raise the number when the content changes."""
NAME = f"localhost/modelyard-base:{VERSION}"
INCLUDED = "python3,python3-venv,ca-certificates"
DISPENSABLE = (
    "var/lib/apt/lists/*",
    "var/cache/apt/*",
    "var/cache/debconf/*-old",
    "var/lib/dpkg/*-old",
    "var/log/*",
    "usr/share/man/*",
    "usr/share/info/*",
    "usr/share/locale/*",
    "usr/share/lintian",
    "tmp/*",
)
DPKG_RULES = """path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
"""
APT_RULES = """APT::Install-Recommends "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""


def archive() -> Path:
    """Where the image is kept besides buildah's storage."""
    return cache_root() / f"base-image-{VERSION}" / "image.tar"


def ensure_base_image() -> str:
    """Have the base image in buildah's storage and return its name.

    Raises:
        MachineError: a package is missing and cannot be installed, or the disk is too full.
        BuildError: debootstrap or buildah failed.
    """
    packages.ensure_packages(("buildah", "debootstrap"))
    with locked("base-image"):
        if _in_storage():
            return NAME
        unmount_below(cache_root() / "debootstrap")
        try:
            if archive().is_file():
                with step(f"base image {NAME}: from the cache"):
                    run(["buildah", "pull", "-q", f"oci-archive:{archive()}"])
            else:
                _make()
        except CommandError as error:
            raise BuildError(f"The base image could not be made: {error}") from error
    return NAME


def _in_storage() -> bool:
    code, _, _ = attempt(
        ["buildah", "inspect", "--type", "image", "--format", "{{.FromImageID}}", NAME]
    )
    return code == 0


def _make() -> None:
    checks.check_disk(checks.RUN_BYTES)
    say("The base image is made once: Debian with Python, about a minute.")
    with step(f"base image {NAME}: installing Debian"), fresh_folder(archive().parent) as work:
        root = _install_debian()
        make_smaller(root)
        environment = ["--env", "PATH=/usr/local/bin:/usr/bin:/bin", "--env", "LANG=C.UTF-8"]
        commit_root(root, NAME, [*environment, "--cmd", "python3"])
        shutil.rmtree(root)
        run(["buildah", "push", "-q", NAME, f"oci-archive:{work / archive().name}:{NAME}"])


def _install_debian() -> Path:
    """Install into one known folder, so that mounts of an interrupted run are found again."""
    root = cache_root() / "debootstrap"
    shutil.rmtree(root, ignore_errors=True)
    try:
        run(["debootstrap", "--variant=minbase", f"--include={INCLUDED}", SUITE, root])
    finally:
        unmount_below(root)
    return root


def make_smaller(root: Path) -> None:
    """Take out what no container reads, keep it out in later installs, and offer ``python``."""
    for pattern in DISPENSABLE:
        for path in root.glob(pattern):
            _remove(path)
    for path in (root / "usr/share/doc").glob("*/*"):
        if path.name != "copyright":
            _remove(path)
    (root / "etc/dpkg/dpkg.cfg.d/small").write_text(DPKG_RULES, encoding="ascii")
    (root / "etc/apt/apt.conf.d/small").write_text(APT_RULES, encoding="ascii")
    for cached in list(root.rglob("__pycache__")):
        _remove(cached)
    python = root / "usr/local/bin/python"
    if not python.is_symlink():
        python.symlink_to("/usr/bin/python3")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
