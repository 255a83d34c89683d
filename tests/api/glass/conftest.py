"""One API server with the chart's policies and rights, on which an operator works."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave import parts
from enclave.controlplane import ControlPlane
from support import policies
from support.operators import Api, Operator, install, running
from support.policies import ENGINEER, RESCUER, World, holds

HOME = "glass"
"""The enclave."""


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    parts.ensure(["helm"])
    with ControlPlane(tmp_path_factory.mktemp("glass-plane")) as started:
        yield started


@pytest.fixture(scope="session")
def api(plane: ControlPlane) -> Api:
    return install(plane)


@pytest.fixture(scope="session")
def world(api: Api) -> World:
    """The callers: an engineer, and a rescuer who has the chart's role besides."""
    world = World(api.plane)
    policies.let_write(world)
    labels = {"casemate.dev/enclave": "true", "pod-security.kubernetes.io/enforce": "restricted"}
    api.client.request("POST", "/api/v1/namespaces", {"metadata": {"name": HOME, "labels": labels}})
    policies.bind(world, "casemate-break-glass", RESCUER, HOME)
    policies.install(world, policies.policies())
    child = {"metadata": {"name": "x", "labels": {"casemate.dev/model-deployment": "x"}}}
    where = f"/api/v1/namespaces/{HOME}/serviceaccounts"
    holds(lambda: world.call(ENGINEER, "POST", where, child))
    return world


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("glass") / "operator.log"


@pytest.fixture
def operator(world: World, log: Path) -> Iterator[Operator]:
    """An operator for one test: its counters begin at nothing."""
    with running(world.plane, log) as started:
        yield started
