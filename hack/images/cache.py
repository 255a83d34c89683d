"""The build cache: finished folders, named by a digest of everything that went into them.

An entry appears whole or not at all (built beside, then renamed), and a lock per entry keeps two
builders, threads or processes, from doing the same work twice.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

KEEP = 3  # entries of one name that stay; older ones are of no use to anybody


def root() -> Path:
    """Return the image cache: ``$CASEMATE_CACHE/images`` or its default under the home folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("CASEMATE_CACHE") or Path(home) / "casemate") / "images"


def key(*parts: str | bytes | Path) -> str:
    """Digest strings and the content of files and folders into one short name."""
    digest = hashlib.sha256()
    for part in parts:
        for chunk in _chunks(part):
            digest.update(len(chunk).to_bytes(8, "big"))
            digest.update(chunk)
    return digest.hexdigest()[:16]


def _chunks(part: str | bytes | Path) -> Iterator[bytes]:
    if isinstance(part, str):
        yield part.encode()
    elif isinstance(part, bytes):
        yield part
    elif part.is_dir():
        for path in sorted(part.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(part).as_posix().encode()
                yield path.read_bytes()
    else:
        yield part.read_bytes()


def cached(name: str, entry_key: str, build: Callable[[Path], None]) -> tuple[Path, bool]:
    """Return the folder for a name and key, building it when it is not there.

    Args:
        name: What it is; entries of one name are pruned together.
        entry_key: Digest of all inputs, see :func:`key`.
        build: Fills an empty folder. When it fails, nothing is kept.

    Returns:
        The finished folder, and whether it had to be built.
    """
    shelf = root() / name
    shelf.mkdir(parents=True, exist_ok=True)
    entry = shelf / entry_key
    with _locked(shelf / f".{entry_key}.lock"):
        if entry.is_dir():
            os.utime(entry)
            return entry, False
        work = Path(tempfile.mkdtemp(prefix=f".{entry_key}-", dir=shelf))
        try:
            build(work)
            work.chmod(0o755)
            work.rename(entry)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    _prune(shelf)
    return entry, True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prune(shelf: Path) -> None:
    """Remove what is no longer among the latest, and what a killed build left a day ago."""
    entries = sorted(
        (path for path in shelf.iterdir() if not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    for old in entries[KEEP:]:
        shutil.rmtree(old, ignore_errors=True)
        (shelf / f".{old.name}.lock").unlink(missing_ok=True)
    day_ago = time.time() - 86400
    for left in shelf.glob(".*-*"):
        if left.stat().st_mtime < day_ago:
            shutil.rmtree(left, ignore_errors=True)
