"""A cluster that is there already: used as it is, nothing is installed in it and nothing ended."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

from modelyard_cluster import processes
from modelyard_cluster.console import say
from modelyard_cluster.errors import CommandError, UsageError
from modelyard_cluster.loading import into_kind
from modelyard_cluster.paths import StatePaths, write_atomically
from modelyard_cluster.providers.forwarding import start_forwarder
from modelyard_cluster.run import attempt, run
from modelyard_cluster.state import Record, save
from modelyard_cluster.tools import ensure_tool, tool

KIND_PREFIX = "kind-"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


@dataclass(frozen=True)
class Context:
    """One cluster of this provider."""

    paths: StatePaths
    record: Record

    def up(self) -> Record:
        """Start what does not run, wait until all is ready, and return the completed record."""
        paths, record = self.paths, self.record
        ensure_tool("kubectl")
        _copy_context(paths, record.context)
        record = replace(record, ready=False)
        save(paths, record)
        if not self._answers():
            raise UsageError(
                f"The cluster of the context {record.context} does not answer.",
                f"Try: kubectl --context {record.context} get nodes",
            )
        _say_what_is_missing(paths)
        start_forwarder(paths)
        return record.with_ready(True)

    def is_up(self) -> bool:
        """Whether nothing is left to do."""
        return processes.is_running(self.paths.pids, "forward") and self._answers()

    def down(self) -> None:
        """End everything of it, also what an interrupted run has left."""
        for name in processes.names(self.paths.pids):
            processes.stop(self.paths.pids, name)
        shutil.rmtree(self.paths.root, ignore_errors=True)
        say("The cluster of the context itself is left as it is.")

    def load(self, images: list[str]) -> None:
        """Make images or archives of images known to the cluster's node."""
        context = run([*_kubectl(self.paths), "config", "current-context"]).strip()
        if context.startswith(KIND_PREFIX):
            into_kind(ensure_tool("kind"), context.removeprefix(KIND_PREFIX), images)
            return
        say(f"Images cannot be loaded into the cluster of {context}; push them to its registry:")
        for image in images:
            say(f"  buildah push {image} <registry>/{image.rsplit('/', 1)[-1]}")

    def status(self) -> dict[str, str]:
        """Each part of it and how it is."""
        forward = processes.is_running(self.paths.pids, "forward")
        return {
            f"context {self.record.context}": "answers" if self._answers() else "not answering",
            "forward": "running" if forward else "not running",
        }

    def _answers(self) -> bool:
        command = [*_kubectl(self.paths), "get", "--raw", "/readyz", "--request-timeout=5s"]
        return attempt(command, timeout=15)[0] == 0


def _kubectl(paths: StatePaths) -> list[str]:
    return [str(tool("kubectl")), "--kubeconfig", str(paths.kubeconfig)]


def _copy_context(paths: StatePaths, context: str) -> None:
    """Keep the context's credentials as of now, so that a later switch does not mislead us."""
    view = ["config", "view", "--minify", "--flatten", f"--context={context}"]
    try:
        content = run([tool("kubectl"), *view])
    except CommandError as error:
        listed = attempt([tool("kubectl"), "config", "get-contexts", "-o", "name"])[1].split()
        known = ", ".join(listed) or "none"
        raise UsageError(
            f"The kubeconfig has no context {context}.", f"Contexts there are: {known}."
        ) from error
    write_atomically(paths.kubeconfig, content, mode=0o600)


def _say_what_is_missing(paths: StatePaths) -> None:
    classes = attempt([*_kubectl(paths), "get", "storageclass", "-o", "json"])[1]
    if f'"{DEFAULT_CLASS}": "true"' not in classes:
        say("That cluster has no default StorageClass: claims need one by name.")
    metrics = ["get", "apiservice", "v1beta1.metrics.k8s.io"]
    if attempt([*_kubectl(paths), *metrics])[0] != 0:
        say("That cluster has no metrics-server: autoscaling will not act.")
