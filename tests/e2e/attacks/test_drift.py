"""The parts of a model, edited and deleted: by a platform engineer, and past admission."""

import json
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, NamedTuple

import pytest

from demo import deploy, terms
from demo.cluster import Cluster
from e2e.attacks.conftest import MODEL, VICTIM
from e2e.model.conftest import alive
from enclave.kubeapi import ApiError, KubeApi
from enclave.waiting import until
from support.attacks import Evidence, Layer, attack
from support.enclaves import Enclave
from support.people import Person, writer

LABEL = "casemate.dev/model-deployment"
COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"
HEALED_SECONDS = 10.0
_LOOK_SECONDS = 0.02
_GIVEN = ("clusterIP", "clusterIPs", "nodePort")
"""What the API server gives anew."""


class Child(NamedTuple):
    """One object that the operator made, and an edit that would open something."""

    group: str
    plural: str
    name: str
    edit: dict[str, Any]

    @property
    def path(self) -> str:
        return f"{self.group}/namespaces/{deploy.MODELS}/{self.plural}/{self.name}"

    def __str__(self) -> str:
        return f"{self.plural}/{self.name}"


_NETWORK = "/apis/networking.k8s.io/v1"
_ENGINE = {"name": "engine", "image": f"elsewhere.local/engine@sha256:{'0' * 64}"}
CHILDREN = (
    Child(
        _NETWORK,
        "networkpolicies",
        f"{deploy.MODEL}-default-deny",
        {"spec": {"podSelector": {"matchLabels": {LABEL: "nobody"}}}},
    ),
    Child(_NETWORK, "networkpolicies", f"{deploy.MODEL}-allow", {"spec": {"ingress": [{}]}}),
    Child("/api/v1", "services", deploy.MODEL, {"spec": {"selector": {LABEL: "other"}}}),
    Child(
        "/api/v1",
        "configmaps",
        f"{deploy.MODEL}-guard",
        {"data": {"policy.json": '{"version":1}', "more.json": "{}"}},
    ),
    Child(
        "/api/v1",
        "serviceaccounts",
        f"{deploy.MODEL}-model",
        {"automountServiceAccountToken": True},
    ),
    Child(
        "/apis/apps/v1",
        "deployments",
        deploy.MODEL,
        {"spec": {"template": {"spec": {"hostNetwork": True, "containers": [_ENGINE]}}}},
    ),
)
DRY = "--dry-run=server"
LABELS = {"metadata": {"labels": {LABEL: None}}}


@pytest.fixture(scope="module", autouse=True)
def serves(cluster: Cluster, enclave: Enclave) -> Iterator[None]:
    """Whatever these tests did, the model serves afterwards, with one pod."""
    yield
    enclave.eventually(
        lambda: _serves(cluster),
        "the model never served again",
        120,
    )


def _serves(cluster: Cluster) -> bool:
    ready: str = terms.conditions(cluster)["Ready"]["status"]
    return ready == "True" and len(alive(cluster)) == 1


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> KubeApi:
    """The administrator, without the time that kubectl takes."""
    return KubeApi.load(cluster.kubeconfig)


@pytest.fixture
def collector(cluster: Cluster) -> Person:
    """Whoever has come by an account that admission trusts: the garbage collector's."""
    return Person(cluster, COLLECTOR)


def _patch(child: Child, change: dict[str, Any]) -> tuple[str, ...]:
    what = (child.plural, child.name, "--type=merge", f"--patch={json.dumps(change)}")
    return ("patch", *what)


@attack("drift", "each part edited, its label taken, or deleted, by a platform engineer", Layer.API)
def test_a_platform_engineer_changes_no_part(evidence: Evidence, mallory: Person) -> None:
    own = Child("", "serviceaccounts", "default", {})
    note = {"metadata": {"annotations": {"example.org/seen": "yes"}}}
    evidence.accepted(mallory(*MODEL, *_patch(own, note), DRY), "what is nobody's child")

    says = "change the ModelDeployment instead"
    for child in CHILDREN:
        for change in (child.edit, LABELS):
            evidence.denied(mallory(*MODEL, *_patch(child, change), DRY), says)
        delete = ("delete", child.plural, child.name, DRY)
        evidence.denied(mallory(*MODEL, *delete), says)


@attack("drift", "the scale of the Deployment and of its ReplicaSet", Layer.API)
def test_the_scale_subresource(evidence: Evidence, mallory: Person, cluster: Cluster) -> None:
    scale = ("--replicas=2", DRY)
    answer = mallory(*MODEL, "scale", f"md/{deploy.MODEL}", *scale)
    evidence.accepted(answer, "the scale of the ModelDeployment, as far as its terms go")

    (pod,) = alive(cluster)
    replica_set = pod["metadata"]["ownerReferences"][0]["name"]
    for what in (f"deployment/{deploy.MODEL}", f"replicaset/{replica_set}"):
        evidence.denied(
            mallory(*MODEL, "scale", what, *scale), "change the ModelDeployment instead"
        )


