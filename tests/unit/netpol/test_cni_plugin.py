"""The CNI plugin as the runtime sees it: a program, its environment, standard input and output."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from enclave.netpol import cni_plugin

PREVIOUS = {
    "cniVersion": "1.0.0",
    "interfaces": [
        {"name": "cni0"},
        {"name": "veth1"},
        {"name": "eth0", "sandbox": "/run/netns/x"},
    ],
    "ips": [{"address": "10.244.0.2/24", "interface": 2}],
}
POD = {"namespace": "red", "name": "web", "uid": "u1"}
ANNOUNCED = {**POD, "address": "10.244.0.2", "container": "box", "link": "veth1"}


@dataclass
class Enforcer:
    """Stands at the enforcer's socket, keeps what it hears, gives one answer."""

    path: Path
    answer: dict[str, Any] = field(default_factory=lambda: {"ok": True})
    heard: list[dict[str, Any]] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                channel, _ = listener.accept()
            except OSError:
                return
            with channel:
                self.heard.append(json.loads(channel.makefile().readline()))
                channel.sendall(json.dumps(self.answer).encode() + b"\n")


@pytest.fixture
def enforcer(tmp_path: Path) -> Iterator[Enforcer]:
    made = Enforcer(tmp_path / "netpol.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(made.path))
        listener.listen()
        thread = threading.Thread(target=made.serve, args=[listener])
        thread.start()
        yield made
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def plugin(command: str, folder: Path, **config: Any) -> tuple[int, Any]:
    given = {
        "cniVersion": "1.0.0",
        "name": "enclave",
        "type": "casemate-netpol",
        "socket": str(folder / "netpol.sock"),
        "disabledMarker": str(folder / "netpol.off"),
        "prevResult": PREVIOUS,
        **config,
    }
    environment = {
        **os.environ,
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": "box",
        "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=red;K8S_POD_NAME=web;K8S_POD_UID=u1",
    }
    done = subprocess.run(
        [cni_plugin.__file__],
        input=json.dumps(given),
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout) if done.stdout else None


def test_add_announces_the_pod_and_hands_on_the_earlier_result(
    enforcer: Enforcer, tmp_path: Path
) -> None:
    assert plugin("ADD", tmp_path) == (0, PREVIOUS)
    assert enforcer.heard == [{"op": "add", **ANNOUNCED}]


def test_check_and_del_name_the_same_sandbox(enforcer: Enforcer, tmp_path: Path) -> None:
    assert plugin("CHECK", tmp_path) == (0, None)
    assert plugin("DEL", tmp_path) == (0, None)
    assert enforcer.heard == [
        {"op": "check", **ANNOUNCED},
        {"op": "del", "container": "box", "uid": "u1"},
    ]


def test_a_refusal_of_the_enforcer_fails_the_add_in_its_words(
    enforcer: Enforcer, tmp_path: Path
) -> None:
    enforcer.answer = {"error": "no such pod"}
    code, answer = plugin("ADD", tmp_path)
    assert code == 1
    assert answer["code"] >= 100
    assert "no such pod" in answer["msg"]
    assert plugin("DEL", tmp_path)[0] == 1


def test_without_an_enforcer_add_fails_and_says_what_to_do(tmp_path: Path) -> None:
    code, answer = plugin("ADD", tmp_path)
    assert (code, answer["code"]) == (1, 11)
    assert str(tmp_path / "netpol.sock") in answer["msg"]
    assert "--no-network-policy" in answer["details"]


def test_without_an_enforcer_a_pod_can_still_be_deleted(tmp_path: Path) -> None:
    assert plugin("DEL", tmp_path) == (0, None)


def test_switched_off_by_its_marker_it_asks_nobody(enforcer: Enforcer, tmp_path: Path) -> None:
    (tmp_path / "netpol.off").touch()
    assert plugin("ADD", tmp_path) == (0, PREVIOUS)
    assert not enforcer.heard
    (tmp_path / "netpol.off").unlink()
    plugin("ADD", tmp_path)
    assert enforcer.heard


def test_version_needs_neither_configuration_nor_enforcer(tmp_path: Path) -> None:
    code, answer = plugin("VERSION", tmp_path)
    assert code == 0
    assert "1.0.0" in answer["supportedVersions"]


@pytest.mark.parametrize("ips", [[], [{"address": "10.244.0.2/24"}, {"address": "10.244.0.3/24"}]])
def test_anything_but_one_address_is_refused(
    ips: list[Any], enforcer: Enforcer, tmp_path: Path
) -> None:
    code, answer = plugin("ADD", tmp_path, prevResult={**PREVIOUS, "ips": ips})
    assert (code, answer["code"]) == (1, 7)
    assert not enforcer.heard


def test_an_unknown_command_is_an_error(tmp_path: Path) -> None:
    assert plugin("DANCE", tmp_path)[1]["code"] == 4
