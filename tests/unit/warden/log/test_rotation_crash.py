"""A change of keys that is killed between any two of its steps: the log starts, and verifies."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from casemate.cli.export import export
from casemate.cli.main import main
from casemate.warden.log.keys import Role
from casemate.warden.log.store import Log
from unit.warden.log.place import SetClock, crashed, open_log, opened, options, until
from unit.warden.log.test_crash import forked

OVERLAP = 60.0
WORD = {"peer": "casemate-warden-1", "log": "a", "witness": "b"}
"""Some record that an inspection reads."""
LATER = (0.0, 86_400.0)
"""How long after the kill the next start is, in seconds."""


async def told(log: Log) -> None:
    """Keep a record under a checkpoint."""
    await log.proof((await log.append("peer-keys", WORD)).index)


async def changed(directory: Path, role: Role, armed: Callable[[], None]) -> None:
    """Change a key, to the end of its overlap."""
    clock = SetClock()
    async with opened(directory, options(), clock) as log:
        await told(log)
        armed()
        await log.rotate(role, OVERLAP)
        await told(log)
        clock.tick(OVERLAP + 1)
        await told(log)
        await until(lambda: not (directory / "log" / "keys" / f"{role}-next.pem").exists())


def killed(directory: Path, role: Role, step: int) -> bool:
    """Let a process change a key that is killed before a step; returns whether it was."""
    pid = forked(lambda: _doomed(directory, role, step))
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _doomed(directory: Path, role: Role, step: int) -> None:
    left = step
    armed = False

    def reached(*_: object) -> None:
        nonlocal left
        if armed:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def arm() -> None:
        nonlocal armed
        armed = True

    def before(call: Any) -> Any:
        def stepping(*given: Any) -> Any:
            reached()
            return call(*given)

        return stepping

    for name in ("write", "fsync", "fdatasync", "rename", "unlink"):
        setattr(os, name, before(getattr(os, name)))
    asyncio.run(changed(directory, role, arm))
    os._exit(0)


def verified(directory: Path, policy: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what an inspector finds who knows the first key alone; notes are no faults."""
    out = directory / "evidence"
    export([directory / "log"], None, out)
    main(["audit", "verify", str(out), "--policy", str(policy), "-o", "json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    return [str(one) for one in found if one["severity"] != "note"]


async def _again(directory: Path, clock: SetClock, end: Callable[[Log], Any]) -> None:
    log = await open_log(directory, options(), clock)
    await told(log)
    await end(log)


@pytest.mark.parametrize("role", list(Role))
def test_a_change_that_is_killed_anywhere_is_whole(
    tmp_path: Path, role: Role, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in count():
        place = tmp_path / str(step)
        place.mkdir()
        ended = not killed(place, role, step)
        export([place / "log"], None, place / "first")
        for later in LATER:
            then = tmp_path / f"{step}-{later}"
            shutil.copytree(place, then)
            clock = SetClock()
            clock.tick(later + (OVERLAP + 1 if ended else 0))
            asyncio.run(_again(then, clock, crashed))
            asyncio.run(_again(then, clock, Log.close))
            assert verified(then, place / "first" / "policy.json", capsys) == [], (step, later)
            keys = {one.name for one in (then / "log" / "keys").glob("*.pem")}
            assert keys >= {"log.pem", "witness.pem"}
            if later:
                assert len(keys) == 2, (step, keys)
        if ended:
            break
    assert step > 20, "control: there are that many places"
