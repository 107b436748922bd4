"""Cluster and images, made side by side: what demo, tests and bench all begin with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from modelyard_cluster.console import step
from modelyard_dev.cluster import Cluster, cluster_command
from modelyard_dev.images import Image, base_image_from_environment, builder, ensure_images
from modelyard_dev.install import install


def ensure_built_images(root: Path) -> list[Image]:
    """The images of this checkout, on a base image that can be had here.

    Raises:
        ClusterError: base image or image could not be built.
    """
    program = builder()
    base = base_image_from_environment()
    if base is None and program == "buildah":
        # Without a container daemon there is most likely no registry either: the base is made here.
        base = cluster_command("base-image")
    return ensure_images(root, program, base)


def ensure_installed(root: Path, name: str, port: int, account: str) -> Cluster:
    """A cluster with the chart of this checkout installed and ready.

    Raises:
        ClusterError: something could not be built, started or installed.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:
        built = beside.submit(ensure_built_images, root)
        cluster_command("up", "--name", name, "--port", str(port))
        images = built.result()
    cluster = Cluster.of(name)
    with step("Loading the images into the cluster"):
        cluster_command("load", "--name", name, *(image.name for image in images))
    install(root, cluster, images[0].tag, account=account, url=facade_url(port))
    return cluster


def facade_url(port: int) -> str:
    """Where the façade is on this machine."""
    return f"http://127.0.0.1:{port}"
