"""`kubectl casemate audit rotate` against real wardens' logs and sockets.

What stands between is a program in kubectl's place, which runs in a folder what a pod would run.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from casemate.cli.main import main
from casemate.cli.options import Exit
from casemate.warden import control
from casemate.warden.rotating import Rotating, key_id
from unit.warden.log.place import records
from unit.warden.two import Replica, replicas

Capture = pytest.CaptureFixture[str]
KUBECTL = """#!PYTHON
import json, subprocess, sys
given = sys.argv[1:]
place = json.load(open("PLACE"))
open(place["said"], "a").write(json.dumps(given) + "\\n")
if given[0] == "get":
    print(json.dumps({"items": [{"metadata": {"name": one}} for one in place["pods"]]}))
elif given[0] == "auth":
    print(json.dumps({"status": {"userInfo": {"username": "ada", "uid": "u-1"}}}))
else:
    pod, program = given[3], given[given.index("--") + 2:]
    control = "/var/run/casemate/control/warden.sock"
    local = [one.replace(control, place["pods"][pod]) for one in program]
    if place["refuses"]:
        sys.exit("Error from server (Forbidden): " + place["refuses"])
    sys.exit(subprocess.run([sys.executable, *local]).returncode)
"""


def socket_of(one: Replica) -> Path:
    return one.volume.with_name("warden.sock")


class Cluster:
    """Two wardens, and the command."""

    def __init__(self, two: list[Replica], folder: Path, capture: Capture) -> None:
        self.two, self.folder, self._capture = two, folder, capture
        self.kubectl, self.said = folder / "kubectl", folder / "said"
        program = KUBECTL.replace("PYTHON", sys.executable)
        self.kubectl.write_text(program.replace("PLACE", str(folder / "place.json")))
        self.kubectl.chmod(0o755)
        self.says()

    def says(self, refuses: str = "") -> None:
        pods = {one.name: str(socket_of(one)) for one in self.two}
        place = {"pods": pods, "said": str(self.said), "refuses": refuses}
        (self.folder / "place.json").write_text(json.dumps(place))

    async def rotate(self, *given: str, why: str = "the yearly change") -> tuple[int, str, str]:
        """Run the command; returns its status, and what it printed."""
        self._capture.readouterr()
        argv = ["audit", "rotate", *given, "--reason", why, f"--kubectl={self.kubectl}"]
        status = await asyncio.to_thread(main, argv)
        out, err = self._capture.readouterr()
        return status, out, err

    async def live(self) -> None:
        """Let the wardens witness one another, as they do."""
        while True:
            for one in self.two:
                await one.among.witnessing.round()
            await asyncio.sleep(0.1)

    def changes(self) -> list[int]:
        return [len(one.log.rotations) for one in self.two]


@pytest.fixture
async def cluster(tmp_path: Path, capsys: Capture) -> AsyncIterator[Cluster]:
    async with replicas(tmp_path) as two:
        runners = [
            await control.serve(
                control.app(Rotating(one.log, one.name, one.among.following)),
                socket_of(one),
            )
            for one in two
        ]
        made = Cluster(two, tmp_path, capsys)
        living = asyncio.create_task(made.live())
        yield made
        living.cancel()
        for runner in runners:
            await runner.cleanup()


@pytest.mark.parametrize("role", ["log", "witness"])
async def test_all_are_changed_one_after_the_other(cluster: Cluster, role: str) -> None:
    status, out, err = await cluster.rotate("--all", "--key", role, "--yes", "-o", "json")
    assert (status, err) == (Exit.DONE, "")
    told: list[dict[str, Any]] = json.loads(out)
    assert [one["replica"] for one in told] == [one.name for one in cluster.two]
    assert all(one["behind"] == {} for one in told)
    for one, each in zip(told, cluster.two, strict=True):
        record = next(found for found in records(each.log) if found["kind"] == "key-rotated")
        assert record["by"] == {"username": "ada", "uid": "u-1"}
        assert record["reason"] == "the yearly change"
        assert one["record"] == f"{each.name}/{record['seq']}"
        assert record["new"] == one["newKey"]
    first, second = (
        next(found for found in records(each.log) if found["kind"] == "key-rotated")
        for each in cluster.two
    )
    known = [one for one in records(cluster.two[1].log) if one["kind"] == "peer-keys"]
    assert known[1]["seq"] < second["seq"], "it knew the first new key before it got its own"
    assert first["time"] <= second["time"]


async def test_a_dry_run_shows_and_changes_nothing(cluster: Cluster) -> None:
    status, out, _ = await cluster.rotate("--all", "--key", "log", "--dry-run")
    assert status == Exit.DONE
    for one in cluster.two:
        assert f"{one.name}: log key {key_id(one.log.keys.log.current)} is to be changed" in out
    assert cluster.changes() == [0, 0]
    asked = [json.loads(line) for line in cluster.said.read_text().splitlines()]
    ran = [one[one.index("--") + 1 :] for one in asked if one[0] == "exec"]
    assert {tuple(one[:6]) for one in ran} == {
        ("python3.11", "-m", "casemate", "warden-rotate", "--by=ada", "--uid=u-1")
    }, "what admission looks at"


async def test_without_a_terminal_nothing_is_changed_unasked(cluster: Cluster) -> None:
    status, _, err = await cluster.rotate("casemate-warden-0", "--key", "log")
    assert status == Exit.USAGE
    assert "--yes" in err
    assert cluster.changes() == [0, 0]


async def test_others_that_do_not_go_along_stop_it(cluster: Cluster) -> None:
    await cluster.two[1].fall_silent()
    status, out, err = await cluster.rotate("--all", "--key", "log", "--yes", "--wait", "1s")
    assert status == 4
    assert "casemate-warden-1 does not answer" in out
    assert "not begun: casemate-warden-1" in err
    assert cluster.changes() == [1, 0]
    await cluster.two[1].answer()
    status, _, _ = await cluster.rotate("--all", "--key", "log", "--yes")
    assert status == Exit.DONE, "it goes on where it was"
    assert cluster.changes() == [1, 1], "what is under way is not changed again"


async def test_one_that_is_being_changed_is_refused_by_name(cluster: Cluster) -> None:
    given = ("casemate-warden-0", "--key", "log", "--yes", "--overlap", "60s")
    assert (await cluster.rotate(*given))[0] == Exit.DONE
    status, _, err = await cluster.rotate(*given)
    assert status == Exit.REFUSED
    assert "is being changed already, until" in err
    assert cluster.changes() == [1, 0]


async def test_what_the_api_server_refuses_is_told(cluster: Cluster) -> None:
    cluster.says(refuses="bob has not the RBAC verb rotate-keys")
    status, _, err = await cluster.rotate("--all", "--key", "log", "--yes")
    assert status == Exit.REFUSED
    assert "bob has not the RBAC verb rotate-keys" in err
    assert cluster.changes() == [0, 0]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (("casemate-warden-3", "--key", "log", "--yes"), Exit.NOT_FOUND),
        (("--key", "log", "--yes"), Exit.USAGE),
        (("--all", "casemate-warden-0", "--key", "log", "--yes"), Exit.USAGE),
    ],
)
async def test_what_is_none_is_refused(
    cluster: Cluster, given: tuple[str, ...], status: int
) -> None:
    assert (await cluster.rotate(*given))[0] == status
    assert cluster.changes() == [0, 0]


async def test_a_reason_is_one(cluster: Cluster) -> None:
    assert (await cluster.rotate("--all", "--key=log", "--yes", why="short"))[0] == Exit.USAGE


@pytest.mark.parametrize("span", ["59s", "0h", "31d", "1.5h", "soon"])
def test_an_overlap_is_a_span(span: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["audit", "rotate", "--all", "--key=log", "--reason=x", "--overlap", span])
    assert caught.value.code == Exit.USAGE
    assert "from 60s to 2592000s" in capsys.readouterr().err
