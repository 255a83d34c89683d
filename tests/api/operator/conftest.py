"""One API server for the operator's tests, and one operator that works on it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave import parts
from enclave.controlplane import ControlPlane
from support.operators import Api, Operator, install, running


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server of its own: an operator must not meet the objects of other tests."""
    parts.ensure(["helm"])
    workdir = tmp_path_factory.mktemp("operator-plane")
    with ControlPlane(workdir, audit_log=workdir / "audit.jsonl") as started:
        yield started


@pytest.fixture(scope="session")
def api(plane: ControlPlane) -> Api:
    return install(plane)


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operator") / "operator.log"


@pytest.fixture(scope="module")
def operator(plane: ControlPlane, api: Api, log: Path) -> Iterator[Operator]:
    """A running operator with exactly the chart's rights."""
    assert api.plane is plane
    with running(plane, log) as started:
        yield started
    assert not api.forbidden(), "the chart lacks a right"


@pytest.fixture
def namespace(api: Api, request: pytest.FixtureRequest) -> str:
    """A namespace for one test."""
    text = request.node.name.partition("[")[0].removeprefix("test_").replace("_", "-")
    # Drawn, not hashed from the name: two cases of one test once got the same hash.
    return api.namespace(f"{text[:50].rstrip('-')}-{uuid.uuid4().hex[:8]}")
