"""The commands behind ``make``: demo, images, install, env, test."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from modelyard_cluster.console import elapsed_text, say
from modelyard_cluster.errors import ClusterError, InterruptedByUser
from modelyard_cluster.run import end_children
from modelyard_dev import demo, environment, testing
from modelyard_dev.cluster import Cluster
from modelyard_dev.prepare import ensure_built_images, ensure_installed, facade_url

ROOT = Path(__file__).resolve().parents[2]
INTERRUPTED = "Stopped. Everything finished so far is kept; the same command goes on from there."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error is a few lines and exit code 1."""
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    try:
        signal.signal(signal.SIGTERM, _on_sigterm)
        COMMANDS[options.command](options)
    except (ClusterError, KeyboardInterrupt) as error:
        end_children(for_good=True)
        say(f"error: {error if isinstance(error, ClusterError) else INTERRUPTED}")
        return 1
    if options.command in {"demo", "test"}:
        say(f"make {options.command}: done in {elapsed_text(time.monotonic() - began)}")
    return 0


def _demo(options: argparse.Namespace) -> None:
    cluster = ensure_installed(ROOT, options.name, options.port, demo.ACCOUNT)
    demo.demo(ROOT, cluster, url=facade_url(options.port))


def _images(_options: argparse.Namespace) -> None:
    ensure_built_images(ROOT)


def _install(options: argparse.Namespace) -> None:
    ensure_installed(ROOT, options.name, options.port, demo.ACCOUNT)


def _env(options: argparse.Namespace) -> None:
    url = facade_url(options.port)
    cluster = Cluster.of(options.name)
    sys.stdout.write(environment.exports(cluster, url=url, account=demo.ACCOUNT) + "\n")


def _test(options: argparse.Namespace) -> None:
    testing.run_tests(ROOT, options.port, options.selection)


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "demo": _demo,
    "images": _images,
    "install": _install,
    "env": _env,
    "test": _test,
}


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="modelyard_dev", description="Runs Modelyard on a cluster.")
    each = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        command = each.add_parser(name)
        command.add_argument("--name", default="demo", help="the cluster's name")
        command.add_argument("--port", type=int, default=8080, help="the façade's port")
        if name == "test":
            command.add_argument("selection", nargs="*", help="arguments for pytest")
    return top


def _on_sigterm(_number: int, _frame: FrameType | None) -> None:
    raise InterruptedByUser(INTERRUPTED)
