"""A content beside a record is the one that it names, sealed; anything else is refused."""

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from casemate.audit import sealing
from casemate.warden.archivefiles import MOST_SEALED
from casemate.warden.callers import RefusedError
from casemate.warden.sealed import MOST_ENCODED, Sealed, require, sealed_of
from support.attacks import Layer, attack
from unit.gateway.test_sealing import pem

KEY = X25519PrivateKey.generate()
CONTENT = sealing.seal(b"salt and body", KEY.public_key())
CLEAR = b"in clear, though a digest of it was recorded, and long enough for a header" * 2
TERMS = {"audit": {"record": "Sealed", "publicKey": pem(KEY), "retentionDays": 30}}


def record(content: bytes = CONTENT, part: str = "request") -> dict[str, Any]:
    return {part: {"sealed": f"sha256:{hashlib.sha256(content).hexdigest()}"}}


def encoded(content: bytes = CONTENT) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(("kind", "part"), [("intent", "request"), ("outcome", "response")])
def test_the_content_that_a_record_names_is_kept_as_long_as_the_terms_say(
    kind: str, part: str
) -> None:
    assert sealed_of(kind, record(part=part), encoded(), TERMS) == Sealed(CONTENT, 30)
    assert sealed_of(kind, record(part=part), encoded(), {}) == Sealed(CONTENT, 3650)


def test_without_a_content_there_is_none() -> None:
    assert sealed_of("intent", {"request": {"sha256": "0"}}, None, TERMS) is None
    assert sealed_of("outcome", {"response": None}, None, TERMS) is None
    assert sealed_of("refused", {}, None, TERMS) is None


@attack("evidence", "a content in clear, another one, or none, beside a record", Layer.WARDEN)
@pytest.mark.parametrize(
    ("fields", "given", "told"),
    [
        (record(b"another"), encoded(), "not what the record names"),
        (record(CLEAR), encoded(CLEAR), "not sealed content"),
        (record(), None, "belong together"),
        ({"request": {}}, encoded(), "belong together"),
        ({"response": None}, encoded(), "belong together"),
        (record(), 7, "belong together"),
        (record(), "é", "sealed: "),
        (record(), encoded()[:-1] + "*", "sealed: "),
        (record(), "A" * (MOST_ENCODED + 4), "up to"),
    ],
)
def test_another_content_is_refused(fields: dict[str, Any], given: object, told: str) -> None:
    with pytest.raises(RefusedError, match=told) as refused:
        sealed_of("intent", fields, given, TERMS)
    assert refused.value.status == 400
    assert MOST_SEALED < MOST_ENCODED


OTHER = Sealed(sealing.seal(b"x", X25519PrivateKey.generate().public_key()), 30)
LEFT = {"response": {"sha256": "0", "bytes": 1}}


@pytest.mark.parametrize(
    ("kind", "fields", "sealed"),
    [
        ("intent", {"request": {"sha256": "0"}}, None),
        ("outcome", LEFT, None),
        ("intent", record(), OTHER),
        ("outcome", record(part="response"), OTHER),
    ],
)
def test_what_the_terms_want_sealed_is_there_and_to_their_key(
    kind: str, fields: dict[str, Any], sealed: Sealed | None
) -> None:
    with pytest.raises(RefusedError) as refused:
        require(kind, fields, sealed, TERMS)
    assert (refused.value.status, refused.value.reason) == (403, "not_sealed")
    require(kind, fields, Sealed(CONTENT, 30), TERMS)
    require(kind, fields, sealed, {"audit": {"record": "Digest"}})
    require(kind, fields, sealed, {})


def test_where_there_is_nothing_to_seal_nothing_is_wanted() -> None:
    require("outcome", {"response": None}, None, TERMS)
    require("refused", {}, None, TERMS)


@pytest.mark.parametrize("audit", [{"record": "Clear"}, {"record": "Sealed", "publicKey": "none"}])
def test_terms_that_cannot_be_understood_let_nothing_pass(audit: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        require("outcome", LEFT, Sealed(CONTENT, 30), {"audit": audit})
    assert (refused.value.status, refused.value.reason) == (503, "unchecked")
