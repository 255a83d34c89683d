"""What decisions make of a held request: exhaustively, and beside what does let it go."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.api.agreement import Approvals
from casemate.api.approval import ApprovalRequestStatus, Verdict
from casemate.core.approvals import CLOCK_TOLERANCE, Outcome, approvers, decide, report
from casemate.core.quorum import Rights, asked_for
from support.approvals import REQUESTER, TERMS, Json
from unit.core.held import EXPIRES, MINUTE, NOW, PEOPLE, at, decision, request, rights

OTHER_UID = "00000000-0000-4000-8000-0000000000ff"
TWO = [decision("ada", minutes=1), decision("bob", minutes=2)]


def judged(*decisions: Json, of: Json | None = None, by: Rights | None = None, now: Any = NOW):
    return decide(of or request(), decisions, by or rights(), now)


def why(outcome: Outcome) -> str:
    (one,) = outcome.ignored
    return one.why


def test_two_people_let_a_request_go_and_one_does_not() -> None:
    outcome = judged(*TWO)
    assert (outcome.phase, outcome.needed, outcome.decided_at) == ("Approved", 2, at(2))
    assert [one.username for one in outcome.approvals] == ["ada", "bob"]
    assert judged(TWO[0]).phase == judged().phase == "Pending"
    assert judged(TWO[0]).message == "1 of 2 approvals"
    assert judged().decided_at is None


FLAWS: dict[str, tuple[Json, str]] = {
    "of another request's uid": (
        decision("bob", request={"name": "ar-1", "uid": OTHER_UID}),
        f"spec.request.uid: found {OTHER_UID}",
    ),
    "of another body": (decision("bob", requestDigest="0" * 64), "spec.requestDigest: found 000"),
    "under another agreement": (decision("bob", agreement="other"), "spec.agreement: found other"),
    "older than the request": (
        decision("bob", minutes=-1 / 60),
        "metadata.creationTimestamp: found 2026-03-01T11:59:59Z, before the request",
    ),
    "at the moment of expiry": (
        decision("bob", minutes=15),
        "metadata.creationTimestamp: found 2026-03-01T12:15:00Z, after it expired",
    ),
    "edited": (decision("bob", changes={"generation": 2}), "metadata.generation: found 2"),
    "without generation": (decision("bob", changes={"generation": None}), "metadata.generation"),
    "being deleted": (
        decision("bob", changes={"deletionTimestamp": "2026-03-01T12:02:00Z"}),
        "metadata.deletionTimestamp",
    ),
    "of another namespace": (decision("bob", changes={"namespace": "x"}), "metadata.namespace"),
    "of another name": (
        decision("bob", changes={"name": "ar-1.by-cyd"}),
        "metadata.name: found ar-1.by-cyd, its approver's is ar-1.by-bob",
    ),
    "of a revocation's name": (
        decision("bob", changes={"name": "ar-1.revoked-by-bob"}),
        "metadata.name: found ar-1.revoked-by-bob",
    ),
    "of a service account": (
        decision("system:serviceaccount:models:bot"),
        "system:serviceaccount:models:bot is no person",
    ),
    "of the operator": (
        decision("system:serviceaccount:casemate-system:casemate-operator"),
        "casemate-operator is no person",
    ),
    "of the warden": (
        decision("system:serviceaccount:casemate-system:casemate-warden"),
        "casemate-warden is no person",
    ),
    "of a node": (decision("system:node:n1"), "system:node:n1 is no person"),
    "of the cluster's administrator": (decision("system:admin"), "system:admin is no person"),
    "of a service account by another name": (
        decision("bob", approver={"username": "bob", "groups": ["system:serviceaccounts"]}),
        "bob is no person",
    ),
    "of a node by another name": (
        decision("bob", approver={"username": "bob", "groups": ["system:nodes"]}),
        "bob is no person",
    ),
    "of the requester": (decision(REQUESTER), "spec.approver: caller made the request"),
    "of the requester in capitals": (decision("Caller"), "spec.approver: Caller made the request"),
    "of the requester in wide letters": (
        decision("\uff43aller"),
        "spec.approver: \uff43aller made the request",
    ),
    "of the requester by another name": (
        decision("bob", approver={"username": "bob", "uid": "u-caller"}),
        "spec.approver: bob made the request",
    ),
    "that says no reason": (
        decision("bob", justification="ok"),
        "it breaks a rule of this version: spec.justification",
    ),
    "without time": (
        decision("bob", changes={"creationTimestamp": None}),
        "metadata.creationTimestamp",
    ),
}


@pytest.mark.parametrize("name", FLAWS)
@pytest.mark.parametrize("verdict", ["Approve", "Deny", "Revoke"])
def test_a_decision_does_not_count(name: str, verdict: Verdict) -> None:
    flawed, says = FLAWS[name]
    said = dict(flawed, spec=flawed["spec"] | {"verdict": verdict})
    everybody = rights(refusals={flawed["spec"]["approver"]["username"]: ""})
    if verdict == "Revoke" and "revocation" not in name:
        said["metadata"] = flawed["metadata"] | {
            "name": flawed["metadata"]["name"].replace(".by-", ".revoked-by-")
        }
        says = says.replace(".by-", ".revoked-by-")
    elif "revocation" in name and verdict == "Revoke":
        return
    outcome = judged(TWO[0], said, by=everybody)
    assert outcome.phase == "Pending"
    assert says in why(outcome)
    assert judged(*TWO, decision("cyd"), said, by=everybody).phase == "Approved", "control"


def test_a_decision_about_another_request_is_passed_over() -> None:
    other = decision("bob", of=request({"name": "ar-2"}))
    outcome = judged(TWO[0], other)
    assert (outcome.phase, outcome.ignored) == ("Pending", ())


@pytest.mark.parametrize(
    "again",
    [
        decision("Ada", minutes=2),
        decision("\uff41da", minutes=2),
        decision("bob", minutes=2, approver={"username": "bob", "uid": "u-1"}),
    ],
    ids=["capitals", "wide letters", "uid"],
)
def test_one_person_counts_once(again: Json) -> None:
    name = again["spec"]["approver"]["username"]
    by = rights(refusals={name: ""})
    first = decision("ada", approver={"username": "ada", "uid": "u-1"})
    outcome = judged(first, again, by=by)
    assert outcome.phase == "Pending"
    assert f"{name} is ada, who has approved already" in why(outcome)
    assert judged(first, decision("cyd"), again, by=by).phase == "Approved", "control"


def test_people_without_uid_are_not_one_for_that() -> None:
    assert judged(*TWO).phase == "Approved"
    assert all(one["spec"]["approver"].get("uid", "") == "" for one in TWO)


def test_the_right_to_approve_is_asked_about_again() -> None:
    gone = rights(refusals={"bob": "no RBAC policy matched"})
    outcome = judged(*TWO, by=gone)
    assert outcome.phase == "Pending"
    assert "bob may not approve: no RBAC policy matched" in why(outcome)
    assert judged(*TWO, decision("cyd"), by=gone).phase == "Approved", "control"


def test_whose_right_nobody_asked_about_does_not_count() -> None:
    unasked = decision("dee", minutes=2)
    assert "nobody asked whether they may" in why(judged(TWO[0], unasked))
    assert judged(TWO[0], unasked, by=rights(refusals={"dee": ""})).phase == "Approved"


def test_approvers_belong_to_a_group_that_the_agreement_accepts() -> None:
    by = rights(approverGroups=["watch", "duty"])

    def of(*groups: str) -> Json:
        return decision("bob", approver={"username": "bob", "groups": [*groups]})

    ada = decision("ada", approver={"username": "ada", "groups": ["duty"]})
    assert judged(ada, of("others", "watch"), by=by).phase == "Approved"
    for groups in ((), ("others",), ("watchers",)):
        outcome = judged(ada, of(*groups), by=by)
        assert outcome.phase == "Pending"
        assert "spec.approver.groups: none of watch, duty" in why(outcome)


@pytest.mark.parametrize("verdict", ["Deny", "Revoke"])
@pytest.mark.parametrize("minutes", [0, 1.5, 4])
def test_one_word_ends_it_whenever_it_was_said(verdict: Verdict, minutes: float) -> None:
    end = decision("cyd", verdict, minutes)
    outcome = judged(*TWO, end)
    assert outcome.phase == {"Deny": "Denied", "Revoke": "Revoked"}[verdict]
    assert outcome.decided_at == at(minutes)
    assert "by cyd: checked against" in outcome.message
    assert [one.username for one in outcome.approvals] == ["ada", "bob"]


def test_who_approved_may_take_it_back_and_needs_no_right_for_it() -> None:
    back = decision("ada", "Revoke", 3)
    assert judged(*TWO, back).phase == "Revoked"
    gone = rights(refusals={"ada": "the role was taken away"})
    assert judged(*TWO, back, by=gone).phase == "Revoked"


def test_the_first_of_two_ends_is_the_end() -> None:
    revoked, denied = decision("ada", "Revoke", 3), decision("cyd", "Deny", 4)
    for said in itertools.permutations([*TWO, revoked, denied]):
        assert judged(*said).phase == "Revoked"
    assert judged(*TWO, denied).phase == "Denied", "control"


def test_time_ends_what_nobody_let_go() -> None:
    last = EXPIRES - MINUTE / 60
    assert judged(*TWO, now=last).phase == "Approved"
    for said in ([], TWO[:1], TWO):
        outcome = judged(*said, now=EXPIRES)
        assert (outcome.phase, outcome.decided_at) == ("Expired", EXPIRES)
    assert judged(*TWO, decision("cyd", "Deny"), now=EXPIRES).phase == "Denied"


def test_the_agreement_bounds_how_long_a_request_stands() -> None:
    long = request(expiresAt="2026-03-01T18:00:00Z")
    assert judged(*TWO, of=long, now=at(14.9)).phase == "Approved"
    assert judged(*TWO, of=long, now=at(15)).phase == "Expired"
    hour = rights(expiryMinutes=60)
    assert judged(*TWO, of=long, by=hour, now=at(59)).phase == "Approved"
    assert judged(*TWO, of=long, by=hour, now=at(60)).phase == "Expired"


def test_the_highest_number_of_approvers_counts() -> None:
    third = decision("cyd", minutes=3)
    for of, by in ((request(approvers=3), rights()), (request(), rights(quorum=3))):
        assert judged(*TWO, of=of, by=by).phase == "Pending"
        assert judged(*TWO, third, of=of, by=by).phase == "Approved"
        assert judged(*TWO, third, of=of, by=by).decided_at == at(3)


def test_one_is_enough_where_the_agreement_says_so_and_never_for_force() -> None:
    one = rights(quorum=1)
    other = request(line="leak", approvers=1)
    assert judged(TWO[0], of=other, by=one).phase == "Approved"
    assert judged(of=other, by=one).phase == "Pending"
    force = judged(TWO[0], of=request(), by=one)
    assert (force.phase, force.needed) == ("Pending", 2)
    broken = judged(*TWO, of=request(approvers=1), by=one)
    assert broken.phase == "Denied"
    assert "needs 2 approvers or more for use-of-force" in broken.message


@pytest.mark.parametrize(("quorum", "force", "other"), [(1, 2, 1), (2, 2, 2), (3, 3, 3)])
def test_a_new_request_asks_for_two_at_least_where_it_is_about_force(
    quorum: int, force: int, other: int
) -> None:
    approvals = Approvals(quorum=quorum)
    assert asked_for("use-of-force", approvals) == force
    assert asked_for("leak", approvals) == other


@pytest.mark.parametrize(
    ("of", "by", "says"),
    [
        (request(), rights(stopped="stopped by eve"), "stopped by eve"),
        (request(), rights(agreement=f"sha256:{'0' * 64}"), "UsageAgreement harbour has changed"),
        (request({"generation": 2}), rights(), "the request was edited: its generation is 2"),
        (request({"generation": None}), rights(), "the request was edited"),
        (request({"deletionTimestamp": "x"}), rights(), "the request is being deleted"),
        (request(requestDigest="5E" * 32), rights(), "breaks a rule of this version: spec.request"),
        (request({"creationTimestamp": None}), rights(), "metadata.creationTimestamp"),
        (request(status={"phase": "Fine"}), rights(), "the status breaks a rule"),
    ],
    ids=str,
)
def test_a_request_is_denied_whatever_people_say(of: Json, by: Rights, says: str) -> None:
    assert judged(*TWO).phase == "Approved", "control"
    outcome = judged(*TWO, of=of, by=by)
    assert outcome.phase == "Denied"
    assert says in outcome.message
    assert outcome.decided_at == NOW


ENDED = [
    {"phase": phase, "decidedAt": "2026-03-01T12:04:00Z", **more}
    for phase, more in (
        ("Denied", {}),
        ("Expired", {}),
        ("Revoked", {"message": "by cyd"}),
        ("Consumed", {"consumedAt": "2026-03-01T12:04:00Z"}),
    )
]


@pytest.mark.parametrize("status", ENDED, ids=lambda one: one["phase"])
def test_what_has_ended_stays_so(status: Json) -> None:
    outcome = judged(*TWO, of=request(status=status))
    assert outcome.phase == status["phase"]
    assert outcome.message == status.get("message", f"it is {status['phase']}")


@pytest.mark.parametrize("phase", ["Pending", "Approved"])
def test_a_forged_approval_in_the_status_counts_for_nothing(phase: str) -> None:
    status = {"phase": phase, "tally": "2/2", "decidedAt": "2026-03-01T12:04:00Z"}
    assert judged(TWO[0], of=request(status=status)).phase == "Pending"
    assert judged(*TWO, of=request(status=status)).phase == "Approved", "control"


def test_nothing_is_let_go_by_a_clock_that_is_behind() -> None:
    outcome = judged(*TWO, now=at(2) - CLOCK_TOLERANCE - MINUTE / 60)
    assert outcome.phase == "Pending"
    assert "our clock is behind" in outcome.message
    assert judged(*TWO, now=at(2) - CLOCK_TOLERANCE).phase == "Approved"


def test_the_people_to_ask_about() -> None:
    other = decision("dee", of=request({"name": "ar-2"}))
    assert approvers([*TWO, other], "ar-1") == {"ada", "bob"}


def test_the_status_tells_who_counts_and_why_others_do_not() -> None:
    status = report(judged(*TWO, FLAWS["of the requester"][0]))
    ApprovalRequestStatus.model_validate(status)
    assert status["tally"] == "2/2"
    assert status["approvals"] == [
        {"decision": "ar-1.by-ada", "approver": "ada", "time": "2026-03-01T12:01:00Z"},
        {"decision": "ar-1.by-bob", "approver": "bob", "time": "2026-03-01T12:02:00Z"},
    ]
    assert status["ignored"][0]["decision"] == "ar-1.by-caller"
    assert status["decidedAt"] == "2026-03-01T12:02:00Z"
    assert "decidedAt" not in report(judged(TWO[0]))


def test_a_status_of_many_and_long_things_still_fits() -> None:
    crowd = [decision(f"p{n}", minutes=n / 60) for n in range(40)]
    liars = [decision(f"l{n}", changes={"generation": 2}) for n in range(40)]
    may = rights(refusals={f"p{n}": "" for n in range(40)})
    ApprovalRequestStatus.model_validate(report(judged(*crowd, *liars, by=may)))
    denied = decision("ada", "Deny", justification="x" * 1000)
    ApprovalRequestStatus.model_validate(report(judged(denied)))
    stopped = judged(by=rights(stopped="s" * 3000))
    ApprovalRequestStatus.model_validate(report(stopped))


# Each draw is a decision and what an independent judge says of it: whose voice it is, or none.
def _drawn(name: str, verdict: Verdict, flaw: str, minutes: int) -> tuple[str, str, Json]:
    flaws: dict[str, dict[str, Any]] = {
        "": {},
        "edited": {"changes": {"generation": 2}},
        "uid": {"request": {"name": "ar-1", "uid": OTHER_UID}},
        "digest": {"requestDigest": "0" * 64},
        "agreement": {"agreement": "other"},
        "bot": {"approver": {"username": name, "groups": ["system:serviceaccounts"]}},
        "early": {},
        "late": {},
    }
    when = {"early": -1, "late": 15}.get(flaw, minutes)
    body = decision(name, verdict, when, **flaws[flaw])
    return ("" if flaw else name), verdict, body


DRAWS = st.builds(
    _drawn,
    st.sampled_from([*PEOPLE, "dee", REQUESTER]),
    st.sampled_from(["Approve", "Approve", "Approve", "Deny", "Revoke"]),
    st.sampled_from(["", "", "edited", "uid", "digest", "agreement", "bot", "early", "late"]),
    st.integers(0, 4),
)


@given(st.lists(DRAWS, max_size=8), st.integers(1, 4), st.randoms())
def test_it_goes_exactly_if_enough_people_said_so_and_nobody_else_no(
    draws: list[tuple[str, str, Json]], approving: int, random: Any
) -> None:
    of, by = request(line="leak", approvers=approving), rights(quorum=1)
    voices = [(who, what) for who, what, _ in draws if who not in {"", REQUESTER}]
    ended = any(what != "Approve" for _, what in voices)
    people = {who for who, what in voices if what == "Approve" and who in PEOPLE}
    said = [body for *_, body in draws]
    outcome = judged(*said, of=of, by=by)
    assert (outcome.phase == "Approved") == (not ended and len(people) >= approving)
    assert (outcome.phase in {"Denied", "Revoked"}) == ended
    random.shuffle(said)
    assert judged(*said, of=of, by=by).phase == outcome.phase, "in any order"


@given(st.lists(DRAWS, max_size=6), DRAWS)
def test_nothing_that_is_said_more_undoes_an_end(
    draws: list[tuple[str, str, Json]], more: tuple[str, str, Json]
) -> None:
    said = [body for *_, body in draws]
    before, after = judged(*said), judged(*said, more[-1])
    if before.phase in {"Denied", "Revoked"}:
        assert after.phase in {"Denied", "Revoked"}
    if more[0] in {"", REQUESTER}:
        assert after.phase == before.phase


@given(st.lists(DRAWS, max_size=6), st.integers(0, 1000), st.integers(0, 1000))
def test_time_alone_lets_nothing_go_that_has_ended(
    draws: list[tuple[str, str, Json]], first: int, later: int
) -> None:
    said = [body for *_, body in draws]
    before = judged(*said, now=at(4) + first * MINUTE / 30)
    after = judged(*said, now=at(4) + (first + later) * MINUTE / 30)
    if before.phase not in {"Pending", "Approved"}:
        assert after.phase == before.phase
    if after.phase == "Approved":
        assert before.phase == "Approved"


def test_the_terms_of_these_tests_are_those_of_the_request() -> None:
    assert request()["spec"]["agreement"]["digest"] == TERMS
