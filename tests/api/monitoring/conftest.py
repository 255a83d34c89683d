"""The CRDs of the Prometheus operator on the shared API server, and the real helm."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from enclave import parts
from support.charts import Helm

FOLDER = Path(__file__).parents[2] / "support" / "prometheus_operator"
Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def helm() -> Helm:
    parts.ensure(["helm"])
    return Helm()


@pytest.fixture(scope="session")
def kubectl(kubeconfig: Path) -> Kubectl:
    """Run kubectl as administrator, whatever comes of it."""

    def run(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(parts.path_of("kubectl")), f"--kubeconfig={kubeconfig}", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def prometheus_operator(kubectl: Kubectl) -> None:
    """Its CRDs, established."""
    done = kubectl("apply", "--server-side", f"--filename={FOLDER}")
    assert done.returncode == 0, done.stderr
    names = [path.stem for path in FOLDER.glob("*.yaml")]
    crds = [f"crd/{name}.monitoring.coreos.com" for name in names]
    done = kubectl("wait", "--for=condition=Established", "--timeout=30s", *crds)
    assert done.returncode == 0, done.stderr
