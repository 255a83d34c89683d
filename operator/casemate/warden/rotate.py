"""`casemate warden-rotate`: changes a key of the warden that runs in the same container.

`kubectl casemate audit rotate` runs it there. In whose name is the first thing that it is given:
the API server lets nobody run it in another's.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

import orjson

from casemate.warden.control import (
    CHANGE_PATH,
    KEYS_PATH,
    ROTATE_PATH,
    UnansweredError,
    ask,
)
from casemate.warden.log.keys import Role

_ASK_SECONDS = 30.0
_LOOK_SECONDS = 0.5


class Exit(IntEnum):
    """How it ends."""

    DONE = 0
    REFUSED = 1
    BEHIND = 4
    """The key is changed; not all other replicas go along with it yet."""


def main(argv: Sequence[str]) -> int:
    """Print what became of it as JSON; returns the exit status."""
    # An option that may be cut short could be given in a way that admission does not know.
    parser = argparse.ArgumentParser("casemate warden-rotate", allow_abbrev=False)
    parser.description = __doc__
    parser.add_argument("--by", required=True, help="username of who asks")
    parser.add_argument("--uid", required=True, help="their uid; may be empty")
    parser.add_argument("--control", required=True, type=Path, help="socket of the warden")
    parser.add_argument("--key", type=Role, choices=[*Role], help="without it, keys are shown")
    parser.add_argument("--old", help="id of the key in use; without it, only what is under way")
    parser.add_argument("--overlap", type=float, default=0.0, help="seconds for which both sign")
    parser.add_argument("--reason", default="", help="why")
    parser.add_argument("--wait", type=float, default=0.0, help="seconds for the other replicas")
    given = parser.parse_args(argv)
    try:
        said = asyncio.run(_said(given))
    except UnansweredError as error:
        sys.stderr.write(f"casemate warden-rotate: {error}\n")
        return Exit.REFUSED
    sys.stdout.write(orjson.dumps(said).decode() + "\n")
    return Exit.BEHIND if said.get("behind") else Exit.DONE


async def _said(given: argparse.Namespace) -> dict[str, Any]:
    path = given.control
    if given.key is None:
        return await ask(path, KEYS_PATH, {}, _ASK_SECONDS)
    if given.old is not None:
        wanted = {
            "role": given.key,
            "old": given.old,
            "overlap": given.overlap,
            "by": {"username": given.by, "uid": given.uid},
            "reason": given.reason,
        }
        done = await ask(path, ROTATE_PATH, wanted, _ASK_SECONDS)
        if not given.wait:
            return done
    return await _followed(path, given)


async def _followed(path: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Wait for the other replicas, as long as it was said; returns how far they are."""
    until = time.monotonic() + given.wait
    while True:
        found = await ask(path, CHANGE_PATH, {"role": given.key}, _ASK_SECONDS)
        if not found["behind"] or time.monotonic() >= until:
            return found
        await asyncio.sleep(_LOOK_SECONDS)
