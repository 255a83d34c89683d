"""Configuration files and commands that the providers render."""

import ipaddress
import tomllib
from pathlib import Path

import pytest
import yaml

from enclave import addons, cni, containerd, kind, network, servers
from enclave.errors import EnclaveError
from enclave.layout import DNS_SERVICE_IP, POD_RANGE, POD_SUBNET, Layout, checked_name

LAYOUT = Layout("test", 3)
MANIFESTS = [
    document
    for path in sorted(addons.MANIFESTS.glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]


def named(kind_: str, name: str) -> dict[str, object]:
    found = [m for m in MANIFESTS if m["kind"] == kind_ and m["metadata"]["name"] == name]
    assert len(found) == 1
    return dict(found[0])


@pytest.mark.parametrize("name", ["casemate", "a", "e2e-1"])
def test_a_good_name_is_accepted(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "..", "a" * 33])
def test_a_bad_name_is_refused_with_what_is_accepted(name: str) -> None:
    with pytest.raises(EnclaveError, match="lower-case letters"):
        checked_name(name)


def test_socket_paths_fit_the_kernels_limit() -> None:
    longest = Layout("a" * 32, 63)
    assert len(str(longest.containerd_socket) + ".ttrpc") < 108
    assert len(str(longest.netpol_socket)) < 108


def test_addresses_of_the_networks_do_not_overlap() -> None:
    ranges = [POD_RANGE, servers.SERVICE_RANGE, "203.0.113.0/24", "10.89.0.0/16"]
    networks = [ipaddress.ip_network(each) for each in ranges]
    assert not any(a.overlaps(b) for a in networks for b in networks if a is not b)
    pods = ipaddress.IPv4Network(POD_SUBNET)
    assert pods.subnet_of(ipaddress.IPv4Network(POD_RANGE))


def test_no_node_command_makes_a_default_route() -> None:
    commands = [*network.node_commands(LAYOUT), *network.outside_commands()]
    assert any("route add" in command for command in commands)
    assert not any("default" in command or "0.0.0.0/0" in command for command in commands)


def test_containerd_keeps_everything_inside_the_enclave() -> None:
    config = tomllib.loads(containerd.configuration(LAYOUT))
    assert config["root"].startswith(f"{LAYOUT.state}/")
    assert config["state"].startswith(f"{LAYOUT.run}/")
    runtime = config["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["netns_mounts_under_state_dir"] is True
    assert config["plugins"]["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == (
        containerd.PAUSE
    )


def test_the_registry_name_leads_to_the_node() -> None:
    hosts = tomllib.loads(containerd.registry_hosts(LAYOUT))
    assert list(hosts["host"]) == ["http://10.89.3.2:5000"]
    assert hosts["server"] == "http://10.89.3.2:5000"


def test_the_enforcers_gate_is_the_last_plugin_of_the_chain() -> None:
    plugins = cni.configuration(LAYOUT)["plugins"]
    assert [plugin["type"] for plugin in plugins] == ["bridge", "tuning", "casemate-netpol"]
    assert plugins[-1]["socket"] == str(LAYOUT.netpol_socket)
    assert plugins[-1]["disabledMarker"] == str(LAYOUT.netpol_off)


def test_pods_have_no_ipv6_that_policies_do_not_see() -> None:
    tuning = cni.configuration(LAYOUT)["plugins"][1]
    assert tuning["sysctl"] == {"net.ipv6.conf.all.disable_ipv6": "1"}


def test_cluster_dns_has_its_fixed_address_and_no_upstream() -> None:
    service = named("Service", "kube-dns")
    assert service["spec"]["clusterIP"] == DNS_SERVICE_IP  # type: ignore[index]
    corefile = named("ConfigMap", "coredns")["data"]["Corefile"]  # type: ignore[index]
    assert "kubernetes cluster.local" in corefile
    assert "forward" not in corefile


def test_one_storage_class_is_the_default() -> None:
    classes = [m for m in MANIFESTS if m["kind"] == "StorageClass"]
    assert len(classes) == 1
    annotations = classes[0]["metadata"]["annotations"]
    assert annotations == {"storageclass.kubernetes.io/is-default-class": "true"}


def test_no_program_of_the_enclave_gets_a_wildcard_right() -> None:
    rules = [rule for m in MANIFESTS if m["kind"] == "ClusterRole" for rule in m["rules"]]
    assert rules
    assert not any("*" in values for rule in rules for values in rule.values())


def test_a_flag_given_by_the_user_comes_last_and_so_wins(tmp_path: Path) -> None:
    credentials = servers.Credentials(tmp_path, servers.Endpoints("10.89.3.2", 6443, 2379, 2380))
    command = servers.api_server(credentials, ["--profiling=true"]).command
    assert "--authorization-mode=Node,RBAC" in command
    assert command[-1] == "--profiling=true"


def test_kind_gets_the_enclaves_ranges_and_registry_folder() -> None:
    config = kind.cluster_config()
    assert config["networking"] == {"podSubnet": POD_RANGE, "serviceSubnet": servers.SERVICE_RANGE}
    patch = tomllib.loads(config["containerdConfigPatches"][0])
    registry = patch["plugins"]["io.containerd.cri.v1.images"]["registry"]
    assert registry == {"config_path": "/etc/containerd/certs.d"}


def test_kind_finds_the_registry_by_container_name_and_the_user_on_loopback() -> None:
    command = kind.registry_container("test", Path("/storage"))
    assert command[command.index("--name") + 1] == "test-registry"
    assert command[command.index("--publish") + 1] == "127.0.0.1::5000"
    hosts = tomllib.loads(kind.registry_hosts("test"))
    assert list(hosts["host"]) == ["http://test-registry:5000"]


def test_kind_has_an_outside_on_a_network_that_leads_nowhere() -> None:
    network_, container, link = kind.outside_containers("test", "image")
    assert "--internal" in network_
    assert container[container.index("--ip") + 1] == "203.0.113.10"
    assert link == ["docker", "network", "connect", "test-outside", "test-control-plane"]


def test_kind_loses_its_uplink() -> None:
    assert kind.cut_off("test")[-4:] == ["route", "replace", "unreachable", "default"]
