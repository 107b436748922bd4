"""What each command does, in terms of a provider and a state."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace

from modelyard_cluster import (
    components,
    forwarder,
    packages,
    processes,
    state,
    teardown,
    tools,
)
from modelyard_cluster.base_image import ensure_base_image
from modelyard_cluster.builds import ensure_built
from modelyard_cluster.console import elapsed_text, say
from modelyard_cluster.errors import ClusterError, LeftoversError, UsageError
from modelyard_cluster.paths import StatePaths, known_states, locked, state_paths
from modelyard_cluster.providers import Choice, Provider, choose
from modelyard_cluster.providers import kind as kind_provider
from modelyard_cluster.providers.context import Context
from modelyard_cluster.providers.daemons import start_daemon
from modelyard_cluster.providers.forwarding import make_way_for_port
from modelyard_cluster.providers.local import Local
from modelyard_cluster.providers.simulated import Simulated
from modelyard_cluster.run import ending
from modelyard_cluster.state import Record

PROVIDERS: dict[str, Callable[[StatePaths, Record], Provider]] = {
    "context": Context,
    "kind": kind_provider.Kind,
    "local": Local,
    "simulated": Simulated,
}


def up(options: argparse.Namespace) -> None:
    """Start or complete the cluster; at once when it is complete already."""
    began = time.monotonic()
    paths = state_paths(options.name)
    with locked(f"state-{paths.name}"):
        before = state.load(paths)
        choice = (
            Choice("simulated", "as asked")
            if options.simulated
            else choose(os.environ, before, kind_provider.why_not)
        )
        target = wanted(paths, before, choice, options.port)
        provider = PROVIDERS[choice.provider](paths, target)
        say(f"Cluster {paths.name}: {choice.provider} ({choice.reason}).")
        if before == target and target.ready and provider.is_up():
            say(f"It is up. {_ways_in(paths, target)}")
            return
        if choice.provider in ("context", "local") or (choice.provider == "kind" and not before):
            make_way_for_port(paths, target.port, before.port if before else None)
        record = provider.up()
        state.save(paths, record)
    say(f"Cluster {paths.name} is up after {elapsed_text(time.monotonic() - began)}.")
    say(_ways_in(paths, record))


def wanted(paths: StatePaths, before: Record | None, choice: Choice, port: int | None) -> Record:
    """The record that ``up`` works towards.

    Raises:
        UsageError: the cluster of that name is another one.
    """
    if before is not None and choice.provider != before.provider:
        raise UsageError(
            f"{paths.name} is a cluster of {before.provider}, not of {choice.provider}.",
            f"End it with `down --name {paths.name}` first, or give another --name.",
        )
    if before is not None and choice.context != before.context:
        raise UsageError(
            f"{paths.name} stands for the context {before.context}, not {choice.context}.",
            f"End it with `down --name {paths.name}` first, or give another --name.",
        )
    if before is None:
        port = port or state.DEFAULT_PORT
        return Record(paths.name, choice.provider, port, context=choice.context)
    if before.provider == "kind" and port not in (None, before.port):
        raise UsageError("The port of a kind cluster is fixed.", "End it with `down` first.")
    return replace(before, port=port or before.port)


def _ways_in(paths: StatePaths, record: Record) -> str:
    way = f"  export KUBECONFIG={paths.kubeconfig} PATH={tools.bin_folder()}:$PATH"
    if record.provider == "simulated":
        return f"Its pods only seem to run.\n{way}"
    return f"The façade comes to http://127.0.0.1:{record.port} once it is installed.\n{way}"


def down(options: argparse.Namespace) -> None:
    """End one cluster or all; goes on with the others when one will not go."""
    names = known_states() if options.all else [options.name]
    if not names:
        say("No cluster is there.")
    failures = []
    for name in names:
        try:
            _down_one(state_paths(name))
        except LeftoversError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _down_one(paths: StatePaths) -> None:
    with locked(f"state-{paths.name}"):
        record = state.load(paths)
        if record is None and not teardown.is_anything_there(paths):
            say(f"Cluster {paths.name}: nothing is there.")
            return
        began = time.monotonic()
        record = record or Record(paths.name, "local", state.DEFAULT_PORT)
        PROVIDERS[record.provider](paths, record).down()
    took = elapsed_text(time.monotonic() - began)
    say(f"Cluster {paths.name} is down after {took}; nothing of it is left.")


def status(options: argparse.Namespace) -> None:
    """Print each part and how it is."""
    paths, record = state.existing(options.name)
    parts = PROVIDERS[record.provider](paths, record).status()
    print(f"cluster: {record.name} ({record.provider}), façade port {record.port}")
    print(f"kubeconfig: {paths.kubeconfig}")
    for part, condition in parts.items():
        print(f"{part}: {condition}")
    bad = [part for part, condition in parts.items() if condition.startswith("not ")]
    if bad:
        raise ClusterError(f"Not well: {', '.join(bad)}.", "Complete it with `up`.")


def kubeconfig(options: argparse.Namespace) -> None:
    """Print where the kubeconfig is."""
    paths, _ = state.existing(options.name)
    print(paths.kubeconfig)


def restart(options: argparse.Namespace) -> None:
    """Kill one part as a crash would, leave it away for a while, and start it again."""
    paths, record = state.existing(options.name)
    provider = PROVIDERS[record.provider](paths, record)
    if not isinstance(provider, Local | Simulated):
        raise UsageError(f"The parts of a cluster of {record.provider} are not ours to restart.")
    daemon = provider.daemon(options.part)
    processes.stop(paths.pids, daemon.name, grace=0)
    ending.wait(options.away)
    start_daemon(paths, daemon)


def load(options: argparse.Namespace) -> None:
    """Load images into the node."""
    paths, record = state.existing(options.name)
    PROVIDERS[record.provider](paths, record).load(options.images)


def forward(options: argparse.Namespace) -> None:
    """Forward until ended; this is the background process."""
    paths, record = state.existing(options.name)
    if record.provider == "context":
        work = forwarder.forward_service(record.port, paths.kubeconfig)
    elif record.provider == "local":
        work = forwarder.forward_tcp(record.port, record.node_address, state.NODE_PORT)
    else:
        raise UsageError("kind maps the port itself; there is nothing to forward.")
    forwarder.serve(work, paths.logs)


def show_tools(_options: argparse.Namespace) -> None:
    """Print the folder of the tools."""
    print(tools.ensure_tools())


def install_packages(_options: argparse.Namespace) -> None:
    """Install what is missing."""
    packages.ensure_node_packages()
    say("All packages are there.")


def base_image(_options: argparse.Namespace) -> None:
    """Print the base image's name."""
    print(ensure_base_image())


def build(options: argparse.Namespace) -> None:
    """Build the named components, or all that the local cluster needs; print their folders."""
    named = [components.component(name) for name in options.components]
    wanted = named or list(components.LOCAL_CLUSTER)
    ensure_built(wanted)
    for component in wanted:
        print(component.folder)


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "up": up,
    "down": down,
    "status": status,
    "kubeconfig": kubeconfig,
    "restart": restart,
    "load": load,
    "forward": forward,
    "tools": show_tools,
    "packages": install_packages,
    "base-image": base_image,
    "build": build,
}
