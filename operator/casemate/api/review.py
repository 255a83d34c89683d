"""casemate.dev/v1alpha1: ApprovalReview, by which a person reads what is held."""

from typing import Annotated, ClassVar

from pydantic import Field

from casemate.api.approval import DecidedRequest
from casemate.api.model import ApiModel, Hex64
from casemate.api.persons import Approver
from casemate.api.rules import IMMUTABLE, Rule, matching
from casemate.api.terms import Instant, Name

SEALED_LENGTH = 720_000
"""Longest sealed text: 512 KiB of content, sealed, in base64."""

PublicKey = Annotated[
    str,
    Field(max_length=512),
    matching(
        "-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]{40,400}\n-----END PUBLIC KEY-----\n?",
        "an X25519 public key in PEM",
    ),
]


class ApprovalReviewSpec(ApiModel):
    """Who wants to read which held request. Nobody changes it."""

    RULES: ClassVar[tuple[Rule, ...]] = (IMMUTABLE,)

    request: DecidedRequest
    """Which request."""
    agreement: Name
    """Its agreement: to read takes the right to approve, on that UsageAgreement."""
    reviewer: Approver
    """Who reads: whoever makes the object, as the API server knows them."""
    public_key: PublicKey
    """Key that the content is sealed to; its private half stays with the reader, for this once."""


class ApprovalReviewStatus(ApiModel):
    """The answer, as the warden gives it."""

    answered_at: Instant | None = None
    """When it was answered; the object goes five minutes after it was made."""
    sealed: Annotated[str, Field(max_length=SEALED_LENGTH)] | None = None
    """The content, sealed to the key, in base64; absent: see message."""
    sha256: Hex64 | None = None
    """SHA-256 of the content, which is the request's requestDigest."""
    message: Annotated[str, Field(max_length=1024)] | None = None
    """Why there is no content."""


class ApprovalReview(ApiModel):
    """A person's wish to read a held request, and the answer that only they can open."""

    spec: ApprovalReviewSpec
    """What is asked."""
    status: ApprovalReviewStatus = ApprovalReviewStatus()
    """What is answered."""
