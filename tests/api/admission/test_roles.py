"""The chart's roles for people: each gives what it says, and not its neighbour."""

import itertools
from typing import Any

import pytest

from support.policies import (
    ADMIN,
    ENCLAVE,
    PLAIN,
    World,
    bind,
    roles_of_people,
)

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
OURS, CORE = "casemate.dev", ""
TERMS = ("modeldeployments", "usageagreements", "suppliers")
HELD = ("approvalrequests", "approvaldecisions", "killswitches")
KINDS = (*TERMS, *HELD)
READ = "approvalreviews"
READS, WRITES = ("get", "list", "watch"), ("create", "update", "patch", "delete")
Right = tuple[str, str, str]


def _each(verbs: tuple[str, ...], group: str, *resources: str) -> set[Right]:
    return {(verb, group, resource) for verb, resource in itertools.product(verbs, resources)}


GIVES: dict[str, set[Right]] = {
    "casemate-break-glass": {("break-glass", OURS, "modeldeployments")},
    "casemate-enclave-admin": {("enclave", CORE, "namespaces")},
    "casemate-terms-loosener": {("loosen", OURS, "usageagreements")},
    "casemate-weights-loader": {("load", OURS, "modeldeployments")},
    "casemate-user": {("use", OURS, "modeldeployments")},
    "casemate-approver": {
        ("approve", OURS, "usageagreements"),
        ("create", OURS, "approvaldecisions"),
        *_each((*READS, "create", "delete"), OURS, READ),
        *_each(READS, OURS, "usageagreements", "approvalrequests", "approvaldecisions"),
    },
    "casemate-stopper": {
        *_each((*READS, "create", "stop"), OURS, "killswitches"),
        *_each(("get",), OURS, "modeldeployments", "usageagreements"),
    },
    "casemate-lifter": _each((*READS, "update", "patch", "delete", "lift"), OURS, "killswitches"),
    # What else it gives is of the wardens alone: see test_wardens.py.
    "casemate-key-rotator": {("get", CORE, "pods")},
    "casemate-viewer": _each(READS, OURS, *KINDS),
    "casemate-editor": {
        *_each((*READS, *WRITES), OURS, "modeldeployments"),
        *_each(("get", "update", "patch"), OURS, "modeldeployments/scale"),
    },
}
"""What each role allows."""

SUBRESOURCES = (
    *("modeldeployments/scale", "modeldeployments/status", "modeldeployments/finalizers"),
    *("approvalrequests/status", "approvalreviews/status"),
)
OWN = ("break-glass", "load", "loosen", "use", "approve", "stop", "lift")
"""Verbs of Casemate's own."""
ASKED = {
    *_each((*READS, *WRITES, "deletecollection", *OWN), OURS, *KINDS, READ),
    *_each(("get", "update", "patch"), OURS, *SUBRESOURCES, "usageagreements/status"),
    *_each((*READS, *WRITES, "enclave"), CORE, "namespaces"),
    *_each((*WRITES, "get"), CORE, "pods", "pods/exec", "secrets", "services", "configmaps"),
    *_each((*WRITES, "get"), "networking.k8s.io", "networkpolicies"),
    *_each((*WRITES, "get"), "apps", "deployments", "deployments/scale"),
    *_each(("escalate", "bind"), "rbac.authorization.k8s.io", "clusterroles"),
}
"""Everything that is asked about: what some role gives, and the neighbours of it."""


def _may(world: World, user: str, right: Right, namespace: str) -> bool:
    verb, group, resource = right
    kind, _, sub = resource.partition("/")
    asked = {"verb": verb, "group": group, "resource": kind, "subresource": sub}
    spec = {"user": user, "resourceAttributes": {**asked, "namespace": namespace, "name": "one"}}
    answer: Any = world.as_user(ADMIN).request("POST", REVIEWS, {"spec": spec})
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize("role", GIVES)
def test_a_role_gives_exactly_what_it_says(bare: World, role: str):
    bind(bare, role, f"holder-{role}")
    may = {right for right in ASKED if _may(bare, f"holder-{role}", right, PLAIN)}
    assert may == GIVES[role]
    assert not any(_may(bare, "nobody", right, PLAIN) for right in GIVES[role])


@pytest.mark.parametrize("role", ["casemate-break-glass", "casemate-editor"])
def test_a_role_ends_with_its_namespace(bare: World, role: str):
    bind(bare, role, f"guest-{role}", ENCLAVE)
    for right in GIVES[role]:
        assert _may(bare, f"guest-{role}", right, ENCLAVE)
        assert not _may(bare, f"guest-{role}", right, PLAIN)


def test_these_are_all_roles_for_people():
    assert {role["metadata"]["name"] for role in roles_of_people()} == {*GIVES}


def test_no_role_of_kubernetes_takes_in_a_right_that_opens_something():
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    found = {
        role["metadata"]["name"]: [k for k in role["metadata"]["labels"] if k.startswith(prefix)]
        for role in roles_of_people()
    }
    taken_in = {name: labels for name, labels in found.items() if labels}
    assert taken_in == {"casemate-viewer": [f"{prefix}view"], "casemate-editor": [f"{prefix}edit"]}
