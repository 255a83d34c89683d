"""What a log may not say, though all its keys and witnesses signed it."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from casemate.audit.canonical import canonical_record
from casemate.audit.findings import Finding, Severity, Verdict
from casemate.audit.notes import Kind, Note, Signer
from casemate.audit.policy import Policy
from casemate.audit.verify import Report, verify
from support.evidence import ANA, BEN, CYD, DAN, World, opened, text

Act = Callable[[World], None]


def report(act: Act, policy: Policy | None = None) -> Report:
    """Two wardens start, something happens, everybody signs."""
    world = World()
    for number in range(2):
        world.start(number)
    world.approved(0, 1)
    act(world)
    for number in range(2):
        world.checkpoint(number)
    known = world.policy.model_copy(update={"agreements": tuple(world.terms)})
    return verify(opened(world.export()), policy or known)


def bad(found: Report) -> list[Finding]:
    return [one for one in found.findings.kept if one.severity is not Severity.NOTE]


def test_control_nothing_happens() -> None:
    assert bad(report(lambda _: None)) == []


def last(world: World, number: int, **changes: Any) -> None:
    """Change the last record of a log."""
    record = orjson.loads(world.logs[number].leaves[-1])
    for path, value in changes.items():
        at = record
        *steps, name = path.split("__")
        for step in steps:
            at = at[step]
        at[name] = value
    world.logs[number].leaves[-1] = canonical_record(record)


def ask(world: World, **changes: Any) -> dict[str, str]:
    """A held request; its approval-requested record is changed."""
    approval = world.hold(0)
    if changes:
        outcome = world.logs[0].leaves.pop()
        last(world, 0, **changes)
        world.logs[0].leaves.append(outcome)
    return approval


def agree(world: World, *people: Any, **more: Any) -> dict[str, str]:
    approval = ask(world)
    for person in people:
        world.decide(0, approval, person, "approve", **more)
    return approval


def consume(world: World, approval: dict[str, str], **more: Any) -> None:
    world.consume(0, approval, **more)


def alone(world: World) -> None:
    consume(world, agree(world, BEN), approvers=[BEN["username"]])


def one_counted_twice(world: World) -> None:
    name = BEN["username"]
    consume(world, agree(world, BEN, BEN), approvers=[name, name])


def one_with_two_names(world: World) -> None:
    other = {"username": "b.bo@example.org", "uid": BEN["uid"]}
    consume(world, agree(world, BEN, other), approvers=[BEN["username"], other["username"]])


def requester_approves(world: World) -> None:
    consume(world, agree(world, BEN, ANA), approvers=[BEN["username"], ANA["username"]])


def requester_under_another_name(world: World) -> None:
    other = {"username": "a@example.org", "uid": ANA["uid"]}
    consume(world, agree(world, BEN, other), approvers=[BEN["username"], other["username"]])


def machine_approves(world: World) -> None:
    robot = {"username": "system:serviceaccount:plans:robot", "uid": "u-r"}
    consume(world, agree(world, BEN, robot), approvers=[BEN["username"], robot["username"]])


def nobody_decided(world: World) -> None:
    consume(world, agree(world, BEN))


def decided_about_others(world: World) -> None:
    approval = agree(world, BEN)
    world.decide(0, approval, CYD, "approve", digest="f" * 64)
    consume(world, approval)


def decided_afterwards(world: World) -> None:
    approval = agree(world, BEN)
    consume(world, approval)
    world.decide(0, approval, CYD, "approve")


def decided_afterwards_in_another_log(world: World) -> None:
    approval = agree(world, BEN)
    consume(world, approval)
    world.now += 3000
    world.decide(1, approval, CYD, "approve")


def denied_by_a_third(world: World) -> None:
    approval = agree(world, BEN, CYD)
    world.decide(0, approval, DAN, "deny")
    consume(world, approval)


def denied_by_a_third_in_another_log(world: World) -> None:
    approval = agree(world, BEN, CYD)
    world.decide(1, approval, DAN, "deny")
    consume(world, approval)


def revoked(world: World) -> None:
    approval = agree(world, BEN, CYD)
    world.append(0, "approval-revoked", {"approval": approval, "by": BEN})
    consume(world, approval)


def expired(world: World) -> None:
    approval = agree(world, BEN, CYD)
    world.append(0, "approval-expired", {"approval": approval})
    consume(world, approval)


def expired_without_decision(world: World) -> None:
    approval = ask(world)
    world.append(0, "approval-expired", {"approval": approval})
    world.decide(0, approval, BEN, "approve")
    world.decide(0, approval, CYD, "approve")
    consume(world, approval)


def past_its_time(world: World) -> None:
    approval = agree(world, BEN, CYD)
    world.now += 16 * 60_000
    consume(world, approval)


def never_requested(world: World) -> None:
    approval = {"namespace": "plans", "name": "held-9", "uid": "a-9"}
    world.decide(0, approval, BEN, "approve")
    world.decide(0, approval, CYD, "approve")
    consume(world, approval)


def requested_twice(world: World) -> None:
    approval = agree(world, BEN, CYD)
    world.logs[0].leaves.append(world.logs[0].leaves[-4])
    last(world, 0, seq=len(world.logs[0].leaves) - 1, time=text(world.now))
    consume(world, approval)


def other_digest(world: World) -> None:
    consume(world, agree(world, BEN, CYD), digest="f" * 64)


def other_caller(world: World) -> None:
    consume(world, agree(world, BEN, CYD), caller=DAN)


def renamed(world: World) -> None:
    approval = agree(world, BEN, CYD)
    consume(world, {**approval, "name": "held-8"})


def alone_where_the_agreement_says_so(world: World) -> None:
    world.agree_anew(approvals={"quorum": 1})
    approval = ask(world, quorum=1)
    world.decide(0, approval, BEN, "approve")
    consume(world, approval, approvers=[BEN["username"]])


def small_quorum(world: World) -> None:
    ask(world, quorum=1)


def long_expiry(world: World) -> None:
    ask(world, expires=text(world.now + 60 * 60_000))


def asked_for_another_line(world: World) -> None:
    ask(world, line="other")


def asked_for_another_deployment(world: World) -> None:
    ask(world, deployment__uid="d-9")


def asked_in_another_name(world: World) -> None:
    ask(world, requester=DAN)


def asked_under_other_terms(world: World) -> None:
    ask(world, agreement__name="other")


def asked_for_no_intent(world: World) -> None:
    ask(world, intent="casemate-warden-0/0")


def consumed_twice(world: World) -> None:
    approval = agree(world, BEN, CYD)
    consume(world, approval)
    consume(world, approval)


def two_for_one_intent(world: World) -> None:
    first, second = agree(world, BEN, CYD), agree(world, BEN, CYD)
    consume(world, first)
    outcome = world.logs[0].leaves.pop()
    world.logs[0].contents.pop()
    fields = {key: value for key, value in orjson.loads(world.logs[0].leaves[-1]).items()
              if key in {"intent", "digest", "caller", "approvers"}}  # fmt: skip
    world.append(0, "approval-consumed", {**fields, "approval": second})
    world.outcome(0, orjson.loads(outcome)["intent"])


def consumed_for_another_intent(world: World) -> None:
    approval = agree(world, BEN, CYD)
    other = world.intent(0, "hold", approval=approval)
    consume(world, approval)
    world.outcome(0, other)


def consumed_for_a_free_intent(world: World) -> None:
    approval = agree(world, BEN, CYD)
    free = world.intent(0)
    consume(world, approval, intent=free)


def consumed_long_before_its_intent(world: World) -> None:
    approval = agree(world, BEN, CYD)
    intent = f"casemate-warden-1/{len(world.logs[1].leaves)}"
    fields = {"approval": approval, "intent": intent, "digest": "0123456789abcdef" * 4,
              "caller": ANA, "approvers": [BEN["username"], CYD["username"]]}  # fmt: skip
    world.append(0, "approval-consumed", fields)
    world.now += 5000
    world.outcome(1, world.intent(1, "hold", approval=approval))


def two_early_outcomes(world: World) -> None:
    world.append(0, "clock-jump", {"before": text(world.now), "after": "", "milliseconds": 0})
    world.logs[0].back_ms = 1000
    last(world, 0, time=text(world.now - 1000), after=text(world.now - 1000))
    intent = world.intent(1)
    world.outcome(0, intent)
    world.outcome(0, intent)


def other_deployment(world: World) -> None:
    approval = agree(world, BEN, CYD)
    deployment = {"namespace": "plans", "name": "other", "uid": "d-2"}
    intent = world.intent(0, "hold", approval=approval, deployment=deployment)
    fields = {"approval": approval, "intent": intent, "digest": "0123456789abcdef" * 4,
              "caller": ANA, "approvers": [BEN["username"], CYD["username"]]}  # fmt: skip
    world.append(0, "approval-consumed", fields)
    world.outcome(0, intent)


def no_approval(world: World) -> None:
    world.outcome(0, world.intent(0, "hold"))


def consumed_afterwards(world: World) -> None:
    approval = agree(world, BEN, CYD)
    consume(world, approval)
    log = world.logs[0]
    log.contents.pop()
    spent, outcome = (orjson.loads(leaf) for leaf in log.leaves[-2:])
    stamped = ("seq", "time")
    swapped = [{**outcome, **{one: spent[one] for one in stamped}},
               {**spent, **{one: outcome[one] for one in stamped}}]  # fmt: skip
    swapped[0]["response"].pop("sealed")
    log.leaves[-2:] = map(canonical_record, swapped)


def refused_and_answered(world: World) -> None:
    world.outcome(0, world.intent(0, "refuse"))


def unjudged(world: World) -> None:
    world.outcome(0, world.intent(0), verdict=None)


def no_agreement(world: World) -> None:
    world.outcome(0, world.intent(0, agreement=None))


def outcome_of_nothing(world: World) -> None:
    world.outcome(0, "casemate-warden-0/0")


def outcome_of_itself(world: World) -> None:
    world.outcome(0, f"casemate-warden-0/{len(world.logs[0].leaves)}")


def outcome_of_the_future(world: World) -> None:
    world.outcome(0, "casemate-warden-1/999")


def outcome_of_another_cluster(world: World) -> None:
    world.outcome(0, "casemate-warden-7/0")


def two_outcomes(world: World) -> None:
    intent = world.intent(0)
    world.outcome(0, intent)
    world.outcome(1, intent)


def outcome_long_before_its_intent(world: World) -> None:
    world.outcome(0, f"casemate-warden-1/{len(world.logs[1].leaves)}")
    world.now += 5000
    world.intent(1)


KILL = {"switch": {"name": "stop", "uid": "k-1"}, "by": BEN, "reason": "drill"}


def killed(scope: dict[str, str], number: int = 1, ms: int = 2001) -> Act:
    def act(world: World) -> None:
        world.append(1, "kill", {**KILL, "scope": scope})
        world.now += ms
        world.outcome(number, world.intent(number))

    return act


def lifted_by(who: Any) -> Act:
    def act(world: World) -> None:
        world.append(1, "kill", {**KILL, "scope": {"kind": "all"}})
        world.append(1, "lift", {"switch": KILL["switch"], "by": who})

    return act


def lifted_unseen(world: World) -> None:
    """By somebody whom one replica saw, and the other, which was away, did not."""
    for number in range(2):
        world.append(number, "kill", {**KILL, "scope": {"kind": "all"}})
    lift = {"switch": KILL["switch"], "by": None, "reason": None}
    world.append(0, "lift", lift)
    world.append(1, "lift", {**lift, "by": CYD, "reason": "looked into"})


def unreadable(world: World) -> None:
    """A switch that did not say who set it."""
    world.append(0, "kill", {**KILL, "by": None, "scope": {"kind": "all"}})
    world.append(0, "lift", {"switch": KILL["switch"], "by": CYD})


def lifted_from_nothing(world: World) -> None:
    world.append(1, "lift", {"switch": KILL["switch"], "by": CYD})


def blocked(world: World) -> None:
    fields = {"supplier": "acme", "standing": "Blocked", "digest": f"sha256:{'0' * 64}"}
    world.append(1, "supplier-standing", fields)
    world.now += 121_000
    world.outcome(0, world.intent(0))


def out_of_term(world: World) -> None:
    world.now += 4 * 365 * 86_400_000
    world.outcome(0, world.intent(0))


def before_the_term(world: World) -> None:
    world.agree_anew(term={"start": "2028-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z"})
    world.outcome(0, world.intent(0))


def unknown_terms(world: World) -> None:
    world.intent(0, agreement={"name": "x", "digest": f"sha256:{'e' * 64}"})


def unknown_bundle(world: World) -> None:
    digest = f"sha256:{'e' * 64}"
    world.intent(0, guard={"bundle": digest, "policy": digest})


def new_boot(world: World) -> None:
    world.logs[0].boot = "99999999-0000-4000-8000-000000000000"
    world.intent(0)


def old_boot(world: World) -> None:
    world.append(0, "stopped", {})
    world.start(0)
    world.append(0, "stopped", {})
    world.logs[0].boots = 0
    world.start(0)


def started_twice(world: World) -> None:
    world.logs[0].boots -= 1
    world.start(0)


def after_its_end(world: World) -> None:
    world.append(0, "stopped", {})
    world.intent(0)


def lost_records(world: World) -> None:
    world.append(0, "stopped", {})
    world.start(0)
    last(world, 0, recovered__size=3)


def clock_back(world: World) -> None:
    world.now -= 5000
    world.intent(0)


def clock_back_at_a_start(world: World) -> None:
    world.append(0, "stopped", {})
    world.now -= 5000
    world.start(0)
    world.intent(0)


def clock_back_at_the_last_start(world: World) -> None:
    world.append(0, "stopped", {})
    world.now -= 5000
    world.start(0)


def clock_back_twice_at_a_start(world: World) -> None:
    world.append(0, "stopped", {})
    before = text(world.now)
    world.now -= 5000
    world.start(0)
    world.now -= 1000
    after = text(world.now)
    world.append(0, "clock-jump", {"before": before, "after": after, "milliseconds": -6000})
    last(world, 0, time=after)


def jump_from_earlier(world: World) -> None:
    before, after = text(world.now - 70_000), text(world.now - 60_000)
    world.append(0, "clock-jump", {"before": before, "after": after, "milliseconds": 1})
    last(world, 0, time=after)


def jump_to_elsewhere(world: World) -> None:
    before, after = text(world.now), text(world.now - 60_000)
    world.append(0, "clock-jump", {"before": before, "after": after, "milliseconds": 1})


def other_key_at_a_start(world: World) -> None:
    world.append(0, "stopped", {})
    world.start(0)
    last(world, 0, keys__log=str(world.logs[1].keys[0].verifier))


def rotated(**changes: Any) -> Act:
    def act(world: World) -> None:
        keys = list(world.logs[0].keys)
        world.rotate(0, "log")
        last(world, 0, **changes)
        world.logs[0].keys = keys

    return act


def wrong_seq(world: World) -> None:
    world.intent(0)
    last(world, 0, seq=999)


def no_record(world: World) -> None:
    world.logs[0].leaves.append(b'{"v":1}')


CASES: list[tuple[Act, str, str]] = [
    (alone, "approvers", "1 distinct people approved; 2 must"),
    (one_counted_twice, "approvers", "1 distinct"),
    (alone_where_the_agreement_says_so, "approvers", "1 distinct people approved; 2 must"),
    (one_with_two_names, "approvers", "1 distinct"),
    (requester_approves, "approvers", "ana@example.org is the requester"),
    (requester_under_another_name, "approvers", "a@example.org is the requester"),
    (machine_approves, "approvers", "is no person"),
    (nobody_decided, "approvers", "cyd@example.org had not approved"),
    (decided_about_others, "approvers", "cyd@example.org had not approved"),
    (decided_afterwards, "approvers", "cyd@example.org had not approved"),
    (decided_afterwards_in_another_log, "approvers", "cyd@example.org had not approved"),
    (denied_by_a_third, "approval", "had been denied"),
    (denied_by_a_third_in_another_log, "approval", "had been denied"),
    (revoked, "approval", "had expired or had been revoked"),
    (expired, "approval", "had expired or had been revoked"),
    (expired_without_decision, "approval", "was never requested, or had come to an end"),
    (past_its_time, "time", "is after its expiry"),
    (never_requested, "approval", "was never requested"),
    (requested_twice, "approval.uid", "was requested before"),
    (other_digest, "digest", "is not the one that was asked about"),
    (other_caller, "caller", "is not who asked"),
    (other_caller, "caller", "is not that of the intent"),
    (renamed, "approval", "has another name"),
    (small_quorum, "quorum", "1 people; the agreement asks for 2"),
    (long_expiry, "expires", "is more than 15 minutes away"),
    (asked_for_another_line, "line", "is not that of the intent"),
    (asked_for_another_deployment, "deployment", "is not that of the intent"),
    (asked_in_another_name, "requester", "is not that of the intent"),
    (asked_under_other_terms, "agreement", "is not that of the intent"),
    (asked_for_no_intent, "intent", "is no held intent"),
    (consumed_twice, "approval", "was consumed before"),
    (two_for_one_intent, "intent", "has consumed another one"),
    (consumed_for_another_intent, "response.bytes", "no approval was consumed for it"),
    (consumed_for_a_free_intent, "intent", "is no held intent"),
    (consumed_long_before_its_intent, "intent", "is not before it"),
    (two_early_outcomes, "intent", "is no intent, or has its outcome"),
    (other_deployment, "intent", "the approval was for another deployment"),
    (no_approval, "response.bytes", "no approval was consumed for it"),
    (consumed_afterwards, "response.bytes", "its approval was consumed afterwards"),
    (refused_and_answered, "response.bytes", "bytes were released for a refused intent"),
    (unjudged, "verdict", "bytes were released that nothing judged"),
    (no_agreement, "agreement", "released under no agreement"),
    (outcome_of_nothing, "intent", "is no intent, or has its outcome"),
    (outcome_of_itself, "intent", "is no intent, or has its outcome"),
    (outcome_of_the_future, "intent", "is behind the end of its log"),
    (two_outcomes, "intent", "is no intent, or has its outcome"),
    (outcome_long_before_its_intent, "time", "is before that of its intent"),
    (killed({"kind": "all"}), "response.bytes", "while kill switch stop was on"),
    (killed({"kind": "all"}, 0, 4001), "response.bytes", "while kill switch stop was on"),
    (killed({"kind": "agreement", "name": "logistics"}), "response.bytes", "while kill switch"),
    (killed({"kind": "deployment", "namespace": "plans", "name": "writer"}), "response.bytes",
     "while kill switch"),
    (lifted_by(BEN), "by", "ben@example.org lifted a switch of their own"),
    (lifted_by({"username": "b.bo@example.org", "uid": BEN["uid"]}), "by", "of their own"),
    (lifted_by({"username": "Ben@Example.org", "uid": ""}), "by", "of their own"),
    (lifted_from_nothing, "switch", "no log says that it was ever on"),
    (blocked, "response.bytes", "while supplier acme was blocked"),
    (before_the_term, "time", "agreement logistics was not in force"),
    (out_of_term, "time", "agreement logistics was not in force"),
    (unknown_terms, "agreement.digest", "is not one that you know"),
    (unknown_bundle, "guard.bundle", "is not one that you know"),
    (new_boot, "boot", "is new, and no start was recorded"),
    (old_boot, "boot", "was used before"),
    (started_twice, "boot", "a process starts once"),
    (after_its_end, "boot", "its process had stopped"),
    (lost_records, "recovered.size", "3 records were found"),
    (clock_back, "time", "no clock-jump explains it"),
    (clock_back_at_a_start, "time", "no clock-jump explains it"),
    (clock_back_at_the_last_start, "time", "no clock-jump explains it"),
    (clock_back_twice_at_a_start, "time", "no clock-jump explains it"),
    (jump_from_earlier, "time", "no clock-jump explains it"),
    (jump_to_elsewhere, "after", "is not the time of the record"),
    (other_key_at_a_start, "keys.log", "no key-rotated record tells of it"),
    (rotated(note="x"), "note", "a note is a text"),
    (rotated(role="witness"), "old", "is not the key that signed until then"),
    (rotated(until="2030-01-01T00:00:00.000Z"), "note", "does not say what the record says"),
    (wrong_seq, "seq", "says 999"),
    (no_record, "kind", "None was given"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("act", "field", "why"),
    CASES,
    ids=[f"{act.__name__}-{number}" for number, (act, _, _) in enumerate(CASES)],
)
def test_what_breaks_a_rule_is_found_at_its_record_and_field(
    act: Act, field: str, why: str
) -> None:
    found = report(act)
    assert found.verdict is Verdict.BROKEN
    places = [one for one in bad(found) if one.field == field and why in one.why]
    assert places, [(one.where(), one.why) for one in bad(found)]
    assert all(one.log and one.index is not None for one in places)


def lawful_kill(world: World) -> None:
    """What other scopes stop, and what began within two seconds, may be answered."""
    for uid, scope in enumerate((
        {"kind": "agreement", "name": "other"},
        {"kind": "deployment", "namespace": "plans", "name": "other"},
    )):  # fmt: skip
        switch = {"name": "stop", "uid": f"k-{uid}"}
        world.append(0, "kill", {**KILL, "switch": switch, "scope": scope})
    world.now += 5000
    world.append(
        0, "kill", {**KILL, "switch": {"name": "all", "uid": "k"}, "scope": {"kind": "all"}}
    )
    world.outcome(0, world.intent(0))
    world.now += 5000
    world.append(0, "lift", {"switch": {"name": "all", "uid": "k"}, "by": CYD})
    world.outcome(0, world.intent(0))


def lawful_jump(world: World) -> None:
    world.append(0, "stopped", {})
    before = text(world.now)
    world.now -= 5000
    world.start(0)
    now = orjson.loads(world.logs[0].leaves[-1])["time"]
    world.append(0, "clock-jump", {"before": before, "after": now, "milliseconds": -5000})
    last(world, 0, time=now)


def lawful_deny(world: World) -> None:
    approval = agree(world, BEN, CYD)
    consume(world, approval)
    world.decide(0, approval, DAN, "deny")


def lawful_skew(world: World) -> None:
    """The second log's clock is a second behind: what follows seems to come first."""
    world.append(
        1, "clock-jump", {"before": text(world.now + 1000), "after": "", "milliseconds": 0}
    )
    world.logs[1].back_ms = 1000
    last(world, 1, time=text(world.now - 1000), after=text(world.now - 1000))
    world.approved(0, 1)
    world.outcome(1, world.intent(0))
    approval = world.hold(0)
    for person in (BEN, CYD):
        world.decide(0, approval, person, "approve")
    world.consume(1, approval)


