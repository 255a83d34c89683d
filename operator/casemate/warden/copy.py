"""`casemate warden-copy`: the log of a warden that runs, as a tar on standard output.

Only what is evidence: segments, sealed contents, the texts of agreements, and what was signed of
other logs and by other replicas. Keys and held requests stay. The log goes on meanwhile; what it
appends after a file was begun is not in the copy. So what replicas signed is copied first, of all
of them: it must not know of records that the copy of a log lacks.
"""

import argparse
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from casemate.warden import archivefiles
from casemate.warden.log.checkpoints import COSIGNED
from casemate.warden.log.segments import SUFFIX
from casemate.warden.log.witness import WITNESSED
from casemate.warden.pins import PINS
from casemate.warden.terms import FOLDER

_SEGMENTS = "segments"
SIGNED, LOG = "signed", "log"
"""Parts of a copy."""


def main(argv: Sequence[str]) -> int:
    """Write the copy; 1 where there is no log."""
    parser = argparse.ArgumentParser("casemate warden-copy", description=__doc__)
    parser.add_argument("--log", required=True, type=Path, help="folder of the log")
    parser.add_argument(
        "--part", choices=(SIGNED, LOG), help="only what replicas signed, or only the log itself"
    )
    given = parser.parse_args(argv)
    try:
        copy(given.log, sys.stdout.buffer, given.part)
    except OSError as error:
        sys.stderr.write(f"casemate warden-copy: {error}\n")
        return 1
    return 0


def copy(folder: Path, out: BinaryIO, part: str | None = None) -> None:
    """Write the files of a log, oldest first.

    Args:
        folder: The log's.
        out: Where to.
        part: SIGNED or LOG; None: both, in this order.

    Raises:
        OSError: There is no log, or a file cannot be read.
    """
    files = [
        *(_signed(folder) if part != LOG else ()),
        *(_files(folder) if part != SIGNED else ()),
    ]
    if not any((folder / _SEGMENTS).glob(f"*{SUFFIX}")):
        raise FileNotFoundError(f"{folder}: no log is there")
    with tarfile.open(fileobj=out, mode="w|") as tar:
        for path in files:
            tar.add(path, arcname=str(path.relative_to(folder)), recursive=False)
        # Behind the records: each content is on the disk before the record that names it.
        for path in archivefiles.files(folder / archivefiles.FOLDER) if part != SIGNED else ():
            with suppress(FileNotFoundError):  # its time was up meanwhile
                tar.add(path, arcname=str(path.relative_to(folder)), recursive=False)


def _signed(folder: Path) -> Iterator[Path]:
    if (folder / COSIGNED).is_file():
        yield folder / COSIGNED
    yield from sorted(one for one in (folder / WITNESSED).glob("*") if not one.suffix)
    yield from sorted((folder / PINS).glob("*.json"))


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted((folder / _SEGMENTS).glob(f"*{SUFFIX}"))
    yield from sorted((folder / FOLDER).glob("*.json"))
