"""What a request's records are to the rest of the gateway; `evidence` keeps them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from casemate.evidence import DECISION_HEADER, SALT_HEADER
from casemate.gateway.callers import Caller
from casemate.gateway.checks import RequestView
from casemate.gateway.errors import Cause, Reason, Refusal
from casemate.gateway.held import Held
from casemate.gateway.sealing import Content
from casemate.gateway.shape import Accepted


@dataclass(slots=True)
class Entry:
    """One request that is on record, and what was sent to its caller so far.

    Attributes:
        record: Names the intent; empty where nothing is recorded.
        salt: Behind it, digests of bodies are made.
        began: Loop time.
        sent: Bytes of the answer that left.
        ended: Whether it has an outcome.
        content: What is kept of the answer, where the agreement wants it sealed.
    """

    record: str = ""
    salt: bytes = b""
    began: float = 0.0
    sent: int = 0
    ended: bool = False
    content: Content | None = None
    _digest: Any = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        """Begin the digest of the answer."""
        self._digest.update(self.salt)

    @property
    def headers(self) -> dict[str, str]:
        """What tells the caller where to find this again."""
        if not self.record:
            return {}
        return {DECISION_HEADER: self.record, SALT_HEADER: self.salt.hex()}

    def add(self, data: bytes) -> None:
        """Count bytes that are about to leave.

        Raises:
            Refusal: They cannot be kept, so they must not leave.
        """
        if self.content is not None:
            self.content.add(data)
        self._digest.update(data)
        self.sent += len(data)

    def response(self) -> dict[str, Any] | None:
        """Return what is recorded of the answer."""
        return {"sha256": self._digest.hexdigest(), "bytes": self.sent} if self.sent else None


class Evidence(Protocol):
    """Keeps records of requests."""

    async def intent(self, view: RequestView) -> Entry:
        """Record that a request is about to reach the engine, or raise its refusal."""

    async def refused(self, view: RequestView, refusal: Refusal) -> None:
        """Record that a request was refused before that; the refusal then names its record."""

    async def outcome(self, entry: Entry, status: int, refusal: Refusal | None = None) -> None:
        """Record what became of it, once; raise a refusal if that cannot be."""

    def abandoned(self, entry: Entry, status: int, reason: str) -> None:
        """Record in the background what became of a request whose caller has left."""

    async def receipt(self, record: str, caller: Caller) -> str:
        """Return where a caller's own record is, or raise the refusal."""


class Unrecorded:
    """Where nothing is recorded: outside of a cluster."""

    async def intent(self, view: RequestView) -> Entry:  # noqa: ARG002
        """Let it pass."""
        return Entry()

    async def refused(self, view: RequestView, refusal: Refusal) -> None:
        """Let it be."""

    async def outcome(self, entry: Entry, status: int, refusal: Refusal | None = None) -> None:
        """Let it pass."""

    def abandoned(self, entry: Entry, status: int, reason: str) -> None:
        """Let it be."""

    async def receipt(self, record: str, caller: Caller) -> str:  # noqa: ARG002
        """Refuse: there are no records."""
        raise no_such_record()


def no_such_record() -> Refusal:
    """Return the refusal: the same whether there is no such record or it is somebody else's."""
    return Refusal(
        404,
        Reason.UNKNOWN_PATH,
        "There is no such record of yours.",
        code="record_not_found",
    )


class Approvals(Protocol):
    """Knows how people let go what the checks hold."""

    async def let_go(
        self, view: RequestView, forwarded: Accepted, held: Held, approval: str | None
    ) -> tuple[Entry, bytes]:
        """Spend an approval on a held request, or have people asked.

        Args:
            view: What was checked.
            forwarded: What would reach the engine.
            held: What holds it.
            approval: The approval that the caller names.

        Returns:
            The request's record, and the very bytes that people have approved.

        Raises:
            Refusal: It is not let go: its record, where it has one, is named.
        """


class NobodyToAsk:
    """Where nothing is recorded there is nobody to ask either."""

    async def let_go(
        self,
        view: RequestView,  # noqa: ARG002
        forwarded: Accepted,  # noqa: ARG002
        held: Held,
        approval: str | None,  # noqa: ARG002
    ) -> tuple[Entry, bytes]:
        """Refuse."""
        raise needs_people(
            f"This request needs the approval of people: {held.told}. This gateway asks callers "
            "for no name, so there is nobody to ask, and it stays refused.",
            held,
        )


def needs_people(
    message: str,
    held: Held,
    headers: dict[str, str] | None = None,
    approval: Mapping[str, Any] | None = None,
) -> Refusal:
    """Return the refusal of a request that waits for people."""
    return Refusal(
        403,
        Reason.CHECK_HELD,
        message,
        param=held.param,
        code="human_approval_required",
        headers=headers,
        cause=Cause.HELD,
        details={"approval": approval} if approval else None,
    )