def lawful_break(world: World) -> None:
    """Streams that break off when part of them, which was judged, has left."""
    response = {"sha256": "0" * 64, "bytes": 3}
    for status, reason in ((499, "client_gone"), (502, "engine_unavailable")):
        intent = world.intent(0)
        world.outcome(0, intent, status, response=response, verdict=None, reason=reason)


def stays_standing(world: World) -> None:
    fields = {"supplier": "acme", "standing": "Blocked", "digest": f"sha256:{'0' * 64}"}
    world.append(0, "supplier-standing", fields)
    world.append(0, "supplier-standing", {**fields, "standing": "Approved"})
    world.now += 300_000
    world.outcome(0, world.intent(0))


LAWFUL: dict[str, Act] = {
    "kill": lawful_kill,
    "killed here": killed({"kind": "all"}, 1, 1900),
    "killed there": killed({"kind": "all"}, 0, 3900),
    "lifted": lifted_by(CYD),
    "lifted while one was away": lifted_unseen,
    "lifted what nobody could read": unreadable,
    "jump": lawful_jump,
    "deny": lawful_deny,
    "skew": lawful_skew,
    "break": lawful_break,
    "standing": stays_standing,
}


@pytest.mark.parametrize("act", LAWFUL.values(), ids=LAWFUL)
def test_what_only_looks_like_it_is_intact(act: Act) -> None:
    assert [(one.where(), one.why) for one in bad(report(act))] == []


