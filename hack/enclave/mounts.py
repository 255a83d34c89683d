"""A mount namespace for the container runtime and the kubelet.

Both mount a lot, and both write to a few folders whose names cannot be changed. In a namespace
of their own they see private versions of those folders, and every mount ends with the last
process: nothing is left to clean up, whatever happened.
"""

import shlex
from pathlib import Path

from enclave import paths
from enclave.daemons import Daemon, recall
from enclave.layout import Layout

_FIXED_FOLDERS = (
    Path("/run/containerd"),
    Path("/var/lib/cni"),
    Path("/var/lib/kubelet"),
    Path("/var/log/containers"),
)
ANCHOR = "mounts"


def anchor(layout: Layout) -> Daemon:
    """Return the program that makes the namespace and holds it open."""
    steps = []
    for folder in _FIXED_FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
        private = layout.state / "fixed" / folder.name
        private.mkdir(parents=True, exist_ok=True)
        steps.append(f"mount --bind {shlex.quote(str(private))} {folder}")
    steps += ["mount --make-rshared /", "exec sleep infinity"]
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", "; ".join(steps)]
    return Daemon(ANCHOR, command)


def ready(layout: Layout) -> bool:
    """Tell whether the namespace exists with all folders in place."""
    process = recall(layout.pid_file(ANCHOR))
    if process is None:
        return False
    mounted = Path(f"/proc/{process.pid}/mountinfo").read_text()
    shared = Path(f"/proc/{process.pid}/comm").read_text().strip() == "sleep"
    return shared and all(f" {folder} " in mounted for folder in _FIXED_FOLDERS)


def entering(layout: Layout) -> list[str]:
    """Return the options of nsenter for the namespace; empty when nobody holds it open."""
    for name in (ANCHOR, "containerd", "kubelet"):
        if process := recall(layout.pid_file(name)):
            return [f"--mount=/proc/{process.pid}/ns/mnt"]
    return []


def remove_folders() -> None:
    """Remove the empty folders that were made to mount on, once no enclave uses them."""
    if paths.STATE_ROOT.exists():
        return
    for folder in _FIXED_FOLDERS:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
