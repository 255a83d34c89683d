"""Kills, floods and full disks: what fails, fails closed."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from demo import deploy, terms
from demo.callers import HEADERS
from demo.cluster import Cluster
from e2e.attacks.conftest import GUESSES, MODEL, Container, Knock
from e2e.model.conftest import OURS, SERVICE, Ask, alive, process_of
from support import wardens
from support.attacks import Evidence, Layer, attack
from support.enclaves import Enclave

KILLS = 2
FLOOD, PLACES = 1200, 1024
SYSTEM = ("--namespace", deploy.SYSTEM)
SILENT = """
import json, select, socket, sys, time
host, count = sys.argv[1], int(sys.argv[2])
held = [socket.create_connection((host, 443), 5) for _ in range(count)]
end, dropped = time.monotonic() + 8, set()
while time.monotonic() < end:
    waiting = [one for one in held if one not in dropped]
    readable = select.poll()
    for one in waiting:
        readable.register(one, select.POLLIN | select.POLLHUP)
    known = {one.fileno(): one for one in waiting}
    dropped |= {known[number] for number, _ in readable.poll(200)}
print(json.dumps({"dropped": len(dropped)}))
"""
"""Opens connections and says nothing on them; counts those that the other side closes."""
STUFFED = """
import collections, json, socket, ssl, sys, threading
host, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
context = ssl.create_default_context(cafile="/var/run/casemate/ca/ca.pem")
seen = collections.Counter()
head = f"POST /v1/chat/completions HTTP/1.1\\r\\nHost: {host}\\r\\n"
head += "".join(f"{key}: {value}\\r\\n" for key, value in HEADERS.items())
head += f"Content-Type: application/json\\r\\nContent-Length: {size}\\r\\n\\r\\n"
def stuff():
    try:
        plain = socket.create_connection((host, 443), 5)
        with context.wrap_socket(plain, server_hostname=host) as wrapped:
            wrapped.settimeout(6)
            wrapped.sendall(head.encode() + b" " * (size - 10))
            seen[wrapped.recv(12).decode().split(" ")[1]] += 1
    except TimeoutError:
        seen["held"] += 1
    except (OSError, IndexError):
        seen["cut"] += 1
