"""An API server, and a way to it on which requests and watches are lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.operator.conftest import api, namespace, plane
from enclave.controlplane import ControlPlane
from support.faulty import Faulty
from support.operators import GROUPS, USER

__all__ = ["api", "namespace", "plane"]


@pytest.fixture(scope="session")
def way(plane: ControlPlane) -> Iterator[Faulty]:
    """The way that operators take here."""
    with Faulty(plane, plane.client_config_for(USER, GROUPS)) as front:
        yield front


@pytest.fixture(scope="session")
def through(way: Faulty, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Credentials that lead through `way`."""
    return way.kubeconfig(tmp_path_factory.mktemp("faulty") / "kubeconfig")
