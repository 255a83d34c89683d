"""The enclave that all tests of this tier share, and the model that many of them ask."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import deploy
from demo.cluster import Cluster
from enclave import parts
from images.build import build
from images.steps import Built
from support.charts import Helm
from support.enclaves import Enclave, enclave_command

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts what needs the model behind the tests that install the chart and leave nothing."""

    def needs_model(item: pytest.Item) -> bool:
        names = getattr(item, "fixturenames", ())
        return item.path.is_relative_to(HERE) and "cluster" in names

    items.sort(key=needs_model)


@pytest.fixture(scope="session")
def enclave() -> Iterator[Enclave]:
    """A real node, cut off from every network.

    CASEMATE_ENCLAVE names it (default casemate-test); with CASEMATE_KEEP=1 it stays up.
    """
    name = os.environ.get("CASEMATE_ENCLAVE", "casemate-test")
    enclave_command("up", "--name", name)
    yield Enclave.named(name)
    if os.environ.get("CASEMATE_KEEP") != "1":
        enclave_command("down", "--name", name)


@pytest.fixture(scope="session")
def tool_image(enclave: Enclave) -> str:
    """An image with busybox, in the enclave's registry."""
    return enclave.load_tools()


@pytest.fixture(scope="session")
def helm() -> Helm:
    parts.ensure(["helm"])
    return Helm()


@pytest.fixture(scope="session")
def built() -> dict[str, Built]:
    return dict(build())


@pytest.fixture(scope="session")
def cluster(enclave: Enclave, built: dict[str, Built]) -> Cluster:
    """The enclave with the operator installed and the examples serving."""
    cluster = Cluster(enclave.name, enclave.kubeconfig)
    deploy.load_images(cluster, built)
    deploy.install(cluster, built["casemate"])
    deploy.apply_examples(cluster, built)
    return cluster
