"""Another pod in the model's place, or the model's pod in another shape."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from demo import deploy
from demo.cluster import Cluster
from e2e.attacks.conftest import MINE, MODEL, OWN, pod
from images.steps import Built
from support.attacks import Evidence, Layer, attack
from support.enclaves import Enclave
from support.people import Person

LABEL = "casemate.dev/model-deployment"
MAKER = "system:serviceaccount:kube-system:replicaset-controller"
GUARDED = "guarded-attacks"
GUARD = f"registry.enclave.local/guards/words@sha256:{'8' * 64}"
NO_DIGEST = f"sha256:{'0' * 64}"
TAGGED = "registry.enclave.local/casemate/client:1"


@attack("pods", "a pod that wears the model's labels, in its namespace and in another", Layer.API)
def test_a_pod_with_the_models_labels(
    evidence: Evidence, mallory: Person, built: dict[str, Built]
) -> None:
    body = pod("impostor", built["client"].reference)
    evidence.accepted(mallory.create(body, *MINE), "without the labels it is accepted")

    body["metadata"]["labels"] = {LABEL: deploy.MODEL, "app.kubernetes.io/name": "model"}
    for where in (MODEL, MINE):
        # Several policies refuse it, and the API server tells of any.
        evidence.denied(mallory.create(body, *where), "ValidatingAdmissionPolicy 'casemate-")


def _second(weights: str, image: str, namespace: str) -> dict[str, Any]:
    template = pod("", image)
    template["metadata"] = {"labels": {"app": "second"}}
    template["spec"]["volumes"] = [{"name": "models", "image": {"reference": weights}}]
    mount = {"name": "models", "mountPath": "/models"}
    template["spec"]["containers"][0]["volumeMounts"] = [mount]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "second", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": "second"}},
            "template": {key: template[key] for key in ("metadata", "spec")},
        },
    }


@pytest.fixture
def weights(cluster: Cluster) -> Iterator[str]:
    """The image of the model's weights; afterwards nobody else mounts it."""
    found = cluster.get(*MODEL, "modeldeployment", deploy.MODEL)
    yield found["spec"]["model"]["source"]["oci"]["image"]
    for where in (MODEL, MINE):
        cluster.kubectl(*where, "delete", "deployment", "second", "--ignore-not-found")


@attack(
    "pods",
    "a second Deployment in the enclave that mounts the same weights and has no gateway",
    Layer.API,
)
def test_a_second_deployment_of_the_same_weights(
    evidence: Evidence,
    mallory: Person,
    enclave: Enclave,
    weights: str,
    built: dict[str, Built],
) -> None:
    """Outside of enclaves it runs: who may pull an image is the registry's to say."""
    for namespace in (OWN, deploy.MODELS):
        body = _second(weights, built["client"].reference, namespace)
        assert mallory("create", "--filename=-", stdin=body) == ""
    rollout = ("rollout", "status", "deployment/second", "--timeout=60s")
    evidence.accepted(mallory(*MINE, *rollout), "it runs where no models are kept")

    says = "in an enclave only model pods are accepted"
    enclave.eventually(lambda: says in _told(mallory), "its ReplicaSet was not refused")
    evidence.denied(_told(mallory), says)
    pods = mallory.run(*MODEL, "get", "pods", "-lapp=second", "--output=name")
    assert pods == ("", "")


def _told(person: Person) -> str:
    """What the Events of ReplicaSets in the model's namespace say."""
    about = "--field-selector=involvedObject.kind=ReplicaSet,reason=FailedCreate"
    return person.run(*MODEL, "get", "events", about, "--output=jsonpath={.items[*].message}")[0]


@pytest.fixture
def maker(cluster: Cluster) -> Person:
    """Whoever has come by the ReplicaSet controller's account: the one that makes model pods."""
    return Person(cluster, MAKER)


@pytest.fixture
def again(model_pod: dict[str, Any]) -> dict[str, Any]:
    """The model's pod, to be made once more."""
    meta = {key: model_pod["metadata"][key] for key in ("labels", "annotations", "ownerReferences")}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "again", **meta}}
    return body | {"spec": {k: v for k, v in model_pod["spec"].items() if k != "nodeName"}}


def _init(spec: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in spec["initContainers"] if one["name"] == name)


def _extra(spec: dict[str, Any]) -> None:
    spec["containers"].append({**spec["containers"][0], "name": "helper"})


def _renamed(spec: dict[str, Any]) -> None:
    spec["containers"][0]["name"] = "server"


def _reordered(spec: dict[str, Any]) -> None:
    spec["initContainers"].reverse()


def _no_gateway(spec: dict[str, Any]) -> None:
    spec["initContainers"].remove(_init(spec, "gateway"))


def _no_gate(spec: dict[str, Any]) -> None:
    spec["initContainers"].remove(_init(spec, "start-gate"))


def _other_program(spec: dict[str, Any]) -> None:
    _init(spec, "start-gate")["command"] = ["/bin/true"]


def _no_policy(spec: dict[str, Any]) -> None:
    gateway = _init(spec, "gateway")
    gateway["args"] = [one for one in gateway["args"] if not one.startswith("--guard-policy")]


def _other_policy(spec: dict[str, Any]) -> None:
    _no_policy(spec)
    told = ("--guard-policy=/etc/casemate/guard/policy.json", f"--guard-policy-digest={NO_DIGEST}")
    _init(spec, "gateway")["args"] += told


