r"""Content that only the holder of the agreement's private key can read.

After the age format (https://age-encryption.org/v1): an ephemeral X25519 key, HKDF-SHA256, and
ChaCha20-Poly1305 over chunks of 64 KiB, each under a nonce of its number and whether it is the
last (STREAM), so that nothing can be cut, joined, re-ordered or repeated. Other than in age the
whole header is the salt: with one flipped bit of it there is another key.

    casemate.dev/sealed/v1\n | key id, 8 bytes | ephemeral public key, 32 bytes | chunks

It says nothing about who sealed: a record of the log says that, with the digest of the whole.
"""

from collections.abc import Iterator
from hashlib import sha256

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"casemate.dev/sealed/v1\n"
SALT = 32
"""Random bytes before a content: short texts could be guessed from their bare digest."""
CHUNK = 1 << 16
"""Bytes of content in each chunk but the last."""
_TAG = 16
_ID = 8
_PUBLIC = 32
_HEADER = len(MAGIC) + _ID + _PUBLIC
_COUNTER = 11


class SealError(ValueError):
    """Sealed content that cannot be opened, or a key that is none; says why."""


def recipient(pem: str) -> X25519PublicKey:
    """Read the public key that content is sealed to, as an agreement's `audit.publicKey` has it.

    Raises:
        SealError: It is no X25519 public key in PEM, or one with which everybody could open.
    """
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SealError(f"no public key in PEM: {error}") from error
    if not isinstance(key, X25519PublicKey):
        raise SealError(f"{type(key).__name__} was given; an X25519 key is accepted")
    try:
        X25519PrivateKey.generate().exchange(key)
    except ValueError as error:
        raise SealError("a key of low order") from error
    return key


def identity(pem: bytes) -> X25519PrivateKey:
    """Read the private key, as `openssl genpkey -algorithm X25519` writes it.

    Raises:
        SealError: It is no X25519 private key in PEM, or is encrypted.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SealError(f"no private key in PEM: {error}") from error
    if not isinstance(key, X25519PrivateKey):
        raise SealError(f"{type(key).__name__} was given; an X25519 key is accepted")
    return key


def key_id(public: X25519PublicKey) -> str:
    """Return which key content is sealed to: the first 8 bytes of its SHA-256, in hexadecimal."""
    return sha256(public.public_bytes_raw()).digest()[:_ID].hex()


def seal(content: bytes, recipient: X25519PublicKey) -> bytes:
    """Seal content; each call gives other bytes.

    Raises:
        SealError: The key is of low order: everybody could open it.
    """
    ephemeral = X25519PrivateKey.generate()
    header = MAGIC + bytes.fromhex(key_id(recipient)) + ephemeral.public_key().public_bytes_raw()
    cipher = _cipher(header, ephemeral, recipient, recipient)
    starts = range(0, max(len(content), 1), CHUNK)
    chunks = (
        cipher.encrypt(
            _nonce(number, last=number == len(starts) - 1), content[at : at + CHUNK], None
        )
        for number, at in enumerate(starts)
    )
    return header + b"".join(chunks)


def open(sealed: bytes, identity: X25519PrivateKey) -> bytes:  # noqa: A001  sealing.open
    """Return the content.

    Raises:
        SealError: It was sealed to another key, or a byte of it is changed, missing or too many.
    """
    header = sealed[:_HEADER]
    if len(header) < _HEADER or not header.startswith(MAGIC):
        raise SealError("not sealed content: its header is another")
    own = identity.public_key()
    named = sealed_to(sealed)
    if named != key_id(own):
        raise SealError(f"sealed to key {named}; key {key_id(own)} was given")
    ephemeral = X25519PublicKey.from_public_bytes(header[-_PUBLIC:])
    cipher = _cipher(header, identity, ephemeral, own)
    return b"".join(_opened(cipher, sealed))


def require_sealed(given: bytes) -> None:
    """Make sure that bytes have the form of sealed content, without the key.

    Raises:
        SealError: They have not: they may be in clear.
    """
    if not given.startswith(MAGIC) or len(given) < _HEADER + _TAG:
        raise SealError("not sealed content: its header is another")


def sealed_to(sealed: bytes) -> str:
    """Return the id of the key that content is sealed to, as it says itself."""
    return sealed[len(MAGIC) : len(MAGIC) + _ID].hex()


def _opened(cipher: ChaCha20Poly1305, sealed: bytes) -> Iterator[bytes]:
    starts = range(_HEADER, len(sealed), CHUNK + _TAG)
    if not starts:
        raise SealError("the content is missing")
    for number, at in enumerate(starts):
        chunk, last = sealed[at : at + CHUNK + _TAG], number == len(starts) - 1
        # An empty chunk behind others would be a second form of the same content.
        if len(chunk) < _TAG or (number and len(chunk) == _TAG):
            raise SealError(f"chunk {number} is cut short")
        try:
            yield cipher.decrypt(_nonce(number, last=last), chunk, None)
        except InvalidTag as error:
            raise SealError(f"chunk {number} is not as it was sealed") from error


def _cipher(
    header: bytes, private: X25519PrivateKey, public: X25519PublicKey, to: X25519PublicKey
) -> ChaCha20Poly1305:
    try:
        shared = private.exchange(public)
    except ValueError as error:
        raise SealError("a key of low order") from error
    info = MAGIC + to.public_bytes_raw()
    return ChaCha20Poly1305(HKDF(hashes.SHA256(), 32, salt=header, info=info).derive(shared))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_COUNTER, "big") + bytes([last])
