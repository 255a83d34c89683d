"""The files that the guard ships with: its bundle."""

import json
from hashlib import sha256
from importlib import resources

_MAGIC = b"casemate-arrays\x01"
"""How a bundle begins; `casemate.guard.container` needs numpy, and the operator does not."""


def shipped() -> bytes:
    """Return the bundle of this version."""
    return (resources.files("casemate") / "guard_bundle" / "bundle.bin").read_bytes()


def identity(raw: bytes) -> tuple[str, int]:
    """Return digest (``sha256:…``) and version (YYYYMMDD) of a bundle."""
    start = len(_MAGIC) + 4
    size = int.from_bytes(raw[len(_MAGIC) : start], "little")
    meta = json.loads(raw[start : start + size])["meta"]
    return f"sha256:{sha256(raw).hexdigest()}", int(meta["version"])
