"""The enforcer's process on a node whose API server never answers."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.netpol.lab import Lab
from e2e.netpol.probes import connects, listening
from enclave.netpol.render import TABLE
from enclave.waiting import until

SECONDS = 30
NOWHERE = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "x",
    "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    "clusters": [{"name": "x", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "x", "user": {"token": "x"}}],
}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as made:
        for name in ("web", "other"):
            made.pod(name, known=False)
        yield made


@contextmanager
def enforcer(lab: Lab, folder: Path, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the enforcer on the lab's node until the block ends."""
    (folder / "kubeconfig").write_text(json.dumps(NOWHERE), encoding="utf-8")
    files = (f"--kubeconfig={folder / 'kubeconfig'}", f"--socket={folder / 'netpol.sock'}")
    enter = ("nsenter", f"--net=/run/netns/{lab.node}", "--")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*enter, sys.executable, "-m", "enclave.netpol", *files, *flags], stderr=log
        )
    try:
        until(lambda: ruled(lab), SECONDS, f"no rules: {(folder / 'log').read_text()}")
        yield process
    finally:
        process.kill()
        process.wait()


def ruled(lab: Lab) -> bool:
    return f"table inet {TABLE}" in lab.on_node("nft", "list", "tables")


def reached(lab: Lab) -> bool:
    return connects(lab, "other", "10.244.0.2", 80)


def test_it_closes_the_node_before_it_knows_anything_and_offers_no_socket(
    lab: Lab, tmp_path: Path
) -> None:
    with listening(lab, "web", 80):
        assert reached(lab)
        with enforcer(lab, tmp_path):
            assert not reached(lab)
            assert not (tmp_path / "netpol.sock").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_rules_outlive_the_process(lab: Lab, tmp_path: Path, number: signal.Signals) -> None:
    with listening(lab, "web", 80):
        with enforcer(lab, tmp_path) as process:
            os.kill(process.pid, number)
            process.wait(SECONDS)
        assert ruled(lab)
        assert not reached(lab)


def test_asked_to_it_removes_the_rules_on_a_clean_stop(lab: Lab, tmp_path: Path) -> None:
    with listening(lab, "web", 80):
        with enforcer(lab, tmp_path, "--flush-on-exit") as process:
            assert not reached(lab)
            process.terminate()
            assert process.wait(SECONDS) == 0
        assert not ruled(lab)
        assert reached(lab)
