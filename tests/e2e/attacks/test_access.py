"""Into the model's pod through the API server, which no NetworkPolicy sees."""

from typing import Any

from demo import deploy
from e2e.attacks.conftest import MINE, MODEL, OUTSIDER, OWN
from images.steps import Built
from support.attacks import Evidence, Layer, attack
from support.people import Person

NOTHING = ("--", "python3.11", "-c", "")
REFUSED = "not accepted for any pod in a namespace with casemate.dev/enclave=true"


def _raw(kind: str, name: str, what: str, namespace: str) -> tuple[str, ...]:
    return ("get", "--raw", f"/api/v1/namespaces/{namespace}/{kind}/{name}/{what}")


@attack("access", "`kubectl exec` into engine, gateway, and a pod that loads weights", Layer.API)
def test_exec(evidence: Evidence, mallory: Person, model_pod: dict[str, Any]) -> None:
    through = mallory(*MINE, "exec", OUTSIDER, *NOTHING)
    evidence.accepted(through, "exec works in the attacker's own namespace")

    name = model_pod["metadata"]["name"]
    for place in ((name, "-c", "engine"), (name, "-c", "gateway"), ("loader",)):
        evidence.denied(mallory(*MODEL, "exec", *place, *NOTHING), f"pods/exec: {REFUSED}")


@attack("access", "`kubectl attach`", Layer.API)
def test_attach(evidence: Evidence, mallory: Person, model_pod: dict[str, Any]) -> None:
    answer = mallory(*_raw("pods", OUTSIDER, "attach?stdout=true", OWN))
    evidence.control("Upgrade request required" in answer, "admitted in the attacker's namespace")

    name = model_pod["metadata"]["name"]
    evidence.denied(mallory(*MODEL, "attach", name, "-c", "engine"), f"pods/attach: {REFUSED}")


@attack("access", "`kubectl port-forward` to the pod and to the Service", Layer.API)
def test_port_forward(evidence: Evidence, mallory: Person, model_pod: dict[str, Any]) -> None:
    answer = mallory(*_raw("pods", OUTSIDER, "portforward?ports=8000", OWN))
    evidence.control("Upgrade request required" in answer, "admitted in the attacker's namespace")

    pod = (model_pod["metadata"]["name"], ":8443")
    for what in (pod, (f"service/{deploy.MODEL}", ":443")):
        evidence.denied(mallory(*MODEL, "port-forward", *what), f"pods/portforward: {REFUSED}")


@attack("access", "the API server as proxy to the pod and to the Service", Layer.API)
def test_proxy(evidence: Evidence, mallory: Person, model_pod: dict[str, Any]) -> None:
    answer = mallory(*_raw("pods", f"{OUTSIDER}:8000", "proxy/", OWN))
    through = "denied request" not in answer and "connection refused" in answer
    evidence.control(through, "the attacker's own pod is reached, and nothing listens there")

    pod = f"https:{model_pod['metadata']['name']}:8443"
    for kind, name in (("pods", pod), ("services", f"https:{deploy.MODEL}:443")):
        answer = mallory(*_raw(kind, name, "proxy/v1/models", deploy.MODELS))
        evidence.denied(answer, f"{kind}/proxy: {REFUSED}")


@attack("access", "an ephemeral container by `kubectl debug`", Layer.API)
def test_ephemeral_container(
    evidence: Evidence, mallory: Person, model_pod: dict[str, Any], built: dict[str, Built]
) -> None:
    look = (f"--image={built['client'].reference}", "--profile=restricted", *NOTHING)
    evidence.accepted(mallory(*MINE, "debug", OUTSIDER, *look), "in an own pod it is accepted")

    answer = mallory(*MODEL, "debug", model_pod["metadata"]["name"], *look)
    evidence.denied(answer, "spec.ephemeralContainers: must be absent from a model pod")


COPIES = {
    "--keep-labels=false": "in an enclave only model pods are accepted",
    # Several policies refuse this one, and the API server tells of any.
    "--keep-labels=true": "ValidatingAdmissionPolicy 'casemate-",
}


@attack("access", "copies of the pod by `kubectl debug`, with its labels and without", Layer.API)
def test_copies_of_the_pod(
    evidence: Evidence, mallory: Person, model_pod: dict[str, Any], built: dict[str, Built]
) -> None:
    for labels, says in COPIES.items():
        copy = ("--copy-to", labels.replace("=", "").strip("-"), labels)
        look = (*copy, f"--image={built['client'].reference}", "--profile=restricted", *NOTHING)
        evidence.accepted(mallory(*MINE, "debug", OUTSIDER, *look), "an own pod is copied")

        evidence.denied(mallory(*MODEL, "debug", model_pod["metadata"]["name"], *look), says)
