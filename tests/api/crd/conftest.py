"""The generated CRDs, installed on the shared API server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.crd.cluster import Cluster, Kubectl

CRDS = Path(__file__).parents[3] / "crds"
PLURALS = (
    *("approvalrequests", "approvaldecisions", "approvalreviews", "killswitches"),
    *("suppliers", "usageagreements", "modeldeployments"),
)


@pytest.fixture(scope="session")
def kubectl(kubeconfig: Path) -> Kubectl:
    """Run kubectl as administrator."""
    return Kubectl(kubeconfig)


@pytest.fixture(scope="session")
def installed(kubectl: Kubectl) -> dict[str, Any]:
    """Return ModelDeployment's CRD once all serve; the API server may not warn about any."""
    kubectl.run("apply", "--server-side", "--warnings-as-errors", "-f", str(CRDS))
    for plural in PLURALS:
        name = f"customresourcedefinition/{plural}.casemate.dev"
        kubectl.run("wait", "--for=condition=Established", "--timeout=30s", name)
    found: dict[str, Any] = json.loads(kubectl.run("get", name, "-o", "json"))
    return found


@pytest.fixture(scope="session")
def cluster(kubeconfig: Path, installed: dict[str, Any]) -> Iterator[Cluster]:
    """Return a client in a namespace of its own."""
    assert installed["status"]["acceptedNames"]["plural"] == "modeldeployments"
    with Cluster.connect(kubeconfig, "crd-tests") as connected:
        yield connected
