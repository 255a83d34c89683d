"""What people are told of a held request beside its content. Every value is safe to show."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from casemate.api.approval import OPEN
from casemate.deciding.seen import plain
from casemate.deciding.tables import left, phase, tally

Json = Mapping[str, Any]
SAID = {"Approve": "approved", "Deny": "denied", "Revoke": "revoked"}
"""What somebody has done who has said a verdict."""


class Fact(NamedTuple):
    """A line about a request."""

    name: str
    text: str
    warns: bool = False
    """Whether it is a reason to look twice."""


def facts(
    request: Json, agreement: Json | None, decisions: Iterable[Json], now: datetime
) -> list[Fact]:
    """Return what there is to know about a request.

    Args:
        request: The ApprovalRequest.
        agreement: The UsageAgreement as it is now; None: it is gone, or cannot be read.
        decisions: What people have said about it.
        now: The moment that the time left is counted from.
    """
    found = (*_where(request, now), *_what(request), *_terms(request, agreement))
    said = (_decision(one, request) for one in decisions)
    return [Fact(plain(one.name), plain(one.text), one.warns) for one in (*found, *said)]


def _where(request: Json, now: datetime) -> Iterator[Fact]:
    meta, spec, status = request["metadata"], request["spec"], request.get("status", {})
    yield Fact("Request", f"{meta['name']} in namespace {meta['namespace']}, uid {meta['uid']}")
    yield Fact("Phase", f"{phase(request)}, {tally(request)} approvals")
    if status.get("message"):
        yield Fact("", status["message"])
    late = left(request, now)
    yield Fact("Time left", f"{late}; it expires at {spec['expiresAt']}", late == "none")


def _what(request: Json) -> Iterator[Fact]:
    spec = request["spec"]
    who, model, deployment = spec["requester"], spec["model"], spec["deployment"]
    uid = f", uid {who['uid']}" if who.get("uid") else ""
    yield Fact("Caller", f"{who['username']}{uid}")
    weights = model.get("imageDigest") or "its weights are on a volume"
    yield Fact("Model", f"{model['name']}, {weights}")
    yield Fact("Deployment", f"{deployment['name']}, uid {deployment['uid']}")
    yield Fact("Red line", spec["line"])
    yield Fact("Rule", spec["rule"])
    guard = spec["guard"]
    yield Fact("Guard", f"bundle {guard['bundle']}, policy {guard['policy']}")
    yield Fact("Record", spec["record"])


def _terms(request: Json, agreement: Json | None) -> Iterator[Fact]:
    held = request["spec"]["agreement"]
    yield Fact("Agreement", f"{held['name']}, terms {held['digest']}")
    if agreement is None:
        yield Fact("", "the agreement cannot be read: it is gone, or not yours to read")
        return
    terms = agreement["spec"]
    parties = ", ".join(one["name"] for one in terms["parties"])
    yield Fact("", f"{terms['reference']}, of {parties}")
    for line in terms.get("redLines", []):
        if line["id"] == request["spec"]["line"] and line.get("description"):
            yield Fact("", f"{line['id']}: {line['description']}")
    now = agreement.get("status", {}).get("termsDigest")
    if now not in {None, held["digest"]}:
        yield Fact("", f"its terms have changed since: {now}", warns=True)


def _decision(decision: Json, request: Json) -> Fact:
    """What one person said, and whether it counts, as far as the warden has said."""
    spec, meta = decision["spec"], decision["metadata"]
    who, when = spec["approver"]["username"], meta["creationTimestamp"]
    text = f"{who} {SAID.get(spec['verdict'], '')} at {when}: {spec['justification']}"
    why = ignored(request, meta["name"])
    return Fact("Said", f"{text}; it does not count: {why}" if why else text, bool(why))


def ignored(request: Json, decision: str) -> str:
    """Return why a decision does not count, as the status of its request says, or nothing."""
    found = request.get("status", {}).get("ignored") or []
    return next((str(one["why"]) for one in found if one["decision"] == decision), "")


def counted(request: Json, decision: str) -> bool:
    """Whether the status of a request tells what became of a decision, or that it has ended."""
    status = request.get("status", {})
    counts = {one["decision"] for one in status.get("approvals") or []}
    return phase(request) not in OPEN or decision in counts or ignored(request, decision) != ""
