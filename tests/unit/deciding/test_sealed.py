"""Content of a review is read by who asked for it alone, and only if it is the right one."""

from base64 import b64encode
from hashlib import sha256

import pytest

from casemate.audit.sealing import recipient, seal
from casemate.deciding.refusals import Unreadable
from casemate.deciding.sealed import Envelope

CONTENT = b'{"messages":[]}'
DIGEST = sha256(CONTENT).hexdigest()


def sealed(content: bytes, key: str) -> dict[str, str]:
    return {"sealed": b64encode(seal(content, recipient(key))).decode(), "sha256": DIGEST}


def test_who_asked_reads_it():
    asked = Envelope()
    assert asked.opened(sealed(CONTENT, asked.public_key), DIGEST) == CONTENT


def test_nobody_else_does():
    asked, other = Envelope(), Envelope()
    with pytest.raises(Unreadable, match="cannot be opened"):
        other.opened(sealed(CONTENT, asked.public_key), DIGEST)


def test_another_content_is_not_shown_whatever_its_status_says():
    asked = Envelope()
    with pytest.raises(Unreadable, match="another content"):
        asked.opened(sealed(b"{}", asked.public_key), DIGEST)


@pytest.mark.parametrize("text", ["*", "AAAA", "é"])
def test_what_is_not_sealed_is_not_read(text: str):
    with pytest.raises(Unreadable, match="cannot be opened"):
        Envelope().opened({"sealed": text}, DIGEST)


def test_why_the_warden_does_not_show_it_is_told():
    with pytest.raises(Unreadable, match="does not show the content: it has ended"):
        Envelope().opened({"message": "it has ended"}, DIGEST)
