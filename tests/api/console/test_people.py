"""People with their own tokens, whose rights the API server alone knows."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from api.admission_approvals.people import REQUESTER, SWITCHES, WARDEN
from api.console.house import ADA, BOB, CAT, DAN, DEPLOYMENTS, ELI, PEOPLE, House, token
from casemate.deciding.tables import phase
from enclave.waiting import until
from support.approvals import switch
from support.attacks import Layer, attack
from support.policies import ADMIN, ENCLAVE
from unit.console.place import Browser, Page

Browse = Callable[[], Browser]

BODY = {"model": "m", "messages": [{"role": "user", "content": "Where is the convoy\u202e now?"}]}
CONSOLE = "casemate/console"
REASON = "read it whole, and it is the order of the day"


async def signed_in(browse: Browse, person: str) -> Browser:
    browser = browse()
    page = await browser.sign_in(token(person))
    assert page.status == 303, page.document.text
    return browser


def where(name: str) -> str:
    return f"/requests/{ENCLAVE}/{name}"


async def say(browser: Browser, name: str, verdict: str, **fields: str) -> Page:
    """Sends the form of a request, with what its page carries."""
    shown = await browser.get(where(name))
    form = shown.document.hidden() | {"verdict": verdict, "justification": REASON} | fields
    return await browser.post(f"{where(name)}/decide", form)


async def test_two_people_read_all_of_it_and_let_it_go(house: House, browse: Browse) -> None:
    house.warden.hold("two-people", BODY)
    for person in (ADA, BOB):
        browser = await signed_in(browse, person)
        queue = await browser.get("/queue")
        assert f"{ENCLAVE}/two-people" in queue.document.text
        shown = await browser.get(where("two-people"))
        assert "Where is the convoy" in shown.document.text
        assert "U+202E" in shown.document.text
        assert "RIGHT-TO-LEFT OVERRIDE: 1" in shown.document.text
        sent = await say(browser, "two-people", "Approve")
        assert sent.headers["Location"] == f"{where('two-people')}/decided", sent.document.text
        done = await browser.get(sent.headers["Location"])
        assert "Your approval is on record" in done.document.text
    said = house.decisions("two-people")
    approvers = {one["spec"]["approver"]["username"]: one["spec"]["approver"] for one in said}
    assert approvers.keys() == {ADA, BOB}
    assert approvers[ADA]["uid"] == f"uid-of-{ADA}"
    assert "people" in approvers[ADA]["groups"]
    where_it_is = f"{house.place.requests}/two-people"
    admin = house.place.world.as_user(ADMIN)
    until(
        lambda: phase(admin.request("GET", where_it_is)) == "Approved",
        20,
        "two people were never enough",
    )
    text = (await browser.get(where("two-people"))).document.text
    assert "Approved, 2/2 approvals" in text


@attack("console", "to approve one's own request by a form that the console never made", Layer.API)
async def test_whoever_asked_is_told_so_and_refused_by_admission(
    house: House, browse: Browse
) -> None:
    held = house.warden.hold("own", BODY)
    browser = await signed_in(browse, REQUESTER)
    shown = await browser.get(where("own"))
    assert "You made this request" in shown.document.text
    assert shown.document.buttons() == []
    form = {"uid": held["metadata"]["uid"], "digest": held["spec"]["requestDigest"]}
    page = await say(browser, "own", "Approve", **form)
    assert page.status == 403
    assert f"{REQUESTER} made ApprovalRequest own; accepted: another person" in page.document.text
    assert house.decisions("own") == []
    assert (await say(await signed_in(browse, ADA), "own", "Approve")).status == 303, "control"


@attack("console", "to read and to decide without the verb `approve`", Layer.API)
async def test_whoever_lacks_the_right_reads_nothing_and_decides_nothing(
    house: House, browse: Browse
) -> None:
    house.warden.hold("no-right", BODY)
    browser = await signed_in(browse, CAT)
    shown = await browser.get(where("no-right"))
    assert "The content cannot be shown" in shown.document.text
    assert "convoy" not in shown.document.text
    for verdict in ("Approve", "Deny"):
        page = await say(browser, "no-right", verdict)
        assert page.status == 403
        assert 'cannot create resource "approval' in page.document.text
    assert house.decisions("no-right") == []


async def test_whoever_may_see_nothing_is_told_what_is_missing(
    house: House, browse: Browse
) -> None:
    browser = await signed_in(browse, DAN)
    for path in ("/queue", "/deployments", "/stops"):
        page = await browser.get(path)
        assert page.status == 200
        assert f'User "{DAN}" cannot list resource' in page.document.text
    house.warden.hold("unseen", BODY)
    page = await browser.get(where("unseen"))
    assert page.status == 403
    assert "convoy" not in page.text


async def test_a_right_in_one_namespace_is_enough_there(house: House, browse: Browse) -> None:
    house.warden.hold("one-place", BODY)
    browser = await signed_in(browse, ELI)
    everywhere = await browser.get("/queue")
    assert "name it below" in everywhere.document.text
    there = await browser.get(f"/queue?namespace={ENCLAVE}")
    assert f"{ENCLAVE}/one-place" in there.document.text


async def test_programs_read_with_their_rights_and_decide_nothing(
    house: House, browse: Browse
) -> None:
    held = house.warden.hold("programs", BODY)
    admin = house.place.world.as_user(ADMIN)
    accounts = f"/api/v1/namespaces/{ENCLAVE}/serviceaccounts"
    admin.request("POST", accounts, {"metadata": {"name": "robot"}})
    spec = {"spec": {"audiences": [], "expirationSeconds": 600}}
    made = admin.request("POST", f"{accounts}/robot/token", spec)["status"]["token"]
    group = "rbac.authorization.k8s.io"
    for role in ("casemate-viewer", "casemate-approver"):
        binding = {
            "metadata": {"name": f"robot-{role}"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": ENCLAVE}],
        }
        admin.request("POST", f"/apis/{group}/v1/clusterrolebindings", binding)
    browser = browse()
    assert (await browser.sign_in(made)).status == 303
    shown = await browser.get(where("programs"))
    assert "You are signed in as a program" in shown.document.text
    form = {"uid": held["metadata"]["uid"], "digest": held["spec"]["requestDigest"]}
    page = await say(browser, "programs", "Approve", **form)
    assert page.status == 403
    assert "accepted from people, not from programs" in page.document.text


@pytest.mark.parametrize("given", ["token-of-nobody", "x" * 5000, "a.b.c"])
async def test_what_the_api_server_does_not_know_signs_nobody_in(
    house: House, browse: Browse, given: str
) -> None:
    page = await browse().sign_in(given)
    assert page.status == 401
    assert "does not know this token" in page.document.text


@attack("console", "a request exchanged between reading and approving", Layer.CONSOLE)
async def test_a_request_made_anew_under_its_name_is_not_decided_by_an_old_form(
    house: House, browse: Browse
) -> None:
    house.warden.hold("anew", BODY)
    browser = await signed_in(browse, ADA)
    shown = await browser.get(where("anew"))
    form = shown.document.hidden() | {"verdict": "Approve", "justification": REASON}
    assert house.place.judge("anew", phase="Expired", decidedAt="2026-03-01T00:00:00Z") == ""
    house.place.world.as_user(WARDEN).request("DELETE", f"{house.place.requests}/anew")
    house.warden.hold("anew", BODY | {"model": "other"})
    page = await browser.post(f"{where('anew')}/decide", form)
    assert page.status == 409
    assert "another request than you were shown" in page.document.text
    assert house.decisions("anew") == []


async def test_nobody_decides_twice_and_whoever_approved_can_take_it_back(
    house: House, browse: Browse
) -> None:
    house.warden.hold("twice", BODY)
    one, other = await signed_in(browse, ADA), await signed_in(browse, ADA)
    form = (await other.get(where("twice"))).document.hidden()
    form |= {"verdict": "Deny", "justification": REASON}
    assert (await say(one, "twice", "Approve")).status == 303
    page = await other.post(f"{where('twice')}/decide", form)
    assert page.status == 403
    assert "one person decides once" in page.document.text
    assert (await say(one, "twice", "Revoke")).status == 303
    assert sorted(each["spec"]["verdict"] for each in house.decisions("twice")) == [
        "Approve",
        "Revoke",
    ]


@attack("console", "another content than the one that would be sent", Layer.CONSOLE)
async def test_content_that_is_another_than_the_digest_says_is_not_shown(
    house: House, browse: Browse
) -> None:
    house.warden.hold("swapped", BODY)
    house.warden.answers["swapped"] = b'{"model":"m","prompt":"harmless"}'
    shown = await (await signed_in(browse, ADA)).get(where("swapped"))
    assert "the warden sent another content" in shown.document.text
    assert "harmless" not in shown.document.text
    assert shown.document.buttons() == ["Deny"]


async def test_deployments_show_their_proofs_and_what_stops_them(
    house: House, browse: Browse
) -> None:
    admin = house.place.world.as_user(ADMIN)
    made = admin.request("GET", f"{DEPLOYMENTS}/shown")
    condition = {
        "type": "NetworkIsolated",
        "status": "False",
        "reason": "NotEnforced",
        "message": "the canary answered",
        "lastTransitionTime": "2026-03-01T00:00:00Z",
    }
    status: dict[str, Any] = {
        "observedGeneration": made["metadata"]["generation"],
        "conditions": [condition],
        "isolation": {
            "pods": 2,
            "proven": 1,
            "oldestProofTime": "2026-03-01T00:00:00Z",
            "method": "canary",
        },
    }
    media = "application/merge-patch+json"
    admin.request("PATCH", f"{DEPLOYMENTS}/shown/status", {"status": status}, media)
    browser = await signed_in(browse, CAT)
    text = (await browser.get("/deployments")).document.text
    for part in ("no: NotEnforced", "the canary answered", "1 of 2 pods", "none in force"):
        assert part in text, part
    house.place.world.make(ADMIN, SWITCHES, switch("console-test", ADMIN))
    for path in ("/deployments", "/stops"):
        text = (await browser.get(path)).document.text
        assert "an answer went astray" in text, path


def test_the_console_asked_for_everything_as_somebody_who_was_signed_in(house: House) -> None:
    """It runs last: the audit log of the API server knows who asked for what."""
    log = house.place.world.plane.audit_log
    assert log is not None
    entries = (json.loads(line) for line in log.read_text().splitlines() if CONSOLE in line)
    asked = {
        entry["user"].get("username", "")
        for entry in entries
        if entry["userAgent"] == CONSOLE and entry["responseStatus"]["code"] != 401
    }
    programs = {f"system:serviceaccount:{ENCLAVE}:robot"}
    assert {ADA, BOB, CAT} <= asked
    assert asked <= {*PEOPLE, *programs}
