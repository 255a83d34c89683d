"""Cases of the specification that random clusters seldom reach, and what real nft says of them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from enclave.netpol import parse
from enclave.netpol.compile import compile_snapshot
from enclave.netpol.model import Snapshot
from enclave.netpol.render import FLUSH, render
from enclave.netpol.ruleset import Ruleset
from unit.netpol.interpreter import allows
from unit.netpol.oracle import Cluster, Packet

WEB, DNS, OUT = "10.244.0.2", "10.244.0.3", "203.0.113.10"
GOLDEN = Path(__file__).with_name("golden")


def pod(name: str, address: str, *ports: dict[str, Any]) -> dict[str, Any]:
    meta = {"namespace": "red", "name": name, "uid": name, "labels": {"app": name}}
    return {
        "metadata": meta,
        "spec": {"containers": [{"ports": list(ports)}]},
        "status": {"podIP": address},
    }


def cluster(*specs: str) -> Cluster:
    """Two pods, and one policy for each spec."""
    return Cluster(
        pods=[
            pod("web", WEB, {"name": "http", "containerPort": 8080}),
            pod("dns", DNS, {"name": "dns", "containerPort": 53, "protocol": "UDP"}),
        ],
        namespaces=[{"metadata": {"name": "red", "labels": {"team": "red"}}}],
        policies=[
            {"metadata": {"namespace": "red", "name": f"p{index}"}, "spec": yaml.safe_load(spec)}
            for index, spec in enumerate(specs)
        ],
    )


def compiled(given: Cluster, **more: Any) -> Ruleset:
    return compile_snapshot(
        Snapshot(
            cluster=("10.244.0.0/16",),
            pods=tuple(parse.pod(item, item["status"]["podIP"]) for item in given.pods),
            namespaces={item["metadata"]["name"]: parse.labels(item) for item in given.namespaces},
            policies=tuple(parse.policy(item) for item in given.policies),
            **more,
        )
    )


Verdicts = dict[tuple[str, str, str, int | None], bool]
CASES: dict[str, tuple[str, Verdicts]] = {
    "a policy without types and egress closes what comes in, not what goes out": (
        "{podSelector: {}}",
        {(WEB, DNS, "UDP", 53): False, (DNS, OUT, "TCP", 80): True},
    ),
    "a policy without types but with egress closes both": (
        "{podSelector: {}, egress: [{to: [{podSelector: {matchLabels: {app: web}}}]}]}",
        {(DNS, OUT, "TCP", 80): False, (OUT, WEB, "TCP", 80): False},
    ),
    "an egress port by name is the far pod's, and reaches nothing outside": (
        "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: http}]}]}",
        {
            (DNS, WEB, "TCP", 8080): True,
            (DNS, WEB, "TCP", 80): False,
            (DNS, OUT, "TCP", 8080): False,
        },
    ),
    "an egress port by name is looked up at the pods in a block of addresses too": (
        (
            "{podSelector: {}, policyTypes: [Egress], egress: "
            "[{to: [{ipBlock: {cidr: 10.244.0.0/31}}, {ipBlock: {cidr: 10.244.0.2/32}}], "
            "ports: [{port: http}]}]}"
        ),
        {(DNS, WEB, "TCP", 8080): True, (DNS, WEB, "TCP", 80): False},
    ),
    "a port by name keeps to its protocol": (
        "{podSelector: {}, ingress: [{ports: [{port: dns}]}]}",
        {(WEB, DNS, "TCP", 53): False, (WEB, DNS, "UDP", 53): False},
    ),
    "a port by name with the right protocol opens": (
        "{podSelector: {}, ingress: [{ports: [{port: dns, protocol: UDP}]}]}",
        {(WEB, DNS, "UDP", 53): True, (DNS, WEB, "UDP", 53): False},
    ),
    "an exception as wide as its block leaves nothing": (
        (
            "{podSelector: {}, ingress: [{from: [{ipBlock:"
            " {cidr: 203.0.113.0/24, except: [203.0.113.0/25, 203.0.113.128/25]}}]}]}"
        ),
        {(OUT, WEB, "TCP", 80): False},
    ),
    "blocks that overlap add up, also over each other's exceptions": (
        (
            "{podSelector: {}, ingress: [{from: ["
            "{ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.0/28]}},"
            "{ipBlock: {cidr: 203.0.113.8/29}}]}]}"
        ),
        {(OUT, WEB, "TCP", 80): True, ("203.0.113.1", WEB, "TCP", 80): False},
    ),
    "a block of IPv6 addresses opens nothing here": (
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 'fd00::/8'}}]}]}",
        {(DNS, WEB, "TCP", 80): False},
    ),
    "ranges of ports that overlap add up": (
        (
            "{podSelector: {}, ingress: [{ports:"
            " [{port: 80, endPort: 90}, {port: 85, endPort: 95}, {port: 96}]}]}"
        ),
        {(DNS, WEB, "TCP", 95): True, (DNS, WEB, "TCP", 96): True, (DNS, WEB, "TCP", 97): False},
    ),
    "a protocol without a port is all its ports and no other protocol": (
        "{podSelector: {}, ingress: [{ports: [{protocol: SCTP}]}]}",
        {(DNS, WEB, "SCTP", 9): True, (DNS, WEB, "TCP", 9): False, (DNS, WEB, "ICMP", None): False},
    ),
    "an empty rule opens everything, protocols without ports included": (
        "{podSelector: {}, ingress: [{}]}",
        {(OUT, WEB, "ICMP", None): True, (DNS, WEB, "TCP", 1): True},
    ),
    "a missing label meets NotIn": (
        (
            "{podSelector: {}, ingress: [{from: [{podSelector:"
            " {matchExpressions: [{key: none, operator: NotIn, values: [x]}]}}]}]}"
        ),
        {(DNS, WEB, "TCP", 80): True, (OUT, WEB, "TCP", 80): False},
    ),
    "a closed pod still reaches itself": (
        "{podSelector: {}, policyTypes: [Ingress, Egress]}",
        {(WEB, WEB, "TCP", 8080): True, (WEB, DNS, "TCP", 8080): False},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    spec, expected = CASES[name]
    given = cluster(spec)
    ruleset = compiled(given)
    for fields, verdict in expected.items():
        packet = Packet(*fields)
        assert given.allows(packet) == verdict, f"the oracle on {packet}"
        assert allows(ruleset, packet) == verdict, f"the compiler on {packet}"


@pytest.mark.parametrize("name", CASES)
def test_real_nft_accepts_the_ruleset_of_case(name: str, fresh_network: list[str]) -> None:
    check(fresh_network, render(compiled(cluster(CASES[name][0]))))


@pytest.mark.parametrize("name", ["closed", "open", "mixed"])
def test_the_text_is_as_reviewed_and_real_nft_accepts_it(
    name: str, fresh_network: list[str]
) -> None:
    specs = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))
    given = cluster(*(yaml.safe_dump(spec) for spec in specs))
    text = render(compiled(given, links={"veth0": WEB, "veth1": DNS}))
    assert text == (GOLDEN / f"{name}.nft").read_text(encoding="utf-8")
    check(fresh_network, text)


def test_the_flush_removes_both_tables_and_does_no_harm_twice(fresh_network: list[str]) -> None:
    program = render(compiled(cluster())) + FLUSH + FLUSH
    check(fresh_network, program)


def test_real_nft_refuses_a_broken_text(fresh_network: list[str]) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        check(fresh_network, render(compiled(cluster())).replace("ipv4_addr", "ipv5_addr"))


@pytest.fixture(scope="module")
def fresh_network() -> list[str]:
    """Return a command prefix that runs in an empty network namespace of its own."""
    prefix = ["unshare", "--user", "--map-root-user", "--net"]
    probe = [*prefix, "nft", "list", "tables"]
    if shutil.which("nft") is None or subprocess.run(probe, check=False).returncode:
        pytest.skip("needs nft and a kernel that lets us make a network namespace")
    return prefix


def check(prefix: list[str], text: str) -> None:
    command = [*prefix, "nft", "--check", "-f", "-"]
    subprocess.run(command, input=text, text=True, check=True, capture_output=True)
