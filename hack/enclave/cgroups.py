"""The enclave's own cgroups: limits for its pods, and a sure list of its processes."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from enclave.errors import EnclaveError
from enclave.layout import Layout

_MOUNT = Path("/sys/fs/cgroup")
_PROGRAMS = "programs"
_CONTROLLERS = frozenset({"cpu", "cpuset", "hugetlb", "io", "memory", "pids"})
_PATIENCE = 10.0


def hierarchies(mount: Path = _MOUNT) -> list[Path]:
    """Return the roots of all mounted hierarchies: one for cgroup v2, several for v1."""
    if (mount / "cgroup.controllers").exists():
        return [mount]
    roots = {path.resolve() for path in mount.iterdir() if (path / "cgroup.procs").exists()}
    return sorted(roots)


def _roots(layout: Layout) -> list[Path]:
    return [root / layout.cgroup for root in hierarchies()]


def programs(layout: Layout) -> Path:
    """Return the cgroup that all programs of the enclave start in.

    With cgroup v1 it is one of the hierarchies that limit nothing: only its list of members
    counts, and the kubelet refuses to be in different places in those that do limit.
    """
    if len(roots := _roots(layout)) == 1:
        return roots[0] / _PROGRAMS
    for name in ("freezer", "pids", "systemd"):
        if (_MOUNT / name / "cgroup.procs").exists():
            return _MOUNT / name / layout.cgroup / _PROGRAMS
    raise EnclaveError("no freezer, pids or systemd cgroup hierarchy is mounted: mount one")


def create(layout: Layout) -> None:
    """Make the enclave's root in every hierarchy, with everything that pods need switched on."""
    for hierarchy in hierarchies():
        parent = hierarchy
        for part in layout.cgroup.split("/"):
            _delegate(parent)
            child = parent / part
            child.mkdir(exist_ok=True)
            _inherit_cpus(parent, child)
            parent = child
        _delegate(parent)
    programs(layout).mkdir(exist_ok=True)


def _delegate(group: Path) -> None:
    """With cgroup v2, let children of the group have the controllers that a kubelet uses."""
    available, enabled = group / "cgroup.controllers", group / "cgroup.subtree_control"
    if available.exists():
        for name in _CONTROLLERS.intersection(available.read_text().split()):
            enabled.write_text(f"+{name}")


def _inherit_cpus(parent: Path, child: Path) -> None:
    """With cgroup v1, a new cpuset is empty and would take no process."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        source, target = parent / name, child / name
        if source.exists() and target.exists() and not target.read_text().strip():
            target.write_text(source.read_text())


def joining(layout: Layout) -> list[str]:
    """Return the command prefix that puts a program into the enclave's cgroup before it starts."""
    members = programs(layout) / "cgroup.procs"
    return ["sh", "-c", f'echo $$ > {members} && exec "$@"', "sh"]


def members(layout: Layout) -> set[int]:
    """Return the processes in any of the enclave's cgroups."""
    files = (file for group in _groups(layout) for file in [group / "cgroup.procs"])
    return {int(pid) for file in files for pid in _read(file).split()}


def delete(layout: Layout) -> None:
    """Remove the enclave's cgroups; a process that ends keeps its group busy for a moment.

    Raises:
        EnclaveError: A group stayed busy.
    """
    deadline = time.monotonic() + _PATIENCE
    while left := list(_groups(layout)):
        for group in left:
            _remove(group)
        if time.monotonic() > deadline:
            raise EnclaveError(f"cgroup {left[0]} is still in use: see its cgroup.procs")
        time.sleep(0.02)
    for root in hierarchies():
        _remove(root / Path(layout.cgroup).parent)


def _groups(layout: Layout) -> Iterator[Path]:
    """Yield the enclave's cgroups, children first."""
    for root in _roots(layout):
        for folder, _, _ in os.walk(root, topdown=False):
            yield Path(folder)


def _remove(group: Path) -> None:
    try:
        group.rmdir()
    except OSError:
        return  # busy, or gone already: the caller looks again


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
