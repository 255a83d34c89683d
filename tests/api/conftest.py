"""The API server that all tests of this tier share; one per run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.controlplane import ControlPlane


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real API server on loopback, with an audit log and no controllers."""
    workdir = tmp_path_factory.mktemp("control-plane")
    with ControlPlane(workdir, audit_log=workdir / "audit.jsonl") as running:
        yield running


@pytest.fixture(scope="session")
def kubeconfig(control_plane: ControlPlane) -> Path:
    """Administrator credentials for the shared API server."""
    return control_plane.kubeconfig
