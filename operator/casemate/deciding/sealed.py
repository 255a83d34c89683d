"""A key of one review: content comes sealed to it, and it dies with who asked."""

from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from casemate.audit.sealing import open as unseal
from casemate.deciding.refusals import Unreadable


class Envelope:
    """A new key, whose private part never leaves this object.

    Attributes:
        public_key: Its public part, as PEM.
    """

    def __init__(self) -> None:
        self._key = X25519PrivateKey.generate()
        public = self._key.public_key()
        self.public_key = public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode()

    def opened(self, status: Mapping[str, Any], digest: str) -> bytes:
        """Return the content in the status of a review.

        Args:
            status: What the warden answered.
            digest: SHA-256 of the content in hexadecimal, as the request has it.

        Raises:
            Unreadable: The warden says why not, or it is not what the request is about.
        """
        sealed = status.get("sealed")
        if not sealed:
            raise Unreadable(f"the warden does not show the content: {status.get('message')}")
        try:
            content = unseal(b64decode(sealed, validate=True), self._key)
        except ValueError as error:
            raise Unreadable(f"what the warden sent cannot be opened: {error}") from error
        found = sha256(content).hexdigest()
        if found != digest:
            raise Unreadable(f"the warden sent another content: {found}, not {digest}")
        return content
