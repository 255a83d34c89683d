"""An API server with the chart's admission policies, and the people and programs that call it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from casemate.admission.policy import Check, Policy, Target
from casemate.api.v1alpha1 import API_VERSION
from enclave.controlplane import ControlPlane
from enclave.kubeapi import ApiError, KubeApi
from enclave.waiting import until
from support.charts import Helm
from support.operators import GROUPS, PROJECT, SYSTEM, USER, Json
from support.terms import AGREEMENT, agreement

ENCLAVE = "enclave"
"""A namespace of models, made before the policies: Pod Security would refuse much before them."""
PLAIN = "plain"
"""A namespace without the label."""
GUARDED = "guarded"
"""An agreement that requires a guardrail, of GUARD_IMAGE."""
GUARD_IMAGE = f"registry.enclave.local/guards/words@sha256:{'8' * 64}"

_CONTROLLER = "system:serviceaccount:kube-system:"
ADMIN = "admin"
ENGINEER = "engineer"
"""May write everything, but has none of the verbs of Casemate's own."""
RESCUER = "rescuer"
"""An engineer who may break the glass in the enclave."""
LOADER = "loader"
"""An engineer who may run pods that load weights in the enclave."""
WARDEN = "enclave-keeper"
"""An engineer who may make enclaves."""
OPERATOR = USER
REPLICASETS = f"{_CONTROLLER}replicaset-controller"
DEPLOYMENTS = f"{_CONTROLLER}deployment-controller"
COLLECTOR = f"{_CONTROLLER}generic-garbage-collector"
NAMESPACES = f"{_CONTROLLER}namespace-controller"
SLICES = f"{_CONTROLLER}endpointslice-controller"
DISRUPTION = f"{_CONTROLLER}disruption-controller"
KUBELET = "system:node:n1"

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
_MERGE = "application/merge-patch+json"
_JSON = "application/json"


def _binding(role: str, kind: str, name: str) -> Json:
    group = "rbac.authorization.k8s.io"
    return {
        "metadata": {"name": role},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": kind, "name": name}],
    }


@dataclass
class World:
    """The server, with one client for each caller."""

    plane: ControlPlane
    _clients: dict[str, KubeApi] = field(default_factory=dict)

    def as_user(self, user: str) -> KubeApi:
        """Return a client; everybody but the administrator is a writer by RBAC, and no more."""
        if user not in self._clients:
            self._clients[user] = KubeApi.load(self.config(user))
        return self._clients[user]

    def config(self, user: str) -> Path:
        """Return the kubeconfig of a caller."""
        groups = ["system:masters"] if user == ADMIN else ["writers", "system:authenticated"]
        groups += ["system:nodes"] if user == KUBELET else []
        groups += list(GROUPS) if user == OPERATOR else []
        return self.plane.client_config_for(user, groups)

    def make(self, user: str, where: str, body: Json) -> Json:
        made: Json = self.as_user(user).request("POST", where, body)
        return made

    def call(self, user: str, method: str, where: str, body: Any = None) -> str:
        """Return why the server refuses something, or "" if it would do it; nothing changes."""
        media = _MERGE if method == "PATCH" else _JSON
        target = f"{where}{'&' if '?' in where else '?'}dryRun=All"
        try:
            self.as_user(user).request(method, target, body, media)
        except ApiError as error:
            return message(error)
        return ""

    def connect(self, user: str, where: str) -> str:
        """Return what comes of a connection; there is no node, so it never gets through."""
        try:
            self.as_user(user).request("GET", where)
        except ApiError as error:
            return message(error)
        return ""


def message(error: ApiError) -> str:
    """The sentence with which the API server refuses."""
    text = str(error).partition(f"answered {error.status}: ")[2]
    try:
        return str(json.loads(text)["message"])
    except ValueError:
        return text


def policies() -> list[Json]:
    """The admission objects that the chart renders."""
    return [one for one in Helm().template() if "admissionregistration" in one["apiVersion"]]


