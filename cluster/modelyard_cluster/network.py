"""One network namespace a cluster: its bridge, ports and iptables chains are inside and go with it.

On the host there are only the end of one virtual link and three iptables rules, which carry the
cluster's name as their comment. Their names follow from the cluster's name, so that they can be
found and removed without any record.
"""

from __future__ import annotations

import hashlib
import shlex
from itertools import pairwise
from pathlib import Path

from modelyard_cluster.errors import CommandError, MachineError
from modelyard_cluster.registry import Link
from modelyard_cluster.run import attempt, run

NAMESPACES = Path("/run/netns")
INNER_LINK = "eth0"


def namespace(name: str) -> str:
    """The network namespace of the cluster."""
    return f"modelyard-{name}"


def outer_link(name: str) -> str:
    """The host's end of the link; at most 15 characters are allowed, so it is a digest."""
    return "mdy" + hashlib.sha256(name.encode()).hexdigest()[:10]


def entering(name: str) -> tuple[str, ...]:
    """Put before a command, it runs in the cluster's network.

    Not ``ip netns exec``: that mounts a fresh /sys, without the cgroups that the kubelet needs.
    """
    return ("nsenter", f"--net={NAMESPACES / namespace(name)}")


def connect(name: str, link: Link) -> None:
    """Make the namespace, its link to the host and its way out; what is there is kept.

    Raises:
        MachineError: the kernel refuses.
    """
    try:
        _make_namespace(name)
        _make_link(name, link)
        _set_up_inside(name, link)
        for rule in host_rules(name, link):
            _ensure_rule(rule)
    except CommandError as error:
        raise MachineError(
            f"The cluster's network cannot be made: {error.message}",
            "The kernel needs network namespaces, veth links and iptables NAT.",
        ) from error


def _make_namespace(name: str) -> None:
    if namespace(name) not in namespaces():
        (NAMESPACES / namespace(name)).unlink(missing_ok=True)
        run(["ip", "netns", "add", namespace(name)])


def _make_link(name: str, link: Link) -> None:
    outer = outer_link(name)
    if not link_exists(name):
        peer = ["peer", "name", INNER_LINK, "netns", namespace(name)]
        run(["ip", "link", "add", outer, "type", "veth", *peer])
    run(["ip", "addr", "replace", f"{link.host_address}/{link.network.prefixlen}", "dev", outer])
    run(["ip", "link", "set", outer, "up"])


def _set_up_inside(name: str, link: Link) -> None:
    inside = ["ip", "-n", namespace(name)]
    address = f"{link.node_address}/{link.network.prefixlen}"
    run([*inside, "link", "set", "lo", "up"])
    run([*inside, "addr", "replace", address, "dev", INNER_LINK])
    run([*inside, "link", "set", INNER_LINK, "up"])
    run([*inside, "route", "replace", "default", "via", link.host_address])
    settings = "net/ipv4/ip_forward net/bridge/bridge-nf-call-iptables"
    script = f'for s in {settings}; do echo 1 > "/proc/sys/$s" || exit 1; done'
    run([*entering(name), "sh", "-c", script])


def host_rules(name: str, link: Link) -> list[tuple[str, str, list[str]]]:
    """The rules on the host, each as table, chain and match; they let the cluster reach out."""
    comment = ["-m", "comment", "--comment", namespace(name)]
    outer = outer_link(name)
    answers = ["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"]
    source = ["-s", str(link.network), "!", "-o", outer]
    return [
        ("nat", "POSTROUTING", [*source, *comment, "-j", "MASQUERADE"]),
        ("filter", "FORWARD", ["-i", outer, *comment, "-j", "ACCEPT"]),
        ("filter", "FORWARD", ["-o", outer, *answers, *comment, "-j", "ACCEPT"]),
    ]


def _ensure_rule(rule: tuple[str, str, list[str]]) -> None:
    table, chain, match = rule
    code, _, _ = attempt(["iptables", "-w", "-t", table, "-C", chain, *match])
    if code != 0:
        run(["iptables", "-w", "-t", table, "-I", chain, *match])


def namespaces() -> list[str]:
    """The network namespaces that have a name."""
    code, out, _ = attempt(["ip", "netns", "list"])
    return [line.split()[0] for line in out.splitlines() if line.strip()] if code == 0 else []


def link_exists(name: str) -> bool:
    """Whether the host's end of the link is there."""
    return Path("/sys/class/net", outer_link(name)).exists()


def disconnect(name: str) -> None:
    """Remove the rules, the link and the namespace; nothing being there is fine."""
    for table, rule in present_rules(name):
        attempt(["iptables", "-w", "-t", table, "-D", *rule])
    if link_exists(name):
        attempt(["ip", "link", "del", outer_link(name)])
    if namespace(name) in namespaces():
        attempt(["ip", "netns", "del", namespace(name)])


def present_rules(name: str) -> list[tuple[str, list[str]]]:
    """The cluster's rules on the host, as table and what followed ``-A``."""
    code, out, _ = attempt(["iptables-save"])
    return commented_rules(out, namespace(name)) if code == 0 else []


def commented_rules(saved: str, comment: str) -> list[tuple[str, list[str]]]:
    """The rules with exactly this comment in the output of ``iptables-save``."""
    table, found = "", []
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith("-A ") and comment in line:
            words = shlex.split(line)[1:]
            if ("--comment", comment) in pairwise(words):
                found.append((table, words))
    return found


def remains(name: str) -> list[str]:
    """What of the cluster's network is still there."""
    left = [f"iptables rule in {table}: {' '.join(rule)}" for table, rule in present_rules(name)]
    if link_exists(name):
        left.append(f"link {outer_link(name)}")
    if namespace(name) in namespaces():
        left.append(f"network namespace {namespace(name)}")
    return left
