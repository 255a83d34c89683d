"""What a ModelDeployment could make the operator do in its own name, to others."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from demo import deploy
from demo.cluster import Cluster
from e2e.attacks.conftest import MODEL, VICTIM
from support.attacks import Evidence, Layer, attack
from support.enclaves import Enclave
from support.people import Person
from unit.api.cases import changed

FOREIGN = [
    ("serviceAccountName", "casemate-operator", 'unknown field "spec.serviceAccountName"'),
    ("namespace", "kube-system", 'unknown field "spec.namespace"'),
    ("agreementRef.namespace", "other", 'unknown field "spec.agreementRef.namespace"'),
    ("model.source.oci.path", "../../etc/passwd", "must be a relative path"),
    ("model.source.oci.path", "/etc/passwd", "must be a relative path"),
    ("engine.socket", "../gateway.sock", "must be a plain file name"),
    ("engine.volumes", [{"hostPath": {"path": "/"}}], 'unknown field "spec.engine.volumes"'),
    ("engine.env", [{"name": "CASEMATE_ENGINE_SOCKET", "value": "/x"}], "must not start with"),
    ("engine.env", [{"name": "A", "valueFrom": {}}], 'unknown field "spec.engine.env[0].valueFrom'),
    ("engine.image", f"https://elsewhere.local/e@sha256:{'0' * 64}", "without tag or scheme"),
    ("access.clients", [{"namespaceSelector": {}}], "asks for at least one label"),
]


@attack(
    "deputies",
    "namespaces, accounts, paths, sockets, volumes, Secrets and addresses of others in a"
    " ModelDeployment",
    Layer.API,
)
def test_fields_that_name_what_is_not_theirs(
    evidence: Evidence, mallory: Person, neighbour: dict[str, Any]
) -> None:
    evidence.accepted(mallory.create(neighbour, *MODEL), "its neighbour is accepted")

    for path, value, says in FOREIGN:
        spec = json.loads(json.dumps(neighbour["spec"]))
        evidence.denied(
            mallory.create(neighbour | {"spec": changed(path, value, spec)}, *MODEL), says
        )


@pytest.fixture
def service(cluster: Cluster, mallory: Person) -> Iterator[dict[str, Any]]:
    """A Service of somebody else, by the name that a child would have."""
    spec = {"selector": {"app": VICTIM}, "ports": [{"port": 80}]}
    meta = {"name": VICTIM}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
    assert mallory(*MODEL, "create", "--filename=-", stdin=body) == ""
    yield cluster.get(*MODEL, "service", VICTIM)
    cluster.kubectl(*MODEL, "delete", "modeldeployment", VICTIM, "--ignore-not-found")
    cluster.kubectl(*MODEL, "delete", "service", VICTIM, "--ignore-not-found")


@attack(
    "deputies", "a ModelDeployment by the name of a Service that is somebody else's", Layer.OPERATOR
)
def test_a_name_that_somebody_else_has(
    evidence: Evidence,
    cluster: Cluster,
    mallory: Person,
    neighbour: dict[str, Any],
    service: dict[str, Any],
) -> None:
    ready = cluster.get(*MODEL, "modeldeployment", deploy.MODEL)["status"]["conditions"]
    evidence.control("Serving" in {one["reason"] for one in ready}, "a free name serves")

    assert mallory(*MODEL, "create", "--filename=-", stdin=neighbour) == ""

    def reasons() -> set[str]:
        found = cluster.get(*MODEL, "modeldeployment", VICTIM).get("status", {})
        return {one["reason"] for one in found.get("conditions", [])}

    Enclave.named(cluster.enclave).eventually(lambda: "NameConflict" in reasons(), "no conflict")
    assert cluster.get(*MODEL, "service", VICTIM) == service
    evidence.refused(Layer.OPERATOR, "NameConflict, and the Service is as it was")
