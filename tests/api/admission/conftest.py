"""One API server with the chart's policies."""

from collections.abc import Iterator

import pytest

from api.admission.bodies import client_pod, model_pod, put
from enclave import parts
from support import policies as support
from support.policies import (
    ADMIN,
    ENCLAVE,
    ENGINEER,
    LOADER,
    PLAIN,
    REPLICASETS,
    World,
    holds,
    install,
    policies,
)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server without policies."""
    parts.ensure(["helm"])
    with support.serving(tmp_path_factory.mktemp("admission-plane")) as started:
        yield started


@pytest.fixture(scope="session")
def world(bare: World) -> World:
    """The server with everything that the chart brings, and two pods that were there before."""
    pods = f"/api/v1/namespaces/{ENCLAVE}/pods"
    install(bare, policies())
    probe = {"metadata": {"name": "probe", "labels": {"casemate.dev/enclave": "true"}}}
    holds(lambda: bare.call(ENGINEER, "POST", "/api/v1/namespaces", probe))
    bare.make(REPLICASETS, pods, model_pod("running"))
    bare.make(LOADER, pods, client_pod("client"))
    bare.make(ADMIN, f"/api/v1/namespaces/{PLAIN}/pods", put(client_pod("client"), {}))
    return bare