def _key(spec: dict[str, Any]) -> None:
    spec["containers"][0]["volumeMounts"].append({"name": "tls", "mountPath": "/tls"})


def _shared(spec: dict[str, Any]) -> None:
    spec["shareProcessNamespace"] = True


def _tag(spec: dict[str, Any]) -> None:
    spec["containers"][0]["image"] = TAGGED


def _port(spec: dict[str, Any]) -> None:
    spec["containers"][0]["ports"] = [{"containerPort": 8000}]


SHAPES = {
    _extra: "spec.containers: must be exactly engine; found engine, helper",
    _renamed: "spec.containers: must be exactly engine; found server",
    _reordered: "spec.initContainers: must begin with start-gate",
    _no_gateway: "native sidecar",
    _no_gate: "spec.initContainers: must begin with start-gate",
    _other_program: "args and command of container start-gate",
    _no_policy: "args of container gateway: must have --guard-policy",
    _other_policy: "args of container gateway: must have --guard-policy",
    _key: "volumeMounts of container engine",
    _shared: "spec.shareProcessNamespace: must be false",
    _tag: "image of container engine: must be by digest",
    _port: "ports of container engine: must be absent",
}


@attack(
    "pods",
    "extra, renamed, re-ordered, missing and changed containers, and a gateway under another guard"
    " policy or none, in the name of the ReplicaSet controller",
    Layer.API,
)
def test_other_shapes(evidence: Evidence, maker: Person, again: dict[str, Any]) -> None:
    evidence.accepted(maker.create(again, *MODEL), "the pod as it is, is accepted")

    for change, says in SHAPES.items():
        body = json.loads(json.dumps(again))
        change(body["spec"])
        evidence.denied(maker.create(body, *MODEL), says)


ANNOTATIONS = {
    ("container.apparmor.security.beta.kubernetes.io/engine", "unconfined"): "violates PodSecurity",
    ("k8s.v1.cni.cncf.io/networks", "default/other"): "metadata.annotations k8s.v1.cni.cncf.io/",
    ("sidecar.istio.io/inject", "true"): "metadata.annotations sidecar.istio.io/inject; accepted",
}


@attack(
    "pods",
    "annotations that relax a profile or ask a network for more, in the same name",
    Layer.API,
)
def test_relaxing_annotations(evidence: Evidence, maker: Person, again: dict[str, Any]) -> None:
    evidence.accepted(maker.create(again, *MODEL), "the pod as it is, is accepted")

    for (key, value), says in ANNOTATIONS.items():
        body = json.loads(json.dumps(again))
        body["metadata"]["annotations"][key] = value
        evidence.denied(maker.create(body, *MODEL), says)


@pytest.fixture
def guarded(cluster: Cluster, enclave: Enclave, maker: Person, again: dict[str, Any]) -> Any:
    """The model's pod under an agreement that requires a guardrail; the agreement goes after."""
    live = cluster.get("usageagreement", "logistics-2026")
    body = {key: live[key] for key in ("apiVersion", "kind", "spec")}
    body["metadata"] = {"name": GUARDED}
    body["spec"]["requiredGuardrails"] = [{"name": "words", "image": GUARD, "port": 8090}]
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(body))
    again["metadata"]["annotations"]["casemate.dev/terms"] = f"{GUARDED}@sha256:{'0' * 64}"
    lacks = "lacks native sidecars that UsageAgreement"
    enclave.eventually(lambda: lacks in maker.create(again, *MODEL), "admission knows it not")
    yield again
    cluster.kubectl("delete", "usageagreement", GUARDED)


@attack("pods", "a guardrail's image with the right name and another digest", Layer.API)
def test_a_guardrail_of_another_digest(
    evidence: Evidence, maker: Person, guarded: dict[str, Any]
) -> None:
    gateway = _init(guarded["spec"], "gateway")
    guard = {"name": "guardrail-words", "image": GUARD, "restartPolicy": "Always"}
    guard |= {"securityContext": gateway["securityContext"]}
    guarded["spec"]["initContainers"].append(guard)
    evidence.accepted(maker.create(guarded, *MODEL), "the right digest is accepted")

    guard["image"] = GUARD.replace("8", "9")
    says = f"accepted: a pod with guardrail-words of {GUARD}"
    evidence.denied(maker.create(guarded, *MODEL), says)


@attack("pods", "another image, label or size of the running pod", Layer.API)
def test_edits_of_the_running_pod(
    evidence: Evidence, mallory: Person, model_pod: dict[str, Any], built: dict[str, Built]
) -> None:
    def patch(change: dict[str, Any], *more: str) -> str:
        name = model_pod["metadata"]["name"]
        what = ("patch", "pod", name, f"--patch={json.dumps(change)}", "--dry-run=server")
        return mallory(*MODEL, *what, *more)

    note = {"metadata": {"annotations": {"example.org/seen": "yes"}}}
    evidence.accepted(patch(note), "an annotation of one's own is accepted")

    image = {"containers": [{"name": "engine", "image": built["client"].reference}]}
    evidence.denied(patch({"spec": image}), "spec.containers.image: must not change")
    for labels in ({LABEL: None}, {"app": "analyst"}):
        evidence.denied(patch({"metadata": {"labels": labels}}), "metadata.labels: ")
    size = [{"name": "gateway", "resources": {"limits": {"memory": "200Mi"}}}]
    answer = patch({"spec": {"initContainers": size}}, "--subresource=resize")
    evidence.denied(answer, "pods/resize: not accepted for a model pod")
