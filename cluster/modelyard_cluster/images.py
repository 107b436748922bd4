"""The images that the local cluster itself needs, made without a registry and cached as archives.

Each is one static program on nothing. The archives are docker-archives: their layers are not
compressed, which halves the time to make and to load them, and a short name in them means the
same as in a pod.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from modelyard_cluster.components import COREDNS, LOCAL_PATH, METRICS_SERVER, VERSITYGW, Component
from modelyard_cluster.console import Progress, step
from modelyard_cluster.errors import BuildError, CommandError
from modelyard_cluster.paths import cache_root, fresh_folder, locked
from modelyard_cluster.run import attempt, require, run

PAUSE_SCRIPT = "trap 'exit 0' TERM INT; while :; do sleep 86400 & wait $!; done"
"""``wait`` reaps what the pod's containers leave behind, and a signal ends it at once."""
RECIPE = "1"


@dataclass(frozen=True)
class Image:
    """One image: its name, what is in it (``fill`` writes the root) and how it starts."""

    name: str
    version: Callable[[], str]
    fill: Callable[[Path], None]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = "65532:65532"
    key: Callable[[], str] = field(default=lambda: RECIPE)

    @property
    def reference(self) -> str:
        """The name by which pods ask for it."""
        return f"modelyard/{self.name}:{self.version()}"

    @property
    def archive(self) -> Path:
        """Where its archive is, once made; another content is another file."""
        digest = hashlib.sha256(f"{RECIPE} {self.key()}".encode()).hexdigest()[:10]
        return cache_root() / f"image-{self.name}-{self.version()}-{digest}" / "image.tar"


def _program(component: Component, user: str = "65532:65532") -> Image:
    return Image(
        name=component.name,
        version=lambda: component.version,
        fill=partial(_copy_program, component),
        entrypoint=(f"/{component.name}",),
        user=user,
        key=lambda: component.folder.name,
    )


def _copy_program(component: Component, root: Path) -> None:
    shutil.copy2(component.binary(component.name), root / component.name)


def _fill_busybox(root: Path) -> None:
    """Busybox with all its names, and what programs expect of a system."""
    busybox = Path(require("busybox", "Install the package busybox-static."))
    for folder in ("bin", "etc", "tmp", "root"):
        (root / folder).mkdir()
    (root / "tmp").chmod(0o1777)
    shutil.copy2(busybox, root / "bin" / "busybox")
    for applet in run([busybox, "--list"]).split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    (root / "etc" / "passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n",
        encoding="ascii",
    )
    (root / "etc" / "group").write_text("root:x:0:\nnogroup:x:65534:\n", encoding="ascii")


def _busybox_key() -> str:
    busybox = require("busybox", "Install the package busybox-static.")
    return hashlib.sha256(Path(busybox).read_bytes()).hexdigest()


COREDNS_IMAGE = _program(COREDNS)
METRICS_SERVER_IMAGE = _program(METRICS_SERVER)
LOCAL_PATH_IMAGE = _program(LOCAL_PATH)
VERSITYGW_IMAGE = _program(VERSITYGW, user="10001:10001")
BUSYBOX_IMAGE = Image(
    name="busybox",
    version=lambda: "1",
    fill=_fill_busybox,
    command=("/bin/sh",),
    user="",
    key=_busybox_key,
)
PAUSE_IMAGE = Image(
    name="pause",
    version=lambda: "1",
    fill=_fill_busybox,
    entrypoint=("/bin/sh", "-c", PAUSE_SCRIPT),
    key=_busybox_key,
)
SYSTEM_IMAGES = (
    PAUSE_IMAGE,
    COREDNS_IMAGE,
    BUSYBOX_IMAGE,
    LOCAL_PATH_IMAGE,
    METRICS_SERVER_IMAGE,
    VERSITYGW_IMAGE,
)


def ensure_archives(images: Iterable[Image]) -> None:
    """Make the archives that are not in the cache.

    Raises:
        BuildError: buildah failed.
    """
    missing = [image for image in images if not image.archive.is_file()]
    progress = Progress(total=len(missing))
    for image in missing:
        label = progress.next_label(f"image {image.reference}")
        with locked(f"image-{image.name}"):
            if not image.archive.is_file():
                with step(label):
                    _make_archive(image)


def _make_archive(image: Image) -> None:
    with fresh_folder(image.archive.parent) as work:
        root = work / "root"
        root.mkdir()
        image.fill(root)
        local = f"localhost/{image.reference}"
        try:
            commit_root(root, local, _configuration(image))
            target = f"docker-archive:{work / image.archive.name}:{image.reference}"
            run(["buildah", "push", "-q", local, target])
        except CommandError as error:
            raise BuildError(f"The image {image.reference} could not be made: {error}") from error
        finally:
            attempt(["buildah", "rmi", "-f", local])
            shutil.rmtree(root)


def _configuration(image: Image) -> list[str]:
    options = ["--workingdir", "/"]
    if image.user:
        options += ["--user", image.user]
    if image.entrypoint:
        options += ["--entrypoint", json.dumps(image.entrypoint)]
    if image.command:
        options += ["--cmd", " ".join(image.command)]
    return options


def commit_root(root: Path, name: str, configuration: list[str]) -> None:
    """Make an image of one layer from a root folder, in buildah's storage.

    Raises:
        CommandError: buildah failed.
    """
    container = run(["buildah", "from", "scratch"]).strip()
    try:
        run(["buildah", "copy", "-q", container, f"{root}/", "/"])
        run(["buildah", "config", *configuration, container])
        run(["buildah", "commit", "-q", "--timestamp", "0", container, name])
    finally:
        attempt(["buildah", "rm", container])
