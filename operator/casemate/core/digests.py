"""Digests of plain data: the same bytes for the same content."""

import hashlib
import json
from typing import Any


def digest_of(plain: Any) -> str:
    """SHA-256 over canonical JSON: sorted keys, no blanks."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
