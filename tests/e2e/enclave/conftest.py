"""Namespaces and pods for the tests of the enclave itself."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.enclaves import Enclave


@pytest.fixture
def namespace(enclave: Enclave) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    enclave.kubectl("create", "namespace", name)
    yield name
    enclave.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def make_pod(enclave: Enclave, namespace: str, tool_image: str) -> Callable[..., None]:
    """Make a pod that does nothing, and wait until it is ready."""

    def make(name: str, *, ready_seconds: int = 60, **spec: Any) -> None:
        mounts = spec.pop("mounts", [])
        container = {
            "name": "main",
            "image": tool_image,
            "command": ["/busybox", "sleep", "infinity"],
            "volumeMounts": mounts,
        }
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **spec},
        }
        enclave.apply(pod)
        enclave.wait(namespace, f"pod/{name}", "condition=Ready", ready_seconds)

    return make
