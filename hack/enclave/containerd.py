"""The container runtime: its configuration and the images it must have before the first pod."""

from pathlib import Path

from enclave import network, parts
from enclave.commands import run, succeeds
from enclave.daemons import Daemon
from enclave.layout import REGISTRY_NAME, Layout

PAUSE = f"{REGISTRY_NAME}/enclave/pause:1"


def configuration(layout: Layout) -> str:
    """Return containerd's configuration file."""
    state, run_folder = layout.state, layout.run
    return f"""\
version = 4
root = "{state / "containerd"}"
state = "{run_folder / "containerd"}"
disabled_plugins = [
  "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.differ.v1.erofs",
  "io.containerd.mount-handler.v1.erofs",
]

[plugins."io.containerd.server.v1.grpc"]
address = "{layout.containerd_socket}"

[plugins."io.containerd.server.v1.ttrpc"]
address = "{layout.containerd_socket}.ttrpc"

[plugins."io.containerd.internal.v1.opt"]
path = "{state / "opt"}"

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{PAUSE}"

[plugins."io.containerd.cri.v1.images".registry]
config_path = "{state / "registries"}"

[plugins."io.containerd.cri.v1.runtime"]
# Lowering a score needs a right that root may lack, and then no container would start.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{state / "cni" / "bin"}"]
conf_dir = "{state / "cni" / "net.d"}"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
Root = "{run_folder / "runc"}"
SystemdCgroup = false
"""


def registry_hosts(layout: Layout) -> str:
    """Return where the enclave's registry name leads."""
    address = f"http://{layout.registry}"
    return f"""\
server = "{address}"

[host."{address}"]
capabilities = ["pull", "resolve"]
"""


def daemon(layout: Layout) -> Daemon:
    """Write the configuration and return the program."""
    config = layout.state / "config" / "containerd.toml"
    hosts = layout.state / "registries" / REGISTRY_NAME / "hosts.toml"
    for path, text in ((config, configuration(layout)), (hosts, registry_hosts(layout))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    program = parts.path_of("containerd")
    # The shim is looked up on PATH.
    path_variable = f"{program.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return Daemon("containerd", [program, "--config", config], {"PATH": path_variable})


def answers(layout: Layout) -> bool:
    """Tell whether the runtime accepts requests."""
    return layout.containerd_socket.exists() and succeeds(_ctr(layout, "version"))


def import_image(layout: Layout, archive: Path, name: str) -> None:
    """Import an image archive as `name` with the tag that is written in it."""
    run(_ctr(layout, "images", "import", f"--base-name={name}", str(archive)))


def _ctr(layout: Layout, *arguments: str) -> list[str | Path]:
    address = f"--address={layout.containerd_socket}"
    prefix = network.enter(layout)
    return [*prefix, parts.path_of("ctr"), address, "--namespace=k8s.io", *arguments]