threads = [threading.Thread(target=stuff) for _ in range(count)]
for one in threads: one.start()
for one in threads: one.join()
print(json.dumps(seen))
""".replace("HEADERS", HEADERS)
"""Sends bodies that never end, many at once; counts the statuses that come back."""


def _restarts(cluster: Cluster, name: str) -> int:
    (pod,) = alive(cluster)
    status = [*pod["status"]["initContainerStatuses"], *pod["status"]["containerStatuses"]]
    return next(int(one["restartCount"]) for one in status if one["name"] == name)


def _serves(cluster: Cluster) -> bool:
    ready: str = terms.conditions(cluster)["Ready"]["status"]
    return ready == "True" and len(alive(cluster)) == 1


@attack(
    "resources", "the gateway killed again and again, and its ports while it is away", Layer.KERNEL
)
def test_killing_the_gateway(
    evidence: Evidence,
    cluster: Cluster,
    enclave: Enclave,
    ask: Ask,
    knock: Knock,
) -> None:
    evidence.control(ask()["ok"], "the model answers")
    (pod,) = alive(cluster)
    address = pod["status"]["podIP"]
    for number in range(KILLS):
        before = _restarts(cluster, "gateway")
        os.kill(process_of(pod, "gateway"), signal.SIGKILL)
        ports = (8443, *GUESSES) if number == KILLS - 1 else (8443,)
        reports = knock(
            "analyst", *(f"{address}:{port}" for port in ports), namespace=deploy.CLIENTS
        )
        assert all(one["result"] != "open" for one in reports[1:]), reports
        if number == KILLS - 1:  # by now the kubelet waits before it starts it again
            evidence.closed(reports[0])
        enclave.eventually(
            lambda: _restarts(cluster, "gateway") > before,  # noqa: B023 - waited for at once
            "the gateway was not started again",
            60,
        )
    enclave.eventually(lambda: bool(ask()["ok"]), "the model never answered again", 60)
    evidence.control(_restarts(cluster, "engine") == 0, "the engine ran on all the while")


@pytest.fixture
def no_warden(cluster: Cluster, enclave: Enclave) -> Iterator[None]:
    """Nothing can be proven; afterwards the warden is back, and the model serves."""
    wardens.stop(cluster)
    yield
    wardens.scale(cluster, len(wardens.REPLICAS))
    enclave.eventually(lambda: _serves(cluster), "the model never served again", 120)


@pytest.mark.usefixtures("no_warden")
@attack(
    "resources", "the start gate killed again and again, so that the engine might start", Layer.GATE
)
def test_killing_the_start_gate(evidence: Evidence, cluster: Cluster, enclave: Enclave) -> None:
    (before,) = alive(cluster)
    started = [one["name"] for one in before["status"]["containerStatuses"] if one["ready"]]
    evidence.control(started == ["engine"], "an engine whose gate came to its end runs")
    cluster.kubectl(*MODEL, "delete", "pods", OURS, "--grace-period=1", "--timeout=60s")

    for number in range(KILLS):
        enclave.eventually(lambda: _gate_runs(cluster), "no gate runs", 60)
        (pod,) = alive(cluster)
        os.kill(process_of(pod, "start-gate"), signal.SIGKILL)
        enclave.eventually(
            lambda: _restarts(cluster, "start-gate") > number,  # noqa: B023 - waited for at once
            "the gate was not started again",
            60,
        )
        (pod,) = alive(cluster)
        others = [*pod["status"]["initContainerStatuses"][1:], *pod["status"]["containerStatuses"]]
        assert all("waiting" in one["state"] and not one.get("lastState") for one in others)
    evidence.refused(Layer.GATE, f"{KILLS} kills, and nothing else started")


def _gate_runs(cluster: Cluster) -> bool:
    pods = alive(cluster)
    gates = pods[0]["status"].get("initContainerStatuses", [])[:1] if len(pods) == 1 else []
    return any("running" in gate["state"] for gate in gates)


def _from_analyst(cluster: Cluster, script: str, *arguments: str) -> dict[str, int]:
    where = (deploy.CLIENTS, "analyst", "client", "python3.11", "-c", script)
    found: dict[str, int] = cluster.execute(*where, SERVICE, *arguments)
    return found


@attack("resources", "the gateway's sockets: more silent connections than it has", Layer.GATEWAY)
def test_filling_the_sockets(evidence: Evidence, cluster: Cluster, ask: Ask) -> None:
    evidence.control(ask()["ok"], "without a flood the model answers")
    before = _restarts(cluster, "gateway")
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(_from_analyst, cluster, SILENT, str(FLOOD))
        answer = ask()
        dropped = flood.result()["dropped"]

    assert dropped >= FLOOD - PLACES
    evidence.control(answer["ok"], "within the flood it answers too")
    assert _restarts(cluster, "gateway") == before
    evidence.refused(Layer.GATEWAY, f"{dropped} of {FLOOD} connections dropped")


@attack(
    "resources", "the gateway's memory: bodies too large, and many that never end", Layer.GATEWAY
)
def test_filling_the_memory(evidence: Evidence, cluster: Cluster, ask: Ask) -> None:
    evidence.control(ask()["ok"], "an ordinary request is answered")
    before = _restarts(cluster, "gateway")

    large = _from_analyst(cluster, STUFFED, "8", str(8 << 20))
    assert set(large) <= {"413", "cut"}, large
    many = _from_analyst(cluster, STUFFED, "60", str(2 << 20))
    assert many.get("429", 0) > 0, many
    assert "200" not in many

    assert _restarts(cluster, "gateway") == before
    evidence.control(ask()["ok"], "and so it is afterwards")
    evidence.refused(Layer.GATEWAY, f"{large} beyond the size, {many} beyond the room")


@attack(
    "resources", "the gateway's disk, and the folder that it shares with the engine", Layer.KERNEL
)
def test_filling_the_disk(evidence: Evidence, engine: Container, gateway: Container) -> None:
    """Its only writable folder is the shared one, in memory."""
    fill = "open('{}', 'wb').write(b'x' * 2_000_000)"
    evidence.control(
        engine.tries(fill.format("/tmp/x")) == [""], "the engine has a disk of its own"
    )

    places = ("/x", "/tmp/x", "/var/run/casemate/tls/x")
    for found in gateway.tries(*map(fill.format, places)):
        evidence.errno(found, "EROFS", "ENOENT", "EACCES")
    shared = fill.format("/run/casemate/engine/x")
    (found,) = engine.tries(shared)
    engine.tries("os.remove('/run/casemate/engine/x')", "os.remove('/tmp/x')")
    evidence.errno(found, "ENOSPC")
