"""How many approvals a held request takes, and which of those that were given count."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from casemate.api.agreement import Approvals
from casemate.api.approval import FORCE_QUORUM, ApprovalRequestSpec
from casemate.api.terms import FORCE
from casemate.core.decisions import Decided, Ignored, same_person


@dataclass(frozen=True)
class Rights:
    """What the cluster says now about those who decide, and about what they decide under.

    Attributes:
        refusals: By an approver's user name, why the API server says that they may not approve, or
            "" where they may. Who is not in it was not asked about, and does not count.
        agreement: Digest of the agreement's terms.
        approvals: What the agreement says about approvals.
        stopped: Why nothing is let go here, by a kill switch; "": nothing stops it.
    """

    refusals: Mapping[str, str]
    agreement: str
    approvals: Approvals
    stopped: str = ""


def asked_for(line: str, approvals: Approvals) -> int:
    """Approvals that a new request about a red line says it takes."""
    return max(approvals.quorum, FORCE_QUORUM) if line == FORCE else approvals.quorum


def needed(spec: ApprovalRequestSpec, approvals: Approvals) -> int:
    """Approvals that a request takes; that force takes two, its kind says itself."""
    return max(spec.approvers, approvals.quorum)


def counted(
    said: Iterable[Decided], rights: Rights
) -> tuple[tuple[Decided, ...], tuple[Ignored, ...]]:
    """Return the approvals that count, one for each person who has the right now, and the others.

    Args:
        said: Decisions that are what they say, oldest first.
        rights: What the cluster says now.
    """
    counts: list[Decided] = []
    others: list[Ignored] = []
    for one in (each for each in said if each.verdict == "Approve"):
        if why := next(_lacks(one, counts, rights), ""):
            others.append(Ignored(one.name, why))
        else:
            counts.append(one)
    return tuple(counts), tuple(others)


def _lacks(one: Decided, counts: list[Decided], rights: Rights) -> Iterator[str]:
    for other in counts:
        if same_person(one.approver, other.approver):
            yield f"spec.approver: {one.username} is {other.username}, who has approved already"
    wanted = rights.approvals.approver_groups
    if wanted and not set(wanted) & set(one.approver.groups):
        yield f"spec.approver.groups: none of {', '.join(wanted)}, which the agreement accepts"
    refusal = rights.refusals.get(one.username, "nobody asked whether they may")
    if refusal:
        yield f"spec.approver: {one.username} may not approve: {refusal}"
