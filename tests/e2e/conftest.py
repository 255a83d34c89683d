"""The enclave that all tests of this tier share."""

import os
from collections.abc import Iterator

import pytest

from enclave import parts
from support.charts import Helm
from support.enclaves import Enclave, enclave_command


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
