"""Two replicas: one leads, the other takes over, and never do both write."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path

import pytest

from enclave.controlplane import ControlPlane
from support.operators import (
    SYSTEM,
    USER,
    WRITES,
    Api,
    Json,
    Operator,
    eventually,
    model_deployment,
    running,
)

KILLED_SECONDS = 15.0
LONG_LEASE_SECONDS = 120
"""A leader that ends without giving its Lease back would be replaced after this."""
STORM = 30


class Pair:
    """Two replicas, and how to tell them apart."""

    def __init__(self, api: Api, first: Operator, second: Operator) -> None:
        self.api, self.leader, self.follower = api, first, second
        self.me = holder(api)
        """The identity of the leader."""
        self._before = len(api.entries())

    def writes(self, agent: str = "") -> list[Json]:
        """Since the pair began, the Lease left out: what one wrote or was refused, or anybody."""
        return [
            one
            for one in self.api.entries()[self._before :]
            if one["user"]["username"] == USER
            and one["verb"] in WRITES
            and one["objectRef"]["resource"] != "leases"
            and agent in one["userAgent"]
        ]

    def writers(self) -> list[str]:
        """Who wrote, in the order of the requests, repetitions left out."""
        ordered = sorted(self.writes(), key=lambda one: str(one["requestReceivedTimestamp"]))
        return [agent for agent, _ in groupby(one["userAgent"] for one in ordered)]


def holder(api: Api) -> str:
    lease = api.get("Lease", SYSTEM, "casemate-operator")
    assert lease is not None
    return str(lease["spec"]["holderIdentity"])


def transitions(api: Api) -> int:
    lease = api.get("Lease", SYSTEM, "casemate-operator")
    assert lease is not None
    return int(lease["spec"]["leaseTransitions"])


@contextmanager
def two(plane: ControlPlane, api: Api, folder: Path, *extra: str) -> Iterator[Pair]:
    with ExitStack() as stack:
        one = stack.enter_context(running(plane, folder / "a.log", *extra))
        eventually(one.leads, "nobody leads")
        other = stack.enter_context(running(plane, folder / "b.log", *extra))
        assert not other.leads()
        yield Pair(api, one, other)


def create(api: Api, namespace: str, *names: str) -> None:
    for name in names:
        api.create(model_deployment(name, namespace))


def served(api: Api, namespace: str, *names: str) -> bool:
    return set(names) <= {one["metadata"]["name"] for one in api.items("Deployment", namespace)}


def storm(leader: int, api: Api, namespace: str, names: list[str]) -> None:
    """Asks for so much that the leader is in the middle of it."""
    with stopped(leader):
        create(api, namespace, *names)
    eventually(lambda: len(api.items("NetworkPolicy", namespace)) > 0, "nothing was begun")


def taken_over(act: Callable[[], None], api: Api, namespace: str, seconds: float) -> float:
    """Acts on the leader, and asks for something at once: the seconds until it is there."""
    began = time.monotonic()
    act()
    create(api, namespace, "after")
    eventually(partial(served, api, namespace, "after"), "nobody took over", seconds)
    return time.monotonic() - began


def test_a_follower_is_ready_and_writes_nothing(
    plane: ControlPlane, api: Api, namespace: str, tmp_path: Path
) -> None:
    with two(plane, api, tmp_path) as pair:
        create(api, namespace, "m")
        eventually(partial(served, api, namespace, "m"), "not served")
        api.delete("Service", namespace, "m")
        eventually(lambda: api.get("Service", namespace, "m") is not None, "not repaired")
        follower = pair.follower
        assert follower.ready()
        assert follower.fetch(follower.health_port, "/healthz") == (200, "ok")
        assert not follower.leads()
        assert "does not lead" not in follower.log.read_text(), "it did not even try"
        text = follower.fetch(follower.metrics_port, "/metrics")[1]
        assert "casemate_modeldeployment_condition{" not in text
        assert pair.writers() == [f"casemate/{pair.me}"]
        agents = {one["userAgent"] for one in api.entries() if one["user"]["username"] == USER}
        assert len([one for one in agents if one.startswith("casemate/")]) >= 2, "control: it reads"


def test_a_killed_leader_is_replaced_within_15_seconds(
    plane: ControlPlane, api: Api, namespace: str, tmp_path: Path
) -> None:
    with two(plane, api, tmp_path) as pair:
        create(api, namespace, "gone")
        eventually(partial(served, api, namespace, "gone"), "not served")
        before = transitions(api)

        def act() -> None:
            pair.leader.process.kill()
            api.delete("ModelDeployment", namespace, "gone")

        assert taken_over(act, api, namespace, KILLED_SECONDS) <= KILLED_SECONDS
        eventually(lambda: not served(api, namespace, "gone"), "what nobody saw was forgotten")
        assert pair.follower.leads()
        assert transitions(api) == before + 1
        assert holder(api) != pair.me


def test_a_stopped_leader_gives_its_lease_back_at_once(
    plane: ControlPlane, api: Api, namespace: str, tmp_path: Path
) -> None:
    with two(plane, api, tmp_path, f"--lease-seconds={LONG_LEASE_SECONDS}") as pair:
        before = transitions(api)
        taken_over(pair.leader.process.terminate, api, namespace, LONG_LEASE_SECONDS / 4)
        assert pair.leader.process.wait(timeout=15) == 0
        assert transitions(api) == before + 1
        assert holder(api) != pair.me


def test_stopped_in_a_storm_one_begins_to_write_when_the_other_has_ended(
    plane: ControlPlane, api: Api, namespace: str, tmp_path: Path
) -> None:
    names = [f"m{index}" for index in range(STORM)]
    with two(plane, api, tmp_path, "--workers=2") as pair:
        leader = pair.leader.process
        storm(leader.pid, api, namespace, names)
        with stopped(leader.pid):
            assert len(api.items("Deployment", namespace)) < STORM, "control: it has more to write"
            leader.terminate()
        assert leader.wait(timeout=15) == 0
        create(api, namespace, "after")
        eventually(partial(served, api, namespace, *names, "after"), "not all were served")

        writers = pair.writers()
        assert len(writers) == 2, "one after the other"
        assert writers[0] == f"casemate/{pair.me}"


def test_a_paused_leader_writes_nothing_after_it_wakes(
    plane: ControlPlane, api: Api, namespace: str, tmp_path: Path
) -> None:
    names = [f"m{index}" for index in range(STORM)]
    with two(plane, api, tmp_path, "--lease-seconds=5", "--workers=2") as pair:
        paused = pair.leader.process
        storm(paused.pid, api, namespace, names)
        with stopped(paused.pid):
            assert len(api.items("Deployment", namespace)) < STORM, "control: it has more to write"
            assert pair.writes(pair.me), "control: it wrote before"
            eventually(pair.follower.leads, "nobody took over")
            eventually(partial(served, api, namespace, *names), "the other does not write")
            for name in names:
                api.delete("Service", namespace, name)
            before, lease = len(pair.writes(pair.me)), len(lease_writes(api, pair.me))
        assert paused.wait(timeout=10) == 1
        eventually(lambda: len(api.items("Service", namespace)) == STORM, "not repaired")

        assert len(pair.writes(pair.me)) == before
        assert len(lease_writes(api, pair.me)) == lease
        assert "leads no more" in pair.leader.log.read_text()


def lease_writes(api: Api, agent: str) -> list[Json]:
    return [
        one
        for one in api.entries()
        if agent in one.get("userAgent", "")
        and one["verb"] in WRITES
        and one["objectRef"]["resource"] == "leases"
    ]


def test_a_stopped_operator_gives_the_lease_back(
    plane: ControlPlane, api: Api, tmp_path: Path
) -> None:
    with running(plane, tmp_path / "one.log") as operator:
        assert operator.leads()
    lease = api.get("Lease", SYSTEM, "casemate-operator")
    assert lease is not None
    assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseDurationSeconds"]) == ("", 1)


@pytest.mark.parametrize("missed", [False, True], ids=["back in time", "too late"])
def test_a_leader_that_cannot_renew_ends_at_its_deadline_and_not_before(
    plane: ControlPlane, api: Api, tmp_path: Path, *, missed: bool
) -> None:
    with running(plane, tmp_path / "one.log", "--lease-seconds=10") as operator:
        server = plane.pid("kube-apiserver")
        began = time.monotonic()
        with stopped(server):
            if missed:
                assert operator.process.wait(timeout=20) == 1
                assert 4.5 < time.monotonic() - began < 12
                assert "leads no more: it was not renewed for 7.0 s" in operator.log.read_text()
            else:
                eventually(lambda: time.monotonic() > began + 3, "time stands still")
        if not missed:
            renewed = len(api.entries())
            eventually(lambda: renewal_after(api, renewed), "never renewed again")
            assert operator.process.poll() is None
            assert operator.leads()


def renewal_after(api: Api, entry: int) -> bool:
    later = api.entries()[entry:]
    return any(one.get("objectRef", {}).get("resource") == "leases" for one in later)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that stands still."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