@contextmanager
def serving(folder: Path) -> Iterator[World]:
    """A server with callers, and without policies."""
    # Without those on its disk, which would refuse first: here the chart's must do it alone.
    alone = ["--admission-control-config-file="]
    with ControlPlane(folder, audit_log=folder / "audit.jsonl", extra_args=alone) as plane:
        yield prepare(World(plane))


def prepare(world: World) -> World:
    """Makes callers, rights and namespaces."""
    admin = world.as_user(ADMIN)
    where = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for file in sorted((PROJECT / "crds").glob("*.yaml")):
        admin.request("POST", where, yaml.safe_load(file.read_text()))
    for name, labels in ((ENCLAVE, {"casemate.dev/enclave": "true"}), (PLAIN, {}), (SYSTEM, {})):
        world.make(ADMIN, "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    let_write(world)
    for role in roles_of_people():
        world.make(ADMIN, f"{_RBAC}/clusterroles", role)
    bind(world, "casemate-enclave-admin", WARDEN)
    bind(world, "casemate-break-glass", RESCUER, ENCLAVE)
    bind(world, "casemate-weights-loader", LOADER, ENCLAVE)
    _agree(world)
    return world


def let_write(world: World) -> None:
    """Lets everybody write everything, as far as RBAC goes, with no verb of Casemate's own."""
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": _VERBS}
    role = {"metadata": {"name": "writers"}, "rules": [rule]}
    world.make(ADMIN, f"{_RBAC}/clusterroles", role)
    everywhere = f"{_RBAC}/clusterrolebindings"
    world.make(ADMIN, everywhere, _binding("writers", "Group", "writers"))


def bind(world: World, role: str, user: str, namespace: str = "") -> None:
    """Gives a user a ClusterRole, in one namespace or everywhere."""
    inside = f"namespaces/{namespace}/rolebindings" if namespace else "clusterrolebindings"
    body = _binding(role, "User", user)
    body["metadata"] = {"name": f"{role}-{user}"}
    world.make(ADMIN, f"{_RBAC}/{inside}", body)


def roles_of_people() -> list[Json]:
    """The ClusterRoles that the chart brings for people."""
    rendered = (one for one in Helm().template() if one["kind"] == "ClusterRole")
    programs = ("casemate-operator", "casemate-warden")
    return [one for one in rendered if one["metadata"]["name"] not in programs]


def _agree(world: World) -> None:
    """Makes two agreements, and the index as the operator does."""
    domain = "/apis/casemate.dev/v1alpha1/usageagreements"
    until(lambda: not world.call(ADMIN, "GET", domain), 30, "the kinds never served")
    guard = {"name": "words", "image": GUARD_IMAGE, "port": 8090}
    world.make(ADMIN, domain, agreement())
    world.make(ADMIN, domain, agreement(GUARDED, requiredGuardrails=[guard]))
    data = {f"agreement.{name}": "InForce" for name in (AGREEMENT, GUARDED)}
    meta = {"name": "casemate-terms"}
    index = {"apiVersion": API_VERSION, "kind": "TermsIndex", "metadata": meta, "data": data}
    world.make(ADMIN, domain.replace("usageagreements", "termsindexes"), index)


ROOT = "/apis/admissionregistration.k8s.io/v1"
PLURALS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}


def install(world: World, documents: list[Json]) -> None:
    """Gives the server policies."""
    for document in documents:
        world.make(ADMIN, f"{ROOT}/{PLURALS[document['kind']]}", document)
    _settle(world)


def _settle(world: World) -> None:
    """Waits until the server holds to all of them: it does so at once for all that it has seen."""
    last = Policy(
        name="casemate-test-last",
        targets=(Target("", ("namespaces",)),),
        when={"probe": "object.metadata.name == 'last-probe'"},
        checks=(Check("false", "'last'"),),
    )
    for document in last.objects():
        world.make(ADMIN, f"{ROOT}/{PLURALS[document['kind']]}", document)
    probe = {"metadata": {"name": "last-probe"}}
    holds(lambda: world.call(ADMIN, "POST", "/api/v1/namespaces", probe))


def holds(refused: Callable[[], str]) -> None:
    """Waits until something is refused: the server reads policies once a second."""
    until(lambda: bool(refused()), 20, "the policies never held", every=0.1)
