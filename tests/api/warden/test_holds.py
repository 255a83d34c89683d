"""Held requests from the hold to what is forwarded, on a real API server with the policies."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from api.warden.holding import (
    ADA,
    ANN,
    BOB,
    CONTENT,
    CY,
    DOMAIN,
    LINE,
    NAME,
    Etcd,
    Json,
    People,
    Warden,
    digest,
    intent,
    key_of,
    spent,
    until_phase,
)
from api.warden.looking import ended
from casemate.audit.findings import Verdict
from casemate.core.names import LIFT_ANNOTATION
from casemate.evidence import RECORDS_PATH
from casemate.holds import (
    CONSUME_PATH,
    DENIED,
    EXPIRED,
    HOLDS_PATH,
    MOST_CONTENT,
    PENDING,
    REVOKED,
    SPENT,
    STOPPED,
    TOO_LARGE,
    TOO_MANY,
)
from casemate.warden import rounds
from casemate.warden.holds import MOST_OF_ONE
from enclave.kubeapi import ApiError
from support.approvals import switch
from support.attacks import Layer, attack
from support.operators import Api


async def test_two_let_a_request_go_once_and_the_evidence_is_intact(
    warden: Warden, people: People
) -> None:
    key = warden.pod("flow")
    held = await warden.hold(key)
    name, spec = held["metadata"]["name"], held["spec"]
    assert (spec["line"], spec["rule"], spec["approvers"]) == (LINE, f"{LINE}/tasking", 2)
    assert spec["requester"] == ANN
    assert await warden.retry(key, name) == (403, PENDING)
    await people.approve(held, ADA, BOB)
    assert await warden.phase(name) == "Approved"
    status, record = await warden.retry(key, name)
    assert status == 200, record
    assert warden.request(name)["status"]["phase"] == "Consumed"
    kinds = [one["kind"] for one in warden.records()]
    assert kinds == [
        *("started", "intent", "approval-requested", "outcome", "refused"),
        *("approval-decided", "approval-decided", "intent", "approval-consumed"),
    ]
    (consumed,) = warden.records("approval-consumed")
    assert consumed["approvers"] == [ADA, BOB]
    assert consumed["intent"] == record == f"{NAME}/7"
    end = {"kind": "outcome", "intent": record, "status": 200, "verdict": "allow"}
    end |= {"response": {"sha256": "c" * 64, "bytes": 4}, "latency_ms": 12, "reason": None}
    assert (await warden.post(key, RECORDS_PATH, end))[0] == 200
    report = await warden.inspect()
    assert report.verdict is Verdict.INTACT, report.findings.plain()
    assert (report.approvals, report.unfinished) == (1, 0)


async def test_a_denial_after_an_approval_is_final(warden: Warden, people: People) -> None:
    key = warden.pod("denied")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA)
    assert people.say(CY, held, "Deny") == ""
    await people.approve(held, BOB)
    assert await warden.retry(key, name) == (403, DENIED)
    assert await warden.phase(name) == "Denied"
    assert await warden.phase(name) == "Denied"
    assert await warden.retry(key, name) == (403, DENIED)
    assert [one["verdict"] for one in warden.records("approval-decided")].count("deny") == 1
    assert (await warden.inspect()).verdict is Verdict.INTACT


async def test_what_was_approved_is_taken_back(warden: Warden, people: People) -> None:
    key = warden.pod("revoked")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    assert await warden.phase(name) == "Approved"
    assert people.say(ADA, held, "Revoke") == ""
    assert await warden.retry(key, name) == (403, REVOKED)
    assert await warden.phase(name) == "Revoked"
    (revoked,) = warden.records("approval-revoked")
    assert revoked["by"]["username"] == ADA
    assert (await warden.inspect()).verdict is Verdict.INTACT


async def test_silence_denies(warden: Warden, people: People, guarded: Api) -> None:
    key = warden.pod("silence")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    late = "2026-01-01T00:00:00Z"
    etcd = Etcd(guarded.plane)
    stored, ends = etcd.read(key_of(held)), held["spec"]["expiresAt"].encode()
    etcd.write(key_of(held), stored.replace(ends, late.encode()))
    for _ in range(50):
        if warden.request(name)["spec"]["expiresAt"] == late:
            break
        await asyncio.sleep(0.05)
    assert await warden.retry(key, name) == (403, EXPIRED)
    assert await warden.phase(name) == "Expired"
    assert len(warden.records("approval-expired")) == 1
    assert warden.desk.contents.total == 0, "what ended is not kept"
    assert (await warden.inspect()).verdict is Verdict.INTACT


@attack("approvals", "an approval while a kill switch is on", Layer.WARDEN)
async def test_a_stop_holds_what_was_approved(warden: Warden, people: People, guarded: Api) -> None:
    key = warden.pod("stopped")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    where = f"{DOMAIN}/killswitches"
    covers = {"scope": "Deployment", "deployment": {"namespace": warden.namespace, "name": "m"}}
    people.let("casemate-stopper", "eve")
    people.let("casemate-lifter", "lou")
    people.client("eve").request("POST", where, switch("held-stop", "eve", **covers))
    await _seen(warden, stopped=True)
    assert await warden.retry(key, name) == (403, STOPPED)
    assert await warden.phase(name) == "Pending"
    assert "KillSwitch held-stop" in warden.request(name)["status"]["message"]
    body = {"intent": intent(), "digest": digest(), "content": CONTENT}
    status, said = await warden.post(key, HOLDS_PATH, body)
    assert (status, said["reason"]) == (403, STOPPED)
    note = {"metadata": {"annotations": {LIFT_ANNOTATION: "lou: looked at, and it is fine"}}}
    lou, merge = people.client("lou"), "application/merge-patch+json"
    lou.request("PATCH", f"{where}/held-stop", note, merge)
    lou.request("DELETE", f"{where}/held-stop")
    await _seen(warden, stopped=False)
    assert (await warden.retry(key, name))[0] == 200, "control: lifted again"
    assert (await warden.inspect()).verdict is Verdict.INTACT


async def _seen(warden: Warden, *, stopped: bool) -> None:
    """Wait until the warden has seen a switch, or its end."""
    where = warden.namespace, "m", "harbour"
    async with asyncio.timeout(30):
        while bool(warden.stops.reason(*where)) is not stopped:  # noqa: ASYNC110  has no event
            await asyncio.sleep(0.05)


async def test_what_is_no_hold_is_refused(warden: Warden) -> None:
    key = warden.pod("no-hold")
    good = {"intent": intent(), "digest": digest(), "content": CONTENT}
    allow: Json = {"verdict": "allow", "line": None, "tier": None, "findings": []}
    wrongs: list[Any] = [
        [],
        {},
        good | {"more": 1},
        good | {"digest": "0" * 64},
        good | {"digest": "x"},
        good | {"content": 1},
        good | {"intent": intent(verdict=allow)},
        good | {"intent": {}},
    ]
    for wrong in wrongs:
        status, said = await warden.post(key, HOLDS_PATH, wrong)
        assert (status, said["reason"]) == (400, "bad_report"), wrong
    big = "x" * (MOST_CONTENT + 1)
    body = {"intent": intent(), "digest": digest(big), "content": big}
    status, said = await warden.post(key, HOLDS_PATH, body)
    assert (status, said["reason"]) == (413, TOO_LARGE)
    assert warden.records("intent") == []
    held = await warden.hold(key, "x" * MOST_CONTENT)
    assert held["spec"]["requestDigest"] == digest("x" * MOST_CONTENT), "control"


@attack("approvals", "held requests without end", Layer.WARDEN)
async def test_a_caller_has_some_held_requests_and_no_more(warden: Warden) -> None:
    key = warden.pod("many")
    who = {"username": "mia", "uid": "u-mia"}
    for _ in range(MOST_OF_ONE):
        await warden.hold(key, caller=who)
    body = {"intent": intent(who), "digest": digest(), "content": CONTENT}
    status, said = await warden.post(key, HOLDS_PATH, body)
    assert (status, said["reason"]) == (429, TOO_MANY)
    await warden.hold(key, caller={"username": "noa", "uid": "u-noa"})


@attack("approvals", "a gateway that records a held request as if it might go on", Layer.WARDEN)
async def test_a_gateway_lets_nothing_go_by_itself(warden: Warden) -> None:
    key = warden.pod("by-itself")
    plain = intent() | {"kind": "intent"}
    allowed = plain | {"verdict": {"verdict": "allow", "line": None, "tier": None, "findings": []}}
    assert (await warden.post(key, RECORDS_PATH, allowed))[0] == 200, "control"
    approval = {"namespace": "n", "name": "held-1", "uid": "u"}
    for record in (
        plain,
        allowed | {"verdict": plain["verdict"] | {"verdict": "refuse"}},
        allowed | {"approval": approval},
    ):
        status, said = await warden.post(key, RECORDS_PATH, record)
        assert (status, said["reason"]) == (400, "bad_report")
    body = {"intent": intent() | {"approval": approval}, "digest": digest(), "content": CONTENT}
    assert (await warden.post(key, HOLDS_PATH, body))[0] == 400
    assert len(warden.records("intent")) == 1


async def test_another_replica_says_where_it_is(warden: Warden, people: People) -> None:
    key = warden.pod("elsewhere")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await warden.close()
    warden.name = "casemate-warden-1"
    await warden.open()
    body = {"intent": intent(), "digest": digest(), "approval": name}
    said = await warden.post(key, CONSUME_PATH, body)
    assert said == (421, {"reason": "elsewhere", "replica": NAME})
    assert await warden.phase(name) == "Pending", "nor does it look after it"


async def test_rounds_go_on_while_the_api_server_is_away(
    warden: Warden, people: People, guarded: Api
) -> None:
    key = warden.pod("away")
    held = await warden.hold(key)
    rounds = asyncio.create_task(warden.rounds.run())
    with guarded.plane.api_server_down():
        status, _ = await warden.retry(key, held["metadata"]["name"])
        assert status == 503
        assert not rounds.done()
    await people.approve(held, ADA, BOB)
    await until_phase(warden, held["metadata"]["name"], "Approved")
    await ended(rounds)


async def test_events_tell_of_it(warden: Warden, people: People, guarded: Api) -> None:
    key = warden.pod("events")
    name = await spent(warden, people, key)
    events = guarded.items("Event", warden.namespace)
    reasons = [one["reason"] for one in events if one["regarding"]["name"] == name]
    assert sorted(reasons) == ["Approved", "Consumed", "Held"]


async def test_what_ended_is_taken_away_after_an_hour_with_what_was_said(
    warden: Warden, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = warden.pod("sweep")
    name, waiting = await spent(warden, people, key), await warden.hold(key)
    warden.rounds._swept = float("-inf")
    await warden.rounds.once()
    assert warden.request(name)["status"]["phase"] == "Consumed", "control: not before"
    monkeypatch.setattr(rounds, "KEPT", timedelta())
    warden.rounds._swept = float("-inf")
    await warden.rounds.once()
    with pytest.raises(ApiError, match="not found"):
        warden.request(name)
    where = f"{DOMAIN}/namespaces/{warden.namespace}/approvaldecisions"
    left = people.api.client.request("GET", where)["items"]
    assert not [one for one in left if one["spec"]["request"]["name"] == name]
    assert warden.request(waiting["metadata"]["name"])["status"]["phase"] == "Pending"
    assert await warden.retry(key, name) == (403, SPENT), "the log still knows"
