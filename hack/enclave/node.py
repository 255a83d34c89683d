"""The node provider: a whole Kubernetes node in a network namespace of this machine."""

import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from enclave import (
    addons,
    cgroups,
    containerd,
    daemons,
    debian,
    mounts,
    network,
    parts,
    preflight,
    slots,
    sweep,
)
from enclave.commands import run
from enclave.daemons import Daemon
from enclave.errors import EnclaveError
from enclave.health import Part, components
from enclave.kubeapi import KubeApi
from enclave.layout import Layout
from enclave.netpol.render import FLUSH
from enclave.node_programs import Programs
from enclave.progress import say
from enclave.waiting import until

FAMILIES = ("pause", "etcd", "coredns", "containerd", "kubernetes")
_MOUNTING = frozenset({"containerd", "kubelet"})
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def up(name: str, *, network_policy: bool = True, api_flags: Sequence[str] = ()) -> None:
    """Bring the enclave up, or complete and repair one that runs.

    Args:
        name: Name of the enclave.
        network_policy: Whether NetworkPolicy is enforced; can be changed while it runs.
        api_flags: Further kube-apiserver flags; they count when that server is started.

    Raises:
        EnclaveError: The machine lacks something, or a part did not become healthy in time.
    """
    preflight.check()
    debian.ensure()
    parts.ensure(FAMILIES)
    layout = slots.claim(name)
    say(f"node {layout.name} at {layout.node_address}, logs in {layout.log('*').parent}")
    _prepare(layout)
    with ThreadPoolExecutor() as pool:
        images = pool.submit(lambda: [addon.archive() for addon in addons.addons()])
        programs = Programs(layout, network_policy=network_policy, api_flags=api_flags)
        _bring_up(layout, programs, pool, images)


def _prepare(layout: Layout) -> None:
    """Make networks and cgroups; start from nothing if a crash or a reboot left only some."""
    complete = layout.state / "boot"
    boot = _BOOT_ID.read_text()
    if not complete.is_file() or complete.read_text() != boot:
        _clean(layout)
        layout.state.mkdir(parents=True)
        layout.state.chmod(0o700)
        layout.run.mkdir(parents=True)
        cgroups.create(layout)
        network.create(layout)
        complete.write_text(boot)


def _bring_up(
    layout: Layout, programs: Programs, pool: ThreadPoolExecutor, images: Future[list[Path]]
) -> None:
    _start(layout, {mounts.ANCHOR: lambda: mounts.anchor(layout)})
    until(lambda: mounts.ready(layout), 10, "the mount namespace is not ready")
    _start(layout, programs.first())
    imported = pool.submit(_import, layout, images)
    _wait_api(layout, programs.admin())
    say("API server is ready")
    applied = pool.submit(addons.apply, layout)
    _switch_policy(layout, on="netpol" in programs.second())
    _start(layout, programs.second())
    applied.result()
    imported.result()
    say("programs are started, images and manifests are in place")
    until(lambda: not _unhealthy(layout), 90, lambda: f"not healthy: {_unhealthy(layout)}")


def _import(layout: Layout, images: Future[list[Path]]) -> None:
    images.result()
    until(lambda: containerd.answers(layout), 30, lambda: _silent(layout, "containerd"))
    marker = layout.state / "addons-imported"
    if not marker.exists():
        addons.import_images(layout)
        marker.touch()


def _start(layout: Layout, programs: dict[str, Callable[[], Daemon]]) -> None:
    missing = [name for name in programs if daemons.recall(layout.pid_file(name)) is None]
    for name in missing:
        layout.pid_file(name).unlink(missing_ok=True)
        daemons.spawn(programs[name](), layout.log(name), prefix=_prefix(layout, name))
    for name in missing:
        until(layout.pid_file(name).exists, 10, f"{name} did not start: see {layout.log(name)}")


def _prefix(layout: Layout, name: str) -> list[str]:
    join = [*cgroups.joining(layout), *daemons.recording(layout.pid_file(name))]
    if name == mounts.ANCHOR:
        return join
    if name == "outside":
        return [*join, *network.enter_outside(layout)]
    enter = network.enter(layout)
    mount = mounts.entering(layout) if name in _MOUNTING else []
    return [*join, enter[0], *mount, *enter[1:]]


def _wait_api(layout: Layout, kubeconfig: Path) -> None:
    api = KubeApi.load(kubeconfig)

    def ready() -> bool:
        for name in ("etcd", "kube-apiserver"):
            if daemons.recall(layout.pid_file(name)) is None:
                raise EnclaveError(_silent(layout, name))
        with suppress(EnclaveError, OSError):
            return bool(api.request("GET", "/readyz"))
        return False

    until(ready, 60, lambda: _silent(layout, "kube-apiserver"))


def _silent(layout: Layout, name: str) -> str:
    return f"{name} does not answer; {daemons.log_tail(layout.log(name))}"


def _switch_policy(layout: Layout, *, on: bool) -> None:
    """Say whether pods may run without the enforcer; only this marker ever lets them."""
    if on:
        layout.netpol_off.unlink(missing_ok=True)
        return
    layout.netpol_off.touch()
    if process := daemons.recall(layout.pid_file("netpol")):
        process.stop()
    layout.pid_file("netpol").unlink(missing_ok=True)
    run([*network.enter(layout), "nft", "-f", "-"], text=FLUSH)


def _unhealthy(layout: Layout) -> str:
    return "; ".join(
        f"{part.name}: {part.detail}" for part in components(layout) if not part.healthy
    )


def exists(name: str) -> bool:
    """Tell whether there is anything of the enclave, healthy or not."""
    return slots.find(name) is not None


def status(name: str) -> Sequence[Part]:
    """Return what runs and what does not, component by component."""
    return components(_existing(name))


def kubeconfig(name: str) -> Path:
    """Return the administrator's kubeconfig."""
    return _existing(name).kubeconfig


def registry(name: str) -> str:
    """Return where the registry takes images, as HOST:PORT."""
    return _existing(name).registry


def _existing(name: str) -> Layout:
    if layout := slots.find(name):
        return layout
    raise EnclaveError(f"there is no enclave {name}: make it with `python -m enclave up`")


def down(name: str) -> bool:
    """Remove everything of an enclave, whatever state it is in.

    Returns:
        Whether there was anything to remove.

    Raises:
        EnclaveError: Something would not go; it is named.
    """
    layout = slots.find(name)
    if layout is None:
        return False
    preflight.check_root()
    _clean(layout)
    slots.release(layout)
    mounts.remove_folders()
    return True


def _clean(layout: Layout) -> None:
    sweep.kill_all(layout)
    network.delete(layout)
    cgroups.delete(layout)
    deadline = time.monotonic() + 10
    for folder in (layout.state, layout.run):
        while folder.exists():
            try:
                shutil.rmtree(folder)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise EnclaveError(f"{folder} cannot be removed: {error}") from error
                time.sleep(0.05)
