"""What is no longer declared is no longer open: no allow outlives what it was made for."""

from typing import Any

import pytest

from api.operator.test_children import create, ready
from support.operators import Api, Operator, eventually, model_deployment

Json = dict[str, Any]
Open = set[tuple[str, str, int]]

ALWAYS: Open = {
    ("in", "namespace=monitoring", 9090),
    ("in", "namespace=casemate-system", 8443),
    ("out", "namespace=casemate-system", 8444),
}
BLOCK = {"cidr": "10.20.0.0/24", "ports": [{"port": 443}]}
BLOCK6 = {"cidr": "fd00:20::/48", "ports": [{"port": 443}]}
PODS = {"podSelector": {"matchLabels": {"app": "archive"}}, "ports": [{"port": 5432}]}


def clients(*apps: str) -> list[Json]:
    return [{"podSelector": {"matchLabels": {"app": app}}} for app in apps]


STEPS: list[tuple[Json, Open]] = [
    ({"clients": clients("a", "b")}, {("in", "app=a", 8443), ("in", "app=b", 8443)}),
    ({"clients": clients("renamed", "b")}, {("in", "app=renamed", 8443), ("in", "app=b", 8443)}),
    ({"clients": clients("b"), "egress": [BLOCK, BLOCK6, PODS], "dns": True},
     {("in", "app=b", 8443), ("out", "10.20.0.0/24", 443), ("out", "fd00:20::/48", 443),
      ("out", "app=archive", 5432), ("out", "namespace=kube-system", 53)}),
    ({"clients": clients("b"), "egress": [BLOCK6, PODS | {"ports": [{"port": 5433}]}]},
     {("in", "app=b", 8443), ("out", "fd00:20::/48", 443), ("out", "app=archive", 5433)}),
    ({"egress": [PODS]}, {("out", "app=archive", 5432)}),
    ({}, set()),
]  # fmt: skip
"""What access is set to, one after the other, and what is open then."""


def opened(api: Api, namespace: str) -> Open:
    """What all policies of a namespace together open."""
    found: Open = set()
    for policy in api.items("NetworkPolicy", namespace):
        for key, far, direction in (("ingress", "from", "in"), ("egress", "to", "out")):
            for rule in policy["spec"].get(key, []):
                found |= {
                    (direction, _named(peer), port["port"])
                    for peer in rule[far]
                    for port in rule["ports"]
                }
    return found


def _named(peer: Json) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    selector = peer.get("namespaceSelector") or peer["podSelector"]
    ((key, value),) = selector["matchLabels"].items()
    return f"{key.replace('kubernetes.io/metadata.name', 'namespace')}={value}"


def becomes(api: Api, namespace: str, expected: Open) -> None:
    eventually(
        lambda: opened(api, namespace) == ALWAYS | expected,
        lambda: f"open: {opened(api, namespace)}; wanted beside {ALWAYS}: {expected}",
    )


def test_every_change_of_access_leaves_open_what_it_names_and_nothing_else(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace, access={})
    for access, expected in STEPS:
        nothing = {"clients": None, "egress": None, "dns": None}
        api.patch("ModelDeployment", namespace, "m", {"spec": {"access": nothing | access}})
        becomes(api, namespace, expected)


def test_a_deployment_under_another_name_leaves_nothing_open_under_the_old_one(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace, access={"clients": clients("a"), "egress": [BLOCK]})
    becomes(api, namespace, {("in", "app=a", 8443), ("out", "10.20.0.0/24", 443)})

    api.delete("ModelDeployment", namespace, "m")
    create(api, namespace, "n", access={"clients": clients("b")})

    becomes(api, namespace, {("in", "app=b", 8443)})
    names = {one["metadata"]["name"] for one in api.items("NetworkPolicy", namespace)}
    assert names == {"n-default-deny", "n-allow"}


@pytest.mark.parametrize("uid", ["its own", "that of an earlier one"])
def test_an_allow_that_another_version_made_is_removed(
    api: Api, operator: Operator, namespace: str, uid: str
) -> None:
    create(api, namespace, access={"clients": clients("a")})
    becomes(api, namespace, {("in", "app=a", 8443)})
    stale = api.get("NetworkPolicy", namespace, "m-allow")
    assert stale is not None
    meta = {key: stale["metadata"][key] for key in ("labels", "namespace", "ownerReferences")}
    if uid != "its own":
        meta["ownerReferences"][0]["uid"] = "00000000-0000-0000-0000-000000000009"
    rule = {"from": [{"podSelector": {"matchLabels": {"app": "old"}}}], "ports": [{"port": 8443}]}
    body = {**stale, "metadata": meta | {"name": "m-clients"}}
    body["spec"] = stale["spec"] | {"ingress": [rule]}
    others = {**body, "metadata": {"name": "theirs", "namespace": namespace}}
    api.create(others)

    api.create(body)

    eventually(
        lambda: api.get("NetworkPolicy", namespace, "m-clients") is None, "the old allow stayed"
    )
    assert api.get("NetworkPolicy", namespace, "theirs"), "control: what is not ours stays"


def test_what_the_terms_no_longer_allow_is_closed(
    api: Api, operator: Operator, namespace: str
) -> None:
    outside = {"cidr": "10.21.0.0/24", "ports": [{"port": 443}]}
    create(api, namespace, access={"clients": clients("a"), "egress": [BLOCK]})
    becomes(api, namespace, {("in", "app=a", 8443), ("out", "10.20.0.0/24", 443)})

    access = {"egress": [BLOCK, outside]}
    api.patch("ModelDeployment", namespace, "m", {"spec": {"access": access}})

    becomes(api, namespace, set())
    eventually(lambda: ready(api, namespace)["reason"] == "EgressNotAllowed", "it is not told")
    assert "spec.access.egress[1].cidr: found 10.21.0.0/24" in ready(api, namespace)["message"]


def test_the_ways_out_are_closed_before_the_pods_change(
    api: Api, operator: Operator, namespace: str
) -> None:
    access = {"clients": clients("a"), "egress": [BLOCK], "dns": True}
    api.create(model_deployment("m", namespace, access=access))
    becomes(api, namespace, {("in", "app=a", 8443), ("out", "10.20.0.0/24", 443),
                             ("out", "namespace=kube-system", 53)})  # fmt: skip
    before = len(api.calls())

    nothing = {"clients": None, "egress": None, "dns": None}
    api.patch("ModelDeployment", namespace, "m", {"spec": {"access": nothing}})

    becomes(api, namespace, set())
    eventually(lambda: "deployments" in _patched(api, namespace, before), "the pods never change")
    written = _patched(api, namespace, before)
    assert written.index("networkpolicies") < written.index("deployments")


def _patched(api: Api, namespace: str, since: int) -> list[str]:
    """What was written in a namespace, in order."""
    return [
        call["objectRef"]["resource"]
        for call in api.calls()[since:]
        if call["verb"] == "patch" and call["objectRef"].get("namespace") == namespace
    ]
