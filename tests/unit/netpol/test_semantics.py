"""Compiled decisions equal the specification's, for any small cluster."""

from hypothesis import given, settings

from enclave.netpol import parse
from enclave.netpol.compile import compile_snapshot
from enclave.netpol.model import Snapshot
from enclave.netpol.ruleset import Ruleset
from unit.netpol.clusters import clusters, packets
from unit.netpol.interpreter import allows
from unit.netpol.oracle import Cluster, Packet


def compiled(cluster: Cluster, pods: int | None = None) -> Ruleset:
    known = cluster.pods[:pods]
    return compile_snapshot(
        Snapshot(
            cluster=("10.244.0.0/16",),
            pods=tuple(parse.pod(pod, pod["status"]["podIP"]) for pod in known),
            namespaces={
                item["metadata"]["name"]: parse.labels(item) for item in cluster.namespaces
            },
            policies=tuple(parse.policy(item) for item in cluster.policies),
        )
    )


@settings(max_examples=200, deadline=None)
@given(clusters())
def test_every_packet_is_judged_as_the_specification_says(cluster: Cluster) -> None:
    ruleset = compiled(cluster)
    wrong = [p for p in packets(cluster) if allows(ruleset, p) != cluster.allows(p)]
    assert not wrong


@settings(max_examples=30, deadline=None)
@given(clusters())
def test_the_order_of_objects_does_not_change_the_ruleset(cluster: Cluster) -> None:
    turned = Cluster(cluster.pods[::-1], cluster.namespaces[::-1], cluster.policies[::-1])
    assert compiled(cluster) == compiled(turned)


@settings(max_examples=30, deadline=None)
@given(clusters())
def test_a_pod_that_is_not_known_reaches_nobody_and_is_reached_by_nobody(cluster: Cluster) -> None:
    stranger = cluster.pods[-1]["status"]["podIP"]
    ruleset = compiled(cluster, pods=-1)
    touching = [p for p in packets(cluster) if stranger in (p.source, p.target)]
    assert touching
    assert not [packet for packet in touching if allows(ruleset, packet)]


@settings(max_examples=30, deadline=None)
@given(clusters())
def test_one_more_pod_never_opens_a_path_between_the_others(cluster: Cluster) -> None:
    fewer, more = compiled(cluster, pods=-1), compiled(cluster)
    others = [pod["status"]["podIP"] for pod in cluster.pods[:-1]]
    between: list[Packet] = [
        p for p in packets(cluster) if p.source in others and p.target in others
    ]
    assert [allows(fewer, p) for p in between] == [allows(more, p) for p in between]
