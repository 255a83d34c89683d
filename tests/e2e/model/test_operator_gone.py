"""With no operator at all, the API server refuses the same: each beside what it accepts."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from casemate.isolation.proof import LIFE_SECONDS
from demo import deploy
from demo.cluster import Cluster
from e2e.model.conftest import CONTAINER_SECURITY, OURS, POD_SECURITY, Ask, without_operator
from support import wardens
from support.enclaves import Enclave
from support.people import Person, writer
from unit.api.cases import changed

MODEL = ("--namespace", deploy.MODELS)
DIGEST = f"sha256:{'d' * 64}"


@pytest.fixture(scope="module")
def engineer(cluster: Cluster) -> Iterator[Person]:
    """Tries a command as somebody who may write everything, but none of Casemate's own verbs."""
    with writer(cluster, "gone-engineer") as person:
        yield person


@pytest.fixture(scope="module", autouse=True)
def gone(cluster: Cluster) -> Iterator[None]:
    with without_operator(cluster):
        yield


def _rogue(namespace: str) -> dict[str, Any]:
    """A model server without a gateway, as strict as Pod Security asks."""
    engine = {"name": "engine", "image": FOREIGN, "securityContext": CONTAINER_SECURITY}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "rogue", "namespace": namespace},
        "spec": {"securityContext": POD_SECURITY, "containers": [engine]},
    }


NOTHING = ("--", "python3.11", "-c", "")
FOREIGN = f"elsewhere.local/engine@{DIGEST}"
REFUSED = [
    ("use", "population-monitoring", "population-monitoring is not in agreement"),
    ("use", "use-of-force", "is never accepted as a use"),
    ("agreementRef.name", "ghost", "no agreement ghost is known"),
    ("model.supplier", "ghost", "ghost"),
    ("engine.image", FOREIGN, "is not in agreement logistics-2026; accepted: images of"),
    ("replicas", 9, "is more than capacity.maxReplicas"),
]


@pytest.mark.parametrize(("path", "value", "says"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_deployment_beyond_its_terms_is_refused(
    cluster: Cluster, engineer: Person, path: str, value: Any, says: str
) -> None:
    live = cluster.get(*MODEL, "modeldeployment", deploy.MODEL)
    body = {key: live[key] for key in ("apiVersion", "kind", "spec")}
    body["metadata"] = {"name": "another", "namespace": deploy.MODELS}
    create = ("create", "--dry-run=server", "--filename=-")
    assert engineer(*create, stdin=body) == "", "control: its neighbour is accepted"

    assert says in engineer(*create, stdin=body | {"spec": changed(path, value, body["spec"])})
    outside = body | {"metadata": {"name": "another", "namespace": deploy.CLIENTS}}
    assert "accepted: a namespace with the label" in engineer(*create, stdin=outside)


def test_children_pods_and_connections_stay_closed(cluster: Cluster, engineer: Person) -> None:
    scale = ("scale", f"deployment/{deploy.MODEL}", "--replicas=2")
    assert "change the ModelDeployment instead" in engineer(*MODEL, *scale)
    policy = ("delete", "networkpolicy", f"{deploy.MODEL}-default-deny", "--dry-run=server")
    assert "change the ModelDeployment instead" in engineer(*MODEL, *policy)

    pods = cluster.get(*MODEL, "pods", OURS)
    name = pods["items"][0]["metadata"]["name"]
    inside, outside = ("exec", name, "-c", "engine"), ("exec", "analyst", "-c", "client")
    where = ("--namespace", deploy.CLIENTS)
    assert engineer(*where, *outside, *NOTHING) == "", "control: exec works elsewhere"
    assert "casemate-connections" in engineer(*MODEL, *inside, *NOTHING)
    create = ("create", "--dry-run=server", "--filename=-")
    assert engineer(*create, stdin=_rogue(deploy.CLIENTS)) == "", "control: a pod of one's own"
    assert "only model pods are accepted" in engineer(*create, stdin=_rogue(deploy.MODELS))
    delete = ("delete", "pod", name, "--dry-run=server")
    assert engineer(*MODEL, *delete) == "", "control: a pod may be deleted, and is made anew"


def test_terms_are_not_loosened_nor_taken_away(engineer: Person) -> None:
    agreement = ("usageagreement/logistics-2026", "--type=merge", "--dry-run=server")
    limit = '--patch={{"spec":{{"capacity":{{"maxReplicas":{}}}}}}}'
    fewer, more = map(limit.format, (7, 9))
    assert engineer("patch", *agreement, fewer) == "", "control: tightening is accepted"
    assert "the right to loosen" in engineer("patch", *agreement, more)
    for kind, name in (("usageagreement", "logistics-2026"), ("supplier", "huggingface")):
        refusal = engineer("delete", kind, name, "--dry-run=server")
        assert "accepted: deletion once none does" in refusal
    index = ('--patch={"data":{"agreement.ghost":"InForce"}}', "--type=merge")
    refusal = engineer("patch", "termsindex", "casemate-terms", *index)
    assert "termsindexes: accepted from" in refusal
    label = ("label", "namespace", deploy.CLIENTS, "casemate.dev/enclave=true")
    assert "the RBAC verb enclave" in engineer(*label, "--dry-run=server")


def test_what_serves_goes_on_proving_its_isolation(cluster: Cluster, enclave: Enclave, ask: Ask):
    """Longer than anybody's visit of the canary counts: the warden's own visits must do."""
    gone = time.time()

    enclave.eventually(
        lambda: wardens.proven(cluster, gone + LIFE_SECONDS + 5),
        "no proof came without the operator",
        120,
    )
    assert ask()["ok"]
