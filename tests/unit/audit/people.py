"""A log with some records, and witnesses of it."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.merkle import leaf_hash
from casemate.audit.notes import Kind, Note, Signer
from casemate.audit.receipts import Trust
from unit.audit import trees

ORIGIN = "casemate.dev/warden/test/casemate-warden-0"
SEEN = 1_700_000_000


def key(seed: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(
        seed.encode("utf-8", "replace").ljust(32, b"\0")[:32]
    )


def signer(name: str, kind: Kind = Kind.NOTE, seed: str = "") -> Signer:
    return Signer(name, key(seed or f"{kind.name} {name[-20:]}"), kind)


LOG = signer(ORIGIN)
WITNESSES = [signer(f"witness-{n}", Kind.COSIGNATURE) for n in range(3)]
TRUST = Trust((LOG.verifier,), tuple(one.verifier for one in WITNESSES), quorum=2)
RECORDS = [f"record {n}".encode() for n in range(21)]
LEAVES = [leaf_hash(each) for each in RECORDS]


def noted(size: int = 21, witnesses: int = 2) -> Note:
    text = Checkpoint(ORIGIN, size, trees.root(LEAVES[:size])).text()
    seen = [one.cosign(text, SEEN + n) for n, one in enumerate(WITNESSES[:witnesses])]
    return Note(text, (LOG.sign(text), *seen))
