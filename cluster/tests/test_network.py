import ipaddress
import json

import pytest

from modelyard_cluster import network
from modelyard_cluster.errors import MachineError
from modelyard_cluster.registry import Link, allocate, routed_networks


def test_each_cluster_has_four_addresses_of_its_own() -> None:
    first, second = Link(0), Link(1)
    assert (first.host_address, first.node_address) == ("10.231.0.1", "10.231.0.2")
    assert (second.host_address, second.node_address) == ("10.231.0.5", "10.231.0.6")
    assert not first.network.overlaps(second.network)


def test_the_first_free_link_is_given() -> None:
    assert allocate([], []).index == 0
    assert allocate([0, 1, 3], []).index == 2


def test_networks_of_the_machine_are_avoided() -> None:
    assert allocate([], [ipaddress.IPv4Network("10.231.0.0/29")]).index == 2


def test_a_full_range_is_said() -> None:
    with pytest.raises(MachineError, match="No free network"):
        allocate([], [ipaddress.IPv4Network("10.0.0.0/8")])


def test_routes_are_read_without_the_default() -> None:
    routes = json.dumps([{"dst": "default"}, {"dst": "10.1.0.0/16"}, {"dst": "10.2.3.4"}, {}])
    assert [str(net) for net in routed_networks(routes)] == ["10.1.0.0/16", "10.2.3.4/32"]
    assert routed_networks("") == []


def test_the_link_name_fits_the_kernel_and_differs_by_name() -> None:
    names = {network.outer_link(name) for name in ("demo", "demo-2", "a" * 20)}
    assert len(names) == 3
    assert all(len(name) <= 15 for name in names)


def test_only_rules_with_exactly_this_comment_are_found() -> None:
    saved = "\n".join(
        [
            "*nat",
            "-A POSTROUTING -s 10.231.0.0/30 -m comment --comment modelyard-demo -j MASQUERADE",
            "-A POSTROUTING -s 10.231.0.4/30 -m comment --comment modelyard-demo-2 -j MASQUERADE",
            '-A POSTROUTING -m comment --comment "see modelyard-demo" -j ACCEPT',
            "*filter",
            "-A FORWARD -i mdy1 -m comment --comment modelyard-demo -j ACCEPT",
        ]
    )
    found = network.commented_rules(saved, "modelyard-demo")
    assert [(table, rule[0]) for table, rule in found] == [
        ("nat", "POSTROUTING"),
        ("filter", "FORWARD"),
    ]


def test_every_host_rule_carries_the_cluster_name() -> None:
    for _, _, match in network.host_rules("demo", Link(0)):
        assert match[match.index("--comment") + 1] == "modelyard-demo"
