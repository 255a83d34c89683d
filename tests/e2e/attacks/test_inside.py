"""A compromised engine, from inside its container: what it can read, write, open and reach."""

from collections.abc import Iterator
from typing import Any

import pytest

from demo import deploy
from demo.cluster import Cluster
from e2e.attacks.conftest import (
    GATEWAY_PORT,
    METRICS_PORT,
    ON_NODE,
    OUTSIDER,
    OWN,
    Container,
    Knock,
    Target,
    opens,
)
from e2e.model.conftest import Probe, gateway_process
from enclave.layout import DNS_SERVICE_IP, OUTSIDE_ADDRESS
from support.attacks import Evidence, Layer, attack
from support.enclaves import Enclave

METADATA = "169.254.169.254"
BUNDLE = "open('/var/run/casemate/tls/bundle.pem').read()"
TOKENS = (
    "open('/var/run/secrets/kubernetes.io/serviceaccount/token').read()",
    "open('/var/run/casemate/warden/token').read()",
)


@attack("inside", "the gateway's key, and any token of the pod's account", Layer.KERNEL)
def test_keys_and_tokens(evidence: Evidence, engine: Container, gateway: Container) -> None:
    evidence.control(
        gateway.tries(BUNDLE, TOKENS[-1]) == ["", ""], "the gateway reads its own key and token"
    )
    evidence.control(engine.tries("os.listdir('/models')") == [""], "the engine reads its weights")

    for found in engine.tries(BUNDLE, *TOKENS):
        evidence.errno(found, "ENOENT")


@attack("inside", "memory, files and signals of the gateway's process", Layer.KERNEL)
def test_the_gateways_process(
    evidence: Evidence, engine: Container, model_pod: dict[str, Any]
) -> None:
    process = gateway_process(model_pod)
    own = engine.tries("open('/proc/self/environ').read()", "os.kill(os.getpid(), 0)")
    evidence.control(own == ["", ""], "of its own process it may")

    memory, root, kill = engine.tries(
        f"open('/proc/{process}/mem')",
        f"os.listdir('/proc/{process}/root')",
        f"os.kill({process}, 9)",
    )
    evidence.errno(memory, "ENOENT")
    evidence.errno(root, "ENOENT")
    evidence.errno(kill, "ESRCH")


@attack("inside", "other weights, or another program for the next start", Layer.KERNEL)
def test_weights_and_programs(evidence: Evidence, engine: Container) -> None:
    evidence.control(engine.tries("open('/tmp/x', 'w')") == [""], "it writes what is its own")

    for found in engine.tries(
        "open('/models/model.gguf', 'r+b')",
        "open('/models/other', 'w')",
        "open('/usr/bin/other', 'w')",
    ):
        evidence.errno(found, "EROFS", "EACCES")


MOUNT = """
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None):
    raise OSError(ctypes.get_errno(), "mount")
"""


@attack("inside", "raw packets, mounts, and the rights of root", Layer.KERNEL)
def test_privileges(evidence: Evidence, engine: Container) -> None:
    evidence.control(engine.tries("socket.socket()") == [""], "an ordinary socket it gets")
    for found in engine.tries(
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)",
        "os.setuid(0)",
        MOUNT,
    ):
        evidence.errno(found, "EPERM")


@attack("inside", "the gateway's ports, shared or taken beside it", Layer.KERNEL)
def test_the_gateways_ports(evidence: Evidence, engine: Container, target: Target) -> None:
    shared = "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.{}, 1); s.bind({})"
    free = engine.tries(shared.format("SO_REUSEPORT", ("0.0.0.0", 8000)) + "; s.listen()")
    evidence.control(free == [""], "another port is free")

    for option in ("SO_REUSEPORT", "SO_REUSEADDR"):
        for host in ("0.0.0.0", target.pod):
            for port in (GATEWAY_PORT, METRICS_PORT):
                code = shared.format(option, (host, port)) + "; s.listen()"
                evidence.errno(engine.tries(code)[0], "EADDRINUSE")


@pytest.fixture
def metadata(enclave: Enclave) -> Iterator[str]:
    """A server where a cloud has its metadata, reached by whoever may leave."""
    address, route = f"{METADATA}/32", ("route", "{}", f"{METADATA}/32", "via", OUTSIDE_ADDRESS)
    outside = enclave.layout.outside
    enclave.in_namespace(outside, "ip", "addr", "add", address, "dev", "lo")
    enclave.on_node("ip", *(part.format("replace") for part in route))
    yield f"{METADATA}:80"
    enclave.on_node("ip", *(part.format("del") for part in route))
    enclave.in_namespace(outside, "ip", "addr", "del", address, "dev", "lo")


@attack(
    "inside",
    "the metadata of a cloud, the outside, the API server, DNS, the kubelet, other pods",
    Layer.NETWORK,
)
def test_ways_out(
    evidence: Evidence,
    probe: Probe,
    knock: Knock,
    model_pod: dict[str, Any],
    metadata: str,
) -> None:
    node = model_pod["status"]["hostIP"]
    api, dns, kubelet = "10.96.0.1:443", f"{DNS_SERVICE_IP}:53", f"{node}:10250"
    targets = (metadata, f"{OUTSIDE_ADDRESS}:80", api, dns, kubelet)
    for one in targets:
        evidence.control(opens(knock, OUTSIDER, one, OWN), f"{one} answers an ordinary pod")

    name = model_pod["metadata"]["name"]
    inside = {"namespace": deploy.MODELS, "container": "engine"}
    evidence.silent(*(probe(name, "tcp", one, **inside) for one in targets))


LISTEN = """
import socket, subprocess, sys
serve = "import socket, time; s = socket.create_server(('0.0.0.0', 8000)); time.sleep(20)"
subprocess.Popen([sys.executable, "-c", serve], start_new_session=True, stdin=subprocess.DEVNULL,
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print("{}")
"""


@attack(
    "inside", "a port that the engine opens by itself, for whoever wants to come", Layer.NETWORK
)
def test_a_port_of_the_engines_own(
    evidence: Evidence,
    cluster: Cluster,
    enclave: Enclave,
    knock: Knock,
    model_pod: dict[str, Any],
) -> None:
    """The node still gets there, as a kubelet must: `docs/security.md` says so."""
    where = (deploy.MODELS, model_pod["metadata"]["name"], "engine")
    cluster.execute(*where, "python3.11", "-c", LISTEN)
    door = f"{model_pod['status']['podIP']}:8000"
    enclave.eventually(lambda: opens(knock, ON_NODE, door, OWN), "the engine does not listen")
    evidence.control(door, "it listens: the node's own packets arrive")

    evidence.silent(*knock("analyst", door, namespace=deploy.CLIENTS), *knock(OUTSIDER, door))
