"""The three container images: built where they have changed, with whichever builder is there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelyard_cluster.console import say, step
from modelyard_cluster.errors import BuildError, CommandError
from modelyard_cluster.run import attempt, run, which

PARTS = {"operator": "operator", "api": "api", "inference": "inference_image"}
CONTEXT = (
    "pyproject.toml",
    "uv.lock",
    "README.md",
    "crds/modelyard_crds",
    "operator/modelyard_operator",
    "inference_image/modelyard_runtime",
    "api/modelyard_api",
)
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class Image:
    """One image of the project."""

    part: str
    tag: str

    @property
    def name(self) -> str:
        """Name and tag, as pods spell it."""
        return f"modelyard/{self.part}:{self.tag}"

    @property
    def dockerfile(self) -> str:
        """Its Dockerfile, from the repository's root."""
        return f"{PARTS[self.part]}/Dockerfile"


def images(root: Path) -> list[Image]:
    """The images of this checkout, tagged with the hash of all that goes into them."""
    tag = f"dev-{context_hash(root)[:12]}"
    return [Image(part, tag) for part in PARTS]


def context_hash(root: Path) -> str:
    """Hash of the files of the build: equal files give the same tag, and nothing to build."""
    digest = hashlib.sha256()
    for path in _context_files(root):
        digest.update(str(path.relative_to(root)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _context_files(root: Path) -> Iterator[Path]:
    for name in (*CONTEXT, *(f"{folder}/Dockerfile" for folder in PARTS.values())):
        path = root / name
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (p for p in found if p.is_file() and "__pycache__" not in p.parts)


def builder() -> str:
    """The program that builds images here: docker or podman where they answer, else buildah."""
    for program in ("docker", "podman"):
        if which(program) and attempt([program, "info"], timeout=20)[0] == 0:
            return program
    return "buildah"


def ensure_images(root: Path, program: str, base_image: str | None) -> list[Image]:
    """Build the images that are not there yet, and say how large they are.

    Raises:
        BuildError: a build failed; the message has the builder's last lines.
    """
    wanted = images(root)
    for number, image in enumerate(wanted, start=1):
        label = f"[{number}/{len(wanted)}] image {image.name}"
        if exists(program, image):
            say(f"{label}: present, {size_text(program, image)}")
            continue
        with step(f"{label}: building with {program}"):
            build(root, program, image, base_image)
        say(f"{label}: {size_text(program, image)}")
    return wanted


def exists(program: str, image: Image) -> bool:
    """Whether the builder has the image."""
    return attempt([program, "inspect", "--type", "image", image.name])[0] == 0


def build(root: Path, program: str, image: Image, base_image: str | None) -> None:
    """Build one image.

    Raises:
        BuildError: the builder failed.
    """
    command = [program, "build", "-f", image.dockerfile, "-t", image.name]
    if program == "buildah":
        command += ["--layers", "--isolation", "chroot"]
        if Path(CA_BUNDLE).exists():
            # The libraries come through whatever this machine trusts; nothing of it stays inside.
            command += ["--volume", f"{CA_BUNDLE}:{CA_BUNDLE}:ro"]
    if base_image:
        command += ["--build-arg", f"BASE_IMAGE={base_image}"]
    try:
        run([*command, "."], cwd=root, env={"DOCKER_BUILDKIT": "1"})
    except CommandError as error:
        raise BuildError(
            f"The image {image.name} could not be built: {error.message}",
            f"Try it by hand: {' '.join(command)} .",
        ) from error


def size_text(program: str, image: Image) -> str:
    """The size of the image as a person reads it."""
    code, out, _ = attempt([program, "images", "--format", "{{.Size}}", image.name])
    return out.strip() if code == 0 and out.strip() else "size unknown"


def base_image_from_environment() -> str | None:
    """The base image that the user asks for with BASE_IMAGE, if any."""
    return os.environ.get("BASE_IMAGE") or None
