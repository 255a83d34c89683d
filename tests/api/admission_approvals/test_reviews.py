"""Wishes to read what is held: by people who may approve it, in their own name, for minutes."""

from contextlib import suppress

import pytest

from api.admission_approvals.people import APPROVERS, DOMAIN, REQUESTER, WARDEN, Place
from enclave.kubeapi import ApiError
from support.approvals import Json, review
from support.policies import ADMIN, ENCLAVE, ENGINEER, NAMESPACES, OPERATOR, bind

ADA, BOB = APPROVERS
REVIEWS = f"{DOMAIN}/namespaces/{ENCLAVE}/approvalreviews"
UID = "00000000-0000-4000-8000-0000000000ff"
AS_ADA = ("--as=ada", "--as-group=writers", "--as-group=system:authenticated")
THEN = "2026-03-01T12:00:00Z"


@pytest.fixture(scope="module")
def held(place: Place) -> Json:
    return place.hold("to-read")


def tries(place: Place, user: str, body: Json) -> str:
    return place.world.call(user, "POST", REVIEWS, body)


def test_whoever_may_approve_reads(place: Place, held: Json):
    for user in (*APPROVERS, REQUESTER, ADMIN):
        assert tries(place, user, review(held, user)) == ""


def test_whoever_may_not_approve_does_not(place: Place, held: Json):
    refused = tries(place, ENGINEER, review(held, ENGINEER))
    assert "engineer has not the RBAC verb approve on usageagreements harbour" in refused
    # To name another agreement, under which one may, is no way round.
    lie = review(held, ADA, agreement="guarded")
    assert "spec.agreement: found guarded; accepted: spec.agreement.name" in tries(place, ADA, lie)


@pytest.mark.parametrize("user", [WARDEN, OPERATOR, f"system:serviceaccount:{ENCLAVE}:bot"])
def test_no_program_reads(place: Place, held: Json, user: str):
    with suppress(ApiError):  # another module has bound it
        bind(place.world, "casemate-approver", user)
    assert tries(place, ADA, review(held, ADA)) == "", "control"
    assert "from people, not from programs" in tries(place, user, review(held, user))


def test_nobody_reads_in_the_name_of_another(place: Place, held: Json):
    assert tries(place, ADA, review(held, ADA)) == "", "control"
    for user in (ADA, ADMIN):
        refused = tries(place, user, review(held, BOB))
        assert f"accepted: whoever makes the review, {user} with uid ''" in refused


def test_uid_and_groups_are_those_of_who_reads(place: Place, held: Json):
    body = review(held, ADA, reviewer={"username": ADA, "uid": "u-ada"})
    body |= {"metadata": {"name": "review-1"}}
    assert place.acting(ADMIN, body, *AS_ADA, "--as-uid=u-ada") == "", "control"
    assert "spec.reviewer: found ada with uid" in place.acting(ADMIN, body, *AS_ADA)

    def said(*groups: str) -> str:
        who = {"username": ADA, "groups": [*groups]}
        return tries(place, ADA, review(held, ADA, reviewer=who))

    assert said() == said("writers") == ""
    assert "spec.reviewer.groups: ada has not system:masters" in said("system:masters")


def test_a_review_is_of_the_request_that_is_held_now(place: Place, held: Json):
    assert tries(place, ADA, review(held, ADA)) == "", "control"
    other = review(held, ADA, request={"name": "to-read", "uid": UID})
    assert f"spec.request.uid: found {UID}" in tries(place, ADA, other)


def test_what_has_ended_is_not_read(place: Place):
    ended = place.hold("read-late")
    assert tries(place, ADA, review(ended, ADA)) == "", "control"
    assert place.judge("read-late", phase="Denied", decidedAt=THEN) == ""
    place.until(lambda: "is Denied" in tries(place, ADA, review(ended, ADA)))
    past = place.hold("read-past", expiresAt=THEN)
    place.until(lambda: f"expired at {THEN}" in tries(place, ADA, review(past, ADA)))


@pytest.mark.parametrize(
    "meta", [{"finalizers": ["a.b/c"]}, {"ownerReferences": []}], ids=lambda one: next(iter(one))
)
def test_nothing_keeps_a_review(place: Place, held: Json, meta: Json):
    body = review(held, ADA)
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": UID}
    more = {"ownerReferences": [owner]} if "ownerReferences" in meta else meta
    kept = body | {"metadata": body["metadata"] | more}
    assert "without finalizers and ownerReferences" in tries(place, ADA, kept)
    assert tries(place, ADA, body) == "", "control"


def test_the_warden_alone_answers_and_nobody_changes_what_is_asked(place: Place, held: Json):
    made = place.world.make(ADA, REVIEWS, review(held, ADA))
    where = f"{REVIEWS}/{made['metadata']['name']}"
    answer = {"status": {"message": "not now", "answeredAt": THEN}}
    assert place.world.call(WARDEN, "PATCH", f"{where}/status", answer) == "", "control"
    for user in (ADA, BOB, ADMIN, ENGINEER, OPERATOR):
        refused = place.world.call(user, "PATCH", f"{where}/status", answer)
        assert f"approvalreviews: answered by {WARDEN} only; found {user}" in refused
    assert "must stay as it was made" in place.world.call(
        WARDEN, "PATCH", where, {"spec": {"agreement": "guarded"}}
    )


def test_the_warden_or_who_reads_takes_it_away(place: Place, held: Json):
    made = place.world.make(ADA, REVIEWS, review(held, ADA))
    where = f"{REVIEWS}/{made['metadata']['name']}"
    for user in (WARDEN, ADA, NAMESPACES):
        assert place.world.call(user, "DELETE", where) == ""
    for user in (BOB, ADMIN, ENGINEER, OPERATOR):
        refused = place.world.call(user, "DELETE", where)
        assert f"deleted by {WARDEN} or its reviewer only; found {user}" in refused
