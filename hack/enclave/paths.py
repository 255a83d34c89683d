"""Where the enclave keeps things: the cache that survives, and the state that `down` removes."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = REPOSITORY / "hack" / "parts"
STATIC_POLICIES = REPOSITORY / "charts" / "casemate" / "files" / "static"
STATE_ROOT = Path("/var/lib/casemate-enclave")
RUN_ROOT = Path("/run/casemate-enclave")


def cache() -> Path:
    """Return the folder for built binaries, images and registry data, shared by all checkouts."""
    if given := os.environ.get("CASEMATE_CACHE"):
        return Path(given).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "casemate"