def test_who_lifted_a_switch_and_no_log_says_it_is_incomplete() -> None:
    found = report(lifted_by(None))
    told = [(one.severity, one.field, one.why) for one in bad(found)]
    assert told == [(Severity.INCOMPLETE, "by", "no log says who lifted it")]


def test_an_outcome_in_a_log_that_is_not_there_is_incomplete() -> None:
    found = report(outcome_of_another_cluster)
    assert [(one.severity, one.field) for one in bad(found)] == [(Severity.INCOMPLETE, "intent")]
    assert found.verdict is Verdict.INCOMPLETE


def test_an_intent_without_outcome_is_told_and_is_no_tampering() -> None:
    def act(world: World) -> None:
        world.intent(0)

    found = report(act)
    assert found.verdict is Verdict.INTACT
    assert found.unfinished == 1
    assert any("unfinished" in one.why for one in found.findings.kept)


def seen_by(*others: Callable[[World], Signer]) -> dict[str, Any]:
    """Let somebody else sign the first log's checkpoint in the place of its witness."""
    world = World()
    for number in range(2):
        world.start(number)
    for number in range(2):
        world.checkpoint(number)
    note = Note.parse(world.logs[0].notes[0])
    signers = [one(world) for one in others]
    lines = (*note.lines[:-1], *(world.line(one, note.text) for one in signers))
    world.logs[0].notes[0] = str(Note(note.text, lines))
    witnesses = {*world.policy.witnesses, *(str(one.verifier) for one in signers)}
    policy = world.policy.model_copy(update={"witnesses": tuple(sorted(witnesses))})
    found = verify(opened(world.export()), policy)
    names = next(log.witnesses for log in found.logs if log.pod == world.logs[0].pod)
    return {"names": names, "verdict": found.verdict}


def other_replica(world: World) -> Signer:
    return world.logs[1].witness


def other_replica_renamed(world: World) -> Signer:
    return Signer("other", world.logs[1].witness._key, Kind.COSIGNATURE)


def own_witness(world: World) -> Signer:
    return world.logs[0].witness


def own_key_as_witness(world: World) -> Signer:
    return Signer("other", world.logs[0].keys[0]._key, Kind.COSIGNATURE)


def test_a_log_is_no_witness_of_its_own_and_one_key_is_one_witness() -> None:
    name = "casemate.dev/warden/0b6c/casemate-warden-1/witness"
    intact = {"names": (name,), "verdict": Verdict.INTACT}
    assert seen_by(other_replica) == intact
    assert seen_by(other_replica, other_replica_renamed) == intact
    assert seen_by(other_replica, own_witness, own_key_as_witness) == intact
    for alone in (own_witness, own_key_as_witness):
        assert seen_by(alone) == {"names": (), "verdict": Verdict.INCOMPLETE}
