"""Decisions: people make them, in their own name, with the right, about what they have seen."""

import json
from typing import Any

import pytest

from api.admission_approvals.people import APPROVERS, REQUESTER, WARDEN, Place
from enclave.kubeapi import ApiError
from enclave.waiting import until
from support.approvals import Json, decision, request
from support.policies import (
    ADMIN,
    ENCLAVE,
    ENGINEER,
    KUBELET,
    NAMESPACES,
    OPERATOR,
    PLAIN,
    bind,
)

ADA, BOB = APPROVERS
ACCOUNT = f"system:serviceaccount:{ENCLAVE}:bot"
PROGRAMS = [ACCOUNT, OPERATOR, WARDEN, KUBELET, "system:admin"]
UID = "00000000-0000-4000-8000-0000000000ff"
AS_ADA = ("--as=ada", "--as-group=writers", "--as-group=system:authenticated")


@pytest.fixture(scope="module")
def held(place: Place) -> Json:
    return place.hold("held")


def renamed(body: Json, name: str) -> Json:
    return body | {"metadata": body["metadata"] | {"name": name}}


def test_whoever_has_the_right_decides(place: Place, held: Json):
    for user in (*APPROVERS, ADMIN):
        for verdict in ("Approve", "Deny", "Revoke"):
            assert place.tries(user, decision(held, user, verdict)) == ""
    assert decision(held, BOB)["metadata"]["name"] == "held.by-bob-40example-2eorg"


def test_whoever_has_not_the_right_does_not(place: Place, held: Json):
    assert place.tries(ADA, decision(held, ADA)) == "", "control"
    for verdict in ("Approve", "Deny", "Revoke"):
        refused = place.tries(ENGINEER, decision(held, ENGINEER, verdict))
        assert "engineer has not the RBAC verb approve on usageagreements harbour" in refused


def test_the_right_under_one_agreement_is_none_under_another(place: Place):
    here = place.hold("under-harbour")
    guarded = place.hold("under-guarded", agreement=here["spec"]["agreement"] | {"name": "guarded"})
    role: Json = {
        "metadata": {"name": "approves-guarded"},
        "rules": [
            {
                "apiGroups": ["casemate.dev"],
                "resources": ["usageagreements"],
                "resourceNames": ["guarded"],
                "verbs": ["approve"],
            }
        ],
    }
    rbac = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    place.world.make(ADMIN, rbac, role)
    bind(place.world, "approves-guarded", "gil")
    until(lambda: place.tries("gil", decision(guarded, "gil")) == "", 20, "gil never had it")
    assert "verb approve on usageagreements harbour" in place.tries("gil", decision(here, "gil"))
    # To name the other agreement in the decision is no way round.
    lie = decision(here, "gil", agreement="guarded")
    assert "spec.agreement: found guarded; accepted: spec.agreement.name" in place.tries("gil", lie)


@pytest.mark.parametrize("user", PROGRAMS)
def test_no_program_decides(place: Place, held: Json, user: str):
    bind(place.world, "casemate-approver", user)
    assert place.tries(ADA, decision(held, ADA)) == "", "control"
    for verdict in ("Approve", "Deny", "Revoke"):
        refused = place.tries(user, decision(held, user, verdict))
        assert "approvaldecisions: accepted from people, not from programs" in refused


@pytest.mark.parametrize("group", ["system:serviceaccounts", "system:nodes"])
def test_no_program_decides_under_another_name(place: Place, held: Json, group: str):
    body = decision(held, ADA)
    assert place.acting(ADMIN, body, *AS_ADA) == "", "control"
    refused = place.acting(ADMIN, body, *AS_ADA, f"--as-group={group}")
    assert "accepted from people, not from programs; found ada" in refused


def test_the_requester_does_not_decide(place: Place, held: Json):
    refused = place.tries(REQUESTER, decision(held, REQUESTER))
    assert f"spec.approver: {REQUESTER} made ApprovalRequest held" in refused
    foreign = place.hold("of-another", requester={"username": "somebody"})
    assert place.tries(REQUESTER, decision(foreign, REQUESTER)) == "", "control"


def test_the_requester_does_not_decide_under_another_name(place: Place, held: Json):
    def says(uid: str) -> str:
        body = decision(held, ADA, approver={"username": ADA, "uid": uid})
        return place.acting(ADMIN, body, *AS_ADA, f"--as-uid={uid}")

    assert says("u-ada") == "", "control"
    assert "spec.approver: ada made ApprovalRequest held" in says("u-caller")


def test_nobody_decides_in_the_name_of_another(place: Place, held: Json):
    assert place.tries(ADA, decision(held, ADA)) == "", "control"
    for user in (ADA, ADMIN):
        refused = place.tries(user, decision(held, BOB))
        assert f"accepted: whoever makes the decision, {user} with uid ''" in refused


