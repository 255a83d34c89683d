"""One ApprovalDecision: whether it speaks for one person about one held request."""

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from casemate.api.approval import (
    ApprovalDecisionSpec,
    ApprovalRequestSpec,
    Verdict,
)
from casemate.api.names import decision_name
from casemate.api.persons import Approver, Person
from casemate.api.terms import instant, spelled
from casemate.core.findings import first

Json = Mapping[str, Any]

_CLUSTER = "system:"
_NO_PEOPLE = {"system:serviceaccounts", "system:nodes"}


class Held(NamedTuple):
    """A held request, as far as decisions are checked against it."""

    meta: Json
    spec: ApprovalRequestSpec
    created: datetime
    expires: datetime
    """First moment that is too late."""


class Decided(NamedTuple):
    """A decision that is what it says."""

    name: str
    verdict: Verdict
    approver: Approver
    justification: str
    created: datetime

    @property
    def username(self) -> str:
        """Who decided."""
        return self.approver.username

    def order(self) -> tuple[datetime, str]:
        """Key by which decisions are counted: the API server's time, then the name."""
        return self.created, self.name


class Ignored(NamedTuple):
    """A decision that does not count, and why."""

    decision: str
    why: str


def read(body: Json, held: Held) -> Decided | Ignored:
    """Return what a decision says, or why it does not count."""
    meta = body.get("metadata", {})
    name = str(meta.get("name", ""))
    try:
        spec = ApprovalDecisionSpec.model_validate(body.get("spec"))
        created = instant(str(meta.get("creationTimestamp", "")))
    except ValidationError as error:
        return Ignored(name, f"it breaks a rule of this version: {first(error)}")
    except ValueError as error:
        return Ignored(name, f"metadata.creationTimestamp: {error}")
    flaws = (
        *_edits(meta, spec, held),
        *_other(spec, held),
        *_nobody(spec, held),
        *_untimely(created, held),
    )
    if flaws:
        return Ignored(name, "; ".join(flaws))
    return Decided(name, spec.verdict, spec.approver, spec.justification, created)


def is_person(approver: Approver) -> bool:
    """Whether the API server's name for somebody is no program's, node's or cluster part's."""
    return not approver.username.startswith(_CLUSTER) and not _NO_PEOPLE & set(approver.groups)


def same_person(one: Person | Approver, other: Person | Approver) -> bool:
    """Whether two may be one: by uid, or by names that differ in case or in form at most."""
    return (one.uid != "" and one.uid == other.uid) or _folded(one) == _folded(other)


def _folded(person: Person | Approver) -> str:
    return unicodedata.normalize("NFKC", person.username).casefold()


def _edits(meta: Json, spec: ApprovalDecisionSpec, held: Held) -> Iterator[str]:
    """What shows that it is not as its approver made it."""
    wanted = decision_name(spec.request.name, spec.verdict, spec.approver.username)
    if meta.get("name") != wanted:
        yield f"metadata.name: found {meta.get('name')}, its approver's is {wanted}"
    if meta.get("namespace") != held.meta.get("namespace"):
        yield f"metadata.namespace: found {meta.get('namespace')}, not that of the request"
    if meta.get("generation") != 1:
        yield f"metadata.generation: found {meta.get('generation')}, it was edited"
    if "deletionTimestamp" in meta:
        yield "metadata.deletionTimestamp: it is being deleted"


def _other(spec: ApprovalDecisionSpec, held: Held) -> Iterator[str]:
    """What shows that it is about something else."""
    if spec.request.uid != held.meta.get("uid"):
        yield f"spec.request.uid: found {spec.request.uid}, another request of this name"
    if spec.request_digest != held.spec.request_digest:
        yield f"spec.requestDigest: found {spec.request_digest}, not that of the request"
    if spec.agreement != held.spec.agreement.name:
        yield f"spec.agreement: found {spec.agreement}, not that of the request"


def _nobody(spec: ApprovalDecisionSpec, held: Held) -> Iterator[str]:
    """What shows that it comes from nobody who may decide."""
    if not is_person(spec.approver):
        yield f"spec.approver: {spec.approver.username} is no person"
    if same_person(spec.approver, held.spec.requester):
        yield f"spec.approver: {spec.approver.username} made the request"


def _untimely(created: datetime, held: Held) -> Iterator[str]:
    if created < held.created:
        yield f"metadata.creationTimestamp: found {spelled(created)}, before the request"
    if created >= held.expires:
        yield f"metadata.creationTimestamp: found {spelled(created)}, after it expired"
