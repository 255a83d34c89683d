"""`kubectl casemate approvals --watch` over a way that breaks: little is asked, nothing missed."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typing_extensions import override

from api.admission_approvals.people import Place
from api.deciding.conftest import NOBODY, RUN, Kubectl
from api.deciding.warden import Warden
from enclave.controlplane import ControlPlane
from enclave.waiting import until
from support.faulty import Faulty
from support.policies import ENCLAVE

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
DENIAL = ("--reason", "not what was agreed")
QUIET_SECONDS = 5.0
"""More than two looks of who would list every 2 s."""


class Way(Faulty):
    """Counts what is asked.

    Attributes:
        lists: Lists of held requests so far.
        watches: The versions from which watches of them began.
    """

    def __init__(self, plane: ControlPlane, credentials: Path) -> None:
        super().__init__(plane, credentials)
        self.lists = 0
        self.watches: list[str] = []

    @override
    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/approvalrequests"):
            if "watch" in request.query:
                self.watches.append(request.query["resourceVersion"])
            else:
                self.lists += 1
        return await super()._answer(request)


class Watching:
    """A command that goes on, and what it has printed."""

    def __init__(self, kubeconfig: Path) -> None:
        self.lines: list[str] = []
        command = [sys.executable, "-c", RUN, "approvals", "--watch", "-o", "json", "-n", ENCLAVE]
        env = {**os.environ, "KUBECONFIG": str(kubeconfig)}
        self.process = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        out = self.process.stdout
        assert out is not None
        self._reader = threading.Thread(target=lambda: self.lines.extend(out))
        self._reader.start()

    def told(self, name: str, phase: str) -> int:
        """How often a request was printed in a phase."""
        found: list[Any] = [*map(json.loads, list(self.lines))]
        return sum(
            one["metadata"]["name"] == name
            and one.get("status", {}).get("phase", "Pending") == phase
            for one in found
        )

    def end(self) -> str:
        """End it as Ctrl-C does; return what it said of trouble."""
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=20)
        self._reader.join()
        assert self.process.returncode == 130
        return err


@pytest.fixture
def way(place: Place, config: Callable[[str], Path]) -> Iterator[Way]:
    with Way(place.world.plane, config("ann")) as front:
        yield front


@pytest.fixture
def watching(way: Way, tmp_path: Path) -> Iterator[Watching]:
    made = Watching(way.kubeconfig(tmp_path / "kubeconfig"))
    try:
        yield made
        if made.process.poll() is None:
            made.end()
    finally:
        made.process.kill()


def test_it_lists_once_and_is_told_of_changes(
    warden: Warden, casemate: Kubectl, way: Way, watching: Watching
) -> None:
    warden.hold("told-1", BODY)
    until(lambda: watching.told("told-1", "Pending") == 1, 30, "what waits was never told")
    asked = way.lists
    casemate("ann", "deny", "told-1", *DENIAL)
    until(lambda: watching.told("told-1", "Denied") == 1, 20, "its end was never told")
    with pytest.raises(subprocess.TimeoutExpired):
        watching.process.wait(QUIET_SECONDS)  # it goes on
    assert way.lists == asked == 1
    assert watching.told("told-1", "Pending") == 1
    assert watching.end() == ""


def test_after_410_all_is_listed_anew_and_what_happened_meanwhile_is_told(
    warden: Warden, casemate: Kubectl, way: Way, watching: Watching
) -> None:
    warden.hold("gone-1", BODY)
    until(lambda: watching.told("gone-1", "Pending") == 1, 30, "control: it was never told")
    way.refuse_watches()
    warden.hold("gone-2", BODY)
    casemate("ann", "deny", "gone-1", *DENIAL)
    until(lambda: bool(way.forgotten), 10, "control: no watch was cut off")
    way.admit_watches()
    until(lambda: not way.forgotten, 30, "control: no watch was told that its version is gone")
    until(lambda: watching.told("gone-2", "Pending") == 1, 20, "what is new was never told")
    until(lambda: watching.told("gone-1", "Denied") == 1, 20, "its end was never told")
    casemate("ann", "deny", "gone-2", *DENIAL)
    until(lambda: watching.told("gone-2", "Denied") == 1, 5, "it is not told of changes again")
    assert watching.end().count("asking again") == 1, "an API server that is away is told of once"


def test_a_watch_goes_on_where_the_last_one_ended(
    warden: Warden, way: Way, watching: Watching
) -> None:
    warden.hold("goes-on", BODY)
    until(lambda: watching.told("goes-on", "Pending") == 1, 30, "control: it was never told")
    until(lambda: len(way.watches) > 1, 40, "the watch never ended")
    assert way.lists == 1, "a bookmark says from where on"
    assert int(way.watches[1]) >= int(way.watches[0])


def test_who_may_not_look_is_told_so_and_no_server_too(
    casemate: Kubectl, way: Way, tmp_path: Path
) -> None:
    done = casemate(NOBODY, "approvals", "--watch")
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert 'cannot list resource "approvalrequests"' in done.err
    away = way.kubeconfig(tmp_path / "away")
    away.write_text(away.read_text().replace(f":{way._port}", ":1"))
    done = casemate("ann", "approvals", "--watch", "--kubeconfig", str(away))
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert "the API server could not answer" in done.err