def test_a_uid_is_that_of_who_decides(place: Place, held: Json):
    body = decision(held, ADA, approver={"username": ADA, "uid": "u-ada"})
    assert place.acting(ADMIN, body, *AS_ADA, "--as-uid=u-ada") == "", "control"
    for other, flags in ((body, ("--as-uid=u-bob",)), (body, ()), (decision(held, ADA), ())):
        refused = place.acting(ADMIN, other, *AS_ADA, *flags)
        assert ("spec.approver: found ada with uid" in refused) == (other is body)


def test_groups_are_those_of_who_decides(place: Place, held: Json):
    def said(*groups: str) -> str:
        approver = {"username": ADA, "groups": [*groups]}
        return place.tries(ADA, decision(held, ADA, approver=approver))

    assert said() == said("writers") == said("writers", "system:authenticated") == ""
    assert "spec.approver.groups: ada has not system:masters" in said("writers", "system:masters")


def test_who_does_not_impersonate_by_right_does_not_at_all(place: Place, held: Json):
    body = decision(held, ADA)
    assert place.acting(ADMIN, body, *AS_ADA) == "", "control: who may impersonate is who they say"
    refused = place.acting(ENGINEER, body, *AS_ADA)
    assert "forbidden: User" in refused
    assert '"engineer" cannot impersonate' in refused


def test_who_impersonates_somebody_without_the_right_has_none(place: Place, held: Json):
    body = decision(held, ENGINEER)
    flags = ("--as=engineer", "--as-group=writers", "--as-group=system:authenticated")
    assert "engineer has not the RBAC verb approve" in place.acting(ADMIN, body, *flags)
    assert place.acting(ADMIN, decision(held, ADMIN)) == "", "control: the administrator's own"


def test_the_audit_log_keeps_both_names(place: Place):
    body = decision(place.hold("impersonated"), ADA)
    assert place.acting(ADMIN, body, *AS_ADA) == ""
    log = place.world.plane.audit_log
    assert log is not None

    def entry() -> Json | None:
        entries = map(json.loads, log.read_text().splitlines())
        of = (one for one in entries if "approvaldecisions" in one["requestURI"])
        return next((one for one in of if "impersonatedUser" in one), None)

    until(lambda: entry() is not None, 20, "the audit log never had it")
    found: Any = entry()
    assert (found["user"]["username"], found["impersonatedUser"]["username"]) == (ADMIN, ADA)


ABOUT: list[tuple[Json, str]] = [
    ({"requestDigest": "0" * 64}, "spec.requestDigest: found 000"),
    ({"request": {"name": "held", "uid": UID}}, f"spec.request.uid: found {UID}; accepted: met"),
    ({"agreement": "guarded"}, "spec.agreement: found guarded; accepted: spec.agreement.name of"),
]


@pytest.mark.parametrize(("change", "says"), ABOUT, ids=[next(iter(one)) for one, _ in ABOUT])
def test_a_decision_is_about_what_is_held(place: Place, held: Json, change: Json, says: str):
    assert place.tries(ADA, decision(held, ADA)) == "", "control"
    for verdict in ("Approve", "Deny", "Revoke"):
        assert says in place.tries(ADA, decision(held, ADA, verdict, **change))


def test_a_decision_about_another_s_digest_is_refused(place: Place, held: Json):
    other = place.hold("other-body", requestDigest="1" * 64)
    assert place.tries(ADA, decision(other, ADA)) == "", "control"
    mixed = decision(other, ADA, requestDigest=held["spec"]["requestDigest"])
    assert "spec.requestDigest: found 5e5e" in place.tries(ADA, mixed)


def test_nobody_decides_ahead_where_nothing_is_held(place: Place, held: Json):
    assert place.tries(ADA, decision(held, ADA)) == "", "control"
    elsewhere = place.decisions.replace(ENCLAVE, PLAIN)
    refused = place.world.call(ADA, "POST", elsewhere, decision(held, ADA))
    assert "no params found" in refused


def test_the_name_says_who_decides(place: Place, held: Json):
    body = decision(held, BOB)
    assert place.tries(BOB, body) == "", "control"
    for name in ("held.by-bob", "held.by-ada", "other.by-bob-40example-2eorg",
                 "held.revoked-by-bob-40example-2eorg"):  # fmt: skip
        refused = place.tries(BOB, renamed(body, name))
        assert f"metadata.name: found {name}; accepted: held.by-bob-40example-2eorg" in refused


@pytest.mark.parametrize("user", ["é漢😀", "A-b_C:d", "x" * 200, "https://id.example.org#7f"])
def test_names_are_spelled_as_we_spell_them(place: Place, held: Json, user: str):
    flags = (f"--as={user}", "--as-group=system:masters")
    body = decision(held, user)
    assert place.acting(ADMIN, body, *flags) == ""
    refused = place.acting(ADMIN, renamed(body, "held.by-ada"), *flags)
    assert f"accepted: {body['metadata']['name']}" in refused


