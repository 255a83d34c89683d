"""Whether a retry is the request that people saw: by the object, and by the log above it."""

from collections.abc import Iterator

from casemate.holds import DENIED, EXPIRED, REVOKED, SPENT, UNKNOWN
from casemate.warden import register
from casemate.warden.contents import Place
from casemate.warden.desk import Json
from casemate.warden.heldrequests import Asked
from casemate.warden.register import Known

_ENDED = {register.OVER: EXPIRED, register.REVOKED: REVOKED}


class NotLetGoError(Exception):
    """The approval lets nothing go.

    Attributes:
        reason: One of `casemate.holds`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def absent(known: Known | None, place: Place) -> NotLetGoError:
    """Return why an approval that the API server has not lets nothing go."""
    if known is not None and known.spent:
        return NotLetGoError(SPENT, f"{place.name} was spent on {known.spent}")
    return NotLetGoError(UNKNOWN, f"there is no ApprovalRequest {place.namespace}/{place.name}")


def require_open(known: Known) -> None:
    """Let pass what the log says nothing against, whatever etcd says.

    Raises:
        NotLetGoError: It was spent or has ended.
    """
    if known.spent:
        raise NotLetGoError(SPENT, f"it was spent on {known.spent}")
    if known.denied:
        raise NotLetGoError(DENIED, "it was denied, which is final")
    if known.ended:
        raise NotLetGoError(_ENDED[known.ended], "it has come to its end, as the log says")


def others(held: Asked, request: Json, known: Known) -> Iterator[str]:
    """Yield in what a retry is not the request that people saw, as the object and the log have it.

    The agreement's own terms are left to the decision: that they changed is a denial.
    """
    spec, what, asked_for = request["spec"], held.what(), known.asked
    agreement = held.subject.about["agreement"]["name"]
    pairs: dict[str, tuple[object, ...]] = {
        "digest": (held.digest, spec["requestDigest"], asked_for["digest"]),
        "caller": (
            _person(held.caller),
            _person(spec["requester"]),
            _person(asked_for["requester"]),
        ),
        "deployment": (
            (what["deployment"]["name"], what["deployment"]["uid"]),
            (spec["deployment"]["name"], spec["deployment"]["uid"]),
            (asked_for["deployment"]["name"], asked_for["deployment"]["uid"]),
        ),
        "model": (what["model"], dict(spec["model"])),
        "agreement": (agreement, spec["agreement"]["name"], asked_for["agreement"]["name"]),
        "terms": (spec["agreement"]["digest"], asked_for["agreement"]["digest"]),
        "guard": (held.fields["guard"], dict(spec["guard"])),
        "line": (held.line, spec["line"], asked_for["line"]),
        "approvers": (max(spec["approvers"], asked_for["quorum"]), spec["approvers"]),
    }
    for name, (first, *others) in pairs.items():
        if any(one != first for one in others):
            yield name


def _person(person: Json) -> tuple[str, str]:
    return str(person["username"]), str(person.get("uid", ""))
