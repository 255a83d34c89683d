"""The commands of runbooks are such as the real kubectl takes, about things that there are."""

import re
import shlex
from pathlib import Path

import pytest

from api.monitoring.conftest import Kubectl

PAGES = sorted((Path(__file__).parents[3] / "docs" / "runbooks").glob("*.md"))
CRDS = Path(__file__).parents[3] / "crds"
COMMAND = re.compile(r"^kubectl (.+?)(?: \| .*)?$", re.MULTILINE)
PLACES = {
    "NAMESPACE": "default",
    "ADDRESS": "192.0.2.1",
    "KIND": "deployment",
    **dict.fromkeys(("NAME", "POD", "NODE", "AGREEMENT", "SUPPLIER"), "none"),
}
# What there is not here: objects, nodes, and the metrics API.
ABSENT = ("not found", "NotFound", "No resources found", "Metrics API not available")


def concrete(command: str) -> list[str]:
    """A command with something in the place of each name that is to be filled in."""

    def filled(match: re.Match[str]) -> str:
        return PLACES.get(match[0], match[0])

    return [re.sub(r"\b[A-Z]{3,}\b(?!:)", filled, word) for word in shlex.split(command)]


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl) -> None:
    done = kubectl("apply", "--server-side", f"--filename={CRDS}")
    assert done.returncode == 0, done.stderr
    kubectl("create", "namespace", "casemate-system")
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_kubectl_takes_every_command(page: Path, kubectl: Kubectl, installed: None) -> None:
    block = page.read_text().split("```sh\n")[1].split("```")[0]
    commands = COMMAND.findall(block)
    assert commands
    for command in commands:
        done = kubectl(*concrete(command), "--request-timeout=10s")
        said = done.stdout + done.stderr
        absent = any(one in said for one in ABSENT) or "auth can-i" in command
        assert done.returncode == 0 or absent, f"{command}: {said}"


def test_control_what_kubectl_does_not_take_is_told_apart(
    kubectl: Kubectl, installed: None
) -> None:
    for command in ("get modeldeploymentz", "get pods --every", "get md -o jsonpath='{.a'"):
        done = kubectl(*shlex.split(command))
        assert done.returncode != 0
        assert not any(one in done.stdout + done.stderr for one in ABSENT)
