from collections.abc import Iterator

import pytest

from casemate.api.crd import DEFINITIONS
from enclave import load
from images.build import build
from support.charts import Helm
from support.enclaves import Enclave


@pytest.fixture(scope="session")
def cluster_helm(helm: Helm, enclave: Enclave) -> Helm:
    return Helm([*helm.options, f"--kubeconfig={enclave.kubeconfig}"])


@pytest.fixture(scope="session")
def operator_digest(enclave: Enclave) -> str:
    """Digest of our image, which the enclave's registry holds."""
    built = build(["casemate"])["casemate"]
    load.load(enclave.registry, [f"{built.layout}={built.image.repository}:chart-test"])
    return built.digest


@pytest.fixture(scope="module")
def system(enclave: Enclave) -> Iterator[str]:
    """A system namespace that enforces Pod Security, and a cluster without our objects after.

    The namespace stays, with the gateways' CA and the wardens' volumes: a kubelet remembers a CA
    for five minutes, so who deletes it and installs anew waits as long until anything trusts it.
    """
    name = "casemate-system"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    enclave.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    )
    yield name
    crds = [definition.crd_name for definition in DEFINITIONS]
    enclave.kubectl("delete", "crd", "--ignore-not-found", *crds)
