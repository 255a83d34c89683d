import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from casemate.audit import sealing
from casemate.audit.sealing import CHUNK, MAGIC, SealError

KEY = X25519PrivateKey.generate()
OTHER = X25519PrivateKey.generate()
HEADER = len(MAGIC) + 8 + 32
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17]
PART = CHUNK + 16


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def chunks(sealed: bytes) -> list[bytes]:
    body = sealed[HEADER:]
    return [body[at : at + PART] for at in range(0, len(body), PART)]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_sealed_is_opened_by_the_key_and_by_no_other(size: int) -> None:
    sealed = sealing.seal(content(size), KEY.public_key())
    assert sealing.open(sealed, KEY) == content(size)
    assert sealing.sealed_to(sealed) == sealing.key_id(KEY.public_key())
    assert len(sealed) == HEADER + size + 16 * max(1, -(-size // CHUNK))
    with pytest.raises(SealError, match=r"sealed to key [0-9a-f]{16}; key [0-9a-f]{16} was given"):
        sealing.open(sealed, OTHER)


def test_the_same_content_is_sealed_to_other_bytes_and_shows_nothing() -> None:
    marker = b"marker-of-a-secret" * 100
    one, two = (sealing.seal(marker, KEY.public_key()) for _ in range(2))
    assert one[HEADER:] != two[HEADER:]
    assert b"marker" not in one


def test_every_flipped_bit_of_a_short_one_is_refused() -> None:
    sealed = sealing.seal(b"short", KEY.public_key())
    assert sealing.open(sealed, KEY) == b"short"
    for bit in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealError):
            sealing.open(bytes(flipped), KEY)


def test_every_cut_of_a_short_one_is_refused_and_every_addition() -> None:
    sealed = sealing.seal(b"short", KEY.public_key())
    for end in range(len(sealed)):
        with pytest.raises(SealError):
            sealing.open(sealed[:end], KEY)
    for more in (b"\0", b"\0" * 16, sealed[HEADER:], b"\0" * PART):
        with pytest.raises(SealError):
            sealing.open(sealed + more, KEY)


Change = Callable[[list[bytes]], list[bytes]]


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts[:-1],
        lambda parts: parts[1:],
        lambda parts: [parts[0], *parts[2:]],
        lambda parts: [parts[1], parts[0], *parts[2:]],
        lambda parts: [*parts[:-2], parts[-1], parts[-2]],
        lambda parts: [parts[0], *parts],
        lambda parts: [*parts, parts[-1]],
        lambda parts: [*parts[:-1], parts[-1][:-1]],
        lambda parts: [*parts[:-1], parts[-1][:15]],
        lambda parts: parts[:0],
    ],
    ids=["no last", "no first", "no second", "first two", "last two", "first twice", "last twice",
         "a byte less", "half a tag", "none"],
)  # fmt: skip
@pytest.mark.parametrize("size", [3 * CHUNK, 3 * CHUNK + 17])
def test_chunks_cut_swapped_and_repeated_are_refused(change: Change, size: int) -> None:
    sealed = sealing.seal(content(size), KEY.public_key())
    assert sealing.open(sealed[:HEADER] + b"".join(chunks(sealed)), KEY) == content(size)
    with pytest.raises(SealError):
        sealing.open(sealed[:HEADER] + b"".join(change(chunks(sealed))), KEY)


def test_chunks_and_headers_of_another_one_are_refused() -> None:
    one, two = (sealing.seal(content(2 * CHUNK), KEY.public_key()) for _ in range(2))
    with pytest.raises(SealError, match="chunk 1 is not as it was sealed"):
        sealing.open(one[: HEADER + PART] + two[HEADER + PART :], KEY)
    with pytest.raises(SealError, match="chunk 0 is not as it was sealed"):
        sealing.open(two[:HEADER] + one[HEADER:], KEY)


def test_sealing_to_a_key_that_everybody_could_open_is_refused() -> None:
    with pytest.raises(SealError, match="low order"):
        sealing.seal(b"x", X25519PublicKey.from_public_bytes(bytes(32)))
    zero = MAGIC + bytes.fromhex(sealing.key_id(KEY.public_key())) + bytes(32) + bytes(16)
    with pytest.raises(SealError, match="low order"):
        sealing.open(zero, KEY)


def pem(key: X25519PrivateKey | Ed25519PrivateKey) -> tuple[str, bytes]:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode(), private


def test_keys_are_read_from_pem_and_only_x25519_keys() -> None:
    public, private = pem(KEY)
    sealed = sealing.seal(b"x", sealing.recipient(public))
    assert sealing.open(sealed, sealing.identity(private)) == b"x"
    others = pem(Ed25519PrivateKey.generate())
    for wrong in (others[0], private.decode(), "", "é"):
        with pytest.raises(SealError):
            sealing.recipient(wrong)
    for unfit in (others[1], public.encode(), b""):
        with pytest.raises(SealError):
            sealing.identity(unfit)


def test_an_empty_chunk_behind_others_is_refused_by_whomever_it_was_sealed() -> None:
    """Otherwise the same content would have two forms."""
    ephemeral, to = X25519PrivateKey.generate(), KEY.public_key()
    header = MAGIC + bytes.fromhex(sealing.key_id(to)) + ephemeral.public_key().public_bytes_raw()
    cipher = sealing._cipher(header, ephemeral, to, to)
    first = cipher.encrypt(sealing._nonce(0, last=False), bytes(CHUNK), None)
    empty = cipher.encrypt(sealing._nonce(1, last=True), b"", None)
    with pytest.raises(SealError, match="chunk 1 is cut short"):
        sealing.open(header + first + empty, KEY)
    whole = cipher.encrypt(sealing._nonce(0, last=True), bytes(CHUNK), None)
    assert sealing.open(header + whole, KEY) == bytes(CHUNK)
