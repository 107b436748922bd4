"""The command line, ``python3 -m modelyard_cluster COMMAND``: options, errors and signals."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from modelyard_cluster import commands
from modelyard_cluster.configuration import parse_port
from modelyard_cluster.console import say
from modelyard_cluster.errors import ClusterError, InterruptedByUser
from modelyard_cluster.run import end_children
from modelyard_cluster.state import DEFAULT_NAME, DEFAULT_PORT

INTERRUPTED = "Stopped. Everything finished so far is kept; the same command goes on from there."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error is one or two lines and exit code 1."""
    try:
        signal.signal(signal.SIGTERM, _on_sigterm)
        options = parser().parse_args(arguments)
        commands.COMMANDS[options.command](options)
    except ClusterError as error:
        end_children(for_good=True)
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        end_children(for_good=True)
        say(f"error: {INTERRUPTED}")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        end_children(for_good=True)
        say(f"error: {error.strerror or error}: {error.filename or 'no file'}")
        return 1
    return 0


def _on_sigterm(_number: int, _frame: FrameType | None) -> None:
    raise InterruptedByUser(INTERRUPTED)


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="modelyard_cluster", description="A Kubernetes cluster for the demo and the tests."
    )
    each = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = _add(each, "up", "start a cluster, or complete one, and wait until it is ready")
    up.add_argument("--port", type=_port, default=None, help=f"the façade's ({DEFAULT_PORT})")
    up.add_argument("--simulated", action="store_true", help="nodes and pods are played by kwok")
    down = _add(each, "down", "end a cluster and leave nothing of it; the cache stays")
    down.add_argument("--all", action="store_true", help="end every cluster")
    _add(each, "status", "say how each part is; exit code 1 unless all is well")
    _add(each, "kubeconfig", "print the path of the kubeconfig")
    restart = _add(each, "restart", "kill one part of a local cluster and start it again")
    restart.add_argument("part", metavar="PART")
    restart.add_argument("--away", type=float, default=0.0, help="seconds in between (0)")
    load = _add(each, "load", "load images into the cluster's node")
    load.add_argument("images", nargs="+", metavar="IMAGE|ARCHIVE")
    _add(each, "forward", "keep the façade on loopback (started by up)")
    each.add_parser("tools", help="have kubectl, helm and buildah; print their folder")
    each.add_parser("packages", help="install the Debian packages of the local build")
    each.add_parser("base-image", help="have the local base image; print its name")
    build = each.add_parser("build", help="build components without starting anything")
    build.add_argument("components", nargs="*", metavar="COMPONENT")
    return top


def _add(
    commands_of: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    made = commands_of.add_parser(name, help=text)
    made.add_argument("--name", default=DEFAULT_NAME, help=f"the cluster's ({DEFAULT_NAME})")
    return made


def _port(text: str) -> int:
    try:
        return parse_port(text)
    except ClusterError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
