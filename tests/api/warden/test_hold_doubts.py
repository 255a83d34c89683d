"""What holds and approvals do where something fails on the way, or somebody is not who they say."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPSConnection
from json import dumps
from typing import Any

import pytest

from api.warden.conftest import ACCOUNT
from api.warden.holding import (
    ADA,
    BOB,
    CONTENT,
    DOMAIN,
    Json,
    People,
    Warden,
    digest,
    intent,
)
from casemate.audit.findings import Verdict
from casemate.cluster.kinds import APPROVAL_REQUEST, Kind
from casemate.holds import HOLDS_PATH, PENDING, TOO_MANY
from enclave.kubeapi import ApiError, KubeApi
from support.admission import refuse
from support.approvals import decision
from support.attacks import Layer, attack
from support.operators import Api, eventually

BODY = {"intent": intent(), "digest": digest(), "content": CONTENT}
MERGE = "application/merge-patch+json"


def acting(people: People, client: KubeApi, body: Json, user: str, *groups: str) -> str:
    """What the API server says of a decision that somebody makes as another; "" if it is made."""
    link = HTTPSConnection(client._host, client._port, context=client._context, timeout=10)
    where = f"{DOMAIN}/namespaces/{people.namespace}/approvaldecisions"
    with closing(link):
        link.putrequest("POST", where)
        payload = dumps(body).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(payload)))]
        headers += [("Impersonate-User", user), *(("Impersonate-Group", one) for one in groups)]
        for header in headers:
            link.putheader(*header)
        link.endheaders(payload)
        answer = link.getresponse()
        said = answer.read().decode()
    return "" if answer.status == 201 else said


@attack("approvals", "to impersonate an approver", Layer.API)
async def test_who_may_not_impersonate_is_no_approver(
    warden: Warden, people: People, guarded: Api
) -> None:
    key = warden.pod("as-bob")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA)
    body = decision(held, BOB)
    admin, everybody = guarded.client, "system:authenticated"
    refused = acting(people, people.client(ADA), body, BOB, everybody)
    assert "cannot impersonate" in refused
    bot = f"system:serviceaccount:{people.namespace}:bot"
    people.let_approve(bot)
    refused = acting(people, admin, decision(held, bot), bot, "system:serviceaccounts")
    assert "a person" in refused
    assert await warden.retry(key, name) == (403, PENDING)
    assert await warden.phase(name) == "Pending"
    assert acting(people, admin, body, BOB, everybody) == "", "control: by right"
    assert (await warden.retry(key, name))[0] == 200


async def test_a_clock_that_nobody_trusts_lets_nothing_go(
    warden: Warden, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = warden.pod("clock")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    with monkeypatch.context() as wrong:
        wrong.setattr(warden.client.clock, "doubt", lambda: "the clocks are minutes apart")
        assert await warden.retry(key, name) == (503, "unchecked")
    assert (await warden.retry(key, name))[0] == 200, "control"


async def test_what_changed_meanwhile_is_looked_at_again(
    warden: Warden, people: People, guarded: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = warden.pod("conflict")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    replace = warden.client.replace

    async def late(kind: Kind, body: Any, sub: str = "") -> Any:
        if kind is APPROVAL_REQUEST:
            where = f"{DOMAIN}/namespaces/{warden.namespace}/approvalrequests/{name}/status"
            status = {"status": {"message": "somebody was here"}}
            writer = people.client(ACCOUNT)
            writer.request("PATCH", where, status, MERGE)
        return await replace(kind, body, sub)

    with monkeypatch.context() as changed:
        changed.setattr(warden.client, "replace", late)
        assert await warden.retry(key, name) == (503, "unchecked")
    (end,) = [one for one in warden.records("outcome") if one["reason"] == "approval_conflict"]
    assert end["status"] == 503
    await warden.restart()
    assert (await warden.retry(key, name))[0] == 200, "it was not spent"
    report = await warden.inspect()
    assert (report.verdict, report.unfinished) == (Verdict.INTACT, 1), report.findings.plain()


async def test_a_hold_that_cannot_be_made_leaves_nothing_but_its_end(
    warden: Warden, people: People, guarded: Api
) -> None:
    key = warden.pod("no-object")
    held = await warden.hold(key)
    binding = refuse(guarded, warden.namespace, "casemate.dev", "approvalrequests", "not now")
    await _until(lambda: "not now" in _tried(people, held), "the policy never came into force")
    status, said = await warden.post(key, HOLDS_PATH, BODY)
    guarded.client.request("DELETE", binding)
    await _until(lambda: not _tried(people, held), "control: it never could be made again")
    assert (status, said["reason"]) == (503, "unchecked")
    assert "not now" in said["message"]
    assert warden.records("outcome")[-1]["reason"] == "approval_unavailable"
    assert (await warden.post(key, HOLDS_PATH, BODY))[0] == 200, "control"
    waiting = len(warden.records("approval-requested"))
    assert len(list((warden.folder / "held").glob("*.sealed"))) == waiting
    report = await warden.inspect()
    assert (report.verdict, report.unfinished) == (Verdict.INTACT, 0)


def _tried(people: People, held: Json) -> str:
    """What the API server would say if the warden made another such request; "" if nothing."""
    where = f"{DOMAIN}/namespaces/{people.namespace}/approvalrequests?dryRun=All"
    try:
        people.client(ACCOUNT).request("POST", where, {**held, "metadata": {"name": "held-probe"}})
    except ApiError as error:
        return str(error)
    return ""


async def _until(condition: Callable[[], bool], message: str) -> None:
    """Wait in a thread: the warden under test goes on meanwhile."""
    await asyncio.to_thread(eventually, condition, message, 60)


async def test_a_full_volume_holds_nothing_more(warden: Warden) -> None:
    key = warden.pod("full")
    room = warden.desk.contents
    room._most = room.total
    status, said = await warden.post(key, HOLDS_PATH, BODY)
    assert (status, said["reason"]) == (429, TOO_MANY)
    room._most = 1 << 20
    assert (await warden.post(key, HOLDS_PATH, BODY))[0] == 200, "control"


@attack("approvals", "a held request that no warden took in", Layer.WARDEN)
async def test_an_object_that_no_log_knows_lets_nothing_go(
    warden: Warden, people: People, guarded: Api
) -> None:
    key = warden.pod("forged-object")
    held = await warden.hold(key)
    where = f"{DOMAIN}/namespaces/{warden.namespace}/approvalrequests"
    account = people.client(ACCOUNT)
    twin = {**held, "metadata": {"name": "held-by-hand"}}
    made = account.request("POST", where, twin)
    await people.approve(made, ADA, BOB)
    assert await warden.retry(key, "held-by-hand") == (403, "approval_unknown")
    assert await warden.phase("held-by-hand") == "Denied"
    await people.approve(held, ADA, BOB)
    assert (await warden.retry(key, held["metadata"]["name"]))[0] == 200, "control"
