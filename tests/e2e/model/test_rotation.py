"""Keys of the wardens are changed on a real node, through `exec`, while the model serves."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from casemate.cli.main import main
from demo.cluster import Cluster
from demo.progress import DemoError
from e2e.model.conftest import Ask
from enclave import parts
from support import wardens
from support.enclaves import Enclave
from support.wardens import REPLICAS, SYSTEM

WHY = "the yearly change, tried on a node"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def both(cluster: Cluster, enclave: Enclave, ask: Ask) -> None:
    """Two replicas run, and the model serves."""
    wardens.start(cluster)
    enclave.eventually(lambda: ask()["ok"], "it does not serve", 120)


class Inspector:
    """Who gets at the cluster with kubectl, and keeps what an inspection needs."""

    def __init__(self, cluster: Cluster, folder: Path, capture: Capture) -> None:
        self._cluster, self._folder, self._capture = cluster, folder, capture
        self._where = (
            f"--kubectl={parts.path_of('kubectl')}",
            f"--kubeconfig={cluster.kubeconfig}",
        )

    def run(self, *given: str) -> tuple[int, Any]:
        self._capture.readouterr()
        status = main(["audit", *given, "-o", "json"])
        out, err = self._capture.readouterr()
        return status, json.loads(out) if out else err

    def rotate(self, *given: str) -> tuple[int, Any]:
        return self.run("rotate", *given, "--reason", WHY, *self._where)

    def exported(self) -> Path:
        copies, out = self._folder / "copies", self._folder / "evidence"
        for one in (copies, out):
            shutil.rmtree(one, ignore_errors=True)
        assert self.run("collect", str(copies), *self._where)[0] == 0
        terms = ("--agreements", str(copies / "agreements.json"))
        volumes = [str(copies / one) for one in REPLICAS]
        assert self.run("export", *volumes, str(out), *terms)[0] == 0
        return out


@pytest.mark.usefixtures("both")
def test_keys_are_changed_while_it_serves_and_old_pins_verify(
    cluster: Cluster, enclave: Enclave, ask: Ask, tmp_path: Path, capsys: Capture
) -> None:
    inspector = Inspector(cluster, tmp_path, capsys)
    pinned = tmp_path / "pinned.json"
    shutil.copy(inspector.exported() / "policy.json", pinned)
    for role in ("log", "witness"):
        status, shown = inspector.rotate("--all", "--key", role, "--dry-run")
        assert (status, [one["replica"] for one in shown]) == (0, [*REPLICAS])
        status, told = inspector.rotate("--all", "--key", role, "--yes", "--overlap", "60s")
        assert status == 0, told
        assert all(one["behind"] == {} for one in told)
        assert [one["old"] for one in told] == [one["keys"][role]["id"] for one in shown]
        assert ask()["ok"], "it serves on"

    def gone() -> bool:
        keys = [one / "keys" for one in wardens.volumes(enclave).values()]
        return all(len(list(one.glob("*.pem"))) == 2 for one in keys)

    assert not gone(), "control: both keys are there in the overlap"
    enclave.eventually(gone, "the old keys are still there", 120)
    assert ask()["ok"]
    changes = [one for one in wardens.everything(enclave).values() if one["kind"] == "key-rotated"]
    assert len(changes) == 4
    assert {one["reason"] for one in changes} == {WHY}
    who = json.loads(cluster.kubectl("auth", "whoami", "-o", "json"))["status"]["userInfo"]
    assert {one["by"]["username"] for one in changes} == {who["username"]}

    wardens.stop(cluster)
    wardens.start(cluster)
    enclave.eventually(lambda: ask()["ok"], "it does not serve again", 120)
    _, told = inspector.run("verify", str(inspector.exported()), "--policy", str(pinned))
    assert told["counts"]["broken"] == 0, told["findings"]
    assert all(log["witnesses"] for log in told["logs"])


@pytest.mark.usefixtures("both")
def test_in_another_s_name_no_key_is_changed(cluster: Cluster) -> None:
    program = ("python3.11", "-m", "casemate", "warden-rotate")
    socket = "--control=/var/run/casemate/control/warden.sock"
    into = (*SYSTEM, "exec", REPLICAS[0], "--", *program)
    who = json.loads(cluster.kubectl("auth", "whoami", "-o", "json"))["status"]["userInfo"]
    own = (f"--by={who['username']}", f"--uid={who.get('uid', '')}")
    assert json.loads(cluster.kubectl(*into, *own, socket))["replica"] == REPLICAS[0], "control"
    with pytest.raises(DemoError, match="in the name of who does it"):
        cluster.kubectl(*into, "--by=ada", "--uid=", socket)
