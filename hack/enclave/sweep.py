"""Find and end every process of an enclave, recorded or not."""

import os
import signal
import time
from pathlib import Path

from enclave import cgroups
from enclave.daemons import birth
from enclave.errors import EnclaveError
from enclave.layout import Layout

_PATIENCE = 20.0


def processes(layout: Layout) -> set[int]:
    """Return all living processes that belong to the enclave.

    They are the members of its cgroups, which every program joins before it starts and every pod
    is born into, and whoever is in its network namespaces.
    """
    found = cgroups.members(layout) | _in_networks(layout)
    return {pid for pid in found if birth(pid) is not None}


def _in_networks(layout: Layout) -> set[int]:
    files = [layout.namespace_path(name) for name in (layout.name, layout.outside)]
    inodes = {file.stat().st_ino for file in files if file.exists()}
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return {pid for pid in pids if _network_of(pid) in inodes}


def _network_of(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return None


def kill_all(layout: Layout) -> None:
    """Kill the enclave's processes until none is left.

    By force and at once: all state that they could still save is about to be removed.

    Raises:
        EnclaveError: Some would not end.
    """
    deadline = time.monotonic() + _PATIENCE
    while left := processes(layout):
        for pid in left:
            _kill(pid)
        if time.monotonic() > deadline:
            raise EnclaveError(f"processes {sorted(left)} do not end: see what holds them up")
        time.sleep(0.02)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
