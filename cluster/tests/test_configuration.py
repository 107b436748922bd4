import json
import tomllib
from pathlib import Path

import pytest

from modelyard_cluster import addons, certificates, components, configuration, loading, node
from modelyard_cluster.addons import coredns
from modelyard_cluster.errors import UsageError
from modelyard_cluster.paths import StatePaths
from modelyard_cluster.providers import simulated
from modelyard_cluster.providers.daemons import named

PATHS = StatePaths("demo", Path("/s/modelyard/demo"))


def test_containerd_shares_nothing_with_one_of_the_machine() -> None:
    text = configuration.containerd(PATHS, pause_image="p:1", cni_plugins=Path("/cni"))
    parsed = tomllib.loads(text)
    cri = parsed["plugins"]["io.containerd.grpc.v1.cri"]
    for folder in (parsed["root"], parsed["state"], parsed["grpc"]["address"]):
        assert folder.startswith(str(PATHS.root))
    assert cri["restrict_oom_score_adj"] is True
    assert cri["sandbox_image"] == "p:1"
    assert cri["containerd"]["runtimes"]["runc"]["options"]["Root"].startswith(str(PATHS.root))


def test_each_kubelet_has_its_own_cgroups_and_folders() -> None:
    kubelet = configuration.kubelet(PATHS, Path("/r"))
    assert kubelet["cgroupRoot"] == "/modelyard/demo"
    assert kubelet["podLogsDir"].startswith(str(PATHS.root))
    assert kubelet["failCgroupV1"] is False


def test_the_pods_network_is_named_after_the_cluster() -> None:
    bridge, portmap = configuration.cni(PATHS)["plugins"]
    assert configuration.cni(PATHS)["name"] == "modelyard-demo"
    assert (bridge["hairpinMode"], bridge["ipMasq"]) == (True, True)
    assert portmap["type"] == "portmap"


def test_resolvers_on_loopback_are_left_out() -> None:
    text = "search x\nnameserver 127.0.0.53\nnameserver 10.0.0.2\nnameserver ::1\noptions a\n"
    kept, servers = configuration.upstream_resolvers(text)
    assert servers == ["10.0.0.2"]
    assert kept == "search x\nnameserver 10.0.0.2\noptions a\n"


def test_without_a_resolver_dns_forwards_nothing() -> None:
    assert "forward ." in coredns.corefile(has_upstream=True)
    assert "forward ." not in coredns.corefile(has_upstream=False)


@pytest.mark.parametrize(("text", "port"), [("1", 1), ("65535", 65535)])
def test_ports(text: str, port: int) -> None:
    assert configuration.parse_port(text) == port


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", ""])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(UsageError):
        configuration.parse_port(text)


def test_all_add_ons_are_plain_json_and_the_deployments_we_wait_for_are_in() -> None:
    objects = addons.everything(has_upstream_dns=True, volumes="/v")
    assert json.loads(json.dumps(objects)) == objects
    deployments = {
        (found["metadata"]["namespace"], found["metadata"]["name"])
        for found in objects
        if found["kind"] == "Deployment"
    }
    assert deployments == set(addons.DEPLOYMENTS)


def test_no_add_on_runs_as_root() -> None:
    for found in addons.everything(has_upstream_dns=True, volumes="/v"):
        if found["kind"] == "Deployment":
            context = found["spec"]["template"]["spec"]["containers"][0]["securityContext"]
            assert context["runAsNonRoot"] is True


def test_autoscaling_answers_in_seconds() -> None:
    flags = node.controller_manager_flags(PATHS)
    assert "--horizontal-pod-autoscaler-sync-period=5s" in flags
    assert "--horizontal-pod-autoscaler-downscale-stabilization=20s" in flags


def test_whatever_starts_is_also_stopped() -> None:
    started = [*node.api_server(PATHS, "a"), *node.clients(PATHS, "a")]
    assert {daemon.name for daemon in started} | {"forward"} == set(node.STOP_ORDER)


def test_the_api_server_is_served_at_the_address_and_on_loopback() -> None:
    (server,) = [leaf for leaf in certificates.leaves("n", ["10.0.0.2"], "10.96.0.1") if leaf.names]
    text = certificates.extension_text(server)
    assert "IP:10.0.0.2" in text
    assert "IP:127.0.0.1" in text
    assert "serverAuth" in text


def test_a_group_is_part_of_the_subject() -> None:
    leaf = certificates.Leaf("a", "system:node:n", "system:nodes")
    assert leaf.subject == "/O=system:nodes/CN=system:node:n"


def test_every_component_has_a_pin_and_a_sum() -> None:
    for component in components.COMPONENTS.values():
        assert component.version.startswith("v")
        assert component.folder.name.startswith(f"{component.name}-{component.version}-")


def test_an_unpinned_module_is_said() -> None:
    with pytest.raises(UsageError, match="No version of x/y"):
        components.pinned_version("module z\n", "x/y")
    assert components.pinned_version("require (\n\tx/y v1.2.3 // indirect\n)\n", "x/y") == "v1.2.3"


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("modelyard/api:dev", "some.domain/modelyard/api:dev"),
        ("localhost/modelyard/api:dev", "localhost/modelyard/api:dev"),
        ("busybox", "some.domain/library/busybox:latest"),
        ("api:dev", ""),
        ("modelyard/api", ""),
    ],
)
def test_short_names_mean_what_they_mean_in_a_pod(image: str, found: str) -> None:
    present = [
        "localhost/modelyard/api:dev",
        "some.domain/modelyard/api:dev",
        "some.domain/library/busybox:latest",
    ]
    if image == "api:dev":
        present = ["localhost/api:dev"]
    assert loading.name_on_node(image, present) == found


def test_a_simulated_cluster_has_no_kubelet_and_writes_down_what_the_operator_writes() -> None:
    daemons = {daemon.name: daemon.command for daemon in node.simulated(PATHS, "10.0.0.1")}
    assert list(daemons) == list(simulated.PARTS)
    assert f"--audit-log-path={PATHS.logs / node.AUDIT_LOG}" in daemons["kube-apiserver"]
    policy = (configuration.TEMPLATES / "audit.yaml").read_text()
    assert "system:serviceaccount:modelyard-system:modelyard-operator" in policy


def test_a_part_is_found_by_its_name() -> None:
    daemons = node.simulated(PATHS, "10.0.0.1")
    assert named(daemons, "etcd").name == "etcd"
    with pytest.raises(UsageError, match="no part called 'kubelet'"):
        named(daemons, "kubelet")
