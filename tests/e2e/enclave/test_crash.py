"""Whatever interrupts `up` or `down`, `down` leaves nothing, and `up` repairs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enclave.waiting import until
from support.enclaves import Enclave, enclave_command

NAME = "casemate-crash"
STATE = Path("/var/lib/casemate-enclave") / NAME


def traces() -> list[str]:
    """What on the machine carries the enclave's name, found without the enclave's own code."""
    found = [str(path) for path in Path("/proc").glob("[0-9]*") if belongs(path)]
    mounts = Path("/proc/self/mountinfo").read_text()
    found += [line for line in mounts.splitlines() if NAME in line]
    for folder in ("/run/netns", "/run/casemate-enclave", "/var/lib/casemate-enclave"):
        found += [str(path) for path in Path(folder).glob(f"*{NAME}*")]
    # Not by rglob, which fails over a group that ends while it looks.
    groups = (f"{folder}/{one}" for folder, below, _ in os.walk("/sys/fs/cgroup") for one in below)
    found += [path for path in groups if NAME in Path(path).name]
    slots = Path("/var/lib/casemate-enclave").glob(".slot-*")
    return found + [str(path) for path in slots if path.read_text() == NAME]


def belongs(process: Path) -> bool:
    try:
        if process.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return False  # ended, and not yet collected by init
        known = process.joinpath("cgroup").read_text() + process.joinpath("cmdline").read_text()
    except OSError:
        return False
    return f"casemate-enclave/{NAME}" in known


def unclaimed_links() -> list[str]:
    """Links to nodes that no enclave owns; other enclaves may come and go meanwhile."""
    links = Path("/sys/class/net").glob("casemate[0-9]*")
    slots = Path("/var/lib/casemate-enclave")
    return [
        link.name
        for link in links
        if not (slots / f".slot-{link.name.removeprefix('casemate')}").exists()
    ]


def leftovers_of_the_last() -> list[str]:
    """Folders with fixed names, which belong to all enclaves together."""
    fixed = ("/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers")
    last = not Path("/var/lib/casemate-enclave").exists()
    return [folder for folder in fixed if last and Path(folder).exists()]


@pytest.fixture(autouse=True)
def clean_machine() -> Iterator[None]:
    enclave_command("down", "--name", NAME)
    before = leftovers_of_the_last()
    yield
    enclave_command("down", "--name", NAME)
    assert traces() == []
    assert unclaimed_links() == []
    assert leftovers_of_the_last() == before
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
    assert "casemate" not in tables.stdout


def start(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "enclave", *arguments, "--name", NAME]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def killed_when(moment: Callable[[], bool], *arguments: str) -> None:
    with start(*arguments) as program:
        until(moment, 60, "the moment to kill it never came", every=0.005)
        assert program.poll() is None, "it had ended before it could be killed"
        program.send_signal(signal.SIGKILL)


def exists(path: str) -> Callable[[], bool]:
    return (STATE / path).exists


def runs_a_pod() -> bool:
    cgroups = Path("/sys/fs/cgroup").glob(f"*/casemate-enclave/{NAME}/kubepods/*/pod*")
    return any(cgroups)


MOMENTS = {
    "its state is made": STATE.exists,
    "the network is made": exists("boot"),
    "the first programs run": exists("pids/etcd"),
    "the API server is ready": exists("pids/kube-controller-manager"),
    "pods start": runs_a_pod,
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_down_leaves_nothing_when_up_was_killed_as(moment: Callable[[], bool]) -> None:
    killed_when(moment, "up")
    assert traces(), "there must be something to clean up, or this proves nothing"
    enclave_command("down", "--name", NAME)
    assert traces() == []


def test_up_completes_what_a_killed_up_began_and_a_second_up_changes_nothing() -> None:
    killed_when(exists("pids/kube-controller-manager"), "up")
    enclave_command("up", "--name", NAME)
    enclave_command("status", "--name", NAME)
    pids = {path.name: path.read_text() for path in (STATE / "pids").iterdir()}
    enclave_command("up", "--name", NAME)
    assert {path.name: path.read_text() for path in (STATE / "pids").iterdir()} == pids

    etcd = Path(f"/proc/{json.loads(pids['etcd'])['pid']}")
    killed_when(lambda: not belongs(etcd), "down")
    assert traces()


def test_status_fails_on_a_dead_program_and_up_replaces_it() -> None:
    enclave_command("up", "--name", NAME)
    enclave = Enclave.named(NAME)
    enclave.kill("kube-scheduler")
    broken = enclave_command("status", "--name", NAME, check=False)
    assert broken.returncode == 1
    assert "BAD kube-scheduler" in broken.stdout
    enclave_command("up", "--name", NAME)
    enclave_command("status", "--name", NAME)


def test_two_processes_cannot_bring_up_one_enclave_at_once() -> None:
    with start("up") as first:
        until(exists("boot"), 60, "the first did not start")
        second = enclave_command("up", "--name", NAME, check=False)
        assert second.returncode == 1
        assert "another process" in second.stderr
        assert first.wait() == 0
