"""The pods' network: Debian's bridge plugin, and the gate of the NetworkPolicy enforcer."""

import json
from pathlib import Path
from typing import Any

from enclave import paths
from enclave.layout import POD_SUBNET, Layout

_DEBIAN_PLUGINS = Path("/usr/lib/cni")
_GATE = "casemate-netpol"


def configuration(layout: Layout) -> dict[str, Any]:
    """Return the plugin list."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_SUBNET}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(layout.state / "cni" / "addresses"),
        },
    }
    # Policies are for IPv4; link-local IPv6 between pods would be a way round them.
    tuning = {"type": "tuning", "sysctl": {"net.ipv6.conf.all.disable_ipv6": "1"}}
    gate = {
        "type": _GATE,
        "socket": str(layout.netpol_socket),
        "disabledMarker": str(layout.netpol_off),
    }
    plugins = [bridge, tuning, gate]
    return {"cniVersion": "1.0.0", "name": "enclave", "plugins": plugins}


def install(layout: Layout) -> None:
    """Put the plugins and their configuration where containerd looks."""
    folder = layout.state / "cni"
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "net.d").mkdir(exist_ok=True)
    gate = paths.REPOSITORY / "hack" / "enclave" / "netpol" / "cni_plugin.py"
    for source, name in [*((path, path.name) for path in _DEBIAN_PLUGINS.iterdir()), (gate, _GATE)]:
        link = folder / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(source)
    config = folder / "net.d" / "10-enclave.conflist"
    config.write_text(json.dumps(configuration(layout), indent=1))
