"""The API server is away for long: no crash loop meanwhile, and at work at once afterwards.

`CASEMATE_OUTAGE_SECONDS` says how long; the least is what a leader needs to give up.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from api.operator.test_children import CHILDREN, create
from enclave.controlplane import ControlPlane
from support.operators import Api, Operator, eventually, install, start

OUTAGE_SECONDS = float(os.environ.get("CASEMATE_OUTAGE_SECONDS", "15"))
BACK_SECONDS = {1: 15, 2: 10}
"""Until an operator is at work again, once the API server answers, by the number of replicas: one
alone has ended, and begins by waiting for its own old Lease to run out."""


class Pods:
    """Replicas as a kubelet keeps them: who ends is started again."""

    def __init__(self, plane: ControlPlane, folder: Path, replicas: int) -> None:
        self._plane, self._folder = plane, folder
        self.restarts = 0
        self.all = [self._start(index) for index in range(replicas)]

    def _start(self, index: int) -> Operator:
        return start(self._plane, self._folder / f"{index}.log")

    def look(self) -> None:
        """Starts again who has ended."""
        for index, one in enumerate(self.all):
            if one.process.poll() is not None:
                assert "Traceback" not in one.log.read_text()
                self.restarts += 1
                self.all[index] = self._start(index)

    def healthy(self) -> bool:
        """Whether a kubelet leaves all of them alone."""
        return all(one.fetch(one.health_port, "/healthz")[0] == 200 for one in self.all)

    def stop(self) -> None:
        for one in self.all:
            one.stop()


@contextmanager
def pods(plane: ControlPlane, folder: Path, replicas: int) -> Iterator[Pods]:
    kept = Pods(plane, folder, replicas)
    try:
        for one in kept.all:
            eventually(one.ready, "it never got ready", 30)
        yield kept
    finally:
        kept.stop()


@pytest.mark.timeout(OUTAGE_SECONDS + 200)
@pytest.mark.parametrize("replicas", [1, 2])
def test_when_the_api_server_is_back_the_operator_is_at_work(tmp_path: Path, replicas: int) -> None:
    with ControlPlane(tmp_path / "plane", audit_log=tmp_path / "audit.jsonl") as plane:
        api = install(plane)
        namespace = api.namespace("away")
        with pods(plane, tmp_path, replicas) as kept:
            create(api, namespace)
            with plane.api_server_down():
                over = time.monotonic() + OUTAGE_SECONDS

                def passed() -> bool:
                    kept.look()
                    return time.monotonic() > over

                eventually(passed, "time stands still", OUTAGE_SECONDS + 5)
                assert kept.restarts == 1, "the leader ends once, and waits when it is started"
                eventually(kept.healthy, "a kubelet would end who waits", 5)
            for kind, name in CHILDREN:
                api.delete(kind, namespace, name)
            for kind, name in CHILDREN:
                back = partial(_there, api, kind, namespace, name)
                eventually(back, f"{kind} {name} stays away", BACK_SECONDS[replicas])
            kept.look()
            assert kept.restarts == 1


def _there(api: Api, kind: str, namespace: str, name: str) -> bool:
    return api.get(kind, namespace, name) is not None
