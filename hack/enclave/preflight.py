"""Refuse early, with what to do, when the machine cannot hold a node."""

import os
import shutil
from pathlib import Path

from enclave import paths
from enclave.errors import EnclaveError

_GIB = 1 << 30
_DISK_FREE = 8 * _GIB
_MEMORY_FREE = 2 * _GIB
_BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def check() -> None:
    """Check rights, disk, memory and kernel.

    Raises:
        EnclaveError: One of them does not suffice.
    """
    check_root()
    for folder in (paths.STATE_ROOT, paths.cache()):
        check_disk(folder)
    available = _memory_available(Path("/proc/meminfo").read_text())
    if available < _MEMORY_FREE:
        raise EnclaveError(
            f"only {available / _GIB:.1f} GiB of memory is available, a node needs"
            f" {_MEMORY_FREE / _GIB:.0f} GiB: end other programs"
        )
    if not _BRIDGE_FILTER.exists():
        raise EnclaveError(
            "the kernel does not filter bridged packets, so NetworkPolicy between pods cannot be"
            " enforced: load it with `modprobe br_netfilter`"
        )


def check_root() -> None:
    """Refuse anybody but root: namespaces, mounts and cgroups need it."""
    if os.geteuid() != 0:
        raise EnclaveError("the node provider needs root: run the same command with sudo")


def check_disk(folder: Path, needed: int = _DISK_FREE) -> None:
    """Refuse when a folder's disk is nearly full: images would fail to unpack half-way."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EnclaveError(
            f"only {free / _GIB:.1f} GiB is free on the disk of {folder}, needed are"
            f" {needed / _GIB:.0f} GiB: free some, or set CASEMATE_CACHE to a folder elsewhere"
        )


def _memory_available(meminfo: str) -> int:
    """Return the bytes that /proc/meminfo calls available."""
    lines = (line.split() for line in meminfo.splitlines())
    return next(int(words[1]) * 1024 for words in lines if words[0] == "MemAvailable:")
