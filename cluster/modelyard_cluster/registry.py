"""Which local clusters this machine hosts, over all users' and tests' state folders.

Network namespaces, links, cgroups and addresses belong to the machine, not to a state folder, so
their owner is written down in one machine-wide place that a reboot clears along with them.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelyard_cluster import addresses
from modelyard_cluster.errors import MachineError
from modelyard_cluster.paths import REGISTRY, StatePaths, locked, read_json, write_json
from modelyard_cluster.run import attempt

LINK_RANGE = ipaddress.IPv4Network(addresses.LINKS)
LINK_PREFIX = 30
LOCK_FOLDER = Path("/run/lock")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
HOST_FILE = ".host.json"


@dataclass(frozen=True)
class Link:
    """The small network between the host and one cluster's node."""

    index: int

    @property
    def network(self) -> ipaddress.IPv4Network:
        """Four addresses, of which two can be used."""
        base = int(LINK_RANGE.network_address) + self.index * 2 ** (32 - LINK_PREFIX)
        return ipaddress.IPv4Network((base, LINK_PREFIX))

    @property
    def host_address(self) -> str:
        """The host's end."""
        return str(self.network[1])

    @property
    def node_address(self) -> str:
        """The node's end, at which the API server and node ports are reached."""
        return str(self.network[2])


def allocate(taken: Collection[int], used: Collection[ipaddress.IPv4Network]) -> Link:
    """The first link that no cluster has and that overlaps no network of the machine.

    Raises:
        MachineError: the whole range is taken.
    """
    for index in range(LINK_RANGE.num_addresses // 2 ** (32 - LINK_PREFIX)):
        link = Link(index)
        if index not in taken and not any(link.network.overlaps(net) for net in used):
            return link
    raise MachineError(f"No free network is left in {LINK_RANGE}.", "End clusters: down --all.")


@contextmanager
def machine_lock() -> Iterator[None]:
    """One at a time over the whole machine."""
    with locked("modelyard-machine", folder=LOCK_FOLDER):
        yield


def claim(paths: StatePaths) -> Link:
    """Take the name and a link for this state folder; the same ones when it has them already.

    Raises:
        MachineError: the name belongs to a cluster of another state folder.
    """
    with machine_lock():
        check_owner(paths)
        entry = _entry(paths.name)
        if entry is not None:
            return Link(int(str(entry["index"])))
        others = [read_json(path) or {} for path in _entries()]
        link = allocate({int(other.get("index", -1)) for other in others}, host_networks())
        write_json(REGISTRY / f"{paths.name}.json", {"state": str(paths.root), "index": link.index})
        _forward_packets()
        return link


def check_owner(paths: StatePaths) -> None:
    """See that the name is not another state folder's.

    Raises:
        MachineError: it is, and that folder still exists.
    """
    entry = _entry(paths.name) or {}
    owner = Path(str(entry.get("state", paths.root)))
    if owner != paths.root and owner.exists():
        raise MachineError(
            f"A cluster called {paths.name} runs already, with its state in {owner}.",
            f"Give another --name, or set XDG_STATE_HOME={owner.parent.parent} to work with that.",
        )


def release(name: str) -> None:
    """Give up the name; with the last cluster, packet forwarding goes back to what it was."""
    with machine_lock():
        (REGISTRY / f"{name}.json").unlink(missing_ok=True)
        if not REGISTRY.is_dir() or _entries():
            return
        before = read_json(REGISTRY / HOST_FILE) or {}
        if before.get("ip_forward") == "0":
            FORWARDING.write_text("0", encoding="ascii")
        (REGISTRY / HOST_FILE).unlink(missing_ok=True)
        REGISTRY.rmdir()


def is_registered(name: str) -> bool:
    """Whether the name is still taken on this machine."""
    return (REGISTRY / f"{name}.json").exists()


def host_networks() -> list[ipaddress.IPv4Network]:
    """The networks that this machine routes, without the default."""
    code, out, _ = attempt(["ip", "-j", "-4", "route", "show", "table", "all"])
    return routed_networks(out) if code == 0 else []


def routed_networks(routes: str) -> list[ipaddress.IPv4Network]:
    """The destinations in the JSON of ``ip route``."""
    found = []
    for route in json.loads(routes or "[]"):
        try:
            network = ipaddress.IPv4Network(route.get("dst", ""), strict=False)
        except ValueError:
            continue
        if network.prefixlen > 0:
            found.append(network)
    return found


def _entries() -> list[Path]:
    return [path for path in REGISTRY.glob("*.json") if not path.name.startswith(".")]


def _entry(name: str) -> dict[str, object] | None:
    entry = read_json(REGISTRY / f"{name}.json")
    return entry if entry is not None and "index" in entry else None


def _forward_packets() -> None:
    if not (REGISTRY / HOST_FILE).exists():
        before = FORWARDING.read_text(encoding="ascii").strip()
        write_json(REGISTRY / HOST_FILE, {"ip_forward": before})
    FORWARDING.write_text("1", encoding="ascii")
