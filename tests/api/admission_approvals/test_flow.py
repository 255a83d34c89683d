"""A held request from its making to its end, by what a real API server stores and says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.admission_approvals.people import APPROVERS, SWITCHES, WARDEN, Place
from casemate.api.agreement import Approvals
from casemate.api.terms import spelled
from casemate.core.approvals import Outcome, approvers, decide, report
from casemate.core.quorum import Rights
from casemate.core.stops import stopped
from enclave.kubeapi import ApiError, KubeApi
from enclave.waiting import until
from support.approvals import TERMS, Json, decision, request, switch
from support.charts import Helm
from support.operators import GROUPS
from support.policies import ADMIN, ENCLAVE, bind

ADA, BOB = APPROVERS
MERGE = "application/merge-patch+json"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
RBAC = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


@pytest.fixture(scope="module")
def warden(place: Place) -> KubeApi:
    """The warden's account with the rights that the chart gives it, and no others."""
    (role,) = (
        one
        for one in Helm().template()
        if (one["kind"], one["metadata"]["name"]) == ("ClusterRole", "casemate-warden")
    )
    place.world.make(ADMIN, "/apis/rbac.authorization.k8s.io/v1/clusterroles", role)
    bind(place.world, "casemate-warden", WARDEN)
    return KubeApi.load(place.world.plane.client_config_for(WARDEN, GROUPS))


class Desk:
    """What the warden does about one request."""

    def __init__(self, place: Place, client: KubeApi, name: str) -> None:
        soon = spelled(datetime.now(UTC) + timedelta(minutes=10))
        made = client.request("POST", place.requests, request(name, expiresAt=soon))
        self.where, self.place, self.client, self.held = place.requests, place, client, made
        self._others = self._switches()
        """Of other tests."""

    def _switches(self) -> list[Json]:
        items: list[Json] = self.client.request("GET", SWITCHES)["items"]
        return items

    def say(self, user: str, *verdict: Any) -> Json:
        made: Json = self.place.world.make(
            user, self.place.decisions, decision(self.held, user, *verdict)
        )
        return made

    def outcome(self) -> Outcome:
        name = self.held["metadata"]["name"]
        chosen = f"{self.place.decisions}?fieldSelector=spec.request.name={name}"
        decisions = self.client.request("GET", chosen)["items"]
        people = approvers(decisions, name)
        others = {one["metadata"]["uid"] for one in self._others}
        switches = [one for one in self._switches() if one["metadata"]["uid"] not in others]
        rights = Rights(
            {user: self._refusal(user) for user in people},
            TERMS,
            Approvals(),
            stopped(switches, ENCLAVE, "m", "harbour"),
        )
        held = self.client.request("GET", f"{self.where}/{name}")
        return decide(held, decisions, rights, datetime.now(UTC))

    def _refusal(self, user: str) -> str:
        asked = {
            "verb": "approve",
            "group": "casemate.dev",
            "resource": "usageagreements",
            "name": "harbour",
        }
        body = {"spec": {"user": user, "resourceAttributes": asked}}
        status = self.client.request("POST", REVIEWS, body)["status"]
        return "" if status["allowed"] else status.get("reason") or "no"


def test_two_approve_and_it_is_spent_once(place: Place, warden: KubeApi):
    desk = Desk(place, warden, "spent")
    assert desk.outcome().phase == "Pending"
    desk.say(ADA)
    assert desk.outcome().message == "1 of 2 approvals"
    desk.say(BOB)
    outcome = desk.outcome()
    assert outcome.phase == "Approved"
    where = f"{desk.where}/spent/status"
    seen = warden.request("PATCH", where, {"status": report(outcome)}, MERGE)
    spent = {
        **seen["status"],
        "phase": "Consumed",
        "consumedAt": spelled(datetime.now(UTC)),
    }
    warden.request("PUT", where, seen | {"status": spent})
    with pytest.raises(ApiError, match="the object has been modified"):
        warden.request("PUT", where, seen | {"status": spent})
    assert desk.outcome().phase == "Consumed"
    row = warden.request("GET", f"{desk.where}?fieldSelector=status.phase=Consumed")["items"]
    assert [one["metadata"]["name"] for one in row] == ["spent"]


def test_a_deny_after_an_approval_ends_it(place: Place, warden: KubeApi):
    desk = Desk(place, warden, "denied")
    desk.say(ADA)
    assert desk.outcome().phase == "Pending"
    desk.say(BOB, "Deny")
    assert desk.outcome().phase == "Denied"


def test_what_two_approved_one_of_them_takes_back(place: Place, warden: KubeApi):
    desk = Desk(place, warden, "taken-back")
    desk.say(ADA)
    desk.say(BOB)
    assert desk.outcome().phase == "Approved"
    desk.say(ADA, "Revoke")
    assert desk.outcome().phase == "Revoked"


def test_whoever_loses_the_right_in_between_counts_no_more(place: Place, warden: KubeApi):
    bind(place.world, "casemate-approver", "cat")
    desk = Desk(place, warden, "lost-right")
    desk.say(ADA)
    until(lambda: place.tries("cat", decision(desk.held, "cat")) == "", 20, "cat never could")
    desk.say("cat")
    assert desk.outcome().phase == "Approved"
    place.world.as_user(ADMIN).request("DELETE", f"{RBAC}/casemate-approver-cat")
    until(lambda: desk.outcome().phase == "Pending", 20, "the lost right never counted")
    assert "cat may not approve" in desk.outcome().ignored[0].why
    desk.say(BOB)
    assert desk.outcome().phase == "Approved", "control: another person who has it"


def test_one_switch_denies_what_two_approved(place: Place, warden: KubeApi):
    desk = Desk(place, warden, "stopped")
    desk.say(ADA)
    desk.say(BOB)
    assert desk.outcome().phase == "Approved"
    where = {"scope": "Deployment", "deployment": {"namespace": ENCLAVE, "name": "m"}}
    place.world.make("eve", SWITCHES, switch("one", "eve", **where))
    outcome = desk.outcome()
    assert outcome.phase == "Denied"
    assert "stopped by eve (KillSwitch one)" in outcome.message
    note = {"metadata": {"annotations": {"casemate.dev/lift": "lou: looked at, and it is fine"}}}
    place.world.as_user("lou").request("PATCH", f"{SWITCHES}/one", note, MERGE)
    place.world.as_user("lou").request("DELETE", f"{SWITCHES}/one")
    assert desk.outcome().phase == "Approved", "control: what nobody wrote down is not denied"