@attack("drift", "the labels of the namespace, by whoever may write namespaces", Layer.API)
def test_the_labels_of_the_namespace(evidence: Evidence, cluster: Cluster) -> None:
    with writer(cluster, "mallory-of-namespaces") as person:

        def label(*labels: str) -> str:
            what = ("label", "namespace", deploy.MODELS, "--overwrite", DRY)
            return person(*what, *labels)

        evidence.accepted(label("example.org/team=a"), "another label")
        evidence.denied(label("casemate.dev/enclave-"), "the RBAC verb enclave on namespaces")
        enforce = "pod-security.kubernetes.io/enforce"
        for change in (f"{enforce}=privileged", f"{enforce}-"):
            evidence.denied(label(change), "must be restricted in an enclave")
        evidence.denied(label(f"{enforce}-version=v1.20"), "must be absent, latest, or v1.37")


def _shape(body: dict[str, Any]) -> dict[str, Any]:
    """What of a child must come back."""
    spec = {key: value for key, value in body.get("spec", {}).items() if key not in _GIVEN}
    token = body.get("automountServiceAccountToken")
    labels, data = body["metadata"].get("labels"), body.get("data")
    return {"labels": labels, "spec": spec, "token": token, "data": data}


def _seen(api: KubeApi, child: Child) -> tuple[str, dict[str, Any]]:
    """A child's UID and shape; nothing of one that is not there."""
    try:
        body = api.request("GET", child.path)
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return "", {}
        raise
    return body["metadata"]["uid"], _shape(body)


@pytest.mark.parametrize("child", CHILDREN, ids=str)
@attack("drift", "each part edited, past admission in a controller's name", Layer.OPERATOR)
def test_an_edit_past_admission_is_healed(
    evidence: Evidence, api: KubeApi, collector: Person, child: Child
) -> None:
    for change, what in ((child.edit, "edit"), (LABELS, "lost label")):
        before = _seen(api, child)
        begin = time.monotonic()
        text, refused = collector.run(*MODEL, *_patch(child, change), "--output=json")
        evidence.accepted(refused, "the edit was accepted")
        assert _shape(json.loads(text)) != before[1], "it changed nothing"

        _wait(lambda: _seen(api, child) == before, f"{child} was not healed")  # noqa: B023
        evidence.healed(f"{what} of {child}", time.monotonic() - begin)


@pytest.mark.parametrize("child", CHILDREN, ids=str)
@attack("drift", "each part deleted, past admission in a controller's name", Layer.OPERATOR)
def test_a_deletion_past_admission_is_healed(
    evidence: Evidence, api: KubeApi, collector: Person, child: Child
) -> None:
    uid, shape = _seen(api, child)
    begin = time.monotonic()
    answer = collector(*MODEL, "delete", child.plural, child.name, "--wait=false")
    evidence.accepted(answer, "the deletion was accepted")

    def made_anew() -> bool:
        other, now = _seen(api, child)
        return other != uid and now == shape

    _wait(made_anew, f"{child} was not made anew")
    evidence.healed(f"deletion of {child}", time.monotonic() - begin)


def _wait(condition: Callable[[], bool], message: str) -> None:
    until(condition, HEALED_SECONDS, message, every=_LOOK_SECONDS)


@attack("drift", "the ModelDeployment deleted with its parts left to run", Layer.OPERATOR)
def test_what_is_left_without_a_modeldeployment_goes(
    evidence: Evidence, cluster: Cluster, mallory: Person, neighbour: dict[str, Any]
) -> None:
    ours = f"--selector={LABEL}={VICTIM}"

    def parts() -> set[str]:
        """What is there and not on its way out: a pod may take its time."""
        kinds = "deployments,services,networkpolicies,serviceaccounts,configmaps,pods"
        found = cluster.get(*MODEL, kinds, ours)["items"]
        staying = (one for one in found if "deletionTimestamp" not in one["metadata"])
        return {f"{one['kind']}/{one['metadata']['name']}" for one in staying}

    assert mallory(*MODEL, "create", "--filename=-", stdin=neighbour) == ""
    pod = f"Pod/{VICTIM}-"
    until(lambda: pod in " ".join(parts()), HEALED_SECONDS, "no pod was made")
    evidence.control(f"Deployment/{VICTIM}" in parts(), "its parts are there, and a pod")
    begin = time.monotonic()
    orphan = ("delete", "modeldeployment", VICTIM, "--cascade=orphan")
    evidence.accepted(mallory(*MODEL, *orphan), "an author may delete what is theirs")

    closed = f"NetworkPolicy/{VICTIM}-default-deny"
    until(lambda: parts() <= {closed}, HEALED_SECONDS, lambda: f"left: {parts()}")
    evidence.healed("parts without a ModelDeployment", time.monotonic() - begin)
    cluster.kubectl(*MODEL, "delete", "pods", ours, "--grace-period=0", "--force")
    until(lambda: not parts(), HEALED_SECONDS, "the policy outlived its last pod")
