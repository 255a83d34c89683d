"""What makes a pod the model's: its address, its certificate, its account's tokens."""

import json
from http import HTTPStatus
from typing import Any

from demo import deploy
from demo.cluster import Cluster
from e2e.attacks.conftest import MINE, MODEL, ON_NODE, OUTSIDER, OWN, Knock
from support.attacks import Evidence, Layer, attack
from support.certificates import elliptic, stub
from support.people import Person

ACCOUNT = f"{deploy.MODEL}-model"


@attack(
    "identity", "another address in the pod's status, to which its Service would lead", Layer.API
)
def test_another_address_in_the_status(
    evidence: Evidence, mallory: Person, model_pod: dict[str, Any]
) -> None:
    address = {"podIP": "10.244.0.250", "podIPs": [{"ip": "10.244.0.250"}]}
    change = ("--subresource=status", "--type=merge", f"--patch={json.dumps({'status': address})}")
    dry = (*change, "--dry-run=server")
    evidence.accepted(mallory(*MINE, "patch", "pod", OUTSIDER, *dry), "on an own pod")

    answer = mallory(*MODEL, "patch", "pod", model_pod["metadata"]["name"], *dry)
    evidence.denied(answer, "status hostIP, hostIPs, podIP, podIPs: changed on a model pod by")


@attack("identity", "the gateway's certificate for a key of the attacker's", Layer.API)
def test_a_certificate_for_another_key(
    evidence: Evidence, mallory: Person, cluster: Cluster, model_pod: dict[str, Any]
) -> None:
    requests = cluster.get(*MODEL, "podcertificaterequests")["items"]
    name = model_pod["metadata"]["name"]
    asked = next(one for one in requests if one["spec"]["podName"] == name)
    issued = [one["type"] for one in asked["status"]["conditions"]]
    evidence.control(issued == ["Issued"], "the kubelet's request was granted")
    body = {key: asked[key] for key in ("apiVersion", "kind", "spec")}
    body |= {"metadata": {"name": "mallory"}}
    body["spec"]["stubPKCS10Request"] = stub(elliptic())
    foreign = body | {"spec": body["spec"] | {"signerName": "example.org/other"}}
    evidence.accepted(mallory.create(foreign, *MODEL), "of another signer")

    says = "podcertificaterequests of signer casemate.dev/gateway: accepted from the kubelet"
    evidence.denied(mallory.create(body, *MODEL), says)


@attack("identity", "a token of the model's account, by request", Layer.API)
def test_a_token_by_request(evidence: Evidence, mallory: Person) -> None:
    token = ("create", "token", "default", "--audience=casemate-warden")
    evidence.accepted(mallory(*MODEL, *token), "of another account in the same namespace")

    answer = mallory(*MODEL, *(ACCOUNT if part == "default" else part for part in token))
    evidence.denied(answer, "a token of an account whose name ends in -model is accepted")


@attack("identity", "the same by a Secret that the cluster fills", Layer.API)
def test_a_token_by_secret(evidence: Evidence, mallory: Person) -> None:
    def secret(account: str) -> dict[str, Any]:
        meta = {"name": "stolen", "annotations": {"kubernetes.io/service-account.name": account}}
        kind = {"apiVersion": "v1", "kind": "Secret", "metadata": meta}
        return kind | {"type": "kubernetes.io/service-account-token"}

    evidence.accepted(mallory.create(secret("default"), *MODEL), "of another account")

    says = "secrets: a token of an account whose name ends in -model is accepted"
    evidence.denied(mallory.create(secret(ACCOUNT), *MODEL), says)


REPORT = """
import http.client, json, ssl, sys
address, token = sys.argv[1:]
link = http.client.HTTPSConnection(
    address, 8444, context=ssl._create_unverified_context(), timeout=10)
body = json.dumps({"verdict": "Enforced", "message": "by hand", "ports": [9090]})
link.request("POST", "/v1/proofs", body, {"Authorization": f"Bearer {token}"})
answer = link.getresponse()
print(json.dumps({"status": answer.status, "text": answer.read().decode()}))
"""
"""Tells the warden that a pod is isolated, with whoever's token."""


@attack(
    "identity", "the gateway's token for the warden, stolen and used from elsewhere", Layer.WARDEN
)
@attack("identity", "the warden's answer port, from a pod that is no model's", Layer.NETWORK)
def test_a_stolen_token(
    evidence: Evidence, cluster: Cluster, knock: Knock, model_pod: dict[str, Any]
) -> None:
    """From the node, whose own packets the network lets through: the address tells on the thief."""
    system = ("--namespace", deploy.SYSTEM, "service", "casemate-warden")
    warden = cluster.get(*system)["spec"]["clusterIP"]
    gateway = (deploy.MODELS, model_pod["metadata"]["name"], "gateway")
    read = "import json; print(json.dumps(open('/var/run/casemate/warden/token').read()))"
    token = cluster.execute(*gateway, "python3.11", "-c", read)
    own = cluster.execute(*gateway, "python3.11", "-c", REPORT, warden, token)
    evidence.control(own["status"] == HTTPStatus.OK, "from its own pod it is accepted")

    thief = (OWN, ON_NODE, "client", "python3.11", "-c", REPORT, warden)
    stolen = cluster.execute(*thief, token)
    assert stolen["status"] == HTTPStatus.FORBIDDEN
    assert "was used from" in stolen["text"]
    evidence.refused(Layer.WARDEN, "used from another address")
    assert cluster.execute(*thief, "made-up")["status"] == HTTPStatus.UNAUTHORIZED
    evidence.silent(*knock(OUTSIDER, f"{warden}:8444"))


@attack("identity", "a role with the right to break the glass, to load, or to loosen", Layer.API)
def test_a_role_of_ones_own(evidence: Evidence, mallory: Person) -> None:
    bind = ("create", "rolebinding", "own", "--user=mallory", "--dry-run=server")
    # Whoever has every ordinary verb may bind the viewer's.
    evidence.accepted(mallory(*MODEL, *bind, "--clusterrole=casemate-viewer"), "viewer")

    for role in ("break-glass", "weights-loader", "terms-loosener"):
        answer = mallory(*MODEL, *bind, f"--clusterrole=casemate-{role}")
        evidence.denied(answer, "attempting to grant RBAC permissions not currently held")
