"""The NetworkPolicies, read by the plain reader of the standard that the enforcer is held to."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.core.names import NAME_LABEL
from casemate.core.observed import Ref, Settings
from unit.api.cases import changed
from unit.core.specs import CLIENTS, few
from unit.core.world import SETTINGS, World
from unit.netpol.oracle import Cluster, Packet

MODEL, FAR = "10.0.0.1", "10.0.0.2"
LABELS = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["a", "b", ""]), max_size=2)
PORTS = st.sampled_from([8443, 9090, 443, 8000, 22])


def cluster(
    clients: Any,
    namespace: str,
    labels: dict[str, str],
    of_namespace: dict[str, str],
    settings: Settings = SETTINGS,
) -> Cluster:
    stages = World(changed("access.clients", clients)).plan(settings).stages
    policies = [one.body for s in stages for one in s if one.ref.kind == "NetworkPolicy"]
    pods = [_pod("m-1", "models", {NAME_LABEL: "m"}, MODEL), _pod("x", namespace, labels, FAR)]
    named = {"kubernetes.io/metadata.name": namespace} | of_namespace
    namespaces = [_namespace(namespace, named)]
    if namespace != "models":
        namespaces.append(_namespace("models", {"kubernetes.io/metadata.name": "models"}))
    return Cluster(pods, namespaces, policies)


def _pod(name: str, namespace: str, labels: dict[str, str], address: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace, "labels": labels}
    container = {"name": "c", "ports": []}
    return {"metadata": meta, "spec": {"containers": [container]}, "status": {"podIP": address}}


def _namespace(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


def declared(
    clients: Any, namespace: str, labels: dict[str, str], of_namespace: dict[str, str]
) -> bool:
    """Whether a pod is a declared client, by the sentences of the API's reference."""
    named = {"kubernetes.io/metadata.name": namespace} | of_namespace
    return any(
        (_matches(one["namespaceSelector"], named) if "namespaceSelector" in one else here)
        and _matches(one.get("podSelector", {}), labels)
        for one in clients
        for here in [namespace == "models"]
    )


def _matches(selector: Any, labels: dict[str, str]) -> bool:
    pairs = selector.get("matchLabels", {})
    wanted = selector.get("matchExpressions", [])
    return all(labels.get(key) == value for key, value in pairs.items()) and all(
        labels.get(one["key"]) in one["values"] for one in wanted
    )


@few
@given(CLIENTS, st.sampled_from(["models", "monitoring", "other"]), LABELS, LABELS, PORTS)
def test_in_come_only_declared_clients_to_the_gateway_and_monitoring_to_the_metrics(
    clients: Any, namespace: str, labels: Any, of_namespace: Any, port: int
) -> None:
    found = cluster(clients, namespace, labels, of_namespace)
    wanted = (port == 9090 and namespace == "monitoring") or (
        port == 8443 and declared(clients, namespace, labels, of_namespace)
    )
    assert found.allows(Packet(FAR, MODEL, "TCP", port)) == wanted
    assert not found.allows(Packet(FAR, MODEL, "UDP", port))


@pytest.mark.parametrize(
    ("clients", "namespace", "labels", "port", "allowed"),
    [
        ([{"podSelector": {"matchLabels": {"a": "b"}}}], "models", {"a": "b"}, 8443, True),
        ([{"podSelector": {"matchLabels": {"a": "b"}}}], "models", {"a": "c"}, 8443, False),
        ([{"podSelector": {"matchLabels": {"a": "b"}}}], "other", {"a": "b"}, 8443, False),
        ([{"podSelector": {"matchLabels": {"a": "b"}}}], "models", {"a": "b"}, 8000, False),
        ([{"namespaceSelector": {"matchLabels": {"n": "o"}}}], "other", {}, 8443, True),
        ([{"namespaceSelector": {"matchLabels": {"n": "x"}}}], "other", {}, 8443, False),
        ([], "models", {}, 8443, False),
        ([], "monitoring", {}, 9090, True),
        ([], "monitoring", {}, 8443, False),
        ([], "models", {}, 9090, False),
    ],
)
def test_a_pod_gets_in_or_not(
    clients: Any, namespace: str, labels: dict[str, str], port: int, *, allowed: bool
) -> None:
    found = cluster(clients, namespace, labels, {"n": "o"})
    assert found.allows(Packet(FAR, MODEL, "TCP", port)) is allowed


@few
@given(CLIENTS, st.sampled_from(["models", "monitoring", "other"]), LABELS, PORTS)
def test_nothing_goes_out(clients: Any, namespace: str, labels: Any, port: int) -> None:
    found = cluster(clients, namespace, labels, {})
    for far in (FAR, "203.0.113.5"):
        assert not found.allows(Packet(MODEL, far, "TCP", port))
        assert not found.allows(Packet(MODEL, far, "UDP", port))


def test_without_the_policies_the_same_packets_pass() -> None:
    open_to_all = Cluster(cluster([], "other", {}, {}).pods, [], [])
    assert open_to_all.allows(Packet(MODEL, FAR, "TCP", 443))
    assert open_to_all.allows(Packet(FAR, MODEL, "TCP", 8443))


def test_monitoring_is_where_the_operator_was_told() -> None:
    elsewhere = replace(SETTINGS, monitoring_namespace="watchers")
    packet = Packet(FAR, MODEL, "TCP", 9090)
    assert cluster([], "watchers", {}, {}, elsewhere).allows(packet)
    assert not cluster([], "monitoring", {}, {}, elsewhere).allows(packet)


def test_the_service_leads_to_the_gateway_port_and_nowhere_else() -> None:
    service = World().settle().objects[Ref("Service", "m")]
    assert [(p["port"], p["targetPort"]) for p in service["spec"]["ports"]] == [(443, 8443)]
    assert service["spec"]["selector"] == {NAME_LABEL: "m"}
    assert service["spec"]["type"] == "ClusterIP"
    assert "externalIPs" not in service["spec"]
