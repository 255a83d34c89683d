"""What the fields of records may hold: strings with one spelling, and the parts that recur."""

from datetime import date
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Immutable; other fields and other types than those that are said are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


@lru_cache(maxsize=64)
def _day(text: str) -> None:
    date.fromisoformat(text)


def _exists(time: str) -> str:
    _day(time[:10])
    return time


Time = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z$"
    ),
    AfterValidator(_exists),
]
"""RFC 3339 in UTC with milliseconds: of two such texts the earlier sorts first."""
Index = Annotated[int, Field(ge=0, lt=1 << 53)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal."""
Digest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
Uuid = Annotated[str, Field(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Name = Annotated[
    str,
    Field(
        max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
    ),
]
"""Name of a Kubernetes object."""
RecordId = Annotated[
    str, Field(max_length=270, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/(0|[1-9][0-9]{0,15})$")
]
"""Which record: the name of the pod whose log holds it, and its index, such as `warden-0/17`."""
Word = Annotated[str, Field(max_length=128, pattern="^[A-Za-z0-9][A-Za-z0-9._:/-]*$")]
"""One of a vocabulary that grows: a red line, a reason, a view."""
Text = Annotated[str, Field(max_length=4096)]
Username = Annotated[str, Field(min_length=1, max_length=1024)]
Uid = Annotated[str, Field(max_length=253)]
"""UID that the cluster gave; a person's may be empty, where the site's sign-on gives none."""
Verdict = Literal["allow", "hold", "refuse"]


class Person(Strict):
    """Who is behind a request or a decision, as the API server knows them."""

    username: Username
    uid: Uid


class Deployment(Strict):
    """A ModelDeployment."""

    namespace: Name
    name: Name
    uid: Uid


class Pod(Strict):
    """A pod of a deployment, in its namespace."""

    name: Name
    uid: Uid


class Agreement(Strict):
    """The terms of a UsageAgreement at that time."""

    name: Name
    digest: Digest


class Guard(Strict):
    """What judged."""

    bundle: Digest
    policy: Digest


class Finding(Strict):
    """One thing that the guard found; never the text that it was found in."""

    line: Word
    sub: Annotated[str, Field(max_length=128)]
    tier: Word
    score: Annotated[int, Field(ge=0, le=1000)]
    """How sure, in thousandths: fractions are written differently by different programs."""
    surface: Annotated[str, Field(max_length=256)]
    views: Annotated[tuple[Word, ...], Field(max_length=64, strict=False)]


class Judged(Strict):
    """A verdict, and what it rests on."""

    verdict: Verdict
    line: Word | None
    tier: Word | None
    findings: Annotated[tuple[Finding, ...], Field(max_length=256, strict=False)]


class Request(Strict):
    """What was asked, without its text."""

    sha256: Sha256
    """Of a random salt of 32 bytes and the body behind it."""
    bytes: Index
    stream: bool
    sealed: Digest | None = None
    """Of the content that is kept sealed: salt and body; absent: it is not kept."""


class Response(Strict):
    """What was answered, without its text."""

    sha256: Sha256
    """Of a random salt of 32 bytes and the bytes that were released behind it."""
    bytes: Index
    """Bytes that were released to the caller."""
    sealed: Digest | None = None
    """As for the request."""


class Approval(Strict):
    """One ApprovalRequest."""

    namespace: Name
    name: Name
    uid: Uid


class Switch(Strict):
    """One KillSwitch."""

    name: Name
    uid: Uid


class Scope(Strict):
    """What a kill switch stops."""

    kind: Literal["all", "agreement", "deployment"]
    name: Name | None = None
    """Of the agreement or deployment."""
    namespace: Name | None = None
    """Of the deployment."""


class Recovered(Strict):
    """What a start found on its volume."""

    size: Index
    """Records that were there: the index of the `started` record itself."""
    torn: Index
    """Bytes of an unfinished write that were cut off behind them."""


class Keys(Strict):
    """Public keys in use, in C2SP's form (vkey)."""

    log: Text
    witness: Text
