"""Building the Go binaries side by side into the cache; what is there already costs nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from modelyard_cluster import checks
from modelyard_cluster.components import GO_FOLDER, Component
from modelyard_cluster.console import Progress, say, step
from modelyard_cluster.errors import BuildError, CommandError
from modelyard_cluster.paths import fresh_folder, locked
from modelyard_cluster.run import end_children, run

NICENESS = "5"


def ensure_built(wanted: Iterable[Component]) -> None:
    """Build what is missing.

    Raises:
        MachineError: Go is missing or too old, or the disk is too full.
        BuildError: a build failed; its last lines are in the message.
    """
    missing = [component for component in wanted if not component.is_built]
    if not missing:
        return
    checks.check_go()
    checks.check_disk()
    _announce(missing)
    progress = Progress(total=len(missing))
    with ThreadPoolExecutor(max_workers=job_count(os.cpu_count() or 1)) as pool:
        jobs = [pool.submit(_build, component, progress) for component in missing]
        _wait_for(jobs)


def job_count(processors: int) -> int:
    """How many builds run at once: two even on a small machine, since linking uses one core."""
    return max(2, min(4, processors // 2))


def _announce(missing: list[Component]) -> None:
    names = ", ".join(f"{component.name} {component.version}" for component in missing)
    say(f"Building from source, once, into the cache: {names}.")
    if any(component.name == "kubernetes" for component in missing):
        say("The first build takes about 10 minutes on two idle cores; it can be resumed.")


def _wait_for(jobs: list[Future[None]]) -> None:
    try:
        done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
        failed = next((job for job in done if job.exception() is not None), None)
    except BaseException:
        _abandon(jobs)
        raise
    if failed is not None:
        _abandon(jobs)
        failed.result()


def _abandon(jobs: list[Future[None]]) -> None:
    for job in jobs:
        job.cancel()
    end_children()


def _build(component: Component, progress: Progress) -> None:
    label = progress.next_label(f"{component.name} {component.version}")
    with locked(f"build-{component.name}"):
        if component.is_built:
            say(f"{label}: another process has built it.")
            return
        with step(f"{label}: building"), fresh_folder(component.folder) as folder:
            for binary, package in grouped(component):
                target = folder if binary is None else folder / binary
                _go_build(component, f"{target}/" if binary is None else str(target), package)


def grouped(component: Component) -> list[tuple[str | None, tuple[str, ...]]]:
    """The ``go build`` calls: packages named like their binaries go in one, which links at once."""
    if all(package.rsplit("/", 1)[-1] == binary for binary, package in component.packages):
        return [(None, tuple(package for _, package in component.packages))]
    return [(binary, (package,)) for binary, package in component.packages]


def _go_build(component: Component, target: str, packages: tuple[str, ...]) -> None:
    flags = "-s -w"
    if component.version_variable:
        flags += f" -X {component.version_variable}={component.version}"
    command = ["nice", "-n", NICENESS, "go", "build", "-mod=readonly", "-trimpath"]
    command += [f"-ldflags={flags}", "-o", target, *packages]
    try:
        run(
            command,
            cwd=GO_FOLDER / component.group,
            env={"CGO_ENABLED": "0", "GOWORK": "off"},
        )
    except CommandError as error:
        raise BuildError(
            f"Building {component.name} {component.version} failed: {error.message}",
            "If the network was the reason, run the same command again: it goes on from there.",
        ) from error
