"""Evidence that spans a change of keys: who knows the old keys alone verifies all of it."""

import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from casemate.cli.main import main
from casemate.warden.log.keys import Role
from casemate.warden.rotating import Rotating, asked, key_id
from unit.audit.test_export_two import Evidence, answered, witnessed
from unit.warden.log.place import until
from unit.warden.two import Replica, replicas

Capture = pytest.CaptureFixture[str]


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[list[Replica]]:
    async with replicas(tmp_path) as made:
        yield made


@pytest.fixture
def evidence(tmp_path: Path, capsys: Capture) -> Evidence:
    return Evidence(tmp_path, capsys)


async def rotated(two: list[Replica], number: int, role: Role) -> None:
    one = two[number]
    body = {
        "role": role,
        "old": key_id(one.log.keys.of(role).current),
        "overlap": 60,
        "by": {"username": "ada@example.org", "uid": ""},
        "reason": "the yearly change of keys",
    }
    await Rotating(one.log, one.name, one.among.following).rotate(asked(body))
    for _ in range(2):
        await witnessed(two)


async def lived(two: list[Replica]) -> None:
    """Let requests come, and have them witnessed."""
    for one in two:
        await answered(one)
    for _ in range(2):
        await witnessed(two)


async def outlived(two: list[Replica]) -> None:
    """Go on to behind the overlap."""
    for one in two:
        one.clock.tick(61)
        await answered(one)
        for role in Role:
            await until(partial(_settled, one, role))
    await lived(two)


def _settled(one: Replica, role: Role) -> bool:
    key = one.log.keys.of(role)
    return not key.left and key.next is None


def kept(out: Path, policy: Path, folder: Path) -> Path:
    """Inspect, and keep what the next inspection needs."""
    given = ["audit", "verify", str(out), "--policy", str(policy), "--keep", str(folder)]
    assert main(given) == 0
    return folder


async def test_who_pinned_the_old_keys_verifies_what_spans_a_change(
    two: list[Replica], evidence: Evidence, tmp_path: Path
) -> None:
    await lived(two)
    first = evidence.exported(*(one.volume for one in two))
    pinned = kept(first, first / "policy.json", tmp_path / "kept")
    for number, role in ((0, Role.LOG), (1, Role.LOG), (0, Role.WITNESS), (1, Role.WITNESS)):
        await rotated(two, number, role)
        await lived(two)
        during = evidence.exported(*(one.volume for one in two))
        told = evidence.verified(during, pinned / "policy.json")
        assert told["verdict"] == "intact", told["findings"]
    await outlived(two)
    after = evidence.exported(*(one.keep(f"after-{one.name}") for one in two))
    told = evidence.verified(after, pinned / "policy.json")
    assert told["verdict"] == "intact", told["findings"]
    assert all(log["witnesses"] for log in told["logs"])

    fresh = json.loads((pinned / "policy.json").read_text())
    for field, role in (("logs", Role.LOG), ("witnesses", Role.WITNESS)):
        fresh[field] = [one.log.keys.names()[role] for one in two]
    began = tmp_path / "began.json"
    began.write_text(json.dumps(fresh))
    told = evidence.verified(after, began)
    assert told["verdict"] == "intact", "whoever pins the new keys alone verifies it too"

    later = kept(after, pinned / "policy.json", tmp_path / "later")
    old, new = (json.loads((one / "policy.json").read_text()) for one in (pinned, later))
    for field in ("logs", "witnesses"):
        assert set(old[field]) < set(new[field]), "the keys that took over are kept"
    since = [f"--since={one}" for one in sorted(later.glob("*.checkpoint"))]
    await lived(two)
    last = str(evidence.exported(*(one.volume for one in two)))
    assert main(["audit", "verify", last, "--policy", str(later / "policy.json"), *since]) == 0


async def test_a_change_that_somebody_else_s_key_began_is_broken(
    two: list[Replica], evidence: Evidence, tmp_path: Path
) -> None:
    await lived(two)
    first = evidence.exported(*(one.volume for one in two))
    told = evidence.verified(first, first / "policy.json")
    assert told["verdict"] == "intact", "control"
    # A log that began with another key has the same name, and nobody who pinned the first one.
    one = two[0]
    await one.close()
    one.volume.rename(tmp_path / "gone")
    await one.open()
    await answered(one)
    await one.log.proof(one.log.size - 1)
    told = evidence.verified(
        evidence.exported(*(each.volume for each in two)), first / "policy.json"
    )
    assert told["verdict"] == "broken"
    assert "no key that you trust is this log's" in str(told["findings"])


async def test_one_log_alone_names_every_key_of_its_witness(
    two: list[Replica], evidence: Evidence
) -> None:
    await lived(two)
    await rotated(two, 1, Role.WITNESS)
    await outlived(two)
    out = evidence.exported(two[0].volume)
    told: dict[str, Any] = evidence.verified(out)
    assert told["verdict"] == "intact", told["findings"]
    assert len(json.loads((out / "policy.json").read_text())["witnesses"]) == 3
