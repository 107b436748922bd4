"""Getting images into the local node: from buildah's storage, a container daemon, or an archive."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from modelyard_cluster.console import say, step
from modelyard_cluster.errors import CommandError, UsageError
from modelyard_cluster.images import Image
from modelyard_cluster.paths import StatePaths, cache_root
from modelyard_cluster.run import attempt, run, which

DAEMONS = ("docker", "podman")


def ctr(paths: StatePaths) -> list[str]:
    """The start of every call to the state's containerd."""
    return ["ctr", "--address", str(paths.containerd_socket), "--namespace", "k8s.io"]


def containerd_answers(paths: StatePaths) -> bool:
    """Whether the container runtime takes calls."""
    code, _, _ = attempt([*ctr(paths), "--timeout", "2s", "version"], timeout=10)
    return code == 0


def with_tag(image: str) -> str:
    """The name with its tag: without one, ``latest`` is meant."""
    return image if ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"


def name_on_node(image: str, present: Iterable[str]) -> str:
    """The name under which the node has it, or nothing; the node puts a domain before short names.

    Only ``localhost/…`` is never what a short name in a pod stands for.
    """
    wanted = with_tag(image)
    for name in present:
        is_local = name.startswith("localhost/")
        if name == wanted or (name.endswith(f"/{wanted}") and not is_local):
            return name
    return ""


def names_on_node(paths: StatePaths) -> list[str]:
    """The names of all images that the node has."""
    return run([*ctr(paths), "images", "ls", "-q"]).split()


def system_images(paths: StatePaths, images: Iterable[Image]) -> None:
    """Import the images of the cluster itself that the node does not have."""
    present = names_on_node(paths)
    for image in images:
        if not name_on_node(image.reference, present):
            run([*ctr(paths), "images", "import", image.archive])


def into_containerd(paths: StatePaths, wanted: Iterable[str]) -> None:
    """Import images and archives; an image whose id the node has under that name is skipped.

    Raises:
        UsageError: an image is in no storage of this machine.
    """
    for name in wanted:
        if Path(name).is_file():
            with step(f"{name}: loading"):
                run([*ctr(paths), "images", "import", name])
            continue
        source, identity = find(name)
        if identity == loaded_id(paths, name_on_node(name, names_on_node(paths))):
            say(f"{name}: the node has it already.")
            continue
        with step(f"{name}: loading"), TemporaryDirectory(dir=cache_root()) as folder:
            archive = Path(folder) / "image.tar"
            export(source, name, archive)
            run([*ctr(paths), "images", "import", archive])


def find(name: str) -> tuple[str, str]:
    """Which tool has the image, and its id.

    Raises:
        UsageError: none has it.
    """
    form = ["--type", "image", "--format", "{{.FromImageID}}"]
    questions = {"buildah": ["buildah", "inspect", *form, name]}
    for daemon in DAEMONS:
        questions[daemon] = [daemon, "image", "inspect", "--format", "{{.Id}}", name]
    for tool, question in questions.items():
        code, out, _ = attempt(question) if which(tool) else (1, "", "")
        if code == 0 and out.strip():
            return tool, out.strip().removeprefix("sha256:")
    raise UsageError(
        f"There is no image called {name} on this machine, nor such a file.",
        "Build it first, or see `buildah images` for the name.",
    )


def export(source: str, name: str, archive: Path) -> None:
    """Write the image as an archive under the name that was asked for."""
    if source == "buildah":
        run(["buildah", "push", "-q", name, f"docker-archive:{archive}:{with_tag(name)}"])
    else:
        run([source, "save", "-o", archive, name])


def loaded_id(paths: StatePaths, name: str) -> str:
    """The id of the image that the node has under exactly this name, or nothing."""
    if not name:
        return ""
    try:
        listed = run([*ctr(paths), "images", "ls", f"name=={name}"])
        digest = next((w for w in listed.split() if w.startswith("sha256:")), "")
        if not digest:
            return ""
        manifest = json.loads(run([*ctr(paths), "content", "get", digest]))
    except (CommandError, ValueError):
        return ""
    config = manifest.get("config") or {}
    return str(config.get("digest", "")).removeprefix("sha256:")


def into_kind(kind: Path, cluster: str, wanted: Iterable[str]) -> None:
    """Load images and archives into kind's node; kind itself skips what the node has.

    Raises:
        UsageError: an image is in no storage of this machine.
    """
    for name in wanted:
        with step(f"{name}: loading"), TemporaryDirectory(dir=cache_root()) as folder:
            if Path(name).is_file():
                run([kind, "load", "image-archive", name, "--name", cluster])
                continue
            source, _ = find(name)
            if source in DAEMONS:
                run([kind, "load", "docker-image", name, "--name", cluster])
                continue
            archive = Path(folder) / "image.tar"
            export(source, name, archive)
            run([kind, "load", "image-archive", archive, "--name", cluster])
