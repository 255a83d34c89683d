"""A gateway certificate is for the operator's own pods; wearing their labels is not enough."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from demo import deploy
from demo.cluster import Cluster
from images.steps import Built
from support.enclaves import Enclave


@pytest.fixture
def impostor(cluster: Cluster, built: dict[str, Built]) -> Iterator[str]:
    """A pod beside the model's, with the same labels and account, that wants a certificate."""
    name = "impostor"
    certificate = {
        "signerName": "casemate.dev/gateway",
        "keyType": "ECDSAP256",
        "credentialBundlePath": "bundle.pem",
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": deploy.MODELS,
            "labels": {"casemate.dev/model-deployment": deploy.MODEL},
        },
        "spec": {
            "serviceAccountName": f"{deploy.MODEL}-model",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "main",
                    "image": built["client"].reference,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
                }
            ],
            "volumes": [
                {"name": "tls", "projected": {"sources": [{"podCertificate": certificate}]}}
            ],
        },
    }
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(pod))
    yield name
    where = ("--namespace", deploy.MODELS)
    cluster.kubectl(*where, "delete", "pod", name, "--grace-period=0", "--force")


def _answers(cluster: Cluster, pod: str) -> set[str]:
    requests = cluster.get("--namespace", deploy.MODELS, "podcertificaterequests")["items"]
    return {
        condition["type"]
        for request in requests
        if request["spec"]["podName"] == pod
        for condition in request.get("status", {}).get("conditions", [])
    }


def test_a_pod_that_only_wears_the_labels_gets_no_certificate(
    cluster: Cluster, enclave: Enclave, model_pod: dict[str, Any], impostor: str
) -> None:
    assert _answers(cluster, model_pod["metadata"]["name"]) == {"Issued"}, "control: the real one"

    enclave.eventually(lambda: bool(_answers(cluster, impostor)), "the request got no answer", 30)

    assert _answers(cluster, impostor) == {"Denied"}
    pod = cluster.get("--namespace", deploy.MODELS, "pod", impostor)
    assert pod["status"]["phase"] == "Pending"
