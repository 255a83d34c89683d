"""A gateway certificate is for the operator's own pods; looking like one is not enough."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from demo import deploy
from demo.cluster import Cluster
from demo.progress import DemoError
from e2e.model.conftest import CONTAINER_SECURITY, POD_SECURITY
from images.steps import Built
from support.enclaves import Enclave

IMPOSTOR = "impostor"
LABELS = {"casemate.dev/model-deployment": deploy.MODEL}


def _pod(built: dict[str, Built], labels: dict[str, str], account: str) -> str:
    """A pod in the model's namespace that wants a gateway's certificate."""
    certificate = {
        "signerName": "casemate.dev/gateway",
        "keyType": "ECDSAP256",
        "credentialBundlePath": "bundle.pem",
    }
    container = {
        "name": "main",
        "image": built["client"].reference,
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
    }
    spec = {
        "serviceAccountName": account,
        "restartPolicy": "Never",
        "activeDeadlineSeconds": 300,
        "securityContext": POD_SECURITY,
        "containers": [container],
        "volumes": [{"name": "tls", "projected": {"sources": [{"podCertificate": certificate}]}}],
    }
    meta = {"name": IMPOSTOR, "namespace": deploy.MODELS, "labels": labels}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})


@pytest.fixture
def impostor(cluster: Cluster, built: dict[str, Built]) -> Iterator[str]:
    """A pod as one that loads weights may be: the nearest to a model pod that is accepted."""
    cluster.kubectl("apply", "--filename=-", stdin=_pod(built, {}, "default"))
    yield IMPOSTOR
    where = ("--namespace", deploy.MODELS)
    cluster.kubectl(*where, "delete", "pod", IMPOSTOR, "--grace-period=0", "--force")


def _answers(cluster: Cluster, pod: str) -> set[str]:
    requests = cluster.get("--namespace", deploy.MODELS, "podcertificaterequests")["items"]
    return {
        condition["type"]
        for request in requests
        if request["spec"]["podName"] == pod
        for condition in request.get("status", {}).get("conditions", [])
    }


def test_a_pod_that_is_no_model_pod_gets_no_certificate(
    cluster: Cluster, enclave: Enclave, model_pod: dict[str, Any], impostor: str
) -> None:
    assert _answers(cluster, model_pod["metadata"]["name"]) == {"Issued"}, "control: the real one"

    enclave.eventually(lambda: bool(_answers(cluster, impostor)), "the request got no answer", 30)

    assert _answers(cluster, impostor) == {"Denied"}
    pod = cluster.get("--namespace", deploy.MODELS, "pod", impostor)
    assert pod["status"]["phase"] == "Pending"


@pytest.mark.parametrize(
    ("labels", "account", "says"),
    [
        (LABELS, f"{deploy.MODEL}-model", "native sidecar"),
        ({}, f"{deploy.MODEL}-model", "names that end in -model are accepted for model pods only"),
    ],
    ids=["with the labels", "with the account"],
)
def test_a_pod_that_wears_labels_or_account_of_a_model_is_not_accepted(
    cluster: Cluster, built: dict[str, Built], labels: dict[str, str], account: str, says: str
) -> None:
    tried = ("create", "--dry-run=server", "--filename=-")
    assert "created" in cluster.kubectl(*tried, stdin=_pod(built, {}, "default")), "control"
    with pytest.raises(DemoError, match=says):
        cluster.kubectl(*tried, stdin=_pod(built, labels, account))
