"""What etcd says is not enough: forged, edited, restored, raced for, or cut short by a crash."""

import asyncio

import pytest

from api.warden.holding import (
    ADA,
    BOB,
    CY,
    DOMAIN,
    Etcd,
    People,
    Warden,
    key_of,
    spent,
    until_phase,
)
from casemate.audit.findings import Verdict
from casemate.holds import (
    DENIED,
    PENDING,
    SPENT,
    UNKNOWN,
)
from casemate.warden.callers import RefusedError
from support.attacks import Layer, attack
from support.operators import Api


@attack("approvals", "a status that says Approved, by who owns the cluster", Layer.WARDEN)
async def test_a_forged_status_lets_nothing_go(
    warden: Warden, people: People, guarded: Api
) -> None:
    key = warden.pod("forged")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    etcd = Etcd(guarded.plane)
    then = held["metadata"]["creationTimestamp"].encode()
    assert await warden.phase(name) == "Pending"
    stored = etcd.read(key_of(held))
    forged = stored.replace(b'"phase":"Pending"', b'"phase":"Approved","decidedAt":"%s"' % then)
    assert forged != stored
    # Even where nothing asks admission: beneath the API server.
    etcd.write(key_of(held), forged)
    await until_phase(warden, name, "Approved")
    assert await warden.retry(key, name) == (403, PENDING)
    assert await warden.phase(name) == "Pending", "and the next round says what is true"
    await people.approve(held, ADA, BOB)
    assert (await warden.retry(key, name))[0] == 200, "control"


@attack("approvals", "an edited decision", Layer.WARDEN)
async def test_an_edited_decision_does_not_count(
    warden: Warden, people: People, guarded: Api
) -> None:
    key = warden.pod("edited")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, CY)
    etcd = Etcd(guarded.plane)
    where = f"/registry/casemate.dev/approvaldecisions/{warden.namespace}/{name}.by-cy"
    etcd.write(where, etcd.read(where).replace(b'"username":"cy"', b'"username":"bob@example.org"'))
    path = f"{DOMAIN}/namespaces/{warden.namespace}/approvaldecisions/{name}.by-cy"
    for _ in range(100):
        if guarded.client.request("GET", path)["spec"]["approver"]["username"] == BOB:
            break
        await asyncio.sleep(0.05)
    assert await warden.retry(key, name) == (403, PENDING)
    await people.approve(held, BOB)
    assert (await warden.retry(key, name))[0] == 200, "control"


@attack("approvals", "a second request on an approval that is spent", Layer.WARDEN)
async def test_an_approval_is_spent_once(warden: Warden, people: People) -> None:
    key = warden.pod("replay")
    name = await spent(warden, people, key)
    assert await warden.retry(key, name) == (403, SPENT)
    await warden.restart()
    assert await warden.retry(key, name) == (403, SPENT)
    assert (await warden.inspect()).verdict is Verdict.INTACT


@attack("approvals", "a race of retries on one approval", Layer.WARDEN)
async def test_of_many_retries_at_once_one_goes(warden: Warden, people: People) -> None:
    key = warden.pod("race")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    said = await asyncio.gather(*(warden.retry(key, name) for _ in range(8)), warden.phase(name))
    assert sorted(one[0] for one in said[:8]) == [200, *[403] * 7]
    assert len(warden.records("approval-consumed")) == 1
    assert len(warden.records("approval-decided")) == 2


@attack("approvals", "a crash while an approval is being spent", Layer.WARDEN)
async def test_a_crash_on_the_way_spends_it(
    warden: Warden, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = warden.pod("crash")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)

    append = warden.evidence.append

    async def crashing(kind: str, fields: dict[str, object]) -> str:
        if kind == "approval-consumed":
            raise RefusedError(503, "log_unavailable", "gone")
        return await append(kind, fields)

    monkeypatch.setattr(warden.desk.clerk, "_append", crashing)
    status, _ = await warden.retry(key, name)
    assert status == 503
    assert warden.request(name)["status"]["phase"] == "Consumed"
    assert warden.records("approval-consumed") == []
    await warden.restart()
    assert await warden.retry(key, name) == (403, SPENT)
    report = await warden.inspect()
    assert report.verdict is Verdict.INTACT, report.findings.plain()
    assert report.unfinished == 1


@attack("approvals", "an etcd snapshot in which a spent approval is not spent", Layer.WARDEN)
async def test_a_restored_snapshot_spends_nothing_twice(
    warden: Warden, people: People, guarded: Api
) -> None:
    key = warden.pod("snapshot")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    assert await warden.phase(name) == "Approved"
    etcd = Etcd(guarded.plane)
    snapshot = etcd.read(key_of(held))
    assert (await warden.retry(key, name))[0] == 200
    for restart in (False, True):
        etcd.write(key_of(held), snapshot)
        await until_phase(warden, name, "Approved")
        if restart:
            await warden.restart()
        assert await warden.retry(key, name) == (403, SPENT)
        assert await warden.phase(name) == "Consumed", "and etcd learns it again"
    assert (await warden.inspect()).verdict is Verdict.INTACT


@attack("approvals", "a snapshot without the denial", Layer.WARDEN)
async def test_a_denial_outlives_a_restored_snapshot(
    warden: Warden, people: People, guarded: Api
) -> None:
    key = warden.pod("denial")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    etcd = Etcd(guarded.plane)
    snapshot = etcd.read(key_of(held))
    await people.approve(held, ADA, BOB)
    assert people.say(CY, held, "Deny") == ""
    assert await warden.phase(name) == "Denied"
    etcd.write(key_of(held), snapshot)
    where = f"/registry/casemate.dev/approvaldecisions/{warden.namespace}/{name}.by-cy"
    etcd.remove(where)
    await until_phase(warden, name, "Pending")
    assert await warden.retry(key, name) == (403, DENIED)


async def test_what_nobody_asked_for_is_unknown(warden: Warden, people: People) -> None:
    key = warden.pod("unknown")
    assert await warden.retry(key, "held-nothing") == (403, UNKNOWN)
    assert await warden.retry(key, "../../x") == (403, UNKNOWN)
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    # Another log, which does not say that it was asked.
    await warden.close()
    (warden.folder / "log").rename(warden.folder / "old")
    await warden.open()
    assert await warden.retry(key, name) == (403, UNKNOWN)
    assert await warden.phase(name) == "Denied"