def test_one_person_decides_once(place: Place):
    twice = place.hold("twice")
    place.world.make(ADA, place.decisions, decision(twice, ADA))
    place.world.make(BOB, place.decisions, decision(twice, BOB))
    for verdict in ("Approve", "Deny"):
        with pytest.raises(ApiError, match="already exists"):
            place.world.make(ADA, place.decisions, decision(twice, ADA, verdict))
    place.world.make(ADA, place.decisions, decision(twice, ADA, "Revoke"))


@pytest.mark.parametrize("user", [ADA, BOB, ENGINEER, ADMIN, OPERATOR, WARDEN])
def test_nobody_edits_or_removes_a_decision(place: Place, user: str):
    name = f"kept-{[ADA, BOB, ENGINEER, ADMIN, OPERATOR, WARDEN].index(user)}"
    of = place.hold(name)
    made = place.world.make(ADA, place.decisions, decision(of, ADA))
    where = f"{place.decisions}/{made['metadata']['name']}"
    refused = place.world.call(user, "PATCH", where, {"spec": {"verdict": "Deny"}})
    assert "must stay as it was made" in refused
    for meta in ({"labels": {"a": "b"}}, {"finalizers": ["a.b/c"]}):
        refused = place.world.call(user, "PATCH", where, {"metadata": meta})
        assert "approvaldecisions: nobody changes one" in refused
    says = "is Pending; accepted: deletion once" if user == WARDEN else "deleted by system:service"
    assert says in place.world.call(user, "DELETE", where)
    assert says in place.world.call(user, "DELETE", place.decisions)
    assert place.world.call(NAMESPACES, "DELETE", where) == "", "control: its namespace ends"
    assert place.judge(name, phase="Denied", decidedAt="2026-03-01T12:00:00Z") == ""
    until(lambda: place.world.call(WARDEN, "DELETE", where) == "", 20, "never let go")
    if user != WARDEN:
        assert "deleted by system:service" in place.world.call(user, "DELETE", where)


@pytest.mark.parametrize(
    "meta",
    [
        {"finalizers": ["example.org/keep"]},
        {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": UID}]},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_decision_stays_and_goes_with_its_request(place: Place, held: Json, meta: Json):
    body = decision(held, ADA)
    assert place.tries(ADA, body) == "", "control"
    refused = place.tries(ADA, body | {"metadata": body["metadata"] | meta})
    assert "without finalizers and ownerReferences" in refused


def test_nobody_decides_about_what_has_ended(place: Place):
    of = place.hold("over")
    assert place.tries(ADA, decision(of, ADA)) == "", "control"
    assert place.judge("over", phase="Approved", decidedAt="2026-03-01T12:00:00Z") == ""
    assert place.tries(ADA, decision(of, ADA, "Revoke")) == "", "control: not consumed yet"
    assert place.judge("over", phase="Expired") == ""
    says = "spec.request: over is Expired; accepted: a request that has not ended"
    until(lambda: says in place.tries(ADA, decision(of, ADA)), 20, "never refused")


def test_nobody_decides_too_late(place: Place, held: Json):
    late = place.world.make(
        WARDEN, place.requests, request("late", expiresAt="2026-01-01T00:00:00Z")
    )
    assert place.tries(ADA, decision(held, ADA)) == "", "control"
    says = "spec.request: late expired at 2026-01-01T00:00:00Z; accepted: before that"
    until(lambda: says in place.tries(ADA, decision(late, ADA)), 20, "never refused")


def test_who_decides_belongs_to_a_group_that_the_agreement_accepts(place: Place):
    where = "/apis/casemate.dev/v1alpha1/usageagreements/guarded"
    media = "application/merge-patch+json"
    groups = {"spec": {"approvals": {"approverGroups": ["watch", "writers"]}}}
    of = place.hold("grouped", agreement=request("x")["spec"]["agreement"] | {"name": "guarded"})
    assert place.tries(ADA, decision(of, ADA)) == "", "control: an agreement without groups"
    place.world.as_user(ADMIN).request("PATCH", where, groups, media)
    says = "spec.approver.groups: none; accepted by agreement guarded: at least one of watch, writ"
    until(lambda: says in place.tries(ADA, decision(of, ADA)), 20, "never refused")

    def member(*of_groups: str) -> str:
        approver = {"username": ADA, "groups": [*of_groups]}
        return place.tries(ADA, decision(of, ADA, approver=approver))

    assert member("writers") == ""
    assert "system:authenticated; accepted by agreement guarded" in member("system:authenticated")
