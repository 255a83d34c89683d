"""What a gateway says of a request that its guard holds, and what the cluster says beside it."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from casemate.api.agreement import Approvals
from casemate.api.approval import REQUEST_NAME_LENGTH
from casemate.api.model import DnsLabel, Plain
from casemate.audit.records import RecordError, check
from casemate.evidence import INTENT, SEALED
from casemate.holds import MOST_CONTENT, TOO_LARGE
from casemate.warden.callers import Pod, RefusedError
from casemate.warden.requests import bad_report, body_of
from casemate.warden.sealed import Sealed, require, sealed_of
from casemate.warden.subjects import Subject, Subjects

MOST_SEALED_TEXT = 2 * MOST_CONTENT // 3 * 4
"""The same request once more, as its caller sent it, sealed and in base64."""
MOST_BODY = 4 * MOST_CONTENT + (1 << 18) + MOST_SEALED_TEXT
"""A content as a string in JSON, with the findings beside it."""
_HEX64 = re.compile("[0-9a-f]{64}")
_LINE: TypeAdapter[str] = TypeAdapter(DnsLabel)
_PLAIN: TypeAdapter[str] = TypeAdapter(Plain)
_DIGEST = "@"


class Asked(NamedTuple):
    """A held request.

    Attributes:
        pod: Whose gateway holds it.
        fields: All of its intent's.
        digest: SHA-256 of what would be forwarded.
        subject: What the cluster says of the pod's deployment.
        given: What else the gateway said.
        sealed: The request as its record keeps it; None: it is not kept.
    """

    pod: Pod
    fields: dict[str, Any]
    digest: str
    subject: Subject
    given: Mapping[str, Any]
    sealed: Sealed | None = None

    @property
    def line(self) -> str:
        """The red line that it touches."""
        return str(self.fields["verdict"]["line"])

    @property
    def caller(self) -> Mapping[str, str]:
        """Who asks: username and uid."""
        return dict(self.fields["caller"])

    def approvals(self) -> Approvals:
        """Return what the agreement says of approvals now.

        Raises:
            RefusedError: It says what this version does not understand.
        """
        try:
            return Approvals.model_validate(self.subject.terms.get("approvals", {}))
        except ValidationError as error:
            raise RefusedError(503, "unchecked", f"the agreement's approvals: {error}") from error

    def spec(self, record: str, nonce: str, expires: str, approvers: int) -> dict[str, Any]:
        """Return the spec of the ApprovalRequest for it."""
        agreement = dict(self.subject.about["agreement"])
        return {
            "requestDigest": self.digest,
            **self.what(),
            "agreement": agreement,
            "guard": dict(self.fields["guard"]),
            "requester": self.caller,
            "line": self.line,
            "rule": self.rule(),
            "nonce": nonce,
            "expiresAt": expires,
            "approvers": approvers,
            "record": record,
        }

    def what(self) -> dict[str, Any]:
        """Return of whom it is asked: deployment and model, as the cluster has them now."""
        deployment = self.subject.about["deployment"]
        model = {"name": self.subject.model}
        image = self.subject.about["image"]
        if _DIGEST in image:
            model["imageDigest"] = image.partition(_DIGEST)[2]
        return {
            "deployment": {"name": deployment["name"], "uid": deployment["uid"]},
            "model": model,
        }

    def rule(self) -> str:
        """Return what the guard found, by its own id."""
        verdict = self.fields["verdict"]
        named = [one["sub"] for one in verdict["findings"] if one["line"] == self.line]
        for last in (*named, verdict["tier"] or ""):
            rule = f"{self.line}/{last}" if last else self.line
            if _fits(_PLAIN, rule):
                return rule
        return self.line


async def asked(
    request: web.Request, pod: Pod, subjects: Subjects, *wanted: str, most: int = MOST_BODY
) -> Asked:
    """Read a gateway's body, and look up what its pod stands for.

    Args:
        request: Its request.
        pod: Who calls.
        subjects: Looks up.
        wanted: Fields of the body beside `intent` and `digest`, each a string.
        most: Bytes.

    Raises:
        RefusedError: It is not what it must be, or nobody knows the terms.
    """
    try:
        body = await body_of(request.clone(client_max_size=most))
    except web.HTTPRequestEntityTooLarge:
        raise RefusedError(413, TOO_LARGE, f"more than {most} bytes") from None
    if not isinstance(body, dict) or set(body) - {SEALED} != {"intent", "digest", *wanted}:
        raise bad_report(f"an object with intent, digest, {', '.join(wanted)} is accepted")
    texts = ("digest", *wanted)
    if not isinstance(body["intent"], dict) or not all(isinstance(body[one], str) for one in texts):
        raise bad_report("an object as intent, and texts beside it, are accepted")
    if not _HEX64.fullmatch(body["digest"]):
        raise bad_report("digest: 64 lower-case hex digits are accepted")
    subject = await subjects.newly(pod)
    fields = _intent(body["intent"], subject)
    sealed = await asyncio.to_thread(sealed_of, INTENT, fields, body.get(SEALED), subject.terms)
    require(INTENT, fields, sealed, await subjects.stamped(pod))
    return Asked(pod, fields, body["digest"], subject, body, sealed)


def _intent(given: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    fields = {**given, **subject.about}
    try:
        check(INTENT, fields)
    except RecordError as error:
        raise bad_report(f"intent.{error}") from None
    if "approval" in given:
        raise bad_report("intent.approval: only the warden names one")
    verdict = fields["verdict"]
    if verdict["verdict"] != "hold" or not _fits(_LINE, verdict["line"]):
        raise bad_report("intent.verdict: hold, with a line, is accepted here")
    if not _fits(_PLAIN, fields["caller"]["username"]):
        raise bad_report("intent.caller: a name of one line is accepted")
    return fields


def content_of(held: Asked) -> bytes:
    """Return the content that a gateway wants to be held.

    Raises:
        RefusedError: It is too large, or not what its digest is of.
    """
    content = str(held.given["content"]).encode("utf-8", "surrogatepass")
    if len(content) > MOST_CONTENT:
        told = f"{len(content)} bytes; up to {MOST_CONTENT} can be held"
        raise RefusedError(413, TOO_LARGE, told)
    if hashlib.sha256(content).hexdigest() != held.digest:
        raise bad_report("digest: is not that of the content")
    return content


def approval_name(held: Asked) -> str:
    """Return the name of the approval that a retry names, where it can be one."""
    name = str(held.given["approval"])
    fits = len(name) <= REQUEST_NAME_LENGTH and _fits(_LINE, name)
    return name if fits else ""


def _fits(adapter: TypeAdapter[str], value: object) -> bool:
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True
