"""One API server with the chart's policies."""

from collections.abc import Iterator

import pytest

from api.admission.bodies import client_pod, model_pod, put
from enclave import parts
from enclave.controlplane import ControlPlane
from support.policies import (
    ADMIN,
    ENCLAVE,
    ENGINEER,
    PLAIN,
    REPLICASETS,
    World,
    holds,
    install,
    policies,
    prepare,
)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server without policies."""
    parts.ensure(["helm"])
    # Without those on its disk, which would refuse first: here the chart's must do it alone.
    alone = ["--admission-control-config-file="]
    folder = tmp_path_factory.mktemp("admission-plane")
    with ControlPlane(folder, audit_log=folder / "audit.jsonl", extra_args=alone) as plane:
        yield prepare(plane)


@pytest.fixture(scope="session")
def world(bare: World) -> World:
    """The server with everything that the chart brings, and two pods that were there before."""
    pods = f"/api/v1/namespaces/{ENCLAVE}/pods"
    install(bare, policies())
    probe = {"metadata": {"name": "probe", "labels": {"casemate.dev/enclave": "true"}}}
    holds(lambda: bare.call(ENGINEER, "POST", "/api/v1/namespaces", probe))
    bare.make(REPLICASETS, pods, model_pod("running"))
    bare.make(ENGINEER, pods, client_pod("client"))
    bare.make(ADMIN, f"/api/v1/namespaces/{PLAIN}/pods", put(client_pod("client"), {}))
    return bare
