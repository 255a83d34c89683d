"""Digests of plain data: the same bytes for the same content."""

import hashlib
import json
from typing import Any


def digest_of(plain: Any) -> str:
    """SHA-256 over what `encoded` makes of it."""
    return f"sha256:{hashlib.sha256(encoded(plain)).hexdigest()}"


def encoded(plain: Any) -> bytes:
    """Canonical JSON: sorted keys, no blanks."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
